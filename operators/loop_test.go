package operators

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/thaw-go/thaw/stream"
)

// rig is a loop under test, in a bubble of virtual time. What happens is written
// down with the milliseconds since it began.
type rig struct {
	t       *testing.T
	began   time.Time
	happens []string
	open    atomic.Int32 // sources that have not returned
}

// inLoop runs a test in a bubble, which fails if a goroutine is left.
func inLoop(t *testing.T, f func(*testing.T, *rig)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { f(t, &rig{t: t, began: time.Now()}) })
}

func (r *rig) note(format string, args ...any) {
	r.happens = append(r.happens, fmt.Sprintf("%d ", time.Since(r.began).Milliseconds())+fmt.Sprintf(format, args...))
}

func (r *rig) want(want ...string) {
	r.t.Helper()
	if diff := cmp.Diff(want, r.happens); diff != "" {
		r.t.Errorf("(-want +got)\n%s", diff)
	}
}

// run runs a loop and expects that it leaves no source behind.
func (r *rig) run(ctx context.Context, layOut func(*loop) error) error {
	r.t.Helper()
	return r.subscribe(ctx, stream.Subscription{}, layOut)
}

func (r *rig) subscribe(ctx context.Context, sub stream.Subscription, layOut func(*loop) error) error {
	r.t.Helper()
	defer func() {
		r.t.Helper()
		if r.open.Load() != 0 {
			r.t.Errorf("%d sources had not returned when the run did", r.open.Load())
		}
	}()
	return runLoop(ctx, "Stage", sub, layOut)
}

// every is a source of 1 to n, so many milliseconds apart; it stays for linger
// after it was cancelled.
func (r *rig) every(gap time.Duration, n int, linger time.Duration) func(context.Context, func(int) error) error {
	r.open.Add(1)
	return func(ctx context.Context, emit func(int) error) (err error) {
		defer func() { // the loop waits for it, so nobody looks meanwhile
			if ctx.Err() != nil {
				time.Sleep(linger * time.Millisecond) // virtual time: in a bubble
			}
			r.open.Add(-1)
		}()
		for i := 1; i <= n; i++ {
			select {
			case <-time.After(gap * time.Millisecond):
			case <-ctx.Done():
				return ctx.Err()
			}
			if err := emit(i); err != nil {
				return err
			}
		}
		return nil
	}
}

// Breaks when: a source is answered before its item has been handled.
func TestASourceWaitsUntilItsItemHasBeenHandled(t *testing.T) {
	inLoop(t, func(t *testing.T, r *rig) {
		err := r.run(t.Context(), func(l *loop) error {
			listen(l, r.every(2, 3, 0), func(i int) error {
				time.Sleep(10 * time.Millisecond) // a slow consumer
				r.note("%d", i)
				return nil
			})
			return nil
		})
		if err != nil {
			t.Error(err)
		}
		r.want("12 1", "24 2", "36 3")
	})
}

func TestSourcesTakeTurns(t *testing.T) {
	inLoop(t, func(t *testing.T, r *rig) {
		busy := false
		on := func(name string) func(int) error {
			return func(i int) error {
				if busy {
					t.Error("two items are handled at once")
				}
				busy = true
				time.Sleep(time.Microsecond) // virtual time: in a bubble
				busy = false
				r.note("%s%d", name, i)
				return nil
			}
		}
		_ = r.run(t.Context(), func(l *loop) error {
			listen(l, r.every(2, 3, 0), on("a"))
			listen(l, r.every(3, 2, 0), on("b"))
			return nil
		})
		slices.SortStableFunc(r.happens[3:], strings.Compare) // a3 and b2 at one instant
		r.want("2 a1", "3 b1", "4 a2", "6 a3", "6 b2")
	})
}

func TestARunEnds(t *testing.T) {
	mine, theirs := errors.New("mine"), errors.New("theirs")
	quick := func(l *loop, r *rig) *source[int] {
		return listen(l, r.every(1, 3, 0), func(int) error { return nil })
	}
	slow := func(l *loop, r *rig) { // it takes its time to go
		listen(l, r.every(50, 3, 7), func(int) error { return nil })
	}
	cases := map[string]struct {
		layOut func(l *loop, r *rig) error
		want   error
		after  int
	}{
		"when all sources have ended": {func(l *loop, r *rig) error { quick(l, r); slow(l, r); return nil }, nil, 150},
		"when there is none":          {func(*loop, *rig) error { return nil }, nil, 0},
		"when it can not be laid out": {func(l *loop, r *rig) error { slow(l, r); return mine }, mine, 7},
		"by an error of a handler, which its source gets": {func(l *loop, r *rig) error {
			slow(l, r)
			listen(l, func(_ context.Context, emit func(int) error) error {
				if got := emit(1); got != mine {
					t.Errorf("the source got %v, want %v", got, mine)
				}
				return theirs
			}, func(int) error { return mine })
			return nil
		}, mine, 7},
		"by a source's error": {func(l *loop, r *rig) error {
			slow(l, r)
			listen(l, func(context.Context, func(int) error) error { return theirs }, func(int) error { return nil })
			return nil
		}, theirs, 7},
		"as one source ends": {func(l *loop, r *rig) error { slow(l, r); s := quick(l, r); s.end = l.end; return nil }, nil, 10},
		"by finish in a handler": {func(l *loop, r *rig) error {
			slow(l, r)
			listen(l, r.every(1, 3, 0), func(int) error { return l.finish() })
			return nil
		}, nil, 8},
		"by finish in a timer": {func(l *loop, r *rig) error {
			slow(l, r)
			l.timer(l.finish).set(5 * time.Millisecond)
			l.timer(func() error { t.Error("a timer went on"); return nil }).set(5 * time.Millisecond)
			return nil
		}, nil, 12},
		"by a timer's error": {func(l *loop, r *rig) error {
			slow(l, r)
			l.timer(func() error { return mine }).set(5 * time.Millisecond)
			return nil
		}, mine, 12},
		"when no timer is left": {func(l *loop, _ *rig) error {
			l.timer(func() error { return nil }).set(5 * time.Millisecond)
			return nil
		}, nil, 5},
		"when its context is done": {func(l *loop, r *rig) error {
			listen(l, r.every(1000, 3, 7), func(int) error { return nil })
			return nil
		}, context.DeadlineExceeded, 507},
		"while a source waits to be resumed": {func(l *loop, r *rig) error {
			var s *source[int]
			s = listen(l, r.every(1, 3, 0), func(int) error { s.pause(); return nil })
			l.timer(l.finish).set(5 * time.Millisecond)
			return nil
		}, nil, 5},
	}
	for claim, c := range cases {
		t.Run(claim, func(t *testing.T) {
			inLoop(t, func(t *testing.T, r *rig) {
				ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
				defer cancel()
				err := r.run(ctx, func(l *loop) error { return c.layOut(l, r) })
				if err != c.want || time.Since(r.began) != time.Duration(c.after)*time.Millisecond {
					t.Errorf("got %v after %s, want %v after %dms", err, time.Since(r.began), c.want, c.after)
				}
			})
		})
	}
}

func TestAPanicNamesTheStage(t *testing.T) {
	goes := func(panics func()) func(context.Context, func(int) error) error {
		return func(_ context.Context, emit func(int) error) error { panics(); return emit(1) }
	}
	nothing := func(int) error { return nil }
	cases := map[string]struct {
		layOut func(l *loop) error
		want   error // nil: a PanicError
	}{
		"of a handed-in function": {layOut: func(l *loop) error {
			f := guarded(l, func(int) error { panic("boom") })
			listen(l, goes(func() {}), func(i int) error { return f(i) })
			return nil
		}},
		"of a handed-in function, after its source was stopped": {layOut: func(l *loop) error {
			f := guarded(l, func(int) error { panic("boom") })
			var s *source[int]
			s = listen(l, goes(func() {}), func(i int) error { s.stop(); return f(i) })
			return nil
		}},
		"of a source":                 {layOut: func(l *loop) error { listen(l, goes(func() { panic("boom") }), nothing); return nil }},
		"or a source that is no more": {layOut: func(l *loop) error { listen(l, goes(runtime.Goexit), nothing); return nil }, want: errVanished},
	}
	for claim, c := range cases {
		t.Run(claim, func(t *testing.T) {
			inLoop(t, func(t *testing.T, r *rig) {
				err := r.run(t.Context(), func(l *loop) error {
					listen(l, r.every(100, 9, 5), nothing)
					return c.layOut(l)
				})
				var panicked *stream.PanicError
				named := errors.As(err, &panicked) && panicked.Stage == "Stage" && panicked.Value == "boom"
				if c.want == nil && !named || c.want != nil && err != c.want {
					t.Errorf("got %v, want a panic in Stage or %v", err, c.want)
				}
			})
		})
	}
	t.Run("and the consumer's own passes, once all sources have returned", func(t *testing.T) {
		inLoop(t, func(t *testing.T, r *rig) {
			defer func() {
				if got := recover(); got != "mine" {
					t.Errorf("got %v, want the consumer's panic", got)
				}
			}()
			err := r.run(t.Context(), func(l *loop) error {
				listen(l, r.every(100, 9, 5), nothing)
				listen(l, r.every(1, 1, 0), func(int) error { panic("mine") })
				return nil
			})
			t.Errorf("got %v, want a panic", err)
		})
	})
}

// Breaks when: stop does not wait (leave out its join).
func TestStopEndsOneSourceAndWaitsForIt(t *testing.T) {
	inLoop(t, func(t *testing.T, r *rig) {
		err := r.run(t.Context(), func(l *loop) error {
			lingers := listen(l, r.every(100, 9, 5), func(int) error { return nil })
			paused := listen(l, r.every(1, 9, 0), func(int) error { return nil })
			paused.on = func(int) error { paused.pause(); return nil }
			ended := listen(l, r.every(1, 1, 0), func(int) error { return nil })
			var self *source[int]
			self = listen(l, r.every(3, 9, 2), func(i int) error {
				r.note("self %d", i)
				for _, s := range []*source[int]{self, lingers, paused, ended, self} {
					s.stop()
				}
				r.note("stopped")
				return nil
			})
			listen(l, r.every(6, 2, 0), func(i int) error { r.note("other %d", i); return nil })
			return nil
		})
		if err != nil {
			t.Error(err)
		}
		r.want("3 self 1", "8 stopped", "10 other 1", "16 other 2")
	})
}

func TestAPausedSourceGoesOnWhenItIsResumed(t *testing.T) {
	inLoop(t, func(t *testing.T, r *rig) {
		_ = r.run(t.Context(), func(l *loop) error {
			var s *source[int]
			s = listen(l, r.every(1, 3, 0), func(i int) error {
				r.note("%d", i)
				s.pause()
				if i == 2 {
					s.resume() // while it is handled: as if it had not been paused
					return nil
				}
				l.timer(func() error { s.resume(); s.resume(); return nil }).set(10 * time.Millisecond)
				return nil
			})
			return nil
		})
		r.want("1 1", "12 2", "13 3")
	})
}

func TestTimersAtOneInstantComeInTheOrderOfPlanning(t *testing.T) {
	inLoop(t, func(t *testing.T, r *rig) {
		_ = r.run(t.Context(), func(l *loop) error {
			named := func(name string) *timer {
				return l.timer(func() error { r.note("%s", name); return nil })
			}
			b, a, late, never, early := named("b"), named("a"), named("late"), named("never"), named("early")
			a.set(10 * time.Millisecond)
			b.set(10 * time.Millisecond)
			a.set(10 * time.Millisecond) // anew: now it was planned after b
			late.set(5 * time.Millisecond)
			late.set(20 * time.Millisecond)
			never.set(7 * time.Millisecond)
			never.stop()
			early.set(2 * time.Millisecond)
			again := 0
			var repeat *timer
			repeat = l.timer(func() error {
				if again++; again < 3 {
					repeat.set(0)
				}
				r.note("repeat %d", again)
				return nil
			})
			repeat.set(10 * time.Millisecond)
			return nil
		})
		r.want("2 early", "10 b", "10 a", "10 repeat 1", "10 repeat 2", "10 repeat 3", "20 late")
	})
}

// Breaks when: fire does what is planned while it fires.
func TestATimerThatIsAlwaysDueDoesNotKeepTheLoopFromItsContext(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	err := runLoop(ctx, "Stage", stream.Subscription{}, func(l *loop) error {
		var again *timer
		again = l.timer(func() error { again.at(time.Time{}); return nil })
		again.set(0)
		return nil
	})
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v, want the context's error", err)
	}
}

func TestAnItemCostsNoAllocation(t *testing.T) {
	items := func(n int) float64 {
		o := Merge(numbers(n), numbers(n))
		return testing.AllocsPerRun(3, func() {
			if err := o.Run(t.Context(), func(int) error { return nil }); err != nil {
				t.Error(err)
			}
		})
	}
	if few, many := items(1), items(1000); many > few+2 {
		t.Errorf("got %v allocations for 2 items and %v for 2000, want no more", few, many)
	}
}
