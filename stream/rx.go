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
// cancel it to stop early; without it rxgo abandons the source's goroutine.
func (o Observable[K, T]) Rx(opts ...rxgo.Option) rxgo.Observable {
	return rxOf(o.Run, opts...)
}

// Observe makes the observable an rxgo.Iterable. It is Rx(opts...).Observe().
func (o Observable[K, T]) Observe(opts ...rxgo.Option) <-chan rxgo.Item {
	return o.Rx(opts...).Observe()
}

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
// reads no log, so a durable consumer is refused with a [*NotDurableError]. The
// factory is called for each run, as many rxgo observables can be observed only
// once; its context ends when the run does. The first error item ends the run;
// an item that is not a T is an error. rxgo's goroutines are cancelled and
// drained before the run returns, but for at most 50 ms: an operator that keeps
// running after that is rxgo's to end. A panic on a goroutine of rxgo's can not
// be contained.
func FromRx[K Kind, T any](factory func(context.Context) rxgo.Observable) Observable[K, T] {
	return New[K](nil, func(sub Subscription) Run[T] {
		if err := sub.refuseDurable(); err != nil {
			return failed[T](err)
		}
		if sub.Mark != nil {
			return failed[T](ErrNoMarks)
		}
		return func(ctx context.Context, emit func(T) error) error {
			return runRx("FromRx", ctx, factory, emit)
		}
	})
}

// ThroughRx puts rxgo operators inside a pipeline: f is called for each run with
// the items so far and returns what becomes of them. rxgo's operators remember,
// so a durable consumer is refused with a [*NotResumableError], and a sink that
// needs marks, such as a view, with [ErrNoMarks]. It ends as [FromRx] does.
func ThroughRx[B, A any, K Kind](o Observable[K, A], f func(rxgo.Observable) rxgo.Observable) Observable[K, B] {
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
			factory := func(ctx context.Context) rxgo.Observable {
				return f(rxOf(o.Run, rxgo.WithContext(ctx)))
			}
			return runRx("ThroughRx", ctx, factory, emit)
		}
	})
}

func runRx[T any](stage string, outer context.Context, factory func(context.Context) rxgo.Observable, emit func(T) error) (err error) {
	ctx, cancel := context.WithCancel(outer)
	defer cancel()
	in := true
	defer Contain(stage, &in, &err)
	items := factory(ctx).Observe(rxgo.WithContext(ctx))
	in = false
	defer drainRx(cancel, items)
	for {
		select {
		case <-outer.Done():
			return outer.Err()
		case item, ok := <-items:
			switch {
			case !ok:
				return outer.Err()
			case item.E != nil:
				return item.E
			}
			value, ok := item.V.(T)
			if !ok {
				return fmt.Errorf("stream: %s: expected an item of type %s, found %s", stage, reflect.TypeFor[T](), typeName(item.V))
			}
			if err := emit(value); err != nil {
				return err
			}
		}
	}
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
