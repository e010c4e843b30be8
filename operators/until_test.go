package operators

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/thaw-go/thaw/stream"
)

// stubborn counts once a second up to n and does not look at its context.
func stubborn(n int, err error) ints {
	return made[stream.Cold](func(_ context.Context, emit func(int) error) error {
		for i := range n {
			time.Sleep(time.Second) // virtual time: in a bubble
			if err := emit(i); err != nil {
				return err
			}
		}
		return err
	})
}

func after(d time.Duration, err error) ints {
	return made[stream.Cold](func(ctx context.Context, emit func(int) error) error {
		select {
		case <-time.After(d):
		case <-ctx.Done():
			return ctx.Err()
		}
		if err != nil {
			return err
		}
		return emit(0)
	})
}

const half = 500 * time.Millisecond

func TestANotifierEndsARun(t *testing.T) {
	vanished := made[stream.Cold](func(context.Context, func(int) error) error { panic("boom") })
	enough := errors.New("enough")
	cases := map[string]struct {
		o      ints
		handle func(int) error
		want   []int
		err    error
		panics bool
	}{
		// Breaks when: beside does not look at over before an item.
		"also of a source that does not look at its context": {
			o: TakeUntil(stubborn(9, nil), after(2*time.Second+half, nil)), want: []int{0, 1}},
		"with its error": {
			o: TakeUntil(stubborn(9, nil), after(2*time.Second+half, errSource)), want: []int{0, 1}, err: errSource},
		"with its error, of SkipUntil": {
			o: SkipUntil(stubborn(9, nil), after(2*time.Second+half, errSource)), err: errSource},
		"with its panic": {
			o: TakeUntil(stubborn(9, nil), vanished), panics: true},
		"but not if the source has failed before": {
			o: TakeUntil(stubborn(2, errSource), after(time.Hour, nil)), want: []int{0, 1}, err: errSource},
		// Breaks when: beside does not keep the consumer's error.
		"but not with its error, if the consumer has one": {
			o: TakeUntil(stubborn(9, nil), after(time.Second+half, nil)), err: context.Canceled,
			handle: func(int) error { return context.Canceled }},
		"and none is lost that the consumer has": {
			o: TakeUntil(stubborn(9, nil), after(time.Hour, nil)), err: enough,
			handle: func(int) error { return enough }},
	}
	for claim, c := range cases {
		t.Run(claim, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var got []int
				err := c.o.Run(t.Context(), func(i int) error {
					if c.handle != nil {
						time.Sleep(time.Second) // meanwhile the notifier may ring
						return c.handle(i)
					}
					got = append(got, i)
					return nil
				})
				var panicked *stream.PanicError
				if c.panics != (errors.As(err, &panicked) && panicked.Stage == "TakeUntil") || !c.panics && err != c.err {
					t.Errorf("got %v, want %v", err, c.err)
				}
				if diff := cmp.Diff(c.want, got); diff != "" {
					t.Errorf("(-want +got)\n%s", diff)
				}
			})
		})
	}
}

// Breaks when: beside does not wait for its goroutine.
func TestARunWithANotifierReturnsAfterTheNotifier(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gone := false
		lingers := made[stream.Cold](func(ctx context.Context, _ func(int) error) error {
			<-ctx.Done()
			time.Sleep(time.Second) // virtual time: in a bubble
			gone = true
			return ctx.Err()
		})
		if _, err := Collect(t.Context(), TakeUntil(stubborn(1, nil), lingers)); err != nil || !gone {
			t.Errorf("got %v, the notifier gone: %v, want it to be", err, gone)
		}
	})
}

// Breaks when: beside takes its own end for that of a context that was done.
func TestARunWithANotifierEndsWithItsContextsError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		rings := made[stream.Cold](func(_ context.Context, emit func(int) error) error {
			cancel()
			return emit(0)
		})
		if err := TakeUntil(Never[stream.Hot, int](), rings).Run(ctx, nil); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v, want the context's error", err)
		}
	})
}

func TestDistinctRemembersAsMuchAsItsMemory(t *testing.T) {
	second := time.Second
	gap := func(o ints) ints { return Tap(o, func(int) { time.Sleep(second) }) }
	items := stream.From(1, 2, 1, 3, 1, 2, 3, 3)
	eachHalf := ConcatMap(after(half, nil), func(int) ints { return stubborn(9, nil) })
	cases := map[string]struct {
		memory Memory
		want   []int
	}{
		"without bounds that matter":      {Memory{}, []int{1, 2, 3}},
		"two keys":                        {Memory{Keys: 2}, []int{1, 2, 3, 1, 2, 3}},
		"one key":                         {Memory{Keys: 1}, []int{1, 2, 1, 3, 1, 2, 3}},
		"three seconds":                   {Memory{For: 3 * second}, []int{1, 2, 3, 1, 2, 3}},
		"until it is flushed":             {Memory{Flush: SignalOf(after(4*second+half, nil))}, []int{1, 2, 3, 1, 2, 3}},
		"until it is flushed, every time": {Memory{Flush: SignalOf(eachHalf)}, []int{1, 2, 1, 3, 1, 2, 3, 3}},
	}
	for claim, c := range cases {
		t.Run(claim, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				o := Distinct(gap(items), itself[int], c.memory)
				got, err := Collect(t.Context(), o)
				if diff := cmp.Diff(c.want, got); diff != "" || err != nil {
					t.Errorf("%v (-want +got)\n%s", err, diff)
				}
			})
		})
	}
}

// Breaks when: the ring forgets its order as it grows.
func TestDistinctForgetsTheOldestKeyFirst(t *testing.T) {
	const most, rounds = 100, 3
	r := newRemembered[int](Memory{Keys: most})
	for i := range rounds * most {
		if r.see(i) {
			t.Fatalf("%d was seen before it came", i)
		}
		for j := max(0, i-most+1); j <= i; j += 7 {
			if !r.see(j) {
				t.Fatalf("%d was forgotten when %d had come", j, i)
			}
		}
		if len(r.keys) > most || len(r.order) > most {
			t.Fatalf("it remembers %d keys in %d places, more than %d", len(r.keys), len(r.order), most)
		}
	}
	if r.see(0) {
		t.Error("the first key was not forgotten")
	}
}
