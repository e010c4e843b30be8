package aggregate_test

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/thaw-go/thaw/aggregate"
	"github.com/thaw-go/thaw/replay"
	"github.com/thaw-go/thaw/stream"
	"github.com/thaw-go/thaw/stream/badgerlog"
)

// durable is a log on disk that syncs what it acknowledges.
func durable(b *testing.B) *badgerlog.Log {
	log, err := badgerlog.Open(b.TempDir(), badgerlog.Options{Durability: badgerlog.Synced})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := log.Close(); err != nil {
			b.Error(err)
		}
	})
	return log
}

// commands has callers give n commands to instances of their own, each 1000th of
// them to one.
func commands(b *testing.B, log stream.Store, callers, n int) {
	repository := aggregate.NewRepository(log, account)
	var next atomic.Int64
	var group sync.WaitGroup
	for range callers {
		group.Go(func() {
			for i := next.Add(1); i <= int64(n); i = next.Add(1) {
				if _, err := repository.Execute(context.Background(), fmt.Sprint("a", i%1000), Deposit{1}); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	group.Wait()
}

// BenchmarkDurable compares plain commands with saga steps (one event in, the state
// of its instance, one command out), both durable, from as many callers as the saga
// has workers. The events are there before the steps begin.
func BenchmarkDurable(b *testing.B) {
	for _, n := range []int{1, 64} {
		b.Run(fmt.Sprintf("commands/%d", n), func(b *testing.B) {
			log := durable(b)
			b.ResetTimer()
			commands(b, log, n, b.N)
		})
		b.Run(fmt.Sprintf("saga steps/%d", n), func(b *testing.B) {
			log := durable(b)
			forward := aggregate.Saga[AccountEvent, clerk]{
				Name: "forward", Workers: n,
				Correlate: func(e *stream.Event[AccountEvent]) string { return e.Stream.Key },
				React: func(s clerk, e *stream.Event[AccountEvent]) (clerk, []aggregate.Effect) {
					s.Deposits++
					return s, []aggregate.Effect{journal.Send(e.Stream.Key, Entry{"seen"})}
				},
			}
			run := func() *aggregate.SagaRunner {
				return forward.Runner(replay.Hot(log, accounts), aggregate.NewRepository(log, journal))
			}
			birth := run()
			stop := running(b, birth)
			online(b, birth)
			if err := stop(); err != nil {
				b.Fatal(err)
			}
			commands(b, log, 64, b.N)
			head, err := log.Head(context.Background())
			if err != nil {
				b.Fatal(err)
			}
			r := run()
			b.ResetTimer()
			running(b, r)
			online(b, r)
			if err := r.WaitFor(context.Background(), head); err != nil {
				b.Fatal(err)
			}
		})
	}
}
