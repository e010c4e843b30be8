package operators

import (
	"context"
	"fmt"
	"runtime"
	"testing"
	"time"

	"github.com/thaw-go/thaw/stream"
)

// tick is an event of the benchmarks by key: small, and in the order of time.
type tick struct {
	key  uint32
	at   int64
	size int
}

// ticks are n events of so many keys, a microsecond apart.
func ticks(n int, keys uint32) stream.Observable[stream.Cold, tick] {
	return stream.New[stream.Cold](nil, func(stream.Subscription) stream.Run[tick] {
		return func(_ context.Context, emit func(tick) error) error {
			random := uint32(1)
			for i := range n {
				random = random*1664525 + 1013904223
				if err := emit(tick{key: (random >> 8) % keys, at: int64(i) * 1000, size: i}); err != nil {
					return err
				}
			}
			return nil
		}
	})
}

func perEvent(b *testing.B, n int) {
	b.ReportMetric(float64(n)*float64(b.N)/b.Elapsed().Seconds()/1e6, "Mevents/s")
}

func tally(n int, _ tick) int { return n + 1 }

func BenchmarkByKey(b *testing.B) {
	const n = 2_000_000
	for _, keys := range []uint32{1_000, 100_000} {
		of := Keys[tick, uint32, int]{Of: func(t tick) uint32 { return t.key }}
		by := ByTime[tick, uint32]{Key: of.Of, Time: func(t tick) time.Time { return time.Unix(0, t.at) }}
		second := Tumbling(time.Second)
		sum := func(a, b int) int { return a + b }
		bench(b, fmt.Sprintf("ScanBy/keys=%d", keys), n, ScanBy(ticks(n, keys), of, 0, tally))
		bench(b, fmt.Sprintf("ReduceBy/keys=%d", keys), n, ReduceBy(ticks(n, keys), of, 0, tally))
		bench(b, fmt.Sprintf("Window/keys=%d", keys), n, Window(ticks(n, keys), second, by, 0, tally))
		bench(b, fmt.Sprintf("Hopping/keys=%d", keys), n, Window(ticks(n, keys), Hopping(time.Second, time.Second/2), by, 0, tally))
		bench(b, fmt.Sprintf("Session/keys=%d", keys), n, Session(ticks(n, keys), 100*time.Millisecond, by, 0, tally, sum))
	}
}

func bench[T any](b *testing.B, name string, n int, o stream.Observable[stream.Cold, T]) {
	b.Run(name, func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if err := o.Run(b.Context(), func(T) error { return nil }); err != nil {
				b.Fatal(err)
			}
		}
		perEvent(b, n)
	})
}

func BenchmarkGroupBy(b *testing.B) {
	const n = 20_000
	bench(b, "groups=100", n, GroupBy(ticks(n, 100), func(t tick) uint32 { return t.key }, Groups{}, func(_ uint32, g stream.Observable[stream.Cold, tick]) stream.Observable[stream.Cold, int] {
		return Scan(g, 0, tally)
	}))
}

func BenchmarkJoin(b *testing.B) {
	const n = 100_000
	read := func(t tick) (uint32, time.Time) { return t.key, time.Unix(0, t.at) }
	on := JoinOn[tick, tick, uint32]{Left: read, Right: read, After: time.Millisecond}
	bench(b, "keys=1000", 2*n, Join(ticks(n, 1000), ticks(n, 1000), on, func(a, b tick) int { return a.size - b.size }))
}

// TestWindowsKeepOnlyWhatIsOpen: after ten seconds of new keys all the time, what
// is held is what one second needs.
// Breaks when: a pane that is over stays on the list, or keeps its items.
func TestWindowsKeepOnlyWhatIsOpen(t *testing.T) {
	held := func(seconds int) uint64 {
		by := ByTime[int, int]{Key: func(i int) int { return i }, Time: func(i int) time.Time { return time.Unix(0, int64(i)*100_000) }}
		var bytes uint64
		o := Window(numbers(seconds*10_000), Tumbling(time.Second), by, 0, func(n, _ int) int { return n + 1 })
		err := o.Run(t.Context(), func(w Windowed[int, int]) error {
			if w.Key == (seconds-1)*10_000 { // the last window's first
				runtime.GC()
				var m runtime.MemStats
				runtime.ReadMemStats(&m)
				bytes = m.HeapAlloc
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		return bytes
	}
	if short, long := held(2), held(30); long > short+short/2+1<<20 {
		t.Errorf("after 2 seconds %d bytes are held, after 30 seconds %d", short, long)
	}
}
