package stream_test

import (
	"context"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/thaw-go/thaw/operators"
	"github.com/thaw-go/thaw/stream"
)

var errSink = errors.New("the sink has had enough")

// counting is a cold source of the numbers 0 to n-1 with a mark after each. It
// tells how many runs were begun and how many have released what they held.
type counting struct {
	n                int
	begun, released  int
	subscription     stream.Subscription // of the last run
	endless, failing bool                // go on until stopped; end with errSource
}

var errSource = errors.New("the source has failed")

func (c *counting) source() stream.Observable[stream.Cold, int] {
	return stream.New[stream.Cold](nil, func(sub stream.Subscription) stream.Run[int] {
		return func(ctx context.Context, emit func(int) error) error {
			c.begun++
			c.subscription = sub
			defer func() { c.released++ }()
			for i := 0; i < c.n || c.endless; i++ {
				if err := ctx.Err(); err != nil {
					return err
				}
				if err := emit(i); err != nil {
					return err
				}
				if sub.Mark == nil {
					continue
				}
				if err := sub.Mark(stream.Mark{At: stream.At(stream.Position(i + 1))}); err != nil {
					return err
				}
			}
			if c.failing {
				return errSource
			}
			return nil
		}
	})
}

// collect runs an observable to its end.
func collect[K stream.Kind, T any](o stream.Observable[K, T]) (items []T, err error) {
	err = o.Run(context.Background(), func(item T) error {
		items = append(items, item)
		return nil
	})
	return items, err
}

func wantItems[T any](t *testing.T, got []T, err error, want ...T) {
	t.Helper()
	if err != nil {
		t.Errorf("got error %v, want completion", err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("items (-want +got):\n%s", diff)
	}
}

func wantPanic(t *testing.T, value any, f func()) {
	t.Helper()
	defer func() {
		if got := recover(); got != value {
			t.Errorf("got panic %v, want %v", got, value)
		}
	}()
	f()
}

func TestRun(t *testing.T) {
	ctx := context.Background()
	t.Run("nothing happens until it is run, and each run is its own", func(t *testing.T) {
		c := &counting{n: 2}
		o := c.source()
		if c.begun != 0 {
			t.Errorf("got %d runs, want none yet", c.begun)
		}
		for range 2 {
			got, err := collect(o)
			wantItems(t, got, err, 0, 1)
		}
	})
	t.Run("an error from emit stops the source, which has released all when Run returns", func(t *testing.T) {
		c := &counting{endless: true}
		seen := 0
		err := c.source().Run(ctx, func(int) error {
			seen++
			if seen == 3 {
				return errSink
			}
			return nil
		})
		if !errors.Is(err, errSink) || seen != 3 || c.released != 1 {
			t.Errorf("got %v after %d items, %d released; want the sink's error after 3, 1 released", err, seen, c.released)
		}
	})
	t.Run("a source's error comes after its items", func(t *testing.T) {
		c := &counting{n: 2, failing: true}
		got, err := collect(c.source())
		if len(got) != 2 || !errors.Is(err, errSource) {
			t.Errorf("got %v, %v, want 2 items and the source's error", got, err)
		}
	})
	t.Run("a context that is done begins nothing", func(t *testing.T) {
		c := &counting{n: 2}
		ctx, cancel := context.WithCancel(ctx)
		cancel()
		if err := c.source().Run(ctx, func(int) error { return nil }); !errors.Is(err, context.Canceled) || c.begun != 0 {
			t.Errorf("got %v and %d runs, want context.Canceled and none", err, c.begun)
		}
	})
	t.Run("a context that ends meanwhile ends the run with its cause", func(t *testing.T) {
		c := &counting{endless: true}
		ctx, cancel := context.WithCancel(ctx)
		err := c.source().Run(ctx, func(i int) error {
			if i == 5 {
				cancel()
			}
			return nil
		})
		if !errors.Is(err, context.Canceled) || c.released != 1 {
			t.Errorf("got %v, %d released, want context.Canceled and 1", err, c.released)
		}
	})
	t.Run("the zero value has no source, whatever is built on it", func(t *testing.T) {
		var zero stream.Observable[stream.Hot, int]
		same := func(r stream.Run[int]) stream.Run[int] { return r }
		for claim, o := range map[string]stream.Observable[stream.Hot, int]{
			"itself": zero, "Through": stream.Through(zero, same), "Holding": stream.Holding(zero, "Scan", same), "ObserveOn": operators.ObserveOn(zero, 1, operators.Block),
		} {
			if _, err := collect(o); !errors.Is(err, stream.ErrNoSource) {
				t.Errorf("%s: got %v, want ErrNoSource", claim, err)
			}
			if o.Log() != nil || o.ReadsHot() {
				t.Errorf("%s: claims a log", claim)
			}
		}
	})
}

func TestFrom(t *testing.T) {
	t.Run("delivers its items and completes with a live mark", func(t *testing.T) {
		var marks []stream.Mark
		err := stream.From(1, 2).Subscribe(context.Background(), stream.Subscription{Mark: func(m stream.Mark) error {
			marks = append(marks, m)
			return nil
		}}, func(int) error { return nil })
		wantItems(t, marks, err, stream.Mark{Live: true})
	})
	t.Run("does not change with the slice it was made of", func(t *testing.T) {
		items := []int{1, 2}
		o := stream.From(items...)
		items[0] = 9
		got, err := collect(o)
		wantItems(t, got, err, 1, 2)
	})
	t.Run("refuses a durable consumer and one that resumes", func(t *testing.T) {
		at := stream.At(3)
		for _, sub := range []stream.Subscription{{Consumer: "mailer"}, {From: &at}} {
			err := stream.From(1).Subscribe(context.Background(), sub, func(int) error { t.Error("got an item"); return nil })
			var refused *stream.NotDurableError
			if !errors.As(err, &refused) {
				t.Errorf("got %v, want a *NotDurableError", err)
			}
		}
	})
}

func TestAll(t *testing.T) {
	ctx := context.Background()
	t.Run("ranges over the items and ends without an error", func(t *testing.T) {
		var got []int
		for i, err := range (&counting{n: 3}).source().All(ctx) {
			if err != nil {
				t.Error(err)
			}
			got = append(got, i)
		}
		wantItems(t, got, nil, 0, 1, 2)
	})
	t.Run("an error is the last pair", func(t *testing.T) {
		var errs []error
		for _, err := range (&counting{n: 1, failing: true}).source().All(ctx) {
			errs = append(errs, err)
		}
		if len(errs) != 2 || errs[0] != nil || !errors.Is(errs[1], errSource) {
			t.Errorf("got %v, want nil and the source's error", errs)
		}
	})
	leaves := map[string]func(o stream.Observable[stream.Cold, int]){
		"break": func(o stream.Observable[stream.Cold, int]) {
			for range o.All(ctx) {
				break
			}
		},
		"return": func(o stream.Observable[stream.Cold, int]) {
			for range o.All(ctx) {
				return
			}
		},
		"panic": func(o stream.Observable[stream.Cold, int]) {
			defer func() { _ = recover() }()
			for range o.All(ctx) {
				panic("oops")
			}
		},
	}
	for how, leave := range leaves {
		t.Run(how+" stops the source before the loop is left", func(t *testing.T) {
			c := &counting{endless: true}
			leave(c.source())
			if c.begun != 1 || c.released != 1 {
				t.Errorf("got %d begun and %d released, want 1 and 1", c.begun, c.released)
			}
		})
		t.Run(how+" ends the goroutine of a source that runs ahead", func(t *testing.T) {
			noLeak(t)
			c := &counting{endless: true}
			leave(operators.ObserveOn(c.source(), 4, operators.Block))
			if c.released != 1 {
				t.Errorf("got %d released, want 1", c.released)
			}
		})
	}
	t.Run("a panic in the body is the caller's own, through stages, too", func(t *testing.T) {
		wantPanic(t, "oops", func() {
			for range double(operators.ObserveOn((&counting{endless: true}).source(), 2, operators.Block)).All(ctx) {
				panic("oops")
			}
		})
	})
	t.Run("a source that goes on after a break sees the same error", func(t *testing.T) {
		var second error
		o := stream.New[stream.Cold](nil, func(stream.Subscription) stream.Run[int] {
			return func(_ context.Context, emit func(int) error) error { second = emit(1); return second }
		})
		for range o.All(ctx) {
			break
		}
		if second == nil {
			t.Error("emit returned nil after the loop was left")
		}
	})
}

// double is a stage whose function may panic, as package operators makes them.
func double[K stream.Kind](o stream.Observable[K, int]) stream.Observable[K, int] {
	return mapping(o, "Double", func(i int) int { return 2 * i })
}

func mapping[K stream.Kind](o stream.Observable[K, int], stage string, f func(int) int) stream.Observable[K, int] {
	return stream.Through(o, func(run stream.Run[int]) stream.Run[int] {
		return func(ctx context.Context, emit func(int) error) (err error) {
			in := false
			defer stream.Contain(stage, &in, &err)
			return run(ctx, func(i int) error {
				in = true
				i = f(i)
				in = false
				return emit(i)
			})
		}
	})
}
