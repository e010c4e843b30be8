package main

import (
	"fmt"
	"math"
	"math/rand/v2"
	"time"
)

// tickLength is how far event time moves with each tick of the house's clock.
// Deadlines and terms are whole ticks, and the house does all that one tick asks
// for before the next: so it never matters what within a tick came first.
const tickLength = 10 * time.Second

// opening is when the world begins.
var opening = time.Date(2026, time.January, 5, 9, 0, 0, 0, time.UTC)

// wish is what somebody in the world outside wants of the house.
type wish struct {
	N       int    // its number, from 0
	Key     string // the instance it is for; wishes for one are kept in order
	Command any    // Register, OpenLot or PlaceBid
	At      time.Time
}

// world makes wishes as Nexmark does: of 50, one person registers, three lots
// are opened, and 46 bids are made, many of them for the lots opened last and by
// the same busy bidders. It depends on its seed alone.
type world struct {
	rng     *rand.Rand
	n       int
	at      time.Time
	persons int
	lots    []worldLot // open ones, in the order of their opening
	opened  int
}

// worldLot is what the world believes of a lot.
type worldLot struct {
	key      string
	price    Cents // the highest bid made for it, accepted or not
	deadline time.Time
}

func newWorld(seed uint64) *world {
	return &world{rng: rand.New(rand.NewPCG(seed, 0x7468_6177)), at: opening}
}

// next is the world's next wish.
func (w *world) next() wish {
	w.at = w.at.Add(time.Duration(w.rng.ExpFloat64() * float64(100*time.Millisecond)))
	for len(w.lots) > 0 && !w.lots[0].deadline.After(w.at) {
		w.lots = w.lots[1:]
	}
	made := wish{N: w.n, At: w.at}
	switch turn := w.n % 50; {
	case turn == 0:
		made.Key, made.Command = w.person()
	case turn <= 3 || len(w.lots) == 0:
		made.Key, made.Command = w.lot()
	default:
		made.Key, made.Command = w.bid()
	}
	w.n++
	return made
}

var (
	firstNames = []string{"Ada", "Ben", "Cleo", "Dan", "Eva", "Finn", "Gia", "Hal", "Ida", "Jon", "Kim", "Leo", "Mia", "Ned", "Ora", "Pia"}
	lastNames  = []string{"Abel", "Berg", "Cole", "Dorn", "Egan", "Fox", "Gray", "Holm", "Iver", "Jung", "Kerr", "Lind"}
	cities     = []string{"Bergen", "Cork", "Delft", "Graz", "Lyon", "Porto", "Turku", "Ulm"}
	streets    = []string{"Canal", "Castle", "Church", "Hill", "Market", "Mill", "Station", "Tower"}
	categories = []string{"books", "clocks", "coins", "maps", "music", "stamps", "toys", "wine"}
)

func pick[T any](w *world, list []T) T { return list[w.rng.IntN(len(list))] }

func (w *world) person() (string, any) {
	w.persons++
	name := pick(w, firstNames) + " " + pick(w, lastNames)
	key := personKey(w.persons)
	city := pick(w, cities)
	email := key + "@example.org"
	if w.persons%20 == 0 { // who comes back under another name
		email = personKey(w.persons-19) + "@example.org"
	}
	street := fmt.Sprintf("%d %s Street", 1+w.persons%90, pick(w, streets))
	return key, Register{Person: key, Name: name, City: city, Address: Address{Email: email, Street: street}, At: w.at}
}

func personKey(n int) string { return fmt.Sprintf("person-%d", n) }

// somebody is a person: half of the time one of the few that are always about.
func (w *world) somebody() string {
	if w.rng.IntN(2) == 0 {
		return personKey(1 + w.rng.IntN(min(10, w.persons)))
	}
	return personKey(1 + w.rng.IntN(w.persons))
}

func (w *world) lot() (string, any) {
	w.opened++
	key := fmt.Sprintf("lot-%d", w.opened)
	start := Cents(math.Exp(w.rng.NormFloat64()+3) * 100).round() // about 20.00, a few much more
	c := OpenLot{Seller: w.somebody(), Category: pick(w, categories), Start: start, Reserve: start + start/5, At: w.at}
	c.Deadline = w.at.Truncate(tickLength).Add(time.Duration(6+w.rng.IntN(12)) * tickLength)
	// By deadline, as the ones that are closed leave at the front.
	i := len(w.lots)
	for i > 0 && w.lots[i-1].deadline.After(c.Deadline) {
		i--
	}
	w.lots = append(w.lots, worldLot{})
	copy(w.lots[i+1:], w.lots[i:])
	w.lots[i] = worldLot{key, start, c.Deadline}
	return key, c
}

// bid is for one of the lots about to close half of the time; one of ten is too
// low.
func (w *world) bid() (string, any) {
	i := w.rng.IntN(len(w.lots))
	if w.rng.IntN(2) == 0 {
		i = w.rng.IntN(min(5, len(w.lots)))
	}
	lot := &w.lots[i]
	c := PlaceBid{Bidder: w.somebody(), Amount: lot.price, At: w.at}
	if w.rng.IntN(10) > 0 {
		c.Amount += Increment(lot.price) + Cents(w.rng.ExpFloat64()*float64(lot.price)/20).round()
		lot.price = c.Amount
	}
	return lot.key, c
}
