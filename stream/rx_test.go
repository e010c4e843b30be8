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
	"github.com/thaw-go/thaw/stream"
)

// Each test here is a trap of rxgo that must not reach whoever uses its doors.

func plusOne(_ context.Context, v any) (any, error) { return v.(int) + 1, nil }

func mapped(o rxgo.Observable) rxgo.Observable { return o.Map(plusOne) }

func ranged(n int) func(context.Context) rxgo.Observable {
	return func(context.Context) rxgo.Observable { return rxgo.Range(0, n).Map(plusOne) }
}

// first takes n items of an observable and leaves.
func first[K stream.Kind, T any](t *testing.T, o stream.Observable[K, T], n int) (items []T) {
	t.Helper()
	for item, err := range o.All(context.Background()) {
		if err != nil {
			t.Fatal(err)
		}
		if items = append(items, item); len(items) == n {
			break
		}
	}
	return items
}

func TestRxOut(t *testing.T) {
	noLeak(t)
	t.Run("the items are rxgo's, and each observer has a run of its own", func(t *testing.T) {
		c := &counting{n: 3}
		rx := c.source().Rx()
		for range 2 {
			got, err := rx.Map(plusOne).ToSlice(3)
			if diff := cmp.Diff([]any{1, 2, 3}, got); err != nil || diff != "" {
				t.Errorf("got %v, %v\n%s", got, err, diff)
			}
		}
		if c.begun != 2 {
			t.Errorf("got %d runs, want 2", c.begun)
		}
	})
	t.Run("an observable is an iterable for rxgo's operators", func(t *testing.T) {
		got, err := rxgo.Just(-1)().StartWith((&counting{n: 2}).source()).ToSlice(3)
		if diff := cmp.Diff([]any{0, 1, -1}, got); err != nil || diff != "" {
			t.Errorf("got %v, %v\n%s", got, err, diff)
		}
	})
	t.Run("an error is the last item", func(t *testing.T) {
		var last rxgo.Item
		n := 0
		for item := range (&counting{n: 2, failing: true}).source().Observe() {
			last, n = item, n+1
		}
		if n != 3 || !errors.Is(last.E, errSource) {
			t.Errorf("got %d items, the last %v, want 3 and the source's error", n, last)
		}
	})
	t.Run("a panic in the source is an error item, not a crash", func(t *testing.T) {
		o := stream.New[stream.Cold](nil, func(stream.Subscription) stream.Run[int] {
			return func(context.Context, func(int) error) error { panic("oops") }
		})
		var panicked *stream.PanicError
		if item := <-o.Observe(); !errors.As(item.E, &panicked) {
			t.Errorf("got %v, want a *PanicError", item)
		}
	})
	t.Run("cancelling the observer's context ends the source", func(t *testing.T) {
		ctx, cancel := context.WithCancel(context.Background())
		items := (&counting{endless: true}).source().Observe(rxgo.WithContext(ctx))
		<-items
		cancel()
		for range items { // closes
		}
	})
}

func TestFromRx(t *testing.T) {
	noLeak(t)
	t.Run("a pipeline is run anew each time", func(t *testing.T) {
		o := stream.FromRx[stream.Cold, int](ranged(3))
		for range 2 {
			got, err := collect(o)
			wantItems(t, got, err, 1, 2, 3)
		}
	})
	t.Run("operators that can be observed only once are made anew by the factory", func(t *testing.T) {
		o := stream.FromRx[stream.Cold, int](func(context.Context) rxgo.Observable {
			return rxgo.Just(1, 2)().FlatMap(func(i rxgo.Item) rxgo.Observable { return rxgo.Just(i.V, i.V)() })
		})
		for range 2 {
			got, err := collect(o)
			wantItems(t, got, err, 1, 1, 2, 2)
		}
	})
	t.Run("leaving early leaks nothing", func(t *testing.T) {
		for range 20 {
			got := first(t, stream.FromRx[stream.Cold, int](ranged(100_000)), 2)
			wantItems(t, got, nil, 1, 2)
		}
	})
	t.Run("the first error item is the end", func(t *testing.T) {
		o := stream.FromRx[stream.Cold, int](func(ctx context.Context) rxgo.Observable {
			return rxgo.Merge([]rxgo.Observable{rxgo.Thrown(errSource), rxgo.Never()}, rxgo.WithContext(ctx))
		})
		if _, err := collect(o); !errors.Is(err, errSource) {
			t.Errorf("got %v, want the error item's", err)
		}
	})
	t.Run("an item of the wrong type is an error", func(t *testing.T) {
		o := stream.FromRx[stream.Cold, string](ranged(3))
		_, err := collect(o)
		if err == nil || !strings.Contains(err.Error(), "expected an item of type string, found int") {
			t.Errorf("got %v, want an error with both types", err)
		}
	})
	t.Run("an item that is nothing is an error", func(t *testing.T) {
		o := stream.FromRx[stream.Cold, int](func(context.Context) rxgo.Observable {
			return rxgo.Just(1)().Map(func(context.Context, any) (any, error) { return nil, nil })
		})
		if _, err := collect(o); err == nil {
			t.Error("got completion, want an error")
		}
	})
	t.Run("a factory that panics, or makes nothing, is an error", func(t *testing.T) {
		for _, factory := range []func(context.Context) rxgo.Observable{
			func(context.Context) rxgo.Observable { panic("oops") },
			func(context.Context) rxgo.Observable { return nil },
		} {
			_, err := collect(stream.FromRx[stream.Hot, int](factory))
			var panicked *stream.PanicError
			if !errors.As(err, &panicked) || panicked.Stage != "FromRx" {
				t.Errorf("got %v, want a *PanicError of FromRx", err)
			}
		}
	})
	t.Run("it has no log behind it, whatever its kind", func(t *testing.T) {
		o := stream.FromRx[stream.Hot, int](ranged(1))
		if o.Log() != nil || o.ReadsHot() {
			t.Error("it claims a log")
		}
		var refused *stream.NotDurableError
		if err := o.Subscribe(context.Background(), stream.Subscription{Consumer: "mailer"}, nil); !errors.As(err, &refused) {
			t.Errorf("a durable consumer: got %v, want a *NotDurableError", err)
		}
		if err := o.Subscribe(context.Background(), stream.Subscription{Mark: func(stream.Mark) error { return nil }}, nil); !errors.Is(err, stream.ErrNoMarks) {
			t.Errorf("a sink with marks: got %v, want ErrNoMarks", err)
		}
	})
}

func TestThroughRx(t *testing.T) {
	noLeak(t)
	t.Run("gives the same at every run", func(t *testing.T) {
		o := stream.ThroughRx[int]((&counting{n: 3}).source(), mapped)
		for range 2 {
			got, err := collect(o)
			wantItems(t, got, err, 1, 2, 3)
		}
	})
	t.Run("may change the type", func(t *testing.T) {
		o := stream.ThroughRx[string]((&counting{n: 2}).source(), func(o rxgo.Observable) rxgo.Observable {
			return o.Map(func(_ context.Context, v any) (any, error) { return fmt.Sprint("n", v), nil })
		})
		got, err := collect(o)
		wantItems(t, got, err, "n0", "n1")
	})
	t.Run("Take that completes late still completes", func(t *testing.T) {
		c := &counting{endless: true}
		got, err := collect(stream.ThroughRx[int](c.source(), func(o rxgo.Observable) rxgo.Observable { return o.Take(2) }))
		wantItems(t, got, err, 0, 1)
	})
	t.Run("operators that can be observed only once are made anew", func(t *testing.T) {
		o := stream.ThroughRx[int]((&counting{n: 4}).source(), func(o rxgo.Observable) rxgo.Observable {
			return o.BufferWithCount(2).FlatMap(func(i rxgo.Item) rxgo.Observable { return rxgo.Just(len(i.V.([]any)))() })
		})
		for range 2 {
			got, err := collect(o)
			wantItems(t, got, err, 2, 2)
		}
	})
	t.Run("a source that is observed twice in one run is run twice from its beginning", func(t *testing.T) {
		held := summing((&counting{n: 3}).source())
		got, err := collect(stream.ThroughRx[int](held, func(o rxgo.Observable) rxgo.Observable {
			return rxgo.Concat([]rxgo.Observable{o, o})
		}))
		wantItems(t, got, err, 0, 1, 3, 0, 1, 3)
	})
	t.Run("leaving early leaks nothing and releases the source", func(t *testing.T) {
		for range 20 {
			released := make(chan struct{})
			o := stream.New[stream.Cold](nil, func(stream.Subscription) stream.Run[int] {
				return func(ctx context.Context, emit func(int) error) error {
					defer close(released)
					for i := 0; ; i++ {
						if err := emit(i); err != nil {
							return err
						}
					}
				}
			})
			wantItems(t, first(t, stream.ThroughRx[int](o, mapped), 2), nil, 1, 2)
			<-released
		}
	})
	t.Run("a source's error ends the run, after an operator that continues, too", func(t *testing.T) {
		c := &counting{n: 2, failing: true}
		_, err := collect(stream.ThroughRx[int](c.source(), func(o rxgo.Observable) rxgo.Observable {
			return o.Map(plusOne, rxgo.WithErrorStrategy(rxgo.ContinueOnError))
		}))
		if !errors.Is(err, errSource) {
			t.Errorf("got %v, want the source's error", err)
		}
	})
	t.Run("a panic of the source is an error, not a crash", func(t *testing.T) {
		_, err := collect(stream.ThroughRx[int](mapping((&counting{n: 1}).source(), "Boom", func(int) int { panic("oops") }), mapped))
		var panicked *stream.PanicError
		if !errors.As(err, &panicked) || panicked.Stage != "Boom" {
			t.Errorf("got %v, want a *PanicError of Boom", err)
		}
	})
	t.Run("a panic of the sink is not swallowed, and leaks nothing", func(t *testing.T) {
		wantPanic(t, "sink", func() {
			_ = stream.ThroughRx[int]((&counting{endless: true}).source(), mapped).Run(context.Background(), func(int) error { panic("sink") })
		})
	})
	t.Run("a durable consumer and a sink with marks are refused before the first event", func(t *testing.T) {
		c := &counting{n: 1}
		o := stream.ThroughRx[int](c.source(), mapped)
		var refused *stream.NotResumableError
		if err := o.Subscribe(context.Background(), stream.Subscription{Consumer: "mailer"}, nil); !errors.As(err, &refused) || refused.Operator != "ThroughRx" {
			t.Errorf("got %v, want a *NotResumableError of ThroughRx", err)
		}
		if err := o.Subscribe(context.Background(), stream.Subscription{Mark: func(stream.Mark) error { return nil }}, nil); !errors.Is(err, stream.ErrNoMarks) {
			t.Errorf("got %v, want ErrNoMarks", err)
		}
		if c.begun != 0 {
			t.Errorf("got %d runs, want none", c.begun)
		}
	})
	t.Run("the zero value has no source", func(t *testing.T) {
		if _, err := collect(stream.ThroughRx[int](stream.Observable[stream.Hot, int]{}, mapped)); !errors.Is(err, stream.ErrNoSource) {
			t.Errorf("got %v, want ErrNoSource", err)
		}
	})
}

// A pipeline of rxgo's that is cancelled may never close: the run ends anyway.
func TestRxCancelled(t *testing.T) {
	hang := map[string]func(rxgo.Observable) rxgo.Observable{
		"a lazy chain":         mapped,
		"Take on a live item":  func(o rxgo.Observable) rxgo.Observable { return o.Take(1) },
		"a merge":              func(o rxgo.Observable) rxgo.Observable { return rxgo.Merge([]rxgo.Observable{o}) },
		"a buffer that waits":  func(o rxgo.Observable) rxgo.Observable { return o.BufferWithCount(3) },
		"one that never comes": func(rxgo.Observable) rxgo.Observable { return rxgo.Never() },
	}
	for claim, f := range hang {
		t.Run(claim+" ends with its context", func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				live := stream.New[stream.Hot](nil, func(stream.Subscription) stream.Run[int] {
					return func(ctx context.Context, emit func(int) error) error {
						if err := emit(1); err != nil {
							return err
						}
						<-ctx.Done()
						return ctx.Err()
					}
				})
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				defer cancel()
				begin := time.Now()
				err := stream.ThroughRx[any](live, f).Run(ctx, func(any) error { return nil })
				if !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("got %v, want context.DeadlineExceeded", err)
				}
				if took := time.Since(begin); took > time.Minute+time.Second {
					t.Errorf("took %v, want a minute and no more than a moment", took)
				}
			})
		})
	}
}
