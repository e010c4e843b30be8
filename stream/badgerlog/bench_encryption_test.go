package badgerlog_test

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/thaw-go/thaw/stream"
	"github.com/thaw-go/thaw/stream/badgerlog"
)

// BenchmarkEncryption does the same to a plain log and to an encrypted one, in
// turn, so that both meet the same machine, and reports how much longer the
// encrypted one took, as a ratio of medians.
func BenchmarkEncryption(b *testing.B) {
	b.Run("append/callers=64", func(b *testing.B) {
		inTurn(b, badgerlog.Options{}, 0, func(log *badgerlog.Log, turn int64) {
			var all sync.WaitGroup
			for c := range int64(64) {
				all.Go(func() {
					for i := range int64(40) {
						if _, err := log.Append(context.Background(), noteID((turn+64*i+c)%1000), stream.AnyVersion, record()); err != nil {
							b.Error(err)
						}
					}
				})
			}
			all.Wait()
		})
	})
	b.Run("append/batch=1000", func(b *testing.B) {
		inTurn(b, badgerlog.Options{}, 0, func(log *badgerlog.Log, _ int64) { fill(b, log, 20_000, 10, 1000) })
	})
	b.Run("scan", func(b *testing.B) {
		const events = 300_000
		inTurn(b, badgerlog.Options{Durability: badgerlog.Unsynced}, events, func(log *badgerlog.Log, _ int64) {
			countEvents(b, log, stream.Query{}, events)
		})
	})
	b.Run("load/events=100", func(b *testing.B) {
		inTurn(b, badgerlog.Options{Durability: badgerlog.Unsynced}, 200_000, func(log *badgerlog.Log, turn int64) {
			for i := range int64(500) {
				id := noteID((500*turn + i) * 7919 % 2000)
				countEvents(b, log, stream.Query{Match: []stream.Match{{Topic: id.Topic, Key: id.Key}}}, 100)
			}
		})
	})
}

// inTurn opens two logs with so many events of 2000 streams, one at a time, in
// them, and works on one and on the other.
func inTurn(b *testing.B, o badgerlog.Options, events int, work func(log *badgerlog.Log, turn int64)) {
	b.Helper()
	var logs [2]*badgerlog.Log
	for i, k := range [2][][]byte{nil, keys(1)} {
		o.Keys = k
		dir := b.TempDir()
		if events > 0 {
			log, err := badgerlog.Open(dir, o)
			if err != nil {
				b.Fatal(err)
			}
			fill(b, log, events, 2000, 1)
			if err := log.Close(); err != nil {
				b.Fatal(err)
			}
		}
		logs[i] = open(b, dir, o)
	}
	var took [2][]time.Duration
	b.ResetTimer()
	for turn := int64(0); b.Loop(); turn++ {
		for i := range logs {
			which := (int(turn) + i) % 2
			began := time.Now()
			work(logs[which], turn)
			took[which] = append(took[which], time.Since(began))
		}
	}
	plain, encrypted := median(took[0]), median(took[1])
	b.ReportMetric(float64(encrypted)/float64(plain), "encrypted/plain")
	b.ReportMetric(float64(plain.Microseconds()), "plain-µs")
}

func median(all []time.Duration) time.Duration {
	slices.Sort(all)
	return all[len(all)/2]
}

func countEvents(b *testing.B, log *badgerlog.Log, q stream.Query, want int) {
	b.Helper()
	got := 0
	err := log.Read(context.Background(), q, func(records []stream.Record, _ stream.Mark) error {
		got += len(records)
		return nil
	})
	if err != nil || got != want {
		b.Fatalf("read %d events, want %d: %v", got, want, err)
	}
}
