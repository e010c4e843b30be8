package market

import (
	"slices"
	"time"

	"github.com/thaw-go/thaw/operators"
)

// window is how long the queries' windows are.
const window = 10 * time.Second

// at is when an event happened.
func at(e Event) time.Time { return e.At }

// everything is one key for all.
func everything[T any](T) struct{} { return struct{}{} }

// Hot is an auction with the most bids in a window.
type Hot struct {
	Opened  int64 // the window's start, in milliseconds
	Auction int   // what was bid for
	Bids    int   // how often
}

// Q5 is the auctions with the most bids of the last ten seconds, every two seconds.
// It takes two steps: bids are counted by auction, then each window's counts are
// looked through for the highest. Results of a window tell when it opened; so the
// second step's windows are as long as the first one's are apart, and each has the
// results of one.
func Q5(events Events) Of[Hot] {
	const every = 2 * time.Second
	type count = operators.Windowed[int, int]
	bids := operators.Filter(events, Event.IsBid)
	byAuction := operators.ByTime[Event, int]{Key: func(e Event) int { return e.Bid.Auction }, Time: at}
	counts := operators.Window(bids, operators.Hopping(window, every), byAuction, 0, func(n int, _ Event) int { return n + 1 })

	byWindow := operators.ByTime[count, struct{}]{Key: everything[count], Time: func(c count) time.Time { return c.Opened }}
	best := operators.Window(counts, operators.Tumbling(every), byWindow, nil, func(best []Hot, c count) []Hot {
		switch {
		case len(best) > 0 && c.Value < best[0].Bids:
			return best
		case len(best) > 0 && c.Value > best[0].Bids:
			best = nil
		}
		return append(best, Hot{c.Opened.UnixMilli(), c.Key, c.Value})
	})
	return operators.ConcatMap(best, one)
}

// Top is a bid that no other in its window was higher than.
type Top struct {
	Opened          int64 // the window's start, in milliseconds
	Auction, Bidder int   // who bid for what
	Price           int   // in cents
}

// Q7 is the highest bids of each ten seconds.
func Q7(events Events) Of[Top] {
	bids := operators.Filter(events, Event.IsBid)
	all := operators.ByTime[Event, struct{}]{Key: everything[Event], Time: at}
	highest := operators.Window(bids, operators.Tumbling(window), all, nil, func(best []Top, e Event) []Top {
		switch b := e.Bid; {
		case len(best) > 0 && b.Price < best[0].Price:
			return best
		case len(best) > 0 && b.Price > best[0].Price:
			best = nil
		}
		return append(best, Top{e.At.Truncate(window).UnixMilli(), e.Bid.Auction, e.Bid.Bidder, e.Bid.Price})
	})
	return operators.ConcatMap(highest, one)
}

// Newcomer is somebody who sold something as soon as they had registered.
type Newcomer struct {
	Opened   int64  // the window's start, in milliseconds
	Person   int    // who it is
	Name     string // what they are called
	Auctions int    // how many they put up
}

// Q8 is who registered and put something up for auction within the same ten
// seconds. The person is the key of both; a window in which only one of the two
// happened is dropped.
func Q8(events Events) Of[Newcomer] {
	business := operators.Filter(events, func(e Event) bool { return !e.IsBid() })
	byPerson := operators.ByTime[Event, int]{
		Key: func(e Event) int {
			if e.Person != nil {
				return e.Person.ID
			}
			return e.Auction.Seller
		},
		Time: at,
	}
	both := operators.Window(business, operators.Tumbling(window), byPerson, Newcomer{}, func(n Newcomer, e Event) Newcomer {
		n.Opened = e.At.Truncate(window).UnixMilli()
		if e.Person != nil {
			n.Person, n.Name = e.Person.ID, e.Person.Name
		} else {
			n.Auctions++
		}
		return n
	})
	people := operators.Map(both, func(w operators.Windowed[int, Newcomer]) Newcomer { return w.Value })
	return operators.Filter(people, func(n Newcomer) bool { return n.Person > 0 && n.Auctions > 0 })
}

// one hands on what a window found, one by one.
func one[T any](w operators.Windowed[struct{}, []T]) Of[T] {
	return operators.FromSeq(slices.Values(w.Value))
}
