package operators

import (
	"context"

	"github.com/thaw-go/thaw/stream"
)

// StartWith delivers items before those of the source.
//
//	in   ---a--b--|
//	out  x--a--b--|       (x)
//
// Errors: the source's.
// Back-pressure: the call stack.
// State: none; a durable consumer gets the items anew each time it resumes.
// Goroutines: none.
func StartWith[K stream.Kind, T any](o stream.Observable[K, T], items ...T) stream.Observable[K, T] {
	first := stream.From(items...)
	return stream.Through(o, func(run stream.Run[T]) stream.Run[T] {
		return func(ctx context.Context, emit func(T) error) error {
			if err := first.Run(ctx, emit); err != nil {
				return err
			}
			return run(ctx, emit)
		}
	})
}

// EndWith delivers items once the source has completed.
//
//	in   a--b--|
//	out  a--b--(x|)       (x)
//
// Errors: the source's; the items do not come after one.
// Back-pressure: the call stack.
// State: none.
// Goroutines: none.
func EndWith[K stream.Kind, T any](o stream.Observable[K, T], items ...T) stream.Observable[K, T] {
	last := stream.From(items...)
	return stream.Through(o, func(run stream.Run[T]) stream.Run[T] {
		return func(ctx context.Context, emit func(T) error) error {
			if err := run(ctx, emit); err != nil {
				return err
			}
			return last.Run(ctx, emit)
		}
	})
}

// ToSlice delivers all items as one slice once the source has completed; the
// slice is empty if there were none. It is RxJS's toArray.
//
//	in   a--b--|
//	out  ------(x|)       (x: a, b)
//
// Errors: the source's.
// Back-pressure: the call stack.
// State: all items, without a bound; a durable consumer is refused.
// Goroutines: none.
func ToSlice[K stream.Kind, T any](o stream.Observable[K, T]) stream.Observable[K, []T] {
	return stream.Holding(o, "ToSlice", func(run stream.Run[T]) stream.Run[[]T] {
		return func(ctx context.Context, emit func([]T) error) error {
			items := []T{}
			err := run(ctx, func(item T) error {
				items = append(items, item)
				return nil
			})
			if err != nil {
				return err
			}
			return emit(items)
		}
	})
}
