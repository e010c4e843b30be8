package testkit_test

import (
	"errors"
	"testing"
	"time"

	"github.com/thaw-go/thaw/aggregate"
	"github.com/thaw-go/thaw/replay"
	"github.com/thaw-go/thaw/stream"
	"github.com/thaw-go/thaw/testkit"
)

// A lot is sold, and the billing saga has the sale invoiced, reminds the buyer
// until the invoice is paid, and takes back a sale that can not be invoiced.
type (
	LotEvent interface{ lot() }
	Opened   struct{ Start int }
	Sold     struct {
		Buyer string
		Price int
	}
	Paid struct{}

	InvoiceCommand interface{ invoice() }
	Issue          struct {
		Buyer  string
		Amount int
	}
	Remind struct{ Nth int }
	Issued struct {
		Buyer  string
		Amount int
	}
	Reminded struct{ Nth int }
)

func (Opened) lot()     {}
func (Sold) lot()       {}
func (Paid) lot()       {}
func (Issue) invoice()  {}
func (Remind) invoice() {}

var (
	errNoAddress = errors.New("the buyer has no address")

	lots     = stream.NewTopic("lots", stream.Catalogue[LotEvent]{"OPENED": Opened{}, "SOLD": Sold{}, "PAID": Paid{}})
	invoices = stream.NewTopic("invoices", stream.Catalogue[any]{"ISSUED": Issued{}, "REMINDED": Reminded{}})

	invoice = aggregate.New(invoices, func(issued bool, c InvoiceCommand) ([]any, error) {
		switch c := c.(type) {
		case Issue:
			if c.Buyer == "nobody" {
				return nil, errNoAddress
			}
			return []any{Issued(c)}, nil
		case Remind:
			return []any{Reminded(c)}, nil
		}
		return nil, errors.New("unknown command")
	}, func(bool, any) bool { return true })
)

type bill struct {
	Buyer    string
	Reminded int
	Refused  []string
}

var billing = aggregate.Saga[LotEvent, bill]{
	Name:      "billing",
	Correlate: func(e *stream.Event[LotEvent]) string { return e.Stream.Key },
	React: func(s bill, e *stream.Event[LotEvent]) (bill, []aggregate.Effect) {
		switch data := e.Data.(type) {
		case Sold:
			s.Buyer = data.Buyer
			return s, []aggregate.Effect{invoice.Send(e.Stream.Key, Issue{data.Buyer, data.Price}), aggregate.After(time.Hour, "remind")}
		case Paid:
			return s, []aggregate.Effect{aggregate.Cancel("remind")}
		}
		return s, nil
	},
	Expire: func(s bill, timer string) (bill, []aggregate.Effect) {
		s.Reminded++
		return s, []aggregate.Effect{invoice.Send("1", Remind{s.Reminded}), aggregate.After(time.Hour, timer)}
	},
	Refused: func(s bill, r aggregate.Refusal) (bill, []aggregate.Effect) {
		s.Refused = append(s.Refused, r.Err.Error())
		return s, []aggregate.Effect{aggregate.Cancel("remind")}
	},
}

func hotLots(log stream.Log) stream.Source[stream.Hot, LotEvent] { return replay.Hot(log, lots) }

// executed is real invoices over the log.
func executed(store stream.Store) []aggregate.Handler {
	return []aggregate.Handler{aggregate.NewRepository(store, invoice)}
}

var (
	opened = testkit.Happened[LotEvent](lots, "1", Opened{5})
	sold   = testkit.Happened[LotEvent](lots, "1", Sold{"ann", 10})
	paid   = testkit.Happened[LotEvent](lots, "1", Paid{})
	issue  = invoice.Send("1", Issue{"ann", 10})
	remind = aggregate.After(time.Hour, "remind")
)

func ofBilling(t *testing.T) *testkit.SagaSpec[LotEvent, bill] {
	t.Helper()
	return testkit.ForSaga(t, billing, hotLots)
}

func TestSaga(t *testing.T) {
	t.Run("a sale is invoiced, and the buyer reminded until it is paid", func(t *testing.T) {
		ofBilling(t).
			Given(opened).
			When(sold).
			Then(issue, remind).
			ThenState("1", bill{Buyer: "ann"}).
			WhenTime(time.Hour-1).
			ThenNothing().
			WhenTime(1).
			Then(invoice.Send("1", Remind{1}), remind).
			WhenTime(2*time.Hour).
			Then(invoice.Send("1", Remind{2}), remind, invoice.Send("1", Remind{3}), remind).
			When(paid).
			Then(aggregate.Cancel("remind")).
			WhenTime(2 * time.Hour).
			ThenNothing()
	})
	t.Run("what happened before it came online is none of its business", func(t *testing.T) {
		ofBilling(t).Given(opened, sold).When(opened).ThenNothing().ThenState("1", bill{})
	})
	t.Run("a refusal is a turn of its own", func(t *testing.T) {
		ofBilling(t).
			Refusing(issue, errNoAddress).
			When(sold).
			Then(issue, remind, aggregate.Cancel("remind")).
			ThenState("1", bill{Buyer: "ann", Refused: []string{"aggregate: invoices/1 refused testkit_test.Issue: the buyer has no address"}})
	})
	t.Run("commands are executed, if it is said by what", func(t *testing.T) {
		ofBilling(t).With(executed).
			When(sold).
			Then(issue, remind).
			ThenHappened(testkit.Happened[any](invoices, "1", Issued{"ann", 10})).
			When(testkit.Happened[LotEvent](lots, "2", Sold{"nobody", 5})).
			Then(invoice.Send("2", Issue{"nobody", 5}), remind, aggregate.Cancel("remind")).
			ThenHappened().
			WhenTime(time.Hour).
			ThenHappened(testkit.Happened[any](invoices, "1", Reminded{1}))
	})
	t.Run("several things may happen before a Then", func(t *testing.T) {
		ofBilling(t).When(sold, paid).When(opened).Then(issue, remind, aggregate.Cancel("remind"))
	})
	t.Run("events of one append", func(t *testing.T) {
		ofBilling(t).With(executed).
			When(testkit.Happened[LotEvent](lots, "1", Opened{5}, Sold{"ann", 10}, Sold{"bob", 20}, Paid{})).
			Then(issue, remind, invoice.Send("1", Issue{"bob", 20}), remind, aggregate.Cancel("remind")).
			ThenHappened(testkit.Happened[any](invoices, "1", Issued{"ann", 10}, Issued{"bob", 20})).
			ThenState("1", bill{Buyer: "bob"})
	})
	t.Run("several commands of one turn to one instance", func(t *testing.T) {
		g := billing
		g.React = func(s bill, _ *stream.Event[LotEvent]) (bill, []aggregate.Effect) {
			return s, []aggregate.Effect{issue, invoice.Send("1", Remind{1}), issue}
		}
		testkit.ForSaga(t, g, hotLots).When(sold).Then(issue, invoice.Send("1", Remind{1}), issue)
		testkit.ForSaga(t, g, hotLots).With(executed).When(sold).
			ThenHappened(testkit.Happened[any](invoices, "1", Issued{"ann", 10}, Reminded{1}, Issued{"ann", 10}))
	})
	t.Run("an effect by its command's type, or by a function", func(t *testing.T) {
		cheap := testkit.Where("below 100", func(c Issue) bool { return c.Amount < 100 })
		ofBilling(t).
			When(sold).
			Then(testkit.Sent(invoices, "1", testkit.OfType[Issue]()), remind).
			When(sold2).
			Then(testkit.Sent(invoices, "2", cheap), remind)
	})
	t.Run("it fails", func(t *testing.T) {
		g := billing
		g.Refused = nil
		testkit.ForSaga(t, g, hotLots).Refusing(issue, errNoAddress).When(sold).ThenFails(errNoAddress, issue, remind)
	})
}

// A specification with three Whens and all its crashes is to take a few
// milliseconds.
func BenchmarkForSaga(b *testing.B) {
	b.ReportAllocs()
	passed := inATest(func(t *testing.T) {
		for b.Loop() {
			t.Run("", func(t *testing.T) {
				ofBilling(t).Given(opened).
					When(sold).Then(issue, remind).
					WhenTime(time.Hour).Then(invoice.Send("1", Remind{1}), remind).
					When(paid).Then(aggregate.Cancel("remind"))
			})
		}
	})
	if !passed {
		b.Error("the specification fails")
	}
}
