package stream

import (
	"context"
	"fmt"
	"reflect"
	"runtime/debug"
	"sync"

	"github.com/reactivex/rxgo/v2"
)

// rxRun is one run of an rxgo pipeline: its context, and what went wrong in it
// that rxgo does not tell.
type rxRun struct {
	stage  string
	outer  context.Context
	ctx    context.Context
	cancel context.CancelFunc
	buffer int // how many items wait behind each operator

	mu       sync.Mutex
	fatal    error // what the run was cancelled for, such as a function's panic
	hidden   error // the first error of the source or of a function
	recovers bool  // the pipeline has an operator that is there to handle errors
	over     bool  // no source may begin any more
	sources  sync.WaitGroup
}

func newRxRun(outer context.Context, stage string) *rxRun {
	ctx, cancel := context.WithCancel(outer)
	return &rxRun{stage: stage, outer: outer, ctx: ctx, cancel: cancel}
}

// observe makes the pipeline and observes it once.
func (r *rxRun) observe(factory func() rxgo.Iterable) (items <-chan rxgo.Item, err error) {
	in := true
	defer Contain(r.stage, &in, &err)
	items = factory().Observe(rxgo.WithContext(r.ctx))
	in = false
	return items, nil
}

// source lets the run wait for a source, which some of rxgo's operators leave
// behind when they complete. A run that is over refuses to begin one.
func (r *rxRun) source() (ended func(), ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.over {
		return nil, false
	}
	r.sources.Add(1)
	return r.sources.Done, true
}

// end cancels the run, drains what it sends and waits for its sources.
func (r *rxRun) end(items <-chan rxgo.Item) {
	r.mu.Lock()
	r.over = true
	r.mu.Unlock()
	drainRx(r.cancel, items)
	r.sources.Wait()
}

// outcome is how the run ends once its pipeline has closed or been cancelled.
func (r *rxRun) outcome() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case r.fatal != nil:
		return r.fatal
	case r.outer.Err() != nil:
		return r.outer.Err()
	case !r.recovers:
		return r.hidden
	}
	return nil
}

// noted remembers an error that an operator may hide.
func (r *rxRun) noted(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.hidden == nil {
		r.hidden = err
	}
}

// handles says that the pipeline handles errors itself.
func (r *rxRun) handles() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.recovers = true
}

// recovered ends the run with the panic of a function, if there is one. It is
// deferred around each call of a function, on whichever of rxgo's goroutines
// that is: nobody else can recover there.
func (r *rxRun) recovered(operator string) {
	if value := recover(); value != nil {
		r.caught(operator, value)
	}
}

func (r *rxRun) caught(operator string, value any) error {
	err := &PanicError{Stage: r.stage + " " + operator, Value: value, Stack: debug.Stack()}
	r.ends(err)
	return err
}

// ends cancels the run, which ends with this error unless it has ended already:
// rxgo goes on calling functions for a while.
func (r *rxRun) ends(err error) {
	r.mu.Lock()
	if r.fatal == nil && r.ctx.Err() == nil {
		r.fatal = err
	}
	r.mu.Unlock()
	r.cancel()
}

// returned is deferred around each call of a function that returns an error.
func (r *rxRun) returned(operator string, err *error) {
	if value := recover(); value != nil {
		*err = r.caught(operator, value)
	}
	if *err != nil {
		r.noted(*err)
	}
}

func (r *rxRun) guard(o rxgo.Observable) rxgo.Observable { return rxGuard{o, r} }

// options puts what the run wants before a user's options: its context, so that
// operators which start as soon as they are made end with the run.
func (r *rxRun) options(opts []rxgo.Option) []rxgo.Option {
	own := []rxgo.Option{rxgo.WithContext(r.ctx)}
	if r.buffer > 0 {
		own = append(own, rxgo.WithBufferedChannel(r.buffer))
	}
	return append(own, opts...)
}

// What follows makes a user's function safe to call on a goroutine of rxgo's.

func (r *rxRun) function(operator string, f rxgo.Func) rxgo.Func {
	return func(ctx context.Context, v any) (out any, err error) {
		defer r.returned(operator, &err)
		return f(ctx, v)
	}
}

func (r *rxRun) function2(operator string, f rxgo.Func2) rxgo.Func2 {
	return func(ctx context.Context, a, b any) (out any, err error) {
		defer r.returned(operator, &err)
		return f(ctx, a, b)
	}
}

func (r *rxRun) predicate(operator string, f rxgo.Predicate) rxgo.Predicate {
	return func(v any) (yes bool) {
		defer r.recovered(operator)
		return f(v)
	}
}

func (r *rxRun) comparator(operator string, f rxgo.Comparator) rxgo.Comparator {
	return func(a, b any) (order int) {
		defer r.recovered(operator)
		return f(a, b)
	}
}

// observable makes a function that returns an observable safe. It hands on the
// error rather than nothing, which rxgo would observe.
func observable[A any](r *rxRun, operator string, f func(A) rxgo.Observable) func(A) rxgo.Observable {
	return func(a A) (o rxgo.Observable) {
		defer func() {
			if value := recover(); value != nil {
				o = rxgo.Thrown(r.caught(operator, value))
			}
		}()
		if o = f(a); o == nil {
			panic("the function returned no observable")
		}
		return o
	}
}

// key makes a function safe whose result rxgo compares or looks up: one that can
// not be compared would panic there.
func (r *rxRun) key(operator string, f rxgo.Func) rxgo.Func {
	return r.function(operator, func(ctx context.Context, v any) (any, error) {
		key, err := f(ctx, v)
		if err == nil {
			err = refuseIncomparable(key)
		}
		return key, err
	})
}

func refuseIncomparable(v any) error {
	if v != nil && !reflect.ValueOf(v).Comparable() {
		return fmt.Errorf("stream: a %s can not be compared", typeName(v))
	}
	return nil
}

// guarded makes a function of one argument safe.
func guarded[A, B any](r *rxRun, operator string, f func(A) B) func(A) B {
	return func(a A) (b B) {
		defer r.recovered(operator)
		return f(a)
	}
}
