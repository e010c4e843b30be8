package market

import (
	"time"

	"github.com/thaw-go/thaw/operators"
	"github.com/thaw-go/thaw/stream"
)

// Of is a cold stream of what a query answers.
type Of[T any] = stream.Observable[stream.Cold, T]

// Q0 passes the events through: what is left is the cost of making them.
func Q0(events Events) Of[Event] { return events }

// Sold is a bid in another currency, or a part of one.
type Sold struct {
	Auction, Bidder int // who bids for what
	Price           int // in hundredths
}

// Q1 is all bids in euros.
func Q1(events Events) Of[Sold] {
	bids := operators.Filter(events, Event.IsBid)
	return operators.Map(bids, func(e Event) Sold {
		return Sold{e.Bid.Auction, e.Bid.Bidder, e.Bid.Price * 908 / 1000}
	})
}

// Price is what was offered for an auction.
type Price struct {
	Auction int // what is bid for
	Price   int // in cents
}

// Q2 is the bids for some auctions.
func Q2(events Events) Of[Price] {
	some := operators.Filter(events, func(e Event) bool { return e.IsBid() && e.Bid.Auction%123 == 0 })
	return operators.Map(some, func(e Event) Price { return Price{e.Bid.Auction, e.Bid.Price} })
}

// Local is something for sale nearby.
type Local struct {
	Name, City, State string // the seller's
	Auction           int    // what is for sale
}

// forEver is longer than any auction house lasts.
const forEver = 10 * 365 * 24 * time.Hour

// Q3 is who sells what in category 10 in three states. It joins two streams: an
// auction belongs to the person who registered as its seller, however long ago. Each
// side is filtered before it is joined, so that few items are held.
func Q3(events Events) Of[Local] {
	people := operators.Filter(events, func(e Event) bool {
		return e.Person != nil && (e.Person.State == "OR" || e.Person.State == "ID" || e.Person.State == "CA")
	})
	things := operators.Filter(events, func(e Event) bool { return e.Auction != nil && e.Auction.Category == 10 })
	bySeller := operators.JoinOn[Event, Event, int]{
		Left:  func(e Event) (int, time.Time) { return e.Person.ID, e.At },
		Right: func(e Event) (int, time.Time) { return e.Auction.Seller, e.At },
		After: forEver, // the auction comes after the person
	}
	return operators.Join(people, things, bySeller, func(p, a Event) Local {
		return Local{p.Person.Name, p.Person.City, p.Person.State, a.Auction.ID}
	})
}
