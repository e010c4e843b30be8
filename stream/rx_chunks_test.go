package stream_test

import (
	"context"
	"testing"

	"github.com/reactivex/rxgo/v2"
	"github.com/thaw-go/thaw/stream"
)

// incremented adds 1 to each item of each chunk, in place.
func incremented(o rxgo.Observable) rxgo.Observable {
	return o.Map(func(_ context.Context, v any) (any, error) {
		chunk := v.([]int)
		for i := range chunk {
			chunk[i]++
		}
		return chunk, nil
	})
}

// BenchmarkThroughRx is the price of rxgo in the middle of a pipeline: per
// operation, a million items; ns/item is to be compared with "through=nothing"
// and with "through=Map", which does the same work.
func BenchmarkThroughRx(b *testing.B) {
	const n = 1 << 20
	source := stream.From(make([]int, n)...)
	plus := func(i int) int { return i + 1 }
	items := func(f func(rxgo.Observable) rxgo.Observable, size int) stream.Observable[stream.Cold, int] {
		return stream.ThroughRxChunks[int](source, size, f)
	}
	for _, c := range []struct {
		name string
		o    stream.Observable[stream.Cold, int]
	}{
		{"through=nothing", source},
		{"through=Map", mapping(source, "Map", plus)},
		{"through=rxgo/chunk=256", items(incremented, 256)},
		{"through=rxgo/chunk=1024", items(incremented, 1024)},
	} {
		b.Run(c.name, func(b *testing.B) {
			sum := 0
			b.ReportAllocs()
			for b.Loop() {
				sum = 0
				if err := c.o.Run(context.Background(), func(i int) error { sum += i; return nil }); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/n, "ns/item")
			if want := n; c.name != "through=nothing" && sum != want {
				b.Fatalf("got %d, want %d", sum, want)
			}
		})
	}
}
