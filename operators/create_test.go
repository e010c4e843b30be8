package operators

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/thaw-go/thaw/stream"
)

// timed runs an observable for some virtual time and writes down when what came,
// in milliseconds.
func timed[K stream.Kind](t *testing.T, o stream.Observable[K, int], span time.Duration, handle func()) (got [][2]int, err error) {
	ctx, cancel := context.WithTimeout(t.Context(), span)
	defer cancel()
	began := time.Now()
	err = o.Run(ctx, func(i int) error {
		got = append(got, [2]int{int(time.Since(began) / time.Millisecond), i})
		handle()
		return nil
	})
	return got, err
}

func TestSourcesOfTimersCount(t *testing.T) {
	slow := func() { time.Sleep(5 * time.Millisecond) } // virtual time: in a bubble
	cases := map[string]struct {
		run  func(*testing.T) ([][2]int, error)
		want [][2]int
		err  error
	}{
		"a timer once": {func(t *testing.T) ([][2]int, error) { return timed(t, Timer(3*time.Millisecond), time.Second, nothing) },
			[][2]int{{3, 0}}, nil},
		"a timer that is due at once": {func(t *testing.T) ([][2]int, error) { return timed(t, Timer(-1), time.Second, nothing) },
			[][2]int{{0, 0}}, nil},
		"a timer whose context is done before": {func(t *testing.T) ([][2]int, error) {
			return timed(t, Timer(3*time.Millisecond), 2*time.Millisecond, nothing)
		}, nil, context.DeadlineExceeded},
		"an interval without end": {func(t *testing.T) ([][2]int, error) {
			return timed(t, Interval(2*time.Millisecond), 7*time.Millisecond, nothing)
		}, [][2]int{{2, 0}, {4, 1}, {6, 2}}, context.DeadlineExceeded},
		// Breaks when: the timer is set to the period after an item.
		"an interval, without what is due meanwhile": {func(t *testing.T) ([][2]int, error) {
			return timed(t, Interval(2*time.Millisecond), 15*time.Millisecond, slow)
		}, [][2]int{{2, 0}, {8, 3}, {14, 6}}, context.DeadlineExceeded},
	}
	for claim, c := range cases {
		t.Run(claim, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				got, err := c.run(t)
				if diff := cmp.Diff(c.want, got); diff != "" || !errors.Is(err, c.err) {
					t.Errorf("%v, want %v (-want +got)\n%s", err, c.err, diff)
				}
			})
		})
	}
}

func TestSourcesWithoutALog(t *testing.T) {
	closed := make(chan int)
	close(closed)
	cases := map[string]struct {
		o    ints
		want []int
		err  error
	}{
		"a sequence":                    {FromSeq(slices.Values([]int{1, 2})), []int{1, 2}, nil},
		"a channel that was closed":     {FromChan[stream.Cold](closed), nil, nil},
		"nothing":                       {Empty[int](), nil, nil},
		"an error":                      {Throw[int](errSource), nil, errSource},
		"what is made for each run":     {Defer(func() ints { return stream.From(3) }), []int{3}, nil},
		"what nobody made for each run": {Defer(func() ints { return ints{} }), nil, stream.ErrNoSource},
	}
	for claim, c := range cases {
		t.Run(claim, func(t *testing.T) {
			for range 2 {
				got, err := Collect(t.Context(), c.o)
				if diff := cmp.Diff(c.want, got); diff != "" || !errors.Is(err, c.err) {
					t.Errorf("%v, want %v (-want +got)\n%s", err, c.err, diff)
				}
			}
			var refused *stream.NotDurableError
			err := c.o.Subscribe(t.Context(), stream.Subscription{Consumer: "c"}, func(int) error { return nil })
			if !errors.As(err, &refused) && !errors.Is(err, stream.ErrNoSource) {
				t.Errorf("a durable consumer got %v, want a *NotDurableError", err)
			}
			enough := errors.New("enough")
			if err := c.o.Run(t.Context(), func(int) error { return enough }); len(c.want) > 0 && err != enough {
				t.Errorf("a consumer that stops got %v, want its error", err)
			}
		})
	}
}

func TestAChannelIsReceivedFromUntilItIsClosedOrTheContextIsDone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		items := make(chan int)
		go func() {
			items <- 1
			time.Sleep(time.Second) // virtual time: in a bubble
			items <- 2
		}()
		got, err := timed(t, FromChan[stream.Hot](items), 2*time.Second, nothing)
		if diff := cmp.Diff([][2]int{{0, 1}, {1000, 2}}, got); diff != "" || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%v (-want +got)\n%s", err, diff)
		}
		if got, err := timed(t, Never[stream.Hot, int](), time.Hour, nothing); got != nil || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Never: got %v, %v, want nothing until the context is done", got, err)
		}
	})
}

func TestAPanicNamesTheSource(t *testing.T) {
	cases := map[string]ints{
		"FromSeq": FromSeq(func(yield func(int) bool) { yield(1); panic("boom") }),
		"Defer":   Defer(func() ints { panic("boom") }),
	}
	for stage, o := range cases {
		var panicked *stream.PanicError
		if _, err := Collect(t.Context(), o); !errors.As(err, &panicked) || panicked.Stage != stage {
			t.Errorf("got %v, want a panic in %s", err, stage)
		}
	}
	defer func() {
		if got := recover(); got != "mine" {
			t.Errorf("got %v, want the consumer's own panic", got)
		}
	}()
	_ = cases["FromSeq"].Run(t.Context(), func(int) error { panic("mine") })
}

// Breaks when: a hot source tells that it is live only at its end.
func TestASourceWithoutALogIsLiveAtOnceOrAtItsEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		got, _ := marked(t.Context(), Take(Interval(time.Second), 1))
		if diff := cmp.Diff([]string{"mark 0 live", "0"}, got); diff != "" {
			t.Errorf("hot (-want +got)\n%s", diff)
		}
		got, _ = marked(t.Context(), Timer(time.Second))
		if diff := cmp.Diff([]string{"0", "mark 0 live"}, got); diff != "" {
			t.Errorf("cold (-want +got)\n%s", diff)
		}
		at := stream.At(1)
		var passed stream.Subscription
		o := Defer(func() stream.Observable[stream.Hot, int] {
			return stream.New[stream.Hot](nil, func(sub stream.Subscription) stream.Run[int] {
				passed = sub
				return func(context.Context, func(int) error) error { return nil }
			})
		})
		if err := o.Subscribe(t.Context(), stream.Subscription{Consumer: "c", From: &at}, nil); err != nil || passed.Consumer != "c" || passed.From != &at {
			t.Errorf("Defer: got %v and %+v, want the consumer passed on", err, passed)
		}
	})
}
