package aggregate_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/thaw-go/thaw/aggregate"
	"github.com/thaw-go/thaw/replay"
	"github.com/thaw-go/thaw/stream"
)

// BenchmarkExecute gives commands to instances that have 10 events each, in
// turn, from one caller; the instances grow by what it stores.
func BenchmarkExecute(b *testing.B) {
	w := newWorld(b)
	const instances = 1000
	for i := range instances * 10 {
		w.do(b, fmt.Sprint(i%instances), Deposit{1})
	}
	i := 0
	b.ReportAllocs()
	for b.Loop() {
		i++
		if _, err := w.accounts.Execute(context.Background(), fmt.Sprint(i%instances), Deposit{1}); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkSagaStep is one event, one command and the state of one instance.
func BenchmarkSagaStep(b *testing.B) {
	w := newWorld(b)
	forward := aggregate.Saga[AccountEvent, clerk]{
		Name:      "forward",
		Correlate: func(e *stream.Event[AccountEvent]) string { return e.Stream.Key },
		React: func(s clerk, e *stream.Event[AccountEvent]) (clerk, []aggregate.Effect) {
			s.Deposits++
			return s, []aggregate.Effect{journal.Send(e.ID.String(), Entry{"seen"})}
		},
	}.Runner(replay.Hot(w.log, accounts), aggregate.NewRepository(w.log, journal))
	running(b, forward)
	online(b, forward)
	b.ReportAllocs()
	b.ResetTimer()
	var last stream.Cursor
	for i := range b.N {
		last = w.do(b, fmt.Sprint(i%1000), Deposit{1}).Cursor
	}
	if err := forward.WaitFor(context.Background(), last); err != nil {
		b.Fatal(err)
	}
}
