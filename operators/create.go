package operators

import (
	"context"
	"iter"
	"time"

	"github.com/thaw-go/thaw/stream"
)

// made is an observable without a log behind it.
func made[K stream.Kind, T any](run stream.Run[T]) stream.Observable[K, T] {
	var kind any = *new(K)
	_, cold := kind.(stream.Cold)
	return stream.New[K](nil, func(sub stream.Subscription) stream.Run[T] {
		return func(ctx context.Context, emit func(T) error) error {
			if sub.Consumer != "" || sub.From != nil {
				return &stream.NotDurableError{Consumer: sub.Consumer}
			}
			tell := func() error { // that there is no history, or no more of it
				if sub.Mark == nil {
					return nil
				}
				return sub.Mark(stream.Mark{Live: true})
			}
			if !cold {
				if err := tell(); err != nil {
					return err
				}
				return run(ctx, emit)
			}
			if err := run(ctx, emit); err != nil {
				return err
			}
			return tell()
		}
	})
}

// FromSeq is a cold observable of a sequence's items, which each run asks for
// anew. It reads no log, so a durable consumer is refused with a
// [*stream.NotDurableError].
//
//	out  (abc|)
//
// Errors: none.
// Back-pressure: the call stack.
// State: none.
// Goroutines: none.
func FromSeq[T any](items iter.Seq[T]) stream.Observable[stream.Cold, T] {
	return made[stream.Cold](func(ctx context.Context, emit func(T) error) (err error) {
		in := true
		defer stream.Contain("FromSeq", &in, &err)
		for item := range items {
			in = false
			if err := ctx.Err(); err != nil {
				return err
			}
			if err := emit(item); err != nil {
				return err
			}
			in = true
		}
		return nil
	})
}

// FromChan is an observable of what a channel delivers until it is closed; its
// kind is given by hand. A channel delivers an item once: runs at the same time
// share its items, and one item may be lost when a run ends early. It reads no
// log, so a durable consumer is refused with a [*stream.NotDurableError].
//
//	out  a--b-----c--|
//
// Errors: none.
// Back-pressure: the channel is not received from while an item is handled.
// State: none.
// Goroutines: none.
func FromChan[K stream.Kind, T any](items <-chan T) stream.Observable[K, T] {
	return made[K](func(ctx context.Context, emit func(T) error) error {
		for {
			select {
			case item, ok := <-items:
				if !ok {
					return nil
				}
				if err := emit(item); err != nil {
					return err
				}
			case <-ctx.Done():
				return ctx.Err()
			}
		}
	})
}

// Empty is a cold observable that completes at once.
//
//	out  |
//
// Errors: none.
// Back-pressure: none.
// State: none.
// Goroutines: none.
func Empty[T any]() stream.Observable[stream.Cold, T] { return stream.From[T]() }

// Never is an observable that delivers nothing and does not end.
//
//	out  ------
//
// Errors: its context's.
// Back-pressure: none.
// State: none.
// Goroutines: none.
func Never[K stream.Kind, T any]() stream.Observable[K, T] {
	return made[K](func(ctx context.Context, _ func(T) error) error {
		<-ctx.Done()
		return ctx.Err()
	})
}

// Throw is a cold observable that fails at once. It is RxJS's throwError.
//
//	out  #
//
// Errors: err, as it is.
// Back-pressure: none.
// State: none.
// Goroutines: none.
func Throw[T any](err error) stream.Observable[stream.Cold, T] {
	return made[stream.Cold](func(context.Context, func(T) error) error { return err })
}

// Timer is a cold observable that delivers 0 after some time, and completes.
//
//	out  ---(0|)           (3ms)
//
// Errors: its context's.
// Back-pressure: none.
// State: none.
// Goroutines: none.
func Timer(after time.Duration) stream.Observable[stream.Cold, int] {
	return made[stream.Cold](func(ctx context.Context, emit func(int) error) error {
		timer := time.NewTimer(after)
		defer timer.Stop()
		select {
		case <-timer.C:
			return emit(0)
		case <-ctx.Done():
			return ctx.Err()
		}
	})
}

// Interval is a hot observable that counts, from 0, how often some time has
// passed since it was subscribed. A period below a nanosecond counts as one.
//
//	out  --0--1--2--3-     (3ms)
//
// Errors: its context's.
// Back-pressure: what is due while an item is being handled is left out; the
// number tells how much. RxJS has no back-pressure.
// State: none.
// Goroutines: none.
func Interval(period time.Duration) stream.Observable[stream.Hot, int] {
	period = max(period, 1)
	return made[stream.Hot](func(ctx context.Context, emit func(int) error) error {
		began := time.Now()
		timer := time.NewTimer(period)
		defer timer.Stop()
		for {
			select {
			case <-timer.C:
				if err := emit(int(time.Since(began)/period) - 1); err != nil {
					return err
				}
				timer.Reset(period - time.Since(began)%period)
			case <-ctx.Done():
				return ctx.Err()
			}
		}
	})
}

// Defer is the observable that f makes, anew for each run. That one serves the
// consumer, also a durable one; as Defer reads no log itself, a saga can not stand
// on it.
//
//	f    a--b--|
//	out  a--b--|
//
// Errors: those of f's observable.
// Back-pressure: as of f's observable.
// State: none.
// Goroutines: none.
func Defer[K stream.Kind, T any](f func() stream.Observable[K, T]) stream.Observable[K, T] {
	return stream.New[K](nil, func(sub stream.Subscription) stream.Run[T] {
		return func(ctx context.Context, emit func(T) error) (err error) {
			in := true
			defer stream.Contain("Defer", &in, &err)
			o := f()
			in = false
			return o.Subscribe(ctx, sub, emit)
		}
	})
}
