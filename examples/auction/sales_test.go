package main

import (
	"testing"
	"time"

	"github.com/thaw-go/thaw/aggregate"
	"github.com/thaw-go/thaw/replay"
	"github.com/thaw-go/thaw/stream"
	"github.com/thaw-go/thaw/testkit"
)

func hotHall(log stream.Log) stream.Source[stream.Hot, any] { return replay.Hot(log, Hall) }

// happens to the first lot.
func toLot(events ...LotEvent) testkit.Happening { return testkit.Happened(Lots, "lot-1", events...) }

// it is so late.
func ticks(at time.Time) testkit.Happening {
	return testkit.Happened[ClockEvent](Clocks, "house", Ticked{At: at})
}

// overdue is when an invoice of the tenth minute must have been paid.
var overdue = at(10).Add(Term)

func TestSales(t *testing.T) {
	fall := Lot.Send("lot-1", Fall{at(10)})
	issued := InvoiceIssued{Lot: "lot-1", Buyer: "ann", Amount: 12_00, At: at(10), Due: overdue}
	sold := LotSold{"ann", 12_00, at(10)}

	t.Run("the hammer falls at the deadline", func(t *testing.T) {
		testkit.ForSaga(t, Sales, hotHall).
			When(toLot(opened)).
			Then(aggregate.After(10*time.Minute, fallTimer)).
			When(toLot(BidPlaced{"ann", 12_00, at(9.9)})).
			ThenNothing().
			When(ticks(at(10))).
			Then(fall).
			When(ticks(at(11))).
			ThenNothing()
	})
	t.Run("but not for lots from before the saga was there", func(t *testing.T) {
		testkit.ForSaga(t, Sales, hotHall).Given(toLot(opened)).When(ticks(at(10))).ThenNothing()
	})
	t.Run("a sale is invoiced, and when it is paid nothing more happens", func(t *testing.T) {
		testkit.ForSaga(t, Sales, hotHall).
			When(toLot(opened, sold)).
			Then(aggregate.After(10*time.Minute, fallTimer), fall,
				aggregate.Did(soldStep), Invoice.Send("lot-1-1", Issue(issued)), aggregate.Did(invoiceStep), aggregate.After(Term, termTimer)).
			ThenState("lot-1", SaleState{Lot: "lot-1", Deadline: at(10), Invoices: 1, Due: overdue}).
			When(testkit.Happened[InvoiceEvent](Invoices, "lot-1-1", InvoicePaid{"lot-1", "ann", 12_00, at(11)})).
			Then(aggregate.Done()).
			When(ticks(overdue)).
			ThenNothing()
	})
	t.Run("a sale that is not paid for goes to the runner-up", func(t *testing.T) {
		testkit.ForSaga(t, Sales, hotHall).
			With(func(log stream.Store) []aggregate.Handler {
				return []aggregate.Handler{aggregate.NewRepository(log, Lot), aggregate.NewRepository(log, Invoice)}
			}).
			When(toLot(opened), toLot(BidPlaced{"bob", 12_00, at(1)}), toLot(BidPlaced{"ann", 15_00, at(2)})).
			Then(aggregate.After(10*time.Minute, fallTimer)).
			When(ticks(at(10))).
			ThenHappened(
				toLot(LotSold{"ann", 15_00, at(10)}),
				testkit.Happened[InvoiceEvent](Invoices, "lot-1-1", InvoiceIssued{Lot: "lot-1", Buyer: "ann", Amount: 15_00, At: at(10), Due: overdue}),
			).
			When(ticks(overdue)).
			ThenHappened(
				testkit.Happened[InvoiceEvent](Invoices, "lot-1-1", InvoiceCancelled{"lot-1", overdue}),
				toLot(SaleCancelled{"ann", overdue}, SecondChanceOffered{"bob", 12_00, overdue}),
				testkit.Happened[InvoiceEvent](Invoices, "lot-1-2", InvoiceIssued{Lot: "lot-1", Buyer: "bob", Amount: 12_00, At: overdue, Due: overdue.Add(Term)}),
			)
	})
}

// Breaks when: pays says yes to every invoice, or the bank pays none.
func TestTheBankPaysOnceOrNever(t *testing.T) {
	const seed = 1
	bank := func(log stream.Store) aggregate.Adapter[InvoiceIssued] {
		return NewBank(seed, aggregate.NewRepository(log, Invoice))
	}
	paying, other := "", ""
	for _, key := range []string{"a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l"} {
		if pays(seed, key) {
			paying = key
		} else {
			other = key
		}
	}
	issued := func(key string) testkit.Happening {
		return testkit.Happened[InvoiceEvent](Invoices, key, InvoiceIssued{Lot: key, Buyer: "ann", Amount: 12_00, At: at(10), Due: overdue})
	}
	testkit.ForAdapter(t, bank, func(log stream.Log) stream.Source[stream.Hot, InvoiceIssued] {
		return replay.Hot(log, stream.Only[InvoiceIssued](Invoices))
	}).
		When(issued(paying), issued(other)).
		Then(issued(paying), issued(other)).
		ThenHappened(testkit.Happened[InvoiceEvent](Invoices, paying, InvoicePaid{paying, "ann", 12_00, at(10)}))
}
