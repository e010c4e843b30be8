package operators

import (
	"context"
	"errors"

	"github.com/thaw-go/thaw/stream"
)

// attempt runs a source once and tells its own failure from all else that ends a
// run: failed is true if the source, or what stands before the operator, failed in
// a way that can be gone on from. It is not if the consumer refused an item or a
// mark, if the context is done, or if the pipeline can not be run at all.
func attempt[T any](ctx context.Context, subscribe func(context.Context, stream.Subscription, func(T) error) error, sub stream.Subscription, emit func(T) error) (failed bool, err error) {
	refused := false
	if mark := sub.Mark; mark != nil {
		sub.Mark = func(m stream.Mark) error {
			err := mark(m)
			refused = refused || err != nil
			return err
		}
	}
	err = subscribe(ctx, sub, func(item T) error {
		err := emit(item)
		refused = refused || err != nil
		return err
	})
	return err != nil && !refused && ctx.Err() == nil && !hopeless(err), err
}

// hopeless is whether an error says that the pipeline can not be run as it is.
func hopeless(err error) bool {
	var resume *stream.NotResumableError
	var durable *stream.NotDurableError
	return errors.Is(err, stream.ErrNoSource) || errors.Is(err, stream.ErrNoMarks) || errors.Is(err, stream.ErrClosed) ||
		errors.As(err, &resume) || errors.As(err, &durable)
}

// Catch goes on with the cold observable that f makes of the source's error, in
// place of failing. To fail after all, f returns [Throw]. It is RxJS's catchError.
//
//	in   a--b--#
//	f    x--y--|
//	out  a--b--x--y--|
//
// Errors: those of f's observable. The consumer's own, the context's, and that the
// pipeline can not be run as it is, are not caught.
// Back-pressure: the call stack.
// State: none; no mark is passed on for the items of f's observable.
// Goroutines: none.
func Catch[K stream.Kind, T any](o stream.Observable[K, T], f func(error) stream.Observable[stream.Cold, T]) stream.Observable[K, T] {
	return stream.Derive(func(sub stream.Subscription) stream.Run[T] {
		return func(ctx context.Context, emit func(T) error) (err error) {
			in := false
			defer stream.Contain("Catch", &in, &err)
			failed, err := attempt(ctx, o.Subscribe, sub, emit)
			if !failed {
				return err
			}
			in = true
			next := f(err)
			in = false
			return next.Run(ctx, emit)
		}
	}, stream.Upstream[K](o))
}

// OnErrorResume goes on with the items of a second observable when the source has
// ended, whether it completed or failed; failed is told of a failure, so that it
// does not get lost. It is RxJS's onErrorResumeNext, which drops the errors.
//
//	in    a--b--#
//	next  x--y--|
//	out   a--b--x--y--|
//
// Errors: those of next; the source's only go to failed, but for the consumer's
// own, the context's, and that the pipeline can not be run as it is.
// Back-pressure: the call stack.
// State: none; no mark is passed on for the items of next.
// Goroutines: none.
func OnErrorResume[K stream.Kind, T any](o stream.Observable[K, T], next stream.Observable[stream.Cold, T], failed func(error)) stream.Observable[K, T] {
	return stream.Derive(func(sub stream.Subscription) stream.Run[T] {
		return func(ctx context.Context, emit func(T) error) (err error) {
			in := false
			defer stream.Contain("OnErrorResume", &in, &err)
			resumes, err := attempt(ctx, o.Subscribe, sub, emit)
			if err != nil && !resumes {
				return err
			}
			if err != nil {
				in = true
				failed(err)
				in = false
			}
			return next.Run(ctx, emit)
		}
	}, stream.Upstream[K](o))
}

// TryMapElse is [TryMap] that goes on: an item for which f fails is handed to
// failed with f's error, and is left out if failed returns nil. So a failure's
// policy is one function: return the error to stop; report it and return nil to
// skip; put the item where it is looked after, and return the error of that, to
// park it. An effect that must happen is an adapter's, which parks durably and
// keeps the order of what comes behind.
//
//	in   a--b--c--|
//	out  A-----C--|    (f fails for b)
//
// Errors: the source's, and failed's, as they are.
// Back-pressure: the call stack.
// State: none; marks pass for what was left out too: once failed has returned nil,
// the item does not come again.
// Goroutines: none.
func TryMapElse[K stream.Kind, A, B any](o stream.Observable[K, A], f func(A) (B, error), failed func(item A, err error) error) stream.Observable[K, B] {
	return stream.Through(o, func(run stream.Run[A]) stream.Run[B] {
		return func(ctx context.Context, emit func(B) error) (err error) {
			var in bool
			defer stream.Contain("TryMapElse", &in, &err)
			return run(ctx, func(a A) error {
				in = true
				b, err := f(a)
				if err != nil {
					err = failed(a, err)
					in = false
					return err
				}
				in = false
				return emit(b)
			})
		}
	})
}
