package operators

import (
	"context"
	"errors"

	"github.com/thaw-go/thaw/stream"
)

// stopped is how a stage ends its source early. Each run has one of its own, so
// that a stage never takes another's for its own.
type stopped struct{ stage string }

func (s *stopped) Error() string { return "operators: " + s.stage + " has what it wants" }

// untilStopped runs a source and takes the stage's own stop for completion.
func untilStopped[T any](ctx context.Context, run stream.Run[T], stop *stopped, emit func(T) error) error {
	if err := run(ctx, emit); !errors.Is(err, stop) {
		return err
	}
	return nil
}

// Filter keeps the items for which f is true.
//
//	in   1--2--3--4--|
//	out  ---2-----4--|
//
// Errors: the source's. Back-pressure: the call stack. State: none; marks pass
// for dropped items too. To keep some types of a topic use [stream.Only], which
// decides before an event is decoded.
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

// Take completes with the n-th item, without waiting for another; for n below 1
// it completes at once and does not run the source.
//
//	in   a--b--c--d--|
//	out  a--b|            (n = 2)
//
// Errors: the source's. Back-pressure: the call stack. State: a count; a durable
// consumer is refused.
func Take[K stream.Kind, T any](o stream.Observable[K, T], n int) stream.Observable[K, T] {
	return stream.Holding(o, "Take", func(run stream.Run[T]) stream.Run[T] {
		return func(ctx context.Context, emit func(T) error) error {
			if n < 1 {
				return nil
			}
			left, stop := n, &stopped{"Take"}
			return untilStopped(ctx, run, stop, func(item T) error {
				left--
				if err := emit(item); err != nil {
					return err
				}
				if left == 0 {
					return stop
				}
				return nil
			})
		}
	})
}

// TakeWhile completes before the first item for which f is false.
//
//	in   1--2--3--1--|
//	out  1--2--|          (below 3)
//
// Errors: the source's. Back-pressure: the call stack. State: none.
func TakeWhile[K stream.Kind, T any](o stream.Observable[K, T], f func(T) bool) stream.Observable[K, T] {
	return stream.Through(o, func(run stream.Run[T]) stream.Run[T] {
		return func(ctx context.Context, emit func(T) error) (err error) {
			var in bool
			defer stream.Contain("TakeWhile", &in, &err)
			stop := &stopped{"TakeWhile"}
			return untilStopped(ctx, run, stop, func(item T) error {
				in = true
				more := f(item)
				in = false
				if !more {
					return stop
				}
				return emit(item)
			})
		}
	})
}

// Skip drops the first n items.
//
//	in   a--b--c--d--|
//	out  ------c--d--|    (n = 2)
//
// Errors: the source's. Back-pressure: the call stack. State: a count; a durable
// consumer is refused.
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

// DistinctUntilChanged drops an item that equals the one before it. To compare
// by a part of the item, put a [Map] in front.
//
//	in   a--a--b--b--a--|
//	out  a-----b-----a--|
//
// Errors: the source's. Back-pressure: the call stack. State: the last item; a
// durable consumer is refused.
func DistinctUntilChanged[K stream.Kind, T comparable](o stream.Observable[K, T]) stream.Observable[K, T] {
	return stream.Holding(o, "DistinctUntilChanged", func(run stream.Run[T]) stream.Run[T] {
		return func(ctx context.Context, emit func(T) error) (err error) {
			var in bool // comparing interface values can panic
			defer stream.Contain("DistinctUntilChanged", &in, &err)
			var last T
			first := true
			return run(ctx, func(item T) error {
				in = true
				same := !first && item == last
				in = false
				if same {
					return nil
				}
				first, last = false, item
				return emit(item)
			})
		}
	})
}
