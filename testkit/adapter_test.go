package testkit_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/thaw-go/thaw/aggregate"
	"github.com/thaw-go/thaw/replay"
	"github.com/thaw-go/thaw/stream"
	"github.com/thaw-go/thaw/testkit"
)

// The post delivers each sale to its buyer.
func post(stream.Store) aggregate.Adapter[LotEvent] {
	return aggregate.NewAdapter("post", func(context.Context, *stream.Event[LotEvent]) error { return nil })
}

// clerical writes an invoice for each sale.
func clerical(store stream.Store) aggregate.Adapter[LotEvent] {
	invoices := aggregate.NewRepository(store, invoice)
	return aggregate.NewAdapter("clerk", func(ctx context.Context, e *stream.Event[LotEvent]) error {
		data, ok := e.Data.(Sold)
		if !ok {
			return nil
		}
		_, err := invoices.Handle(ctx, aggregate.Command[InvoiceCommand]{ID: stream.DeriveID(e.ID, "invoice", 0), Key: e.Stream.Key, Data: Issue{data.Buyer, data.Price}})
		return err
	})
}

func onlySold(log stream.Log) stream.Source[stream.Hot, LotEvent] {
	return replay.Hot(log, stream.Only[LotEvent](lots))
}

var (
	lot1, lot2 = stream.ID{Topic: "lots", Key: "1"}, stream.ID{Topic: "lots", Key: "2"}
	sold2      = testkit.Happened[LotEvent](lots, "2", Sold{"bob", 20})
	errBusy    = errors.New("the post is busy")
)

func parkedLot(id stream.ID, typ string, attempts int, why string) aggregate.Parked {
	return aggregate.Parked{Stream: id, Type: typ, Attempts: attempts, Err: why}
}

func ofPost(t *testing.T) *testkit.AdapterSpec[LotEvent] {
	t.Helper()
	return testkit.ForAdapter(t, post, onlySold)
}

func TestAdapter(t *testing.T) {
	const behind = "an earlier event of its stream is parked"
	t.Run("it does what comes after its birth, in order", func(t *testing.T) {
		ofPost(t).Given(opened, sold).When(sold2).Then(sold2).ThenAttempts(1).When(sold, paid).Then(sold, paid)
	})
	t.Run("it tries again", func(t *testing.T) {
		ofPost(t).Failing(2, errBusy).When(sold).Then(sold).ThenAttempts(3).ThenParked()
	})
	t.Run("what fails every attempt is parked, and its stream waits behind it", func(t *testing.T) {
		ofPost(t).Failing(-1, errBusy, lot1).
			When(sold, sold2, paid).
			Then(sold2).
			ThenAttempts(6).
			ThenParked(parkedLot(lot1, "SOLD", 5, errBusy.Error()), parkedLot(lot1, "PAID", 0, behind)).
			WhenRetried(lot1).
			ThenNothing().
			ThenParked(parkedLot(lot1, "SOLD", 10, errBusy.Error()), parkedLot(lot1, "PAID", 0, behind)).
			Failing(0, nil).
			WhenRetried(lot1).
			Then(sold, paid).
			ThenParked().
			When(opened).
			Then(opened)
	})
	t.Run("what is parked can be given up", func(t *testing.T) {
		ofPost(t).Failing(5, errBusy, lot1).
			When(sold).
			ThenNothing().
			ThenParked(aggregate.Parked{Stream: lot1, Position: 1, Type: "SOLD", Attempts: 5, Err: errBusy.Error()}).
			WhenDiscarded(lot1).
			ThenNothing().
			ThenParked().
			Failing(0, nil).
			When(paid).
			Then(paid)
	})
	t.Run("events of one append are done one by one", func(t *testing.T) {
		both := testkit.Happened[LotEvent](lots, "1", Sold{"ann", 10}, Paid{})
		ofPost(t).When(both).Then(both).ThenAttempts(2)
	})
	t.Run("Do may execute commands", func(t *testing.T) {
		testkit.ForAdapter(t, clerical, onlySold).When(sold, paid, sold2).Then(sold, paid, sold2)
	})
}

// Breaks when: compareDone or compareParked does not report, proves does not
// compare the log, unsaid says nothing, or fails does not count.
func TestAdapterFindsOutWhatIsWrong(t *testing.T) {
	of := func(claim string, tell func(s *testkit.AdapterSpec[LotEvent]), says ...string) lie {
		return lie{claim, func(t *testing.T) { tell(ofPost(t)) }, says}
	}
	making := func(claim string, adapter func(stream.Store) aggregate.Adapter[LotEvent], tell func(s *testkit.AdapterSpec[LotEvent]), says ...string) lie {
		return lie{claim, func(t *testing.T) { tell(testkit.ForAdapter(t, adapter, onlySold)) }, says}
	}
	type spec = *testkit.AdapterSpec[LotEvent]
	busy := parkedLot(lot1, "SOLD", 5, errBusy.Error())
	changed := func(f func(*aggregate.Parked)) aggregate.Parked {
		p := busy
		f(&p)
		return p
	}
	parking := func(claim string, want []aggregate.Parked, says ...string) lie {
		return of(claim, func(s spec) { s.Failing(5, errBusy).When(sold).ThenNothing().ThenParked(want...) }, append(says, "other events are parked")...)
	}
	refute(t,
		of("an event is dropped", func(s spec) { s.When(sold).Then(sold, paid) }, "adapter post: ", "was never delivered", "PAID"),
		of("all events are dropped", func(s spec) { s.Failing(5, errBusy).When(sold).Then(sold) }, "was never delivered"),
		of("an event too many", func(s spec) { s.When(sold, paid).Then(sold) }, "was not wanted", "PAID"),
		of("events are swapped", func(s spec) { s.When(sold, paid).Then(paid, sold) }, "came in each other's place"),
		of("an event is wanted twice", func(s spec) { s.When(sold).Then(sold, sold) }, "was delivered once"),
		of("a field is wrong", func(s spec) { s.When(sold).Then(testkit.Happened[LotEvent](lots, "1", Sold{"bob", 10})) }, "in the place of", "bob", "ann"),
		of("an event is zero", func(s spec) { s.When(sold).Then(testkit.Happened[LotEvent](lots, "1", Sold{})) }, "in the place of"),
		of("the type is wrong", func(s spec) { s.When(sold).Then(paid) }, "in the place of", "PAID", "SOLD"),
		of("the instance is wrong", func(s spec) { s.When(sold).Then(testkit.Happened[LotEvent](lots, "2", Sold{"ann", 10})) }, "in the place of", "lots/2"),
		of("nothing was to be done", func(s spec) { s.When(sold).ThenNothing() }, "was not wanted"),
		of("the second of two", func(s spec) { s.When(sold).Then(sold).When(paid).ThenNothing() }, "was not wanted", "PAID"),
		of("too few attempts", func(s spec) { s.Failing(1, errBusy).When(sold).Then(sold).ThenAttempts(3) }, "Do was called 2 times, want 3 times", "tried"),
		of("too many attempts", func(s spec) { s.Failing(1, errBusy).When(sold).Then(sold).ThenAttempts(1) }, "Do was called 2 times, want once"),
		parking("nothing is wanted parked", nil, "SOLD"),
		parking("more is wanted parked", []aggregate.Parked{busy, busy}),
		parking("parked of another instance", []aggregate.Parked{changed(func(p *aggregate.Parked) { p.Stream = lot2 })}, `"2"`),
		parking("parked at another position", []aggregate.Parked{changed(func(p *aggregate.Parked) { p.Position = 7 })}, "Position", "7"),
		parking("parked of another type", []aggregate.Parked{changed(func(p *aggregate.Parked) { p.Type = "PAID" })}, "PAID"),
		parking("parked for another reason", []aggregate.Parked{changed(func(p *aggregate.Parked) { p.Err = "the post is closed" })}, "closed", "busy"),
		parking("parked for no reason", []aggregate.Parked{changed(func(p *aggregate.Parked) { p.Err = "" })}, "busy"),
		parking("parked after other attempts", []aggregate.Parked{changed(func(p *aggregate.Parked) { p.Attempts = 4 })}, "Attempts"),
		parking("parked at another time", []aggregate.Parked{changed(func(p *aggregate.Parked) { p.Since = time.Unix(1, 0) })}, "Since"),
		of("something wanted parked", func(s spec) { s.When(sold).Then(sold).ThenParked(busy) }, "other events are parked"),
		of("parked events that no Then speaks of", func(s spec) { s.Failing(5, errBusy).When(sold).ThenNothing() }, "no ThenParked speaks of", "event 1 of lots/1, SOLD: the post is busy (5 attempts)"),
		of("done events that no Then speaks of", func(s spec) { s.When(sold).ThenAttempts(1) }, "no Then speaks of what was done"),
		of("a retry of nothing", func(s spec) { s.When(sold).Then(sold).WhenRetried(lot1).ThenNothing() }, "WhenRetried(lots/1): it has nothing parked"),
		of("nothing to give up", func(s spec) { s.When(sold).Then(sold).WhenDiscarded(lot1).ThenNothing() }, "WhenDiscarded(lots/1): it has nothing parked"),
		of("no call fails", func(s spec) { s.Failing(1, errBusy, lot2).When(sold).Then(sold) }, "no call has failed with the post is busy"),
		of("Then without events", func(s spec) { s.When(sold).Then() }, "say ThenNothing"),
		of("a When without a Then", func(s spec) { s.When(sold) }, "When without a Then"),
		of("no When", func(s spec) { s.Given(sold) }, "ForAdapter without a When"),
		making("Do panics", func(stream.Store) aggregate.Adapter[LotEvent] {
			return aggregate.NewAdapter("post", func(context.Context, *stream.Event[LotEvent]) error { panic("boom") })
		}, func(s spec) { s.When(sold).ThenNothing() }, "no ThenParked speaks of", "boom"),
		making("it has no name", func(stream.Store) aggregate.Adapter[LotEvent] { return aggregate.Adapter[LotEvent]{} }, func(s spec) { s.When(sold).ThenNothing() }, "the adapter has no name"),
		making("Do waits for ever", func(stream.Store) aggregate.Adapter[LotEvent] {
			return aggregate.NewAdapter("post", func(ctx context.Context, _ *stream.Event[LotEvent]) error { <-ctx.Done(); return nil })
		}, func(s spec) { s.When(sold).ThenNothing() }, "was not handled within", "wait for ever"),
		making("what it executes is not idempotent", func(store stream.Store) aggregate.Adapter[LotEvent] {
			invoices := aggregate.NewRepository(store, invoice)
			return aggregate.NewAdapter("clerk", func(ctx context.Context, e *stream.Event[LotEvent]) error {
				_, err := invoices.Execute(ctx, e.Stream.Key, Issue{"ann", 10}) // under a fresh ID
				return err
			})
		}, func(s spec) { s.When(sold).Then(sold) }, "adapter clerk, killed right", "in the log", "was delivered twice", "ISSUED"),
		making("it forgets", func(store stream.Store) aggregate.Adapter[LotEvent] {
			clerk := clerical(store)
			var waiting *stream.Event[LotEvent] // it does each event when the next one comes
			return aggregate.NewAdapter("clerk", func(ctx context.Context, e *stream.Event[LotEvent]) (err error) {
				if waiting != nil {
					err = clerk.Do(ctx, waiting)
				}
				waiting = e
				return err
			})
		}, func(s spec) { s.When(sold, sold2).Then(sold, sold2) }, "adapter clerk, killed right", "in the log", "was never delivered", "ISSUED"),
		lie{"it is given history", func(t *testing.T) {
			testkit.ForAdapter(t, post, func(log stream.Log) stream.Source[stream.Hot, LotEvent] {
				return stream.Through(replay.Hot(log, lots), func(run stream.Run[*stream.Event[LotEvent]]) stream.Run[*stream.Event[LotEvent]] {
					return func(ctx context.Context, emit func(*stream.Event[LotEvent]) error) error {
						if err := replay.Cold(log, lots).Run(ctx, emit); err != nil {
							return err
						}
						return run(ctx, emit)
					}
				})
			}).Given(opened).When(sold).Then(sold)
		}, []string{"the adapter was given history: event 1 of lots/1, OPENED"}},
		lie{"more than one event is done again", func(t *testing.T) {
			testkit.ForAdapter(t, post, func(log stream.Log) stream.Source[stream.Hot, LotEvent] {
				return stream.Through(replay.Hot(log, lots), func(run stream.Run[*stream.Event[LotEvent]]) stream.Run[*stream.Event[LotEvent]] {
					return func(ctx context.Context, emit func(*stream.Event[LotEvent]) error) error {
						return run(ctx, func(e *stream.Event[LotEvent]) error {
							again := *e
							again.Position += 10 // a place that it was never at
							return emit(&again)
						})
					}
				})
			}).When(sold).Then(sold)
		}, []string{"adapter post", "event 11, which the log does not have"}},
	)
}
