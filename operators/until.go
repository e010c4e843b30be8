package operators

import (
	"context"
	"errors"
	"runtime/debug"
	"sync/atomic"

	"github.com/thaw-go/thaw/stream"
)

// Signal is an observable of which only matters when it delivers something, of
// whatever kind and of whatever items. The zero value never rings.
type Signal struct {
	run func(ctx context.Context, ring func() error) error
}

// SignalOf makes a signal that rings with each item.
func SignalOf[N stream.Kind, X any](o stream.Observable[N, X]) Signal {
	return Signal{func(ctx context.Context, ring func() error) error {
		return o.Run(ctx, func(X) error { return ring() })
	}}
}

// TakeUntil completes when the notifier delivers its first item. A notifier that
// completes without one is no longer waited for.
//
//	in        a--b--c--d--|
//	notifier  -------x
//	out       a--b--c|
//
// Errors: the source's and the notifier's.
// Back-pressure: the call stack.
// State: none of the items.
// Goroutines: one for the notifier.
func TakeUntil[K, N stream.Kind, T, X any](o stream.Observable[K, T], notifier stream.Observable[N, X]) stream.Observable[K, T] {
	return stream.Through(o, func(run stream.Run[T]) stream.Run[T] {
		return func(ctx context.Context, emit func(T) error) error {
			b := &bell{stage: "TakeUntil", signal: SignalOf(notifier)}
			b.rang = func() bool { b.end(nil); return false }
			return beside(ctx, b, run, emit)
		}
	})
}

// SkipUntil drops items until the notifier delivers its first one.
//
//	in        a--b--c--d--|
//	notifier  -------x
//	out       ---------d--|
//
// Errors: the source's and, until it has delivered something, the notifier's.
// Back-pressure: the call stack.
// State: whether it is over; a durable consumer is refused.
// Goroutines: one for the notifier.
func SkipUntil[K, N stream.Kind, T, X any](o stream.Observable[K, T], notifier stream.Observable[N, X]) stream.Observable[K, T] {
	return stream.Holding(o, "SkipUntil", func(run stream.Run[T]) stream.Run[T] {
		return func(ctx context.Context, emit func(T) error) error {
			var open atomic.Bool
			rang := func() bool { open.Store(true); return false }
			b := &bell{stage: "SkipUntil", signal: SignalOf(notifier), rang: rang}
			return beside(ctx, b, run, func(item T) error {
				if !open.Load() {
					return nil
				}
				return emit(item)
			})
		}
	})
}

// bell is a signal that is listened to beside a run. It only sets what the run
// looks at with its next item, or ends it: a stage with a [loop] would hand every
// item from one goroutine to another.
type bell struct {
	stage  string
	signal Signal
	rang   func() (more bool) // called on the signal's goroutine

	cancel context.CancelFunc // of the run
	over   atomic.Bool        // the run is to end
	err    error              // with what; set before over
	gone   chan struct{}
}

// end ends the run; it is for rang to call.
func (b *bell) end(err error) {
	b.err = err
	b.over.Store(true)
	b.cancel()
}

// beside runs a source on the caller's goroutine while a bell is listened to. A
// bell that fails ends the run.
func beside[T any](outer context.Context, b *bell, run stream.Run[T], emit func(T) error) error {
	ctx, cancel := context.WithCancel(outer)
	b.cancel, b.gone = cancel, make(chan struct{})
	go b.listen(ctx) // stopped by cancel, waited for below
	defer func() {
		cancel()
		<-b.gone
	}()
	stop := &stopped{b.stage}
	var refused error // the consumer's
	err := run(ctx, func(item T) error {
		if b.over.Load() {
			return stop
		}
		refused = emit(item)
		return refused
	})
	if refused == nil && b.over.Load() && (errors.Is(err, stop) || errors.Is(err, context.Canceled) && outer.Err() == nil) {
		return b.err
	}
	return err
}

func (b *bell) listen(ctx context.Context) {
	defer close(b.gone)
	enough := &stopped{b.stage}
	err := errVanished
	defer func() {
		if value := recover(); value != nil {
			err = &stream.PanicError{Stage: b.stage, Value: value, Stack: debug.Stack()}
		}
		if err != nil && !errors.Is(err, enough) && ctx.Err() == nil {
			b.end(err)
		}
	}()
	err = b.signal.run(ctx, func() error {
		if b.rang() {
			return nil
		}
		return enough
	})
}
