package operators

import (
	"context"

	"github.com/thaw-go/thaw/stream"
)

// Filter keeps the items for which f is true.
//
//	in   1--2--3--4--|
//	out  ---2-----4--|
//
// Errors: the source's.
// Back-pressure: the call stack.
// State: none; marks pass for dropped items too. To keep some types of a topic use
// [stream.Only], which decides before an event is decoded.
// Goroutines: none.
func Filter[K stream.Kind, T any](o stream.Observable[K, T], f func(T) bool) stream.Observable[K, T] {
	return stream.Through(o, func(run stream.Run[T]) stream.Run[T] {
		return func(ctx context.Context, emit func(T) error) (err error) {
			var in bool
			defer stream.Contain("Filter", &in, &err)
			return run(ctx, func(item T) error {
				in = true
				keep := f(item)
				in = false
				if !keep {
					return nil
				}
				return emit(item)
			})
		}
	})
}

// IgnoreElements drops every item; what is left is how the source ends.
//
//	in   a--b--c--|
//	out  ---------|
//
// Errors: the source's.
// Back-pressure: the call stack.
// State: none; marks pass.
// Goroutines: none.
func IgnoreElements[K stream.Kind, T any](o stream.Observable[K, T]) stream.Observable[K, T] {
	return stream.Through(o, func(run stream.Run[T]) stream.Run[T] {
		return func(ctx context.Context, _ func(T) error) error {
			return run(ctx, func(T) error { return nil })
		}
	})
}

// DefaultIfEmpty delivers one item if the source completes without any.
//
//	in   ------|
//	out  ------(x|)
//
// Errors: the source's.
// Back-pressure: the call stack.
// State: whether there was an item; a durable consumer is refused.
// Goroutines: none.
func DefaultIfEmpty[K stream.Kind, T any](o stream.Observable[K, T], item T) stream.Observable[K, T] {
	return stream.Holding(o, "DefaultIfEmpty", func(run stream.Run[T]) stream.Run[T] {
		return func(ctx context.Context, emit func(T) error) error {
			empty := true
			err := run(ctx, func(item T) error {
				empty = false
				return emit(item)
			})
			if err != nil || !empty {
				return err
			}
			return emit(item)
		}
	})
}
