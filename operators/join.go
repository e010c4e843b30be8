package operators

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/thaw-go/thaw/stream"
)

// JoinOn says which items of two sources belong together: those of one key, the
// right one's time from Before before the left one's to After after it, both
// included. It is Flink's interval join
// (https://nightlies.apache.org/flink/flink-docs-stable/docs/dev/datastream/operators/joining/#interval-join),
// whose lower bound is -Before.
type JoinOn[A, B any, Key comparable] struct {
	Left       func(A) (Key, time.Time) // the key and the time of an item of the left source
	Right      func(B) (Key, time.Time) // and of the right one
	Before     time.Duration            // how much earlier the right one may be
	After      time.Duration            // how much later the right one may be
	OutOfOrder time.Duration            // how far behind its source's latest time an item may be
	Most       int                      // how many items are held; 0: 1,048,576
	TooLeft    func(A)                  // is told of each left item that is too late; may be nil
	TooRight   func(B)                  // and of each right one; may be nil
	Meter      *Meter                   // counts what is too late and what was let go; may be nil
}

// Join emits what f makes of each two items that belong together.
//
//	in   a1----------a5--|
//	in   ---A2---A9------|
//	out  ---x------------(y|)    (within 4; x: a1 A2, y: a5 A9)
//
// Of the two sources' next items the one with the earlier time is taken first, at
// one time the left one; so the outcome depends on the items alone, and a source
// waits for the other one, also one that is live: a silent source keeps the other
// waiting. An item meets those that were taken before it, by their time.
//
// Errors: the sources'; a [*TooLateError] if an item is behind the watermark, which is
// the earlier of the sources', and nobody is told of it; a [*FullError] if an item must
// be let go and Meter is not set.
// Back-pressure: a source waits until its item has been taken.
// State: the items that another may still belong to, as many as JoinOn allows;
// then the one is let go that would be first. A durable consumer is refused.
// Goroutines: one for each source.
func Join[K stream.Kind, A, B, C any, Key comparable](left stream.Observable[K, A], right stream.Observable[K, B], on JoinOn[A, B, Key], f func(A, B) C) stream.Observable[K, C] {
	return staged(stage{name: "Join", holding: true}, func(l *loop, emit func(C) error) error {
		if err := on.check(); err != nil {
			return fmt.Errorf("operators: Join: %w", err)
		}
		j := &joining[A, B, C, Key]{
			l: l, f: f, emit: emit, meter: on.Meter, most: mostOf(on.Most), watermark: always64,
			left:   joinSide[A, Key]{read: on.Left, tooLate: on.TooLeft},
			right:  joinSide[B, Key]{read: on.Right, tooLate: on.TooRight},
			before: int64(on.Before), after: int64(on.After), disorder: int64(on.OutOfOrder),
		}
		joinFrom(l, &j.left, watch(l, left.Subscribe, nil), j.step)
		joinFrom(l, &j.right, watch(l, right.Subscribe, nil), j.step)
		return nil
	}, left, right)
}

func (on *JoinOn[A, B, Key]) check() error {
	if on.Left == nil || on.Right == nil {
		return errors.New("expected functions for the items' keys and times")
	}
	for _, d := range []time.Duration{on.Before, on.After, on.OutOfOrder} {
		if d < -longest || d > longest {
			return fmt.Errorf("expected durations up to 15 years, found %s", d)
		}
	}
	if on.Before+on.After < 0 || on.OutOfOrder < 0 {
		return fmt.Errorf("expected an interval and a disorder of at least 0, found from -%s to %s and %s", on.Before, on.After, on.OutOfOrder)
	}
	return nil
}

// JoinView replaces each item by what f makes of it and the view's state: the table
// that the view keeps is joined to the stream. It waits with the first item until the
// view has caught up; after that an item meets what the view has seen by then, which
// is not the same at each run. Nothing that f returns may share memory with the state.
//
//	in    a--b-----a--|
//	view  ------b2----      (before: a1, b1)
//	out   a1-b1----a1-|
//
// Errors: the source's; [ErrViewEnded] if the view ends before it has caught up.
// Back-pressure: the call stack; the view's run waits while f is called.
// State: none of its own; a durable consumer gets what the view has seen by then.
// Goroutines: none; the view's run is its own.
func JoinView[K stream.Kind, A, B, T, S any](o stream.Observable[K, A], v *View[T, S], f func(A, S) B) stream.Observable[K, B] {
	return stream.Through(o, func(run stream.Run[A]) stream.Run[B] {
		return func(ctx context.Context, emit func(B) error) (err error) {
			var in bool
			defer stream.Contain("JoinView", &in, &err)
			ask := func(a A) B {
				v.mu.RLock()
				defer v.mu.RUnlock()
				in = true
				b := f(a, v.state)
				in = false
				return b
			}
			there := false
			return run(ctx, func(a A) error {
				if !there {
					if err := v.CaughtUp(ctx); err != nil {
						return err
					}
					there = true
				}
				return emit(ask(a))
			})
		}
	})
}
