package stream_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/reactivex/rxgo/v2"
	"github.com/thaw-go/thaw/internal/origin"
	"github.com/thaw-go/thaw/stream"
)

// incremented adds 1 to each item of each chunk, in place.
func incremented(o rxgo.Observable) rxgo.Observable { return o.Map(plusChunk) }

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
		{"through=rxgo/chunk=none", stream.ThroughRx[int](source, func(o rxgo.Observable) rxgo.Observable { return o.Map(plusOne) })},
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

// marking gives batches of items, each with a mark that says how many there were.
func marking(batches ...[]int) stream.Observable[stream.Cold, int] {
	return stream.New[stream.Cold](nil, func(sub stream.Subscription) stream.Run[int] {
		return func(ctx context.Context, emit func(int) error) error {
			n := 0
			for _, batch := range batches {
				for _, item := range batch {
					if err := emit(item); err != nil {
						return err
					}
					n++
				}
				if sub.Mark == nil {
					continue
				}
				if err := sub.Mark(stream.Mark{At: stream.At(stream.Position(n))}); err != nil {
					return err
				}
			}
			return nil
		}
	})
}

// counted gives 0, 1, … without a mark in between, and ends with err.
func counted(n int, err error) stream.Observable[stream.Cold, int] {
	return stream.New[stream.Cold](nil, func(stream.Subscription) stream.Run[int] {
		return func(ctx context.Context, emit func(int) error) error {
			for i := range n {
				if err := emit(i); err != nil {
					return err
				}
			}
			return err
		}
	})
}

// tape is what a sink with marks saw, in order.
func tape[K stream.Kind, T any](t *testing.T, o stream.Observable[K, T], sub stream.Subscription) (seen []string, err error) {
	t.Helper()
	sub.Mark = func(m stream.Mark) error { seen = append(seen, "mark "+m.At.String()); return nil }
	err = o.Subscribe(t.Context(), sub, func(item T) error { seen = append(seen, fmt.Sprint(item)); return nil })
	return seen, err
}

func wantTape(t *testing.T, got []string, err error, want ...string) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("got %v, %v\n%s", got, err, diff)
	}
}

// Breaks when: runHolding does not flush before a mark or the source's error, or
// does not call alone; Chunks does not ask mayPauseUnmarked.
func TestChunks(t *testing.T) {
	noLeak(t)
	t.Run("are full, or end at a mark", func(t *testing.T) {
		got, err := tape(t, stream.Chunks(marking([]int{1, 2, 3}, nil, []int{4}), 2), stream.Subscription{})
		wantTape(t, got, err, "[1 2]", "[3]", "mark 3", "mark 3", "[4]", "mark 4")
	})
	t.Run("end at a mark even if the sink asks for none", func(t *testing.T) {
		got, err := collect(stream.Chunks(marking([]int{1, 2, 3}, []int{4}), 9))
		if diff := cmp.Diff([][]int{{1, 2, 3}, {4}}, got); err != nil || diff != "" {
			t.Errorf("got %v, %v\n%s", got, err, diff)
		}
	})
	t.Run("come before the source's error", func(t *testing.T) {
		got, err := collect(stream.Chunks(counted(3, errSource), 2))
		if diff := cmp.Diff([][]int{{0, 1}, {2}}, got); !errors.Is(err, errSource) || diff != "" {
			t.Errorf("got %v, %v\n%s", got, err, diff)
		}
	})
	t.Run("are the receiver's to keep", func(t *testing.T) {
		got, err := collect(stream.Chunks(counted(4, nil), 2))
		if diff := cmp.Diff([][]int{{0, 1}, {2, 3}}, got); err != nil || diff != "" {
			t.Errorf("got %v, %v\n%s", got, err, diff)
		}
	})
	t.Run("hold one item of a source that can not say when it pauses", func(t *testing.T) {
		for name, live := range map[string]stream.Observable[stream.Hot, int]{
			"without a log": ticking(),
			"with a log, behind a stage that refuses marks": stream.ThroughRx[int](
				stream.New[stream.Hot](&origin.Of{Hot: true}, func(stream.Subscription) stream.Run[int] { return ticking().Run }),
				func(o rxgo.Observable) rxgo.Observable { return o }),
			"FromRx, which refuses marks": stream.FromRx[stream.Hot, int](func(ctx context.Context) rxgo.Observable { return ticking().Rx(rxgo.WithContext(ctx)) }),
		} {
			synctest.Test(t, func(t *testing.T) {
				begun := time.Now()
				for got, err := range stream.Chunks(live, 100).All(t.Context()) {
					if err != nil || len(got) != 1 || time.Since(begun) != time.Second {
						t.Errorf("%s: got %v, %v after %v, want one item after a second", name, got, err, time.Since(begun))
					}
					break
				}
			})
		}
	})
	t.Run("the sink's error stops the source, and is the run's", func(t *testing.T) {
		n := 0
		err := stream.Chunks(endless(), 2).Run(t.Context(), func([]int) error { n++; return errEnough })
		if !errors.Is(err, errEnough) || n != 1 {
			t.Errorf("got %v after %d chunks, want the sink's error after one", err, n)
		}
	})
	t.Run("let a durable consumer through, and the zero value has no source", func(t *testing.T) {
		got, err := tape(t, stream.Chunks(marking([]int{1}), 2), stream.Subscription{Consumer: "mailer"})
		wantTape(t, got, err, "[1]", "mark 1")
		if _, err := collect(stream.Chunks(stream.Observable[stream.Hot, int]{}, 2)); !errors.Is(err, stream.ErrNoSource) {
			t.Errorf("got %v, want ErrNoSource", err)
		}
	})
	t.Run("go out to rxgo as they are", func(t *testing.T) {
		got, err := stream.Chunks(stream.From(1, 2, 3), 2).Rx().ToSlice(0)
		if diff := cmp.Diff([]any{[]int{1, 2}, []int{3}}, got); err != nil || diff != "" {
			t.Errorf("got %v, %v\n%s", got, err, diff)
		}
	})
}

func through(o stream.Observable[stream.Cold, int], n int, f func(rxgo.Observable) rxgo.Observable) stream.Observable[stream.Cold, int] {
	return stream.ThroughRxChunks[int](o, n, f)
}

// Breaks when: finish returns before the pipeline has closed, or does not look for
// what is left in its queue; source returns at the end of its context (a send
// meets a closed channel).
func TestThroughRxChunks(t *testing.T) {
	t.Run("gives every item once, in order, the same at every run", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			for _, n := range []int{-1, 1, 7, 256, 5000} {
				o := through(counted(1000, nil), n, incremented)
				for range 2 {
					got, err := collect(o)
					for i, item := range got {
						if item != i+1 {
							t.Fatalf("chunks of %d: item %d is %d, want %d", n, i, item, i+1)
						}
					}
					if err != nil || len(got) != 1000 {
						t.Errorf("chunks of %d: got %d items, %v, want 1000", n, len(got), err)
					}
				}
			}
		})
	})
	t.Run("what comes before a mark comes out before it, whatever holds it", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			for name, f := range map[string]func(rxgo.Observable) rxgo.Observable{
				"Map":      incremented,
				"TakeLast": func(o rxgo.Observable) rxgo.Observable { return incremented(o.TakeLast(10)) },
				"a pool": func(o rxgo.Observable) rxgo.Observable {
					return o.Map(rxFunc(func() {}), rxgo.WithPool(2)).Map(plusChunk)
				},
				"two observables": func(o rxgo.Observable) rxgo.Observable { return incremented(o).StartWith(rxgo.Empty()) },
			} {
				o := through(marking([]int{1, 2, 3}, nil, []int{4}), 3, f)
				got, err := tape(t, o, stream.Subscription{Consumer: "mailer"})
				if diff := cmp.Diff([]string{"2", "3", "4", "mark 3", "mark 3", "5", "mark 4"}, got); err != nil || diff != "" {
					t.Errorf("%s: got %v, %v\n%s", name, got, err, diff)
				}
			}
		})
	})
	t.Run("remembers nothing across a mark", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			past := stream.ThroughRxChunks[int](marking([]int{1, 2}, []int{3}), 1, func(o rxgo.Observable) rxgo.Observable {
				return o.Scan(func(_ context.Context, sum, v any) (any, error) {
					before, _ := sum.([]int)
					return append(before, v.([]int)...), nil
				})
			})
			got, err := tape(t, past, stream.Subscription{})
			wantTape(t, got, err, "1", "1", "2", "mark 2", "3", "mark 3")
		})
	})
	t.Run("a live source is not held back", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			begun, n := time.Now(), 0
			err := stream.ThroughRxChunks[int](ticking(), 256, incremented).Run(t.Context(), func(i int) error {
				if n++; time.Since(begun) != time.Duration(n)*time.Second || i != n+1 {
					t.Errorf("got %d after %v, want it at once", i, time.Since(begun))
				}
				if n == 3 {
					return errEnough
				}
				return nil
			})
			if !errors.Is(err, errEnough) {
				t.Errorf("got %v, want the sink's error", err)
			}
		})
	})
	t.Run("ends with what went wrong, and leaves nothing behind", func(t *testing.T) {
		for name, c := range map[string]struct {
			f    func(rxgo.Observable) rxgo.Observable
			want func(error) bool
		}{
			"an error of Map's": {func(o rxgo.Observable) rxgo.Observable { return o.Map(failing) }, func(err error) bool { return errors.Is(err, errSource) }},
			"a panic of Map's": {func(o rxgo.Observable) rxgo.Observable {
				return o.Map(func(context.Context, any) (any, error) { panic("oops") })
			}, isPanic},
			"a panic of f":         {func(rxgo.Observable) rxgo.Observable { panic("oops") }, isPanic},
			"no pipeline":          {func(rxgo.Observable) rxgo.Observable { return nil }, isPanic},
			"one that stops early": {func(o rxgo.Observable) rxgo.Observable { return o.Take(1) }, says("completed before its source did")},
			"one that looks away":  {func(rxgo.Observable) rxgo.Observable { return rxgo.Empty() }, says("completed before its source did")},
			"one observed twice":   {func(o rxgo.Observable) rxgo.Observable { return rxgo.Merge([]rxgo.Observable{o, o}) }, says("observed twice")},
			"single items": {func(o rxgo.Observable) rxgo.Observable {
				return o.Map(func(context.Context, any) (any, error) { return 1, nil })
			}, says("expected an item of type []int, found int")},
		} {
			synctest.Test(t, func(t *testing.T) {
				if _, err := collect(through(counted(1000, nil), 10, c.f)); !c.want(err) {
					t.Errorf("%s: got %v", name, err)
				}
			})
		}
	})
	t.Run("the source's error comes after the items before it", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			got, err := collect(through(counted(3, errSource), 10, incremented))
			if diff := cmp.Diff([]int{1, 2, 3}, got); !errors.Is(err, errSource) || diff != "" {
				t.Errorf("got %v, %v\n%s", got, err, diff)
			}
		})
	})
	t.Run("the sink's error, its panic and the end of the context leave nothing behind", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			o := stream.ThroughRxChunks[int](endless(), 10, incremented)
			if err := o.Run(t.Context(), func(int) error { return errEnough }); !errors.Is(err, errEnough) {
				t.Errorf("got %v, want the sink's error", err)
			}
			wantPanic(t, "sink", func() { _ = o.Run(t.Context(), func(int) error { panic("sink") }) })
			ctx, cancel := context.WithCancel(t.Context())
			n := 0
			err := stream.ThroughRxChunks[int](stream.Chunks(stream.From(make([]int, 10_000)...), 10), 10, func(o rxgo.Observable) rxgo.Observable {
				return o.Map(func(context.Context, any) (any, error) { return []int{1}, nil })
			}).Run(ctx, func(int) error {
				if n++; n == 3 {
					cancel()
				}
				return nil
			})
			if !errors.Is(err, context.Canceled) {
				t.Errorf("got %v, want context.Canceled", err)
			}
		})
	})
	t.Run("chunks that were left in a queue are not lost in silence", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			_, err := collect(through(counted(3, nil), 1, func(o rxgo.Observable) rxgo.Observable {
				return o.TakeUntil(func(any) bool { return true })
			}))
			if !says("completed before its source did")(err) {
				t.Errorf("got %v, want an error that says what was left", err)
			}
		})
	})
	t.Run("a source that goes on after the end of its context does no harm", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			o := stream.New[stream.Cold](nil, func(stream.Subscription) stream.Run[int] {
				return func(_ context.Context, emit func(int) error) error {
					for i := range 100 {
						if i == 10 {
							cancel()
							synctest.Wait() // rxgo's goroutines have seen it
						}
						if err := emit(i); err != nil {
							return err
						}
					}
					return nil
				}
			})
			if err := through(o, 1, incremented).Run(ctx, func(int) error { return nil }); !errors.Is(err, context.Canceled) {
				t.Errorf("got %v, want context.Canceled", err)
			}
		})
	})
	t.Run("the zero value has no source", func(t *testing.T) {
		if _, err := collect(stream.ThroughRxChunks[int](stream.Observable[stream.Hot, int]{}, 2, incremented)); !errors.Is(err, stream.ErrNoSource) {
			t.Errorf("got %v, want ErrNoSource", err)
		}
	})
}

func plusChunk(_ context.Context, v any) (any, error) {
	chunk := v.([]int)
	for i := range chunk {
		chunk[i]++
	}
	return chunk, nil
}

func isPanic(err error) bool {
	var panicked *stream.PanicError
	return errors.As(err, &panicked)
}

func says(what string) func(error) bool {
	return func(err error) bool { return err != nil && strings.Contains(err.Error(), what) }
}

// BenchmarkRx is the price of handing an observable to rxgo and observing it.
func BenchmarkRx(b *testing.B) {
	const n = 1 << 16
	source := stream.From(make([]int, n)...)
	for name, o := range map[string]rxgo.Iterable{"chunk=none": source, "chunk=256": stream.Chunks(source, 256), "chunk=1024": stream.Chunks(source, 1024)} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				got := 0
				for item := range o.Observe() {
					if chunk, ok := item.V.([]int); ok {
						got += len(chunk)
					} else {
						got++
					}
				}
				if got != n {
					b.Fatalf("got %d items, want %d", got, n)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/n, "ns/item")
		})
	}
}
