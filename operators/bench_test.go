package operators

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/thaw-go/thaw/stream"
)

const benchItems = 100_000

func numbers(n int) stream.Observable[stream.Cold, int] {
	return stream.New[stream.Cold](nil, func(stream.Subscription) stream.Run[int] {
		return func(_ context.Context, emit func(int) error) error {
			for i := range n {
				if err := emit(i); err != nil {
					return err
				}
			}
			return nil
		}
	})
}

func perItem(b *testing.B) {
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/benchItems, "ns/item")
}

func BenchmarkMapFilterScan(b *testing.B) {
	double, even := func(n int) int { return n * 2 }, func(n int) bool { return n%4 == 0 }
	b.Run("thaw", func(b *testing.B) {
		o := Scan(Filter(Map(numbers(benchItems), double), even), 0, total)
		b.ReportAllocs()
		for b.Loop() {
			if _, _, err := Last(b.Context(), o); err != nil {
				b.Fatal(err)
			}
		}
		perItem(b)
	})
	b.Run("loop over function values", func(b *testing.B) {
		fs := struct {
			double func(int) int
			even   func(int) bool
			add    func(int, int) int
		}{double, even, total}
		sum := 0
		for b.Loop() {
			sum = 0
			for i := range benchItems {
				if n := fs.double(i); fs.even(n) {
					sum = fs.add(sum, n)
				}
			}
		}
		_ = sum
		perItem(b)
	})
}

func BenchmarkMaps(b *testing.B) {
	for _, stages := range []int{1, 3, 10} {
		b.Run(fmt.Sprint(stages), func(b *testing.B) {
			o := numbers(benchItems)
			for range stages {
				o = Map(o, func(n int) int { return n + 1 })
			}
			for b.Loop() {
				if _, err := Count(b.Context(), o); err != nil {
					b.Fatal(err)
				}
			}
			perItem(b)
		})
	}
}

// BenchmarkOperators is what an operator costs on top of a source that counts.
func BenchmarkOperators(b *testing.B) {
	yes := func(int) bool { return true }
	for name, of := range map[string]func(ints) ints{
		"none":                 func(o ints) ints { return o },
		"Filter":               func(o ints) ints { return Filter(o, yes) },
		"Take":                 func(o ints) ints { return Take(o, 1<<40) },
		"TakeWhile":            func(o ints) ints { return TakeWhile(o, yes) },
		"TakeThrough":          func(o ints) ints { return TakeThrough(o, yes) },
		"TakeUntil":            func(o ints) ints { return TakeUntil(o, Never[stream.Hot, int]()) },
		"TakeLast":             func(o ints) ints { return TakeLast(o, 10) },
		"Skip":                 func(o ints) ints { return Skip(o, 1) },
		"SkipWhile":            func(o ints) ints { return SkipWhile(o, func(n int) bool { return n < 5 }) },
		"SkipLast":             func(o ints) ints { return SkipLast(o, 10) },
		"SkipUntil":            func(o ints) ints { return SkipUntil(o, stream.From(1)) },
		"Distinct":             func(o ints) ints { return Distinct(o, itself[int], Memory{Keys: 1000}) },
		"DistinctUntilChanged": func(o ints) ints { return DistinctUntilChanged(o, Equal) },
		"Pairwise":             func(o ints) ints { return Map(Pairwise(o), func(p [2]int) int { return p[1] }) },
		"StartWith":            func(o ints) ints { return StartWith(o, 1) },
		"Materialize":          func(o ints) ints { return Dematerialize(Materialize(o)) },
		"Merge":                func(o ints) ints { return Merge(o) },
		"Concat":               func(o ints) ints { return Concat(o) },
		"Race":                 func(o ints) ints { return Race(o) },
		"MergeByTime":          func(o ints) ints { return MergeByTime(func(n int) time.Time { return time.Unix(int64(n), 0) }, o) },
		"Zip":                  func(o ints) ints { return Zip(o, numbers(benchItems), total) },
		"CombineLatest":        func(o ints) ints { return CombineLatest(o, stream.From(1), total) },
		"WithLatestFrom":       func(o ints) ints { return WithLatestFrom(o, stream.From(1), total) },
		"Debounce":             func(o ints) ints { return Debounce(o, time.Hour) },
		"Throttle":             func(o ints) ints { return Throttle(o, time.Hour, Leading) },
		"Audit":                func(o ints) ints { return Audit(o, time.Millisecond) },
		"Sample":               func(o ints) ints { return Sample(o, Interval(time.Millisecond)) },
		"Delay":                func(o ints) ints { return Delay(o, time.Microsecond, 100) },
		"Timeout":              func(o ints) ints { return Timeout(o, Patience[int]{Each: time.Hour}) },
		"Buffer":               func(o ints) ints { return Map(Buffer(o, Batch{Items: 100}), func(b []int) int { return b[0] }) },
	} {
		b.Run(name, func(b *testing.B) {
			o := of(numbers(benchItems))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := Count(b.Context(), o); err != nil {
					b.Fatal(err)
				}
			}
			perItem(b)
		})
	}
}

// BenchmarkParallel is a decode of about a microsecond per item.
func BenchmarkParallel(b *testing.B) {
	decode := func(n int) (int, error) {
		for range 1000 {
			n = n*1664525 + 1013904223
		}
		return n, nil
	}
	of := func(o ints) func(b *testing.B) {
		return func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := Count(b.Context(), o); err != nil {
					b.Fatal(err)
				}
			}
			perItem(b)
		}
	}
	b.Run("TryMap", of(TryMap(numbers(benchItems), decode)))
	for _, n := range []int{1, 2} {
		b.Run(fmt.Sprintf("workers=%d", n), of(Parallel(numbers(benchItems), n, decode)))
	}
}

func BenchmarkBoundaries(b *testing.B) {
	for name, o := range map[string]ints{
		"ObserveOn": ObserveOn(numbers(benchItems), 256, Block),
		"Share":     coldly(Share(numbers(benchItems), 256, Block)),
		"Retry":     Retry(numbers(benchItems), Retries{}),
		"Catch":     Catch(numbers(benchItems), func(error) ints { return ints{} }),
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := Count(b.Context(), o); err != nil {
					b.Fatal(err)
				}
			}
			perItem(b)
		})
	}
}
