package memlog_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/thaw-go/thaw/stream"
	"github.com/thaw-go/thaw/stream/memlog"
)

var payload = []byte(`{"Email":"` + strings.Repeat("a", 80) + `"}`)

func bare() stream.Record {
	return stream.Record{Header: stream.Header{Type: "EMAIL_SET", Schema: 1}, Data: payload}
}

func mustAppendTo(b *testing.B, log *memlog.Log, id stream.ID, records ...stream.Record) {
	if _, err := log.Append(b.Context(), id, stream.AnyVersion, records...); err != nil {
		b.Error(err)
	}
}

// BenchmarkAppend is one event at a time, from several callers at once; one
// operation is one event.
func BenchmarkAppend(b *testing.B) {
	for _, callers := range []int{1, 64, 1000} {
		b.Run(fmt.Sprintf("callers=%d", callers), func(b *testing.B) {
			b.ReportAllocs()
			log := memlog.New()
			work := make(chan struct{}, callers)
			var all sync.WaitGroup
			for i := range callers {
				id := stream.ID{Topic: "users", Key: fmt.Sprint(i)}
				all.Go(func() {
					for range work {
						mustAppendTo(b, log, id, bare())
					}
				})
			}
			for b.Loop() {
				work <- struct{}{}
			}
			close(work)
			all.Wait()
		})
	}
}

// filled is a log of n events in appends of size, spread over 100 instances.
func filled(b *testing.B, n, size int) *memlog.Log {
	log := memlog.New()
	list := make([]stream.Record, size)
	for i := range list {
		list[i] = bare()
	}
	for i := range n / size {
		mustAppendTo(b, log, stream.ID{Topic: "users", Key: fmt.Sprint(i % 100)}, list...)
	}
	return log
}

func readAll(b *testing.B, log *memlog.Log, q stream.Query, want int) {
	n := 0
	err := log.Read(b.Context(), q, func(block []stream.Record, _ stream.Mark) error {
		n += len(block)
		return nil
	})
	if err != nil || n != want {
		b.Fatalf("got %d events (error %v), want %d", n, err, want)
	}
}

// BenchmarkColdScan reads the whole log; see events/s.
func BenchmarkColdScan(b *testing.B) {
	const n = 100_000
	log := filled(b, n, 10)
	b.ReportAllocs()
	for b.Loop() {
		readAll(b, log, stream.Query{}, n)
	}
	b.ReportMetric(float64(n)*float64(b.N)/b.Elapsed().Seconds(), "events/s")
}

// BenchmarkLoad reads one instance out of a log of many.
func BenchmarkLoad(b *testing.B) {
	for _, n := range []int{10, 1000} {
		b.Run(fmt.Sprintf("events=%d", n), func(b *testing.B) {
			log := filled(b, 100_000, 10)
			for range n {
				mustAppendTo(b, log, stream.ID{Topic: "users", Key: "one"}, bare())
			}
			q := stream.Query{Match: []stream.Match{{Topic: "users", Key: "one"}}}
			b.ReportAllocs()
			for b.Loop() {
				readAll(b, log, q, n)
			}
		})
	}
}

// BenchmarkLive appends one event at a time and waits in the end for every
// subscriber to have it; one operation is one event, delivered to all.
func BenchmarkLive(b *testing.B) {
	for _, subscribers := range []int{1, 100} {
		b.Run(fmt.Sprintf("subscribers=%d", subscribers), func(b *testing.B) {
			b.ReportAllocs()
			log := memlog.New()
			ctx, cancel := context.WithCancel(b.Context())
			defer cancel()
			var online, ended sync.WaitGroup
			online.Add(subscribers)
			for range subscribers {
				ended.Go(func() { follow(ctx, log, &online) })
			}
			online.Wait()
			for b.Loop() {
				mustAppendTo(b, log, ann, bare())
			}
			mustAppendTo(b, log, stream.ID{Topic: "users", Key: "end"}, bare())
			ended.Wait()
		})
	}
}

// follow reads until the event of the instance "end".
func follow(ctx context.Context, log *memlog.Log, online *sync.WaitGroup) {
	first := true
	_ = log.Read(ctx, stream.Query{Follow: true}, func(block []stream.Record, m stream.Mark) error {
		if first && m.Live {
			first = false
			online.Done()
		}
		for i := range block {
			if block[i].Stream.Key == "end" {
				return context.Canceled
			}
		}
		return nil
	})
}
