package operators

import (
	"context"
	"errors"

	"github.com/thaw-go/thaw/stream"
)

// Notification is an item, or the end of a run told as an item.
type Notification[T any] struct {
	Item T     // unless Done
	Done bool  // the run has ended: there is no item
	Err  error // why, if Done; nil: it has completed
}

// Materialize delivers a notification for each item and one for the end, and
// then completes, also where the source has failed.
//
//	in   a--b--#
//	out  a--b--(e|)       (e: Done, with the error)
//
// Errors: none of the source's; the consumer's, its context's, and that the
// source refuses its consumer.
// Back-pressure: the call stack.
// State: none.
// Goroutines: none.
func Materialize[K stream.Kind, T any](o stream.Observable[K, T]) stream.Observable[K, Notification[T]] {
	return stream.Through(o, func(run stream.Run[T]) stream.Run[Notification[T]] {
		return func(ctx context.Context, emit func(Notification[T]) error) error {
			var stopped error // by the consumer
			err := run(ctx, func(item T) error {
				stopped = emit(Notification[T]{Item: item})
				return stopped
			})
			if stopped != nil || ctx.Err() != nil || refuses(err) {
				return err
			}
			return emit(Notification[T]{Done: true, Err: err})
		}
	})
}

// refuses reports whether an error is a source's way to say that it can not serve
// this consumer, rather than what became of the items.
func refuses(err error) bool {
	var resume *stream.NotResumableError
	var durable *stream.NotDurableError
	var busy *stream.BusyError
	return errors.As(err, &resume) || errors.As(err, &durable) || errors.As(err, &busy) ||
		errors.Is(err, stream.ErrNoMarks) || errors.Is(err, stream.ErrNoSource)
}

// Dematerialize undoes [Materialize]: it delivers the items, and ends as the
// first notification says that is Done.
//
//	in   a--b--e          (e: Done, with an error)
//	out  a--b--#
//
// Errors: the source's, and the one that a notification tells, as it is.
// Back-pressure: the call stack.
// State: none.
// Goroutines: none.
func Dematerialize[K stream.Kind, T any](o stream.Observable[K, Notification[T]]) stream.Observable[K, T] {
	return stream.Through(o, func(run stream.Run[Notification[T]]) stream.Run[T] {
		return func(ctx context.Context, emit func(T) error) error {
			var end error
			stop := &stopped{"Dematerialize"}
			err := run(ctx, func(n Notification[T]) error {
				if n.Done {
					end = n.Err
					return stop
				}
				return emit(n.Item)
			})
			if errors.Is(err, stop) {
				return end
			}
			return err
		}
	})
}
