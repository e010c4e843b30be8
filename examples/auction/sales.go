package main

import (
	"fmt"
	"time"

	"github.com/thaw-go/thaw/aggregate"
	"github.com/thaw-go/thaw/stream"
)

// Term is how long a buyer has to pay: whole ticks.
const Term = 30 * tickLength

// SaleState is what the saga remembers of a lot.
type SaleState struct {
	Lot      string
	Deadline time.Time // when the hammer falls
	Invoices int       // how many it has had
	Due      time.Time // when the last one must be paid
}

// The saga's timers, one of each per lot, and its steps.
const (
	fallTimer = "hammer"
	termTimer = "term"

	soldStep    = "sold"
	invoiceStep = "invoiced"
)

// Sales takes a lot from its opening to its end: it lets the hammer fall at the
// deadline and has the sale invoiced. If the term passes unpaid, what was done is
// undone in reverse: the invoice is cancelled, then the sale, and the runner-up gets a
// second chance. A lot that is paid for, or not sold, is done. The timers run in event
// time, so what comes of a seed does not depend on how fast the house works.
var Sales = aggregate.Saga[any, SaleState]{
	Name:      "sales",
	Correlate: lotOf,
	Starts:    func(e *stream.Event[any]) bool { _, ok := e.Data.(LotOpened); return ok },
	Time:      happenedAt,
	React:     react,
	Expire: func(s SaleState, timer string) (SaleState, []aggregate.Effect) {
		if timer == fallTimer {
			return s, []aggregate.Effect{Lot.Send(s.Lot, Fall{s.Deadline})}
		}
		return s, []aggregate.Effect{aggregate.Compensate()}
	},
	Undo: func(s SaleState, step string) (SaleState, []aggregate.Effect) {
		if step == invoiceStep {
			return s, []aggregate.Effect{Invoice.Send(s.invoice(), Cancel{s.Due})}
		}
		return s, []aggregate.Effect{Lot.Send(s.Lot, CancelSale{s.Due})}
	},
}

func react(s SaleState, e *stream.Event[any]) (SaleState, []aggregate.Effect) {
	switch data := e.Data.(type) {
	case LotOpened:
		s = SaleState{Lot: e.Stream.Key, Deadline: data.Deadline}
		return s, []aggregate.Effect{aggregate.After(data.Deadline.Sub(data.At), fallTimer)}
	case LotSold:
		return s.sold(data.Buyer, data.Price, data.At)
	case SecondChanceOffered:
		return s.sold(data.Buyer, data.Price, data.At)
	case InvoicePaid, LotUnsold:
		return s, []aggregate.Effect{aggregate.Done()}
	}
	return s, nil
}

// sold has the sale invoiced.
func (s SaleState) sold(buyer string, price Cents, at time.Time) (SaleState, []aggregate.Effect) {
	s.Invoices++
	s.Due = at.Add(Term)
	return s, []aggregate.Effect{
		aggregate.Did(soldStep),
		Invoice.Send(s.invoice(), Issue{Lot: s.Lot, Buyer: buyer, Amount: price, At: at, Due: s.Due}),
		aggregate.Did(invoiceStep),
		aggregate.After(Term, termTimer),
	}
}

// invoice is the key of the lot's last invoice.
func (s SaleState) invoice() string { return fmt.Sprintf("%s-%d", s.Lot, s.Invoices) }

// lotOf is the lot that an event is about; "" if it is about none.
func lotOf(e *stream.Event[any]) string {
	switch data := e.Data.(type) {
	case LotEvent:
		return e.Stream.Key
	case InvoicePaid:
		return data.Lot
	}
	return ""
}
