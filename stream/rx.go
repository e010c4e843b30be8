package stream

import (
	"context"
	"fmt"
	"reflect"
	"time"

	"github.com/reactivex/rxgo/v2"
)

// rxBuffer is how many items wait at a door of rxgo, unless an option says
// otherwise: enough to spare most switches between the two goroutines.
const rxBuffer = 256

// rxDrain is how long a door waits for an rxgo pipeline to close after it was
// cancelled. Some of rxgo's operators return without closing their channel.
const rxDrain = 50 * time.Millisecond

var _ rxgo.Iterable = Observable[Cold, int]{}

// Rx is the observable as rxgo knows them: lazy, and run anew by each observer.
// An error arrives as the last item. Give the observer rxgo.WithContext and
// cancel it to stop early; without it rxgo abandons the source's goroutine. One
// hop of rxgo's costs as much as a hundred items here: Chunks(o, n).Rx() pays it
// once for n of them.
func (o Observable[K, T]) Rx(opts ...rxgo.Option) rxgo.Observable {
	return rxOf(o.Run, opts...)
}

// Observe makes the observable an rxgo.Iterable. It is Rx(opts...).Observe().
func (o Observable[K, T]) Observe(opts ...rxgo.Option) <-chan rxgo.Item {
	return o.Rx(opts...).Observe()
}

// rxOf runs the source on a goroutine of rxgo's for each observer.
func rxOf[T any](run Run[T], opts ...rxgo.Option) rxgo.Observable {
	produce := func(ctx context.Context, next chan<- rxgo.Item) {
		err := runContained(run, ctx, func(item T) error {
			if !rxgo.Of(item).SendContext(ctx, next) {
				return ctx.Err()
			}
			return nil
		})
		if err != nil {
			rxgo.Error(err).SendContext(ctx, next)
		}
	}
	return rxgo.Defer([]rxgo.Producer{produce}, append([]rxgo.Option{rxgo.WithBufferedChannel(rxBuffer)}, opts...)...)
}

// runContained keeps a panic of the source from ending the process on one of
// rxgo's goroutines, where nobody could recover it.
func runContained[T any](run Run[T], ctx context.Context, emit func(T) error) (err error) {
	in := true
	defer Contain("the source of an rxgo pipeline", &in, &err)
	err = run(ctx, emit)
	in = false
	return err
}

// FromRx makes an observable of an rxgo pipeline, giving it its kind by hand. It
// reads no log, so a durable consumer is refused with a [*NotDurableError], and
// a sink that needs marks with [ErrNoMarks]. The factory is called for each run,
// as many rxgo observables can be observed only once; its context ends when the
// run does, and belongs to every rxgo operator that starts when it is made
// (rxgo.WithContext). The first error item ends the run; an item that is not a T
// is an error. rxgo's goroutines are cancelled and drained before the run
// returns, but for at most 50 ms: an operator that keeps running after that is
// rxgo's to end. A panic on a goroutine of rxgo's can not be contained: it ends
// the process.
func FromRx[K Kind, T any, R rxgo.Iterable](factory func(context.Context) R) Observable[K, T] {
	return New[K](nil, func(sub Subscription) Run[T] {
		if err := sub.refuseDurable(); err != nil {
			return failed[T](err)
		}
		if sub.Mark != nil {
			return failed[T](ErrNoMarks)
		}
		return func(ctx context.Context, emit func(T) error) error {
			run := newRxRun(ctx, "FromRx")
			return runRx(run, func() rxgo.Iterable { return factory(run.ctx) }, emit)
		}
	})
}

// ThroughRx puts rxgo operators inside a pipeline: f is called for each run with
// the items so far and returns what becomes of them, an rxgo.Observable or one
// of rxgo's singles. rxgo's operators remember, so a durable consumer is refused
// with a [*NotResumableError], and a sink that needs marks, such as a view, with
// [ErrNoMarks]; [ThroughRxChunks] passes marks on, and is faster. It ends as
// [FromRx] does, once its source has returned, and contains more, as it sees what
// f calls on its argument and on what that returns: such operators get the run's context; a panic in a
// function handed to one is a [*PanicError] that names it; FlatMap, GroupBy and
// GroupByDynamic never hand an error to their function; and an error of the
// source or of such a function ends the run even if an operator such as Count
// hides it, unless f uses OnErrorReturn, OnErrorReturnItem, OnErrorResumeNext,
// Retry or BackOffRetry. It does not see inner observables, or what rxgo's
// factories, such as rxgo.Merge, make of its argument.
func ThroughRx[B, A any, K Kind, R rxgo.Iterable](o Observable[K, A], f func(rxgo.Observable) R) Observable[K, B] {
	if o.open == nil {
		return Observable[K, B]{}
	}
	return New[K](o.from, func(sub Subscription) Run[B] {
		if sub.Consumer != "" || sub.From != nil {
			return failed[B](&NotResumableError{Consumer: sub.Consumer, Operator: "ThroughRx"})
		}
		if sub.Mark != nil {
			return failed[B](ErrNoMarks)
		}
		return func(ctx context.Context, emit func(B) error) error {
			run := newRxRun(ctx, "ThroughRx")
			return runRx(run, func() rxgo.Iterable {
				return f(run.guard(rxOf(watched(run, o.Run), rxgo.WithContext(run.ctx))))
			}, emit)
		}
	})
}

// watched is a source that its run waits for, and whose error it will know.
func watched[T any](run *rxRun, source Run[T]) Run[T] {
	return func(ctx context.Context, emit func(T) error) error {
		ended, ok := run.source()
		if !ok {
			return context.Canceled
		}
		defer ended()
		err := runContained(source, ctx, emit)
		if err != nil && ctx.Err() == nil {
			run.noted(err)
		}
		return err
	}
}

func runRx[T any](run *rxRun, factory func() rxgo.Iterable, emit func(T) error) (err error) {
	defer run.cancel()
	items, err := run.observe(factory)
	if err != nil {
		return err
	}
	defer run.end(items)
	for {
		select {
		case <-run.ctx.Done():
			return run.outcome()
		case item, ok := <-items:
			if !ok {
				return run.outcome()
			}
			value, err := rxValue[T](run.stage, item)
			if err != nil {
				return err
			}
			if err := emit(value); err != nil {
				return err
			}
		}
	}
}

// rxValue is what an item of rxgo's holds.
func rxValue[T any](stage string, item rxgo.Item) (value T, err error) {
	if item.E != nil {
		return value, item.E
	}
	value, ok := item.V.(T)
	if !ok {
		return value, fmt.Errorf("stream: %s: expected an item of type %s, found %s", stage, reflect.TypeFor[T](), typeName(item.V))
	}
	return value, nil
}

// drainRx cancels a pipeline and takes what it still sends until it closes, so
// that its goroutines can end; it waits no longer than rxDrain.
func drainRx(cancel context.CancelFunc, items <-chan rxgo.Item) {
	cancel()
	timeout := time.NewTimer(rxDrain)
	defer timeout.Stop()
	for {
		select {
		case _, ok := <-items:
			if !ok {
				return
			}
		case <-timeout.C:
			return
		}
	}
}
