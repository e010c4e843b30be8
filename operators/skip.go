package operators

import (
	"context"

	"github.com/thaw-go/thaw/stream"
)

// Skip drops the first n items.
//
//	in   a--b--c--d--|
//	out  ------c--d--|    (n = 2)
//
// Errors: the source's.
// Back-pressure: the call stack.
// State: a count; a durable consumer is refused.
// Goroutines: none.
func Skip[K stream.Kind, T any](o stream.Observable[K, T], n int) stream.Observable[K, T] {
	return stream.Holding(o, "Skip", func(run stream.Run[T]) stream.Run[T] {
		return func(ctx context.Context, emit func(T) error) error {
			left := n
			return run(ctx, func(item T) error {
				if left > 0 {
					left--
					return nil
				}
				return emit(item)
			})
		}
	})
}

// SkipWhile drops items until f is false for one; that one and all after it are
// delivered.
//
//	in   1--2--3--1--|
//	out  ------3--1--|    (below 3)
//
// Errors: the source's.
// Back-pressure: the call stack.
// State: whether it is over; a durable consumer is refused.
// Goroutines: none.
func SkipWhile[K stream.Kind, T any](o stream.Observable[K, T], f func(T) bool) stream.Observable[K, T] {
	return stream.Holding(o, "SkipWhile", func(run stream.Run[T]) stream.Run[T] {
		return func(ctx context.Context, emit func(T) error) (err error) {
			var in bool
			defer stream.Contain("SkipWhile", &in, &err)
			skipping := true
			return run(ctx, func(item T) error {
				if skipping {
					in = true
					skipping = f(item)
					in = false
				}
				if skipping {
					return nil
				}
				return emit(item)
			})
		}
	})
}

// SkipLast drops the last n items: each is delivered when the n-th after it has
// come.
//
//	in   a--b--c--d--|
//	out  ------a--b--|    (n = 2)
//
// Errors: the source's.
// Back-pressure: the call stack.
// State: n items; a durable consumer is refused.
// Goroutines: none.
func SkipLast[K stream.Kind, T any](o stream.Observable[K, T], n int) stream.Observable[K, T] {
	return stream.Holding(o, "SkipLast", func(run stream.Run[T]) stream.Run[T] {
		return func(ctx context.Context, emit func(T) error) error {
			if n < 1 {
				return run(ctx, emit)
			}
			last := ring[T]{most: n}
			return run(ctx, func(item T) error {
				if oldest, full := last.push(item); full {
					return emit(oldest)
				}
				return nil
			})
		}
	})
}
