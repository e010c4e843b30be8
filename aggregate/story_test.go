package aggregate_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/thaw-go/thaw/aggregate"
	"github.com/thaw-go/thaw/replay"
	"github.com/thaw-go/thaw/stream"
)

// An order is paid, packed and sent, and then closed; each step is a command that a
// saga gives because of the one before.
type (
	placed   struct{ Item string }
	closed   struct{}
	taken    struct{}
	packed   struct{ Item string }
	sent     struct{}
	shipment struct{ Item string }
	payment  struct{ Taken bool }
)

var (
	orders   = stream.NewTopic("orders", stream.Catalogue[any]{"PLACED": placed{}, "CLOSED": closed{}})
	payments = stream.NewTopic("payments", stream.Catalogue[taken]{"TAKEN": {}})
	parcels  = stream.NewTopic("parcels", stream.Catalogue[any]{"PACKED": packed{}, "SENT": sent{}})

	order = aggregate.New(orders, func(_ struct{}, e any) ([]any, error) { return []any{e}, nil }, func(s struct{}, _ any) struct{} { return s })
	till  = aggregate.New(payments, func(p payment, _ struct{}) ([]taken, error) {
		if p.Taken {
			return nil, errors.New("it is paid")
		}
		return []taken{{}}, nil
	}, func(payment, taken) payment { return payment{true} })
	parcel = aggregate.New(parcels, func(_ struct{}, c shipment) ([]any, error) { return []any{packed(c), sent{}}, nil }, func(s struct{}, _ any) struct{} { return s })

	fulfilment = aggregate.Saga[any, string]{
		Name:      "fulfilment",
		Correlate: func(e *stream.Event[any]) string { return e.Stream.Key },
		React: func(item string, e *stream.Event[any]) (string, []aggregate.Effect) {
			switch data := e.Data.(type) {
			case placed:
				return data.Item, []aggregate.Effect{till.Send(e.Stream.Key, struct{}{})}
			case taken:
				return item, []aggregate.Effect{parcel.Send(e.Stream.Key, shipment{item})}
			case sent:
				return item, []aggregate.Effect{order.Send(e.Stream.Key, any(closed{}))}
			}
			return item, nil
		},
	}
)

// fulfilled places three orders and runs the saga over them; the first process ends
// at its call of that number. It returns the graphs of the three stories and the flows,
// each in every form.
func fulfilled(t *testing.T, calls int, after bool) (texts []string, died bool) {
	t.Helper()
	w := newWorld(t)
	run := func(log interface {
		stream.Store
		stream.Checkpoints
	}) error {
		src := replay.Hot(log, stream.Union[any](orders, payments, parcels))
		return untilQuiet(w, fulfilment.Runner(src, aggregate.NewRepository(log, order), aggregate.NewRepository(log, till), aggregate.NewRepository(log, parcel)))
	}
	if err := run(w.log); err != nil { // it is born
		t.Fatal(err)
	}
	var first []stream.EventID
	desk := aggregate.NewRepository(w.log, order)
	for _, key := range []string{"7", "8", "9"} {
		result, err := desk.Execute(t.Context(), key, placed{"pen " + key})
		if err != nil {
			t.Fatal(err)
		}
		first = append(first, result.Events[0].ID)
	}
	err := run(&mortal{Log: w.log, left: calls, after: after, block: 2})
	if died = err != nil; died && !errors.Is(err, errDead) {
		t.Fatalf("the process ended with %v", err)
	}
	if err := run(w.log); err != nil {
		t.Fatal(err)
	}
	for _, id := range first {
		graph, err := replay.Trace(t.Context(), w.log, id)
		if err != nil {
			t.Fatal(err)
		}
		data, err := json.Marshal(graph)
		if err != nil {
			t.Fatal(err)
		}
		texts = append(texts, graph.Tree(), graph.DOT(), graph.Mermaid(), string(data))
	}
	flows, err := replay.Flows(t.Context(), w.log)
	if err != nil {
		t.Fatal(err)
	}
	return append(texts, flows.String(), flows.Mermaid(), flows.DOT()), died
}

// untilQuiet runs a saga until nothing more comes of it.
func untilQuiet(w world, r *aggregate.SagaRunner) error {
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- r.Run(ctx) }() // ends with ctx
	if r.Online(context.Background()) == nil {
		for {
			head, _ := w.log.Head(context.Background())
			if r.WaitFor(context.Background(), head) != nil {
				break
			}
			if now, _ := w.log.Head(context.Background()); now.Equal(head) {
				break
			}
		}
	}
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		return err
	}
	return nil
}

// What caused what does not depend on when a process died.
// Breaks when: perform gives its commands fresh IDs, so that some take effect twice, or
// the graph orders what was caused by position or prints an ID.
func TestAStoryThatWasCrashedHasTheSameGraph(t *testing.T) {
	want, _ := fulfilled(t, 1<<30, false)
	const tree = `orders/7 1 PLACED
└─ payments/7 1 TAKEN
   └─ together
      ├─ parcels/7 1 PACKED
      └─ parcels/7 2 SENT
         └─ orders/7 2 CLOSED
`
	if want[0] != tree {
		t.Fatalf("undisturbed: got\n%swant\n%s", want[0], tree)
	}
	for _, after := range []bool{false, true} {
		t.Run(fmt.Sprintf("after the call %v", after), func(t *testing.T) {
			deaths := 0
			for got, died := fulfilled(t, deaths, after); died; got, died = fulfilled(t, deaths, after) {
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("dead at call %d (-undisturbed +got)\n%s", deaths, diff)
				}
				deaths++
			}
			if deaths < 15 {
				t.Errorf("it died at %d calls: the test proves too little", deaths)
			}
		})
	}
	if flows := want[len(want)-3]; !strings.Contains(flows, "payments/TAKEN@1 -> parcels/SENT@2 3\n") || !strings.Contains(flows, "parcels/SENT@2 -> orders/CLOSED@3 3\n") {
		t.Errorf("the flows are\n%s", flows)
	}
}
