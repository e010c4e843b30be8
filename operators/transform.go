package operators

import (
	"context"
	"fmt"

	"github.com/thaw-go/thaw/stream"
)

// Map replaces each item by what f makes of it.
//
//	in   a--b--|
//	out  A--B--|
//
// Errors: the source's.
// Back-pressure: the call stack.
// State: none.
// Goroutines: none.
func Map[K stream.Kind, A, B any](o stream.Observable[K, A], f func(A) B) stream.Observable[K, B] {
	return stream.Through(o, func(run stream.Run[A]) stream.Run[B] {
		return func(ctx context.Context, emit func(B) error) (err error) {
			var in bool
			defer stream.Contain("Map", &in, &err)
			return run(ctx, func(a A) error {
				in = true
				b := f(a)
				in = false
				return emit(b)
			})
		}
	})
}

// TryMap replaces each item by what f makes of it, and ends with f's first
// error.
//
//	in   a--b--c--|
//	out  A--#
//
// Errors: the source's, and f's, wrapped.
// Back-pressure: the call stack.
// State: none.
// Goroutines: none.
func TryMap[K stream.Kind, A, B any](o stream.Observable[K, A], f func(A) (B, error)) stream.Observable[K, B] {
	return stream.Through(o, func(run stream.Run[A]) stream.Run[B] {
		return func(ctx context.Context, emit func(B) error) (err error) {
			var in bool
			defer stream.Contain("TryMap", &in, &err)
			return run(ctx, func(a A) error {
				in = true
				b, err := f(a)
				in = false
				if err != nil {
					return fmt.Errorf("operators: TryMap: %w", err)
				}
				return emit(b)
			})
		}
	})
}

// Payloads leaves the headers behind.
//
//	in   [1 a]--[2 b]--|
//	out  a------b------|
//
// Errors: the source's.
// Back-pressure: the call stack.
// State: none.
// Goroutines: none.
func Payloads[K stream.Kind, E any](o stream.Source[K, E]) stream.Observable[K, E] {
	return stream.Through(o, func(run stream.Run[*stream.Event[E]]) stream.Run[E] {
		return func(ctx context.Context, emit func(E) error) error {
			return run(ctx, func(e *stream.Event[E]) error { return emit(e.Data) })
		}
	})
}

// Scan emits the running fold of the items: what f makes of the last result,
// seed at first, and each item.
//
//	in   1--2--3--|
//	out  1--3--6--|
//
// Errors: the source's.
// Back-pressure: the call stack.
// State: the last result; a durable consumer is refused. In RxJS the seed is
// optional; here it is not.
// Goroutines: none.
func Scan[K stream.Kind, T, S any](o stream.Observable[K, T], seed S, f func(S, T) S) stream.Observable[K, S] {
	return stream.Holding(o, "Scan", func(run stream.Run[T]) stream.Run[S] {
		return func(ctx context.Context, emit func(S) error) (err error) {
			var in bool
			defer stream.Contain("Scan", &in, &err)
			state := seed
			return run(ctx, func(item T) error {
				in = true
				state = f(state, item)
				in = false
				return emit(state)
			})
		}
	})
}

// Tap calls f with each item on its way.
//
//	in   a--b--|
//	out  a--b--|
//
// Errors: the source's.
// Back-pressure: the call stack.
// State: none. RxJS's tap also sees the end; here the run's result tells that.
// Goroutines: none.
func Tap[K stream.Kind, T any](o stream.Observable[K, T], f func(T)) stream.Observable[K, T] {
	return stream.Through(o, func(run stream.Run[T]) stream.Run[T] {
		return func(ctx context.Context, emit func(T) error) (err error) {
			var in bool
			defer stream.Contain("Tap", &in, &err)
			return run(ctx, func(item T) error {
				in = true
				f(item)
				in = false
				return emit(item)
			})
		}
	})
}

// Pairwise delivers each item together with the one before it.
//
//	in   a--b-----c-----|
//	out  ---(ab)--(bc)--|
//
// Errors: the source's.
// Back-pressure: the call stack.
// State: the last item; a durable consumer is refused.
// Goroutines: none.
func Pairwise[K stream.Kind, T any](o stream.Observable[K, T]) stream.Observable[K, [2]T] {
	return stream.Holding(o, "Pairwise", func(run stream.Run[T]) stream.Run[[2]T] {
		return func(ctx context.Context, emit func([2]T) error) error {
			var pair [2]T
			first := true
			return run(ctx, func(item T) error {
				pair[0], pair[1] = pair[1], item
				if first {
					first = false
					return nil
				}
				return emit(pair)
			})
		}
	})
}
