package market

import (
	"context"
	"math"
	"math/rand/v2"
	"time"

	"github.com/thaw-go/thaw/stream"
)

// Person is somebody who registers.
type Person struct {
	ID    int    // from 1000 on
	Name  string // a first name
	City  string // where they live
	State string // two letters
}

// Auction is a thing that is put up for auction.
type Auction struct {
	ID       int       // from 1000 on
	Seller   int       // a person's ID
	Category int       // from 10 on
	Expires  time.Time // until when bids count, this instant included
}

// Bid is what somebody offers for something.
type Bid struct {
	Auction int // an auction's ID
	Bidder  int // a person's ID
	Price   int // in cents
}

// Event is one of the three, and when it happened. Bids are by far the most, so
// that they lie in the event itself; they are what it is if it is nothing else.
type Event struct {
	At      time.Time // when
	Person  *Person   // who registers; or nil
	Auction *Auction  // what is put up; or nil
	Bid     Bid       // what is offered, if both are nil
}

// IsBid reports whether the event is a bid.
func (e Event) IsBid() bool { return e.Person == nil && e.Auction == nil }

// Events is a stream of what happens.
type Events = stream.Observable[stream.Cold, Event]

// Began is when the first event happens.
var Began = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// Of 50 events one is a person and three are auctions, as in the benchmark.
const (
	everyFew   = 50
	persons    = 1
	auctions   = 3
	firstID    = 1000 // of persons and of auctions
	active     = 1000 // people who may bid or sell: those who came last
	inFlight   = 100  // auctions that are bid for: those that came last
	hotAuction = 100  // the first of so many auctions is hot: half of the bids are for it
	categories = 5    // from 10 on
)

var (
	states = []string{"AZ", "CA", "ID", "OR", "WA", "WY"}
	cities = []string{"Phoenix", "Los Angeles", "San Francisco", "Boise", "Portland", "Bend", "Redmond", "Seattle", "Kent", "Cheyenne"}
	names  = []string{"Peter", "Paul", "Luke", "John", "Saul", "Vicky", "Kate", "Julie", "Sarah", "Deiter", "Walter"}
)

// Generate is n events that are gap apart, always the same for a seed.
func Generate(n int, gap time.Duration, seed uint64) Events {
	return stream.New[stream.Cold](nil, func(stream.Subscription) stream.Run[Event] {
		return func(ctx context.Context, emit func(Event) error) error {
			g := &generator{random: rand.New(rand.NewPCG(seed, 0)), gap: gap}
			for i := range n {
				if i%1024 == 0 && ctx.Err() != nil {
					return ctx.Err()
				}
				if err := emit(g.next(i)); err != nil {
					return err
				}
			}
			return nil
		}
	})
}

type generator struct {
	random            *rand.Rand
	gap               time.Duration
	persons, auctions int // so far
}

func (g *generator) next(i int) Event {
	e := Event{At: Began.Add(time.Duration(i) * g.gap)}
	switch of := i % everyFew; {
	case of < persons:
		e.Person = g.person()
	case of < persons+auctions:
		e.Auction = g.auction(e.At)
	default:
		e.Bid = g.bid()
	}
	return e
}

func (g *generator) person() *Person {
	g.persons++
	return &Person{
		ID: firstID + g.persons - 1, Name: pick(g, names), City: pick(g, cities), State: pick(g, states),
	}
}

// auction lasts as long as the next so many auctions take to appear, on average.
func (g *generator) auction(at time.Time) *Auction {
	g.auctions++
	length := g.gap * inFlight * everyFew / auctions
	return &Auction{
		ID: firstID + g.auctions - 1, Seller: g.someone(4), Category: 10 + g.random.IntN(categories),
		Expires: at.Add(time.Duration(1 + g.random.Int64N(2*int64(length)))),
	}
}

func (g *generator) bid() Bid {
	auction := g.auctions - 1 - g.random.IntN(min(g.auctions, inFlight))
	if g.random.IntN(2) > 0 {
		auction = (g.auctions - 1) / hotAuction * hotAuction
	}
	price := int(math.Round(math.Pow(10, g.random.Float64()*6) * 100))
	return Bid{Auction: firstID + auction, Bidder: g.someone(4), Price: price}
}

// someone is one of the active people; all but one time in hot it is the one who
// is hot now.
func (g *generator) someone(hot int) int {
	if g.random.IntN(hot) > 0 {
		return firstID + (g.persons-1)/hotAuction*hotAuction
	}
	return firstID + g.persons - 1 - g.random.IntN(min(g.persons, active))
}

func pick(g *generator, list []string) string { return list[g.random.IntN(len(list))] }
