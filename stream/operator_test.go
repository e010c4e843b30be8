package stream_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/thaw-go/thaw/operators"
	"github.com/thaw-go/thaw/stream"
)

// trace subscribes with marks and writes down what comes, in order.
func trace[K stream.Kind](ctx context.Context, o stream.Observable[K, int], fail func(entry string) error) (trace []string, err error) {
	note := func(entry string) error {
		trace = append(trace, entry)
		if fail == nil {
			return nil
		}
		return fail(entry)
	}
	err = o.Subscribe(ctx, stream.Subscription{
		Mark: func(m stream.Mark) error { return note("mark " + m.At.String()) },
	}, func(i int) error { return note(fmt.Sprint(i)) })
	return trace, err
}

func TestThrough(t *testing.T) {
	t.Run("marks pass untouched and in line, also of what was dropped", func(t *testing.T) {
		odd := stream.Through((&counting{n: 3}).source(), func(run stream.Run[int]) stream.Run[int] {
			return func(ctx context.Context, emit func(int) error) error {
				return run(ctx, func(i int) error {
					if i%2 == 0 {
						return nil
					}
					return emit(i)
				})
			}
		})
		got, err := trace(context.Background(), odd, nil)
		wantItems(t, got, err, "mark 1", "1", "mark 2", "mark 3")
	})
	t.Run("a durable consumer's wish reaches the source", func(t *testing.T) {
		c := &counting{}
		if err := double(c.source()).Subscribe(context.Background(), stream.Subscription{Consumer: "mailer"}, nil); err != nil {
			t.Fatal(err)
		}
		if c.subscription.Consumer != "mailer" {
			t.Errorf("got consumer %q, want mailer", c.subscription.Consumer)
		}
	})
}

func summing(o stream.Observable[stream.Cold, int]) stream.Observable[stream.Cold, int] {
	return stream.Holding(o, "Sum", func(run stream.Run[int]) stream.Run[int] {
		sum := 0
		return func(ctx context.Context, emit func(int) error) error {
			return run(ctx, func(i int) error { sum += i; return emit(sum) })
		}
	})
}

func TestHolding(t *testing.T) {
	t.Run("each run remembers its own", func(t *testing.T) {
		o := summing((&counting{n: 3}).source())
		for range 2 {
			got, err := collect(o)
			wantItems(t, got, err, 0, 1, 3)
		}
	})
	at := stream.At(1)
	for claim, sub := range map[string]stream.Subscription{"a durable consumer": {Consumer: "mailer"}, "one that resumes": {From: &at}} {
		t.Run(claim+" is refused before the first event, also behind another stage", func(t *testing.T) {
			c := &counting{n: 3}
			err := double(summing(c.source())).Subscribe(context.Background(), sub, func(int) error { t.Error("got an item"); return nil })
			var refused *stream.NotResumableError
			if !errors.As(err, &refused) || refused.Operator != "Sum" || c.begun != 0 {
				t.Errorf("got %v and %d runs, want a *NotResumableError of Sum and none", err, c.begun)
			}
		})
	}
	t.Run("marks still pass", func(t *testing.T) {
		got, err := trace(context.Background(), summing((&counting{n: 2}).source()), nil)
		wantItems(t, got, err, "0", "mark 1", "1", "mark 2")
	})
}

func TestContain(t *testing.T) {
	boom := func(at int) func(int) int {
		return func(i int) int {
			if i == at {
				panic(errSource)
			}
			return i
		}
	}
	t.Run("a stage's panic names it and keeps the value and the place", func(t *testing.T) {
		c := &counting{endless: true}
		got, err := collect(double(mapping(c.source(), "Boom", boom(2))))
		var panicked *stream.PanicError
		if !errors.As(err, &panicked) || panicked.Stage != "Boom" || !errors.Is(err, errSource) {
			t.Fatalf("got %v, want a *PanicError of Boom", err)
		}
		if !strings.Contains(string(panicked.Stack), "operator_test.go") {
			t.Errorf("the stack does not show where:\n%s", panicked.Stack)
		}
		if len(got) != 2 || c.released != 1 {
			t.Errorf("got %d items, %d released, want 2 and 1", len(got), c.released)
		}
	})
	t.Run("a panic further down names the stage further down", func(t *testing.T) {
		_, err := collect(mapping(double((&counting{n: 3}).source()), "Boom", boom(2)))
		var panicked *stream.PanicError
		if !errors.As(err, &panicked) || panicked.Stage != "Boom" {
			t.Errorf("got %v, want a *PanicError of Boom", err)
		}
	})
	t.Run("a panic of the sink is not swallowed", func(t *testing.T) {
		c := &counting{endless: true}
		wantPanic(t, "sink", func() { _ = double(c.source()).Run(context.Background(), func(int) error { panic("sink") }) })
		if c.released != 1 {
			t.Errorf("got %d released, want 1", c.released)
		}
	})
}

func TestObserveOn(t *testing.T) {
	noLeak(t)
	ctx := context.Background()
	t.Run("items and marks keep their order", func(t *testing.T) {
		for _, n := range []int{-1, 1, 2, 100} {
			got, err := trace(ctx, operators.ObserveOn((&counting{n: 3}).source(), n, operators.Block), nil)
			wantItems(t, got, err, "0", "mark 1", "1", "mark 2", "2", "mark 3")
		}
	})
	t.Run("the source's error comes after its items", func(t *testing.T) {
		got, err := trace(ctx, operators.ObserveOn((&counting{n: 1, failing: true}).source(), 9, operators.Block), nil)
		if len(got) != 2 || !errors.Is(err, errSource) {
			t.Errorf("got %q, %v, want 2 entries and the source's error", got, err)
		}
	})
	for _, at := range []string{"2", "mark 2"} {
		t.Run("an error of the sink at "+at+" stops the source and waits for it", func(t *testing.T) {
			c := &counting{endless: true}
			got, err := trace(ctx, operators.ObserveOn(c.source(), 2, operators.Block), func(entry string) error {
				if entry == at {
					return errSink
				}
				return nil
			})
			if !errors.Is(err, errSink) || got[len(got)-1] != at || c.released != 1 {
				t.Errorf("got %v after %q, %d released, want the sink's error after %q, 1 released", err, got, c.released, at)
			}
		})
	}
	t.Run("a panic of the source is an error, not a crash", func(t *testing.T) {
		o := stream.New[stream.Cold](nil, func(stream.Subscription) stream.Run[int] {
			return func(context.Context, func(int) error) error { panic(errSource) }
		})
		_, err := collect(operators.ObserveOn(o, 1, operators.Block))
		var panicked *stream.PanicError
		if !errors.As(err, &panicked) || panicked.Stage != "ObserveOn" {
			t.Errorf("got %v, want a *PanicError of ObserveOn", err)
		}
	})
	t.Run("a source that ends its goroutine has not completed", func(t *testing.T) {
		o := stream.New[stream.Cold](nil, func(stream.Subscription) stream.Run[int] {
			return func(context.Context, func(int) error) error { runtime.Goexit(); return nil }
		})
		if _, err := collect(operators.ObserveOn(o, 1, operators.Block)); err == nil {
			t.Error("got completion, want an error")
		}
	})
}

// In virtual time: the source really runs ahead, by as much as was asked, and
// cancelling ends both sides.
func TestObserveOnInTime(t *testing.T) {
	t.Run("the source runs n ahead of a slow sink, and no further", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			c := &counting{n: 20}
			sent := 0
			o := mapping(c.source(), "Count", func(i int) int { sent = i; return i })
			err := operators.ObserveOn(o, 3, operators.Block).Run(t.Context(), func(i int) error {
				synctest.Wait() // the source is blocked or has ended
				if ahead := sent - i; ahead > 4 || i < 15 && ahead < 3 {
					t.Errorf("at %d the source is %d ahead, want 3 in the queue and 1 in hand", i, ahead)
				}
				time.Sleep(time.Second)
				return nil
			})
			if err != nil {
				t.Error(err)
			}
		})
	})
	t.Run("cancelling ends a source that waits and the run behind it", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			waiting := stream.New[stream.Hot](nil, func(stream.Subscription) stream.Run[int] {
				return func(ctx context.Context, _ func(int) error) error { <-ctx.Done(); return ctx.Err() }
			})
			ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
			defer cancel()
			begin := time.Now()
			if err := operators.ObserveOn(waiting, 1, operators.Block).Run(ctx, nil); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("got %v, want context.DeadlineExceeded", err)
			}
			if took := time.Since(begin); took != time.Hour {
				t.Errorf("took %v, want an hour", took)
			}
		})
	})
}
