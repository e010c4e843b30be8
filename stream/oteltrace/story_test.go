package oteltrace_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/thaw-go/thaw/aggregate"
	"github.com/thaw-go/thaw/replay"
	"github.com/thaw-go/thaw/stream"
	"github.com/thaw-go/thaw/stream/memlog"
)

// A shop: an order is placed, a saga has it paid, and reminds of it after a day; an
// adapter writes a letter about the payment.
type (
	place  struct{}
	pay    struct{}
	remind struct{}

	placed   struct{}
	reminded struct{}
	paid     struct{}
)

var (
	orders   = stream.NewTopic("orders", stream.Catalogue[any]{"PLACED": placed{}, "REMINDED": reminded{}})
	payments = stream.NewTopic("payments", stream.Catalogue[any]{"PAID": paid{}})

	ordering = aggregate.New(orders, func(_ int, c any) ([]any, error) {
		if _, ok := c.(remind); ok {
			return []any{reminded{}}, nil
		}
		return []any{placed{}}, nil
	}, func(n int, _ any) int { return n + 1 })

	paying = aggregate.New(payments, func(n int, c pay) ([]any, error) {
		return []any{paid{}}, nil
	}, func(n int, _ any) int { return n + 1 })

	checkout = aggregate.Saga[any, int]{
		Name:      "checkout",
		Correlate: func(e *stream.Event[any]) string { return e.Stream.Key },
		React: func(n int, e *stream.Event[any]) (int, []aggregate.Effect) {
			if _, ok := e.Data.(placed); !ok {
				return n, nil
			}
			return n + 1, []aggregate.Effect{paying.Send(e.Stream.Key, pay{}), aggregate.After(24*time.Hour, "reminder/"+e.Stream.Key)}
		},
		Expire: func(n int, timer string) (int, []aggregate.Effect) {
			return n, []aggregate.Effect{ordering.Send(timer[len("reminder/"):], remind{})}
		},
	}
)

// TestAStoryOverTwoAggregatesASagaAndATimerIsOneChain: with repositories and consumers
// that call the hooks, within a span of the program's own. From each span of the story
// one comes to the first command by parents and links.
//
// Breaks when: a repository takes the metadata before its hook; a runner calls Handle
// without the event's trace; a timer does not remember its trace; command looks for a
// link only where there is no span.
func TestAStoryOverTwoAggregatesASagaAndATimerIsOneChain(t *testing.T) {
	in := instrument(t)
	synctest.Test(t, func(t *testing.T) {
		log := memlog.New()
		defer log.Close()
		options := aggregate.Options{Hooks: in.Hooks}
		shop := aggregate.NewRepositoryWith(log, ordering, options)
		till := aggregate.NewRepositoryWith(log, paying, options)

		program, main := in.tracer.Tracer("test").Start(t.Context(), "program")
		ctx, stop := context.WithCancel(program)
		running := make(chan error, 2)
		saga := checkout.Runner(replay.Hot(log, orders), shop, till)
		saga.Hooks = in.Hooks
		letters := aggregate.Adapter[any]{Name: "letters", Do: func(context.Context, *stream.Event[any]) error { return nil }}.Runner(replay.Hot(log, payments))
		letters.Hooks = in.Hooks
		go func() { running <- saga.Run(ctx) }()
		go func() { running <- letters.Run(ctx) }()
		if err := errors.Join(saga.Online(ctx), letters.Online(ctx)); err != nil {
			t.Fatal(err)
		}
		if _, err := shop.Execute(t.Context(), "7", place{}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(25 * time.Hour) // virtual
		synctest.Wait()
		stop()
		for range 2 {
			if err := <-running; !errors.Is(err, context.Canceled) {
				t.Error(err)
			}
		}
		main.End()
	})

	first, names := "", map[string]int{}
	for _, s := range in.spans.GetSpans() {
		names[s.Name]++
		if s.Name == "execute orders" && attr(s, "thaw.type") == "oteltrace_test.place" {
			first = s.SpanContext.SpanID().String()
		}
	}
	for name, want := range map[string]int{"execute orders": 2, "execute payments": 1, "process orders": 2, "process payments": 1} {
		if names[name] != want {
			t.Errorf("%d spans %q, want %d", names[name], name, want)
		}
	}
	for _, s := range in.spans.GetSpans() {
		if s.Name != "program" && !in.leadsTo(s, first) {
			t.Errorf("no chain leads from %q (%s) to the first command", s.Name, attr(s, "thaw.type"))
		}
	}
	if got := in.value("messaging.client.consumed.messages", "messaging.consumer.group.name=letters"); got != 1 {
		t.Errorf("the adapter handled %v events, want 1", got)
	}
	if got := in.value("thaw.consumer.lag", "messaging.consumer.group.name=checkout"); got != 0 {
		t.Errorf("in the end the saga lags %v events behind", got)
	}
}
