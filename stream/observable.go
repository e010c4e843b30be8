package stream

import (
	"context"
	"iter"
	"slices"

	"github.com/thaw-go/thaw/internal/origin"
)

// Cold is the kind of an observable that delivers history up to the head it saw
// at subscription, and ends.
type Cold struct{}

// ColdHot is the kind of an observable that delivers all history, then
// everything new, and never ends.
type ColdHot struct{}

// Hot is the kind of an observable that delivers only what is appended after
// its consumer first came online, and never ends.
type Hot struct{}

// Kind is one of the three kinds. It is sealed: no other type satisfies it.
type Kind interface{ Cold | ColdHot | Hot }

// Run is one run of an observable. It calls emit for each item on the caller's
// goroutine, one at a time. An error from emit stops it: it releases what it
// holds and returns that error. It returns nil when the observable has
// completed, and ctx's error once the context is done.
type Run[T any] func(ctx context.Context, emit func(T) error) error

// Subscription is what a sink asks of a source. The zero value is a consumer
// without a name, which begins anew each time.
type Subscription struct {
	Consumer string           // the durable consumer's name; empty: none
	From     *Cursor          // deliver what comes after this; nil: where the kind begins
	Mark     func(Mark) error // told how far the run has come, in line with the items; nil: not told

	// Undecoded is given the header of an event that could not be decoded, in its place
	// among the items, and the [*DecodeError]; operators in between do not see it. What
	// it returns ends the run; nil goes on behind the event. Nil: such an event ends the
	// run with its error.
	Undecoded func(Header, error) error
}

// Observable is a re-runnable recipe for a stream of items of type T: nothing
// happens until it is run, and each run is its own. Values are immutable and
// may be shared and run concurrently. The zero value fails with [ErrNoSource].
type Observable[K Kind, T any] struct {
	_    [0]K // makes kinds inconvertible; first, as it would take space at the end
	from *origin.Of
	open func(Subscription) Run[T]
}

// Source is an observable of events, which is what package replay returns.
type Source[K Kind, E any] = Observable[K, *Event[E]]

// New makes an observable from a function that opens one run for each
// subscription. Its first parameter is of an internal type, so that only Thaw's
// own sources can say that they read a log; everyone else passes nil.
func New[K Kind, T any](from *origin.Of, open func(Subscription) Run[T]) Observable[K, T] {
	return Observable[K, T]{from: from, open: open}
}

// From is a cold observable of the given items. It reads no log, so a durable
// consumer is refused with a [*NotDurableError].
func From[T any](items ...T) Observable[Cold, T] {
	items = slices.Clone(items)
	return New[Cold](nil, func(sub Subscription) Run[T] {
		if err := sub.refuseDurable(); err != nil {
			return failed[T](err)
		}
		return func(ctx context.Context, emit func(T) error) error {
			for _, item := range items {
				if err := ctx.Err(); err != nil {
					return err
				}
				if err := emit(item); err != nil {
					return err
				}
			}
			if sub.Mark != nil {
				return sub.Mark(Mark{Live: true})
			}
			return nil
		}
	})
}

// Subscribe runs the observable for a consumer that may be durable and may ask
// for marks. It returns as [Run] says; a durable consumer is refused before the
// first event with a [*NotResumableError], a [*NotDurableError] or a
// [*BusyError].
func (o Observable[K, T]) Subscribe(ctx context.Context, sub Subscription, emit func(T) error) error {
	if o.open == nil {
		return ErrNoSource
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	return o.open(sub)(ctx, emit)
}

// Run runs the observable for a consumer without a name. It returns as [Run]
// says.
func (o Observable[K, T]) Run(ctx context.Context, emit func(T) error) error {
	return o.Subscribe(ctx, Subscription{}, emit)
}

// All is the range loop over the items. The error is nil beside an item; if the
// run fails, one last pair has the zero item and the error. Breaking out of the
// loop stops the source before the loop is left; no goroutine is started, and a
// panic in the loop's body is the caller's own.
func (o Observable[K, T]) All(ctx context.Context) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		left := false
		err := o.Run(ctx, func(item T) error {
			if !yield(item, nil) {
				left = true
				return errLeft
			}
			return nil
		})
		if err != nil && !left {
			var none T
			yield(none, err)
		}
	}
}

// Log is the log that the observable reads, or nil.
func (o Observable[K, T]) Log() Log {
	if o.from == nil {
		return nil
	}
	log, _ := o.from.Log.(Log)
	return log
}

// ReadsHot reports whether the items come from a hot source over a log,
// whatever the observable's type says.
func (o Observable[K, T]) ReadsHot() bool { return o.from != nil && o.from.Hot }

type leftError struct{}

func (leftError) Error() string { return "stream: the range loop was left" }

var errLeft error = leftError{}

// refuseDurable returns the error of a subscription that a source without a log
// can not serve, or nil.
func (s Subscription) refuseDurable() error {
	if s.Consumer != "" || s.From != nil {
		return &NotDurableError{Consumer: s.Consumer}
	}
	return nil
}

// failed is the run that fails before the first item.
func failed[T any](err error) Run[T] {
	return func(context.Context, func(T) error) error { return err }
}
