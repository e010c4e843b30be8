package testkit

import (
	"context"
	"sync"
	"time"
)

// Fail lets the chosen operations fail with an error without doing them. Every
// engine may do that: its storage is full, its network is gone.
func Fail(err error, when When) Around {
	return func(ctx context.Context, op *Op, do func(context.Context) error) error {
		if when(op) {
			return err
		}
		return do(ctx)
	}
}

// FailAfter does the chosen operations and lets them fail all the same. An engine
// may do that with a read, with a block, and with what saves a consumer's place;
// with an append only if it says so with a [stream.AmbiguousError], which is what
// the error then should be.
func FailAfter(err error, when When) Around {
	return func(ctx context.Context, op *Op, do func(context.Context) error) error {
		chosen := when(op)
		if failed := do(ctx); failed != nil || !chosen {
			return failed
		}
		return err
	}
}

// Delay makes the chosen operations wait before they are done, in virtual time
// within testing/synctest. If the context ends meanwhile they are not done and
// fail with its error. Every engine may be slow.
func Delay(wait time.Duration, when When) Around {
	return func(ctx context.Context, op *Op, do func(context.Context) error) error {
		if when(op) {
			timer := time.NewTimer(wait)
			defer timer.Stop()
			select {
			case <-timer.C:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		return do(ctx)
	}
}

// Twice does the chosen operations twice; the outcome of the second is what
// the caller gets. For an append of a command it is what a client does that
// repeats itself, and may happen. No engine ever stores an append without a
// command twice, or hands over a block twice: tests must find that.
func Twice(when When) Around {
	return func(ctx context.Context, op *Op, do func(context.Context) error) error {
		if chosen := when(op); chosen {
			if err := do(ctx); err != nil {
				return err
			}
		}
		return do(ctx)
	}
}

// Hold keeps the chosen operations back until one of others has been done by
// somebody else, so that it overtakes them; from then on nothing is held. If the
// context ends meanwhile they are not done and fail with its error. Appends and
// reads of different callers may overtake one another in every engine.
func Hold(when, others When) Around {
	// Made by the first operation, so that it belongs to that one's bubble of
	// virtual time.
	passed := sync.OnceValue(func() chan struct{} { return make(chan struct{}) })
	pass := sync.OnceFunc(func() { close(passed()) })
	return func(ctx context.Context, op *Op, do func(context.Context) error) error {
		held := when(op)
		if !held && others(op) {
			defer pass()
			return do(ctx)
		}
		if held {
			select {
			case <-passed():
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		return do(ctx)
	}
}

// Faults is several functions around each operation, the first one outermost:
//
//	log := testkit.Intercept(memlog.New(), testkit.Faults(
//		testkit.Delay(time.Second, testkit.On(testkit.OpRead).Every(3)),
//		testkit.Fail(errFull, testkit.On(testkit.OpAppend).Stream(id).After(10)),
//	))
func Faults(list ...Around) Around {
	return func(ctx context.Context, op *Op, do func(context.Context) error) error {
		next := do
		for i := len(list) - 1; i >= 0; i-- {
			around, inner := list[i], next
			next = func(ctx context.Context) error { return around(ctx, op, inner) }
		}
		return next(ctx)
	}
}
