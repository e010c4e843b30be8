package market

import (
	"slices"
	"time"

	"github.com/thaw-go/thaw/operators"
)

// lot is an auction and the best bid for it while it was open.
type lot struct {
	id, seller, category int
	opened, expires      time.Time
	best                 int
}

// lots is what auctions were sold for. Auctions and bids go through one fold with
// the auction as their key: an auction comes before its bids.
func lots(events Events) Of[lot] {
	keys := operators.Keys[Event, int, lot]{
		Of: func(e Event) int {
			if e.Auction != nil {
				return e.Auction.ID
			}
			return e.Bid.Auction
		},
		Most: 1 << 24, // an auction that is let go too soon would be sold twice
	}
	business := operators.Filter(events, func(e Event) bool { return e.Person == nil })
	byAuction := operators.ReduceBy(business, keys, lot{}, func(l lot, e Event) lot {
		switch a := e.Auction; {
		case a != nil:
			return lot{a.ID, a.Seller, a.Category, e.At, a.Expires, 0}
		case e.At.Before(l.opened) || e.At.After(l.expires):
			return l
		}
		l.best = max(l.best, e.Bid.Price)
		return l
	})
	all := operators.Map(byAuction, func(k operators.Keyed[int, lot]) lot { return k.Value })
	return operators.Filter(all, func(l lot) bool { return l.best > 0 })
}

// Average is the average price of something: a category, or a seller's auctions.
type Average struct {
	Of    int // the category, or the seller
	Price int // in cents, rounded down
}

// Q4 is the average price that was paid in each category.
func Q4(events Events) Of[Average] {
	type sum struct{ prices, n int }
	byCategory := operators.Keys[lot, int, sum]{Of: func(l lot) int { return l.category }}
	sums := operators.ReduceBy(lots(events), byCategory, sum{}, func(s sum, l lot) sum {
		return sum{s.prices + l.best, s.n + 1}
	})
	return operators.Map(sums, func(k operators.Keyed[int, sum]) Average {
		return Average{k.Key, k.Value.prices / k.Value.n}
	})
}

// Q6 is the average price of each seller's ten auctions that closed last.
func Q6(events Events) Of[Average] {
	const most = 10
	bySeller := operators.Keys[lot, int, []lot]{Of: func(l lot) int { return l.seller }}
	last := operators.ReduceBy(lots(events), bySeller, nil, func(kept []lot, l lot) []lot {
		i, _ := slices.BinarySearchFunc(kept, l, func(a, b lot) int {
			if c := a.expires.Compare(b.expires); c != 0 {
				return c
			}
			return a.id - b.id
		})
		kept = slices.Insert(kept, i, l)
		return kept[max(0, len(kept)-most):]
	})
	return operators.Map(last, func(k operators.Keyed[int, []lot]) Average {
		total := 0
		for _, l := range k.Value {
			total += l.best
		}
		return Average{k.Key, total / len(k.Value)}
	})
}
