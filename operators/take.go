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

// Take completes with the n-th item, without waiting for another; for n below 1
// it completes at once and does not run the source.
//
//	in   a--b--c--d--|
//	out  a--b|            (n = 2)
//
// Errors: the source's.
// Back-pressure: the call stack.
// State: a count; a durable consumer is refused.
// Goroutines: none.
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
// Errors: the source's.
// Back-pressure: the call stack.
// State: none.
// Goroutines: none.
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

// TakeThrough completes with the first item for which f is false: that one is
// delivered, too. In RxJS it is takeWhile's inclusive.
//
//	in   1--2--3--1--|
//	out  1--2--(3|)       (below 3)
//
// Errors: the source's.
// Back-pressure: the call stack.
// State: none.
// Goroutines: none.
func TakeThrough[K stream.Kind, T any](o stream.Observable[K, T], f func(T) bool) stream.Observable[K, T] {
	return stream.Through(o, func(run stream.Run[T]) stream.Run[T] {
		return func(ctx context.Context, emit func(T) error) (err error) {
			var in bool
			defer stream.Contain("TakeThrough", &in, &err)
			stop := &stopped{"TakeThrough"}
			return untilStopped(ctx, run, stop, func(item T) error {
				in = true
				more := f(item)
				in = false
				if err := emit(item); err != nil {
					return err
				}
				if !more {
					return stop
				}
				return nil
			})
		}
	})
}

// TakeLast delivers the last n items once the source has completed.
//
//	in   a--b--c--|
//	out  ---------(bc|)   (n = 2)
//
// Errors: the source's.
// Back-pressure: the call stack.
// State: n items; a durable consumer is refused.
// Goroutines: none.
func TakeLast[K stream.Kind, T any](o stream.Observable[K, T], n int) stream.Observable[K, T] {
	return stream.Holding(o, "TakeLast", func(run stream.Run[T]) stream.Run[T] {
		return func(ctx context.Context, emit func(T) error) error {
			if n < 1 {
				return nil
			}
			last := ring[T]{most: n}
			err := run(ctx, func(item T) error {
				last.push(item)
				return nil
			})
			for i := 0; err == nil && i < last.len(); i++ {
				if err = ctx.Err(); err == nil {
					err = emit(last.at(i))
				}
			}
			return err
		}
	})
}

// ring keeps the last so many items.
type ring[T any] struct {
	most  int
	items []T
	first int // where the oldest is, once the ring is full
}

// push adds an item; once the ring is full it takes out the oldest.
func (r *ring[T]) push(item T) (oldest T, full bool) {
	if len(r.items) < r.most {
		r.items = append(r.items, item)
		return oldest, false
	}
	oldest, r.items[r.first] = r.items[r.first], item
	if r.first++; r.first == r.most {
		r.first = 0
	}
	return oldest, true
}

func (r *ring[T]) len() int { return len(r.items) }

// at is the i-th item, from the oldest.
func (r *ring[T]) at(i int) T { return r.items[(r.first+i)%len(r.items)] }
