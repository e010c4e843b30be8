package badgertables_test

import (
	"fmt"
	"testing"

	"github.com/thaw-go/thaw/stream"
	"github.com/thaw-go/thaw/stream/badgertables"
)

// BenchmarkUpdate stores so many keys of 100 bytes at once, out of 100,000.
func BenchmarkUpdate(b *testing.B) {
	for _, keys := range []int{1, 100, 10_000} {
		b.Run(fmt.Sprint(keys, " keys"), func(b *testing.B) {
			tables, err := badgertables.Open(b.TempDir(), badgertables.Options{})
			if err != nil {
				b.Fatal(err)
			}
			defer tables.Close()
			changes := make([]stream.Change, keys)
			n := 0
			for b.Loop() {
				for i := range changes {
					changes[i] = stream.Change{Key: fmt.Sprintf("key-%06d", n*7919%100_000), Value: make([]byte, 100)}
					n++
				}
				if err := tables.Update(b.Context(), "a", changes...); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "keys/s")
		})
	}
}

// BenchmarkRead gets one key, and ranges over a hundred, out of 100,000.
func BenchmarkRead(b *testing.B) {
	tables, err := badgertables.Open(b.TempDir(), badgertables.Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer tables.Close()
	for from := range 10 {
		changes := make([]stream.Change, 10_000)
		for i := range changes {
			changes[i] = stream.Change{Key: fmt.Sprintf("key-%06d", from*10_000+i), Value: make([]byte, 100)}
		}
		if err := tables.Update(b.Context(), "a", changes...); err != nil {
			b.Fatal(err)
		}
	}
	s, err := tables.Snapshot(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	b.Run("get", func(b *testing.B) {
		n := 0
		for b.Loop() {
			if _, ok, err := s.Get("a", fmt.Sprintf("key-%06d", n*7919%100_000)); !ok || err != nil {
				b.Fatal(ok, err)
			}
			n++
		}
	})
	b.Run("range of 100", func(b *testing.B) {
		n := 0
		for b.Loop() {
			from := n * 7919 % 99_000
			seen := 0
			err := s.Range(stream.TableRange{Table: "a", From: fmt.Sprintf("key-%06d", from), To: fmt.Sprintf("key-%06d", from+100)}, func(string, []byte) error { seen++; return nil })
			if seen != 100 || err != nil {
				b.Fatal(seen, err)
			}
			n++
		}
	})
}
