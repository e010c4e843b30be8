package badgerlog_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/thaw-go/thaw/stream"
	"github.com/thaw-go/thaw/stream/badgerlog"
)

// payload is 200 bytes of JSON, as the figures in docs/performance.md assume.
var payload = []byte(`{"text":"` + strings.Repeat("x", 189) + `"}`)

func record() stream.Record {
	command := stream.NewID()
	return stream.Record{
		Header: stream.Header{Type: "NOTE_ADDED", Schema: 1, ID: stream.DeriveID(command, "event", 0), Command: command, Correlation: command},
		Data:   payload,
	}
}

func noteID(i int64) stream.ID { return stream.ID{Topic: "notes", Key: fmt.Sprintf("note-%d", i)} }

func openBench(b *testing.B, d badgerlog.Durability) *badgerlog.Log {
	b.Helper()
	log, err := badgerlog.Open(b.TempDir(), badgerlog.Options{Durability: d})
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

// fill appends n events to streams in turn, in batches of one stream each.
func fill(b *testing.B, log *badgerlog.Log, n, streams, batch int) {
	b.Helper()
	for i := 0; i < n; i += batch {
		records := make([]stream.Record, batch)
		command := stream.NewID()
		for j := range records {
			records[j] = record()
			records[j].Command = command
		}
		if _, err := log.Append(b.Context(), noteID(int64(i/batch%streams)), stream.AnyVersion, records...); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkAppend(b *testing.B) {
	for _, durability := range []struct {
		name string
		is   badgerlog.Durability
	}{{"durable", badgerlog.Synced}, {"unsynced", badgerlog.Unsynced}} {
		for _, commands := range []bool{false, true} {
			for _, callers := range []int{1, 64, 1000} {
				b.Run(fmt.Sprintf("%s/commands=%v/callers=%d", durability.name, commands, callers), func(b *testing.B) {
					log := openBench(b, durability.is)
					appendFrom(b, callers, func(i int64) error {
						r := record()
						if !commands {
							r.Command, r.Correlation = stream.EventID{}, stream.EventID{}
						}
						_, err := log.Append(context.Background(), noteID(i%1000), stream.AnyVersion, r)
						return err
					})
				})
			}
		}
	}
}

// appendFrom shares b.N calls of append among callers.
func appendFrom(b *testing.B, callers int, append func(int64) error) {
	var next atomic.Int64
	var failed atomic.Value
	b.ResetTimer()
	var all sync.WaitGroup
	for range callers {
		all.Go(func() {
			for i := next.Add(1); i <= int64(b.N); i = next.Add(1) {
				if err := append(i); err != nil {
					failed.Store(err)
					return
				}
			}
		})
	}
	all.Wait()
	if err, ok := failed.Load().(error); ok {
		b.Fatal(err)
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
}

func BenchmarkAppendBatch(b *testing.B) {
	const batch = 1000
	for _, durability := range []struct {
		name string
		is   badgerlog.Durability
	}{{"durable", badgerlog.Synced}, {"unsynced", badgerlog.Unsynced}} {
		b.Run(durability.name, func(b *testing.B) {
			log := openBench(b, durability.is)
			b.ResetTimer()
			fill(b, log, b.N*batch, 10, batch)
			b.ReportMetric(float64(b.N*batch)/b.Elapsed().Seconds(), "events/s")
		})
	}
}

var errStop = errors.New("stop")

func BenchmarkScan(b *testing.B) {
	const n = 200_000
	for _, batch := range []int{1, 100} {
		b.Run(fmt.Sprintf("batch=%d", batch), func(b *testing.B) {
			log := openBench(b, badgerlog.Unsynced)
			fill(b, log, n, 1000, batch)
			if err := log.Close(); err != nil {
				b.Fatal(err)
			}
			log = reopen(b, log)
			total := 0
			for b.Loop() {
				total = 0
				err := log.Read(b.Context(), stream.Query{}, func(records []stream.Record, _ stream.Mark) error {
					total += len(records)
					return nil
				})
				if err != nil {
					b.Fatal(err)
				}
			}
			if total != n {
				b.Fatalf("scanned %d events, expected %d", total, n)
			}
			b.ReportMetric(float64(b.N)*n/b.Elapsed().Seconds()/1e6, "Mevents/s")
		})
	}
}

func BenchmarkLoad(b *testing.B) {
	for _, events := range []int{10, 1000} {
		b.Run(fmt.Sprintf("events=%d", events), func(b *testing.B) {
			const n = 200_000
			log := openBench(b, badgerlog.Unsynced)
			streams := n / events
			for i := range n {
				if _, err := log.Append(b.Context(), noteID(int64(i%streams)), stream.AnyVersion, record()); err != nil {
					b.Fatal(err)
				}
			}
			log = reopen(b, log)
			i := int64(0)
			for b.Loop() {
				i = (i + 7919) % int64(streams)
				id, found := noteID(i), 0
				q := stream.Query{Match: []stream.Match{{Topic: id.Topic, Key: id.Key}}}
				err := log.Read(b.Context(), q, func(records []stream.Record, _ stream.Mark) error {
					found += len(records)
					return nil
				})
				if err != nil || found != events {
					b.Fatalf("loaded %d events of %s: %v", found, id, err)
				}
			}
		})
	}
}

func BenchmarkLive(b *testing.B) {
	for _, subscribers := range []int{1, 100} {
		b.Run(fmt.Sprintf("subscribers=%d", subscribers), func(b *testing.B) {
			log := openBench(b, badgerlog.Unsynced)
			var all, online sync.WaitGroup
			online.Add(subscribers)
			want := stream.Position(b.N * 100)
			for range subscribers {
				all.Go(func() {
					first := true
					err := log.Read(context.Background(), stream.Query{Follow: true}, func(records []stream.Record, m stream.Mark) error {
						if first {
							first = false
							online.Done()
						}
						if m.At.Position(0) >= want {
							return errStop
						}
						return nil
					})
					if !errors.Is(err, errStop) {
						b.Error(err)
					}
				})
			}
			online.Wait()
			b.ResetTimer()
			fill(b, log, b.N*100, 10, 100)
			all.Wait()
			b.ReportMetric(float64(b.N)*100*float64(subscribers)/b.Elapsed().Seconds()/1e6, "Mdeliveries/s")
		})
	}
}

func reopen(tb testing.TB, log *badgerlog.Log) *badgerlog.Log {
	tb.Helper()
	if err := log.Close(); err != nil {
		tb.Fatal(err)
	}
	again, err := badgerlog.Open(log.Dir(), badgerlog.Options{})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := again.Close(); err != nil {
			tb.Error(err)
		}
	})
	return again
}
