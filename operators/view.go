package operators

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/thaw-go/thaw/stream"
)

// ErrViewRunning says that a view is already being run.
var ErrViewRunning = errors.New("operators: the view is already running")

// ErrViewEnded says that the run of a view ended before it came as far as
// somebody waited for. The error wraps why it ended, too.
var ErrViewEnded = errors.New("operators: the view has ended")

// View is a reducer over history and then everything new, which can be asked
// while it runs. Its state is in memory and is rebuilt by each run. All methods
// may be called concurrently.
type View[T, S any] struct {
	name    string
	initial func() S
	reduce  func(S, T) S

	mu    sync.RWMutex
	state S
	run   *viewRun      // the present or last run, or the one to come
	moved chan struct{} // closed when run changes; nil while nobody waits
}

// viewRun is one run of a view; who waits for a view waits for one run of it.
type viewRun struct {
	mark  stream.Mark
	begun bool
	ended error // why; nil until then
}

// NewView makes a view. initial makes the state of no events, anew for each run
// and fold; reduce must depend on nothing but its arguments, and may change the
// state it is given.
func NewView[T, S any](name string, initial func() S, reduce func(S, T) S) *View[T, S] {
	return &View[T, S]{name: name, initial: initial, reduce: reduce, state: initial(), run: &viewRun{}}
}

// Fresh returns a view of the same name and reducer that has seen nothing and
// shares no state with this one. It can be run while this one is: to build a view
// up beside the one that answers, or to run one that is a package-level variable
// more than once in a process.
func (v *View[T, S]) Fresh() *View[T, S] { return NewView(v.name, v.initial, v.reduce) }

// Run rebuilds the view from the observable and keeps it up to date, on the
// caller's goroutine, until the context is done or the source fails. One run at
// a time: another one gets [ErrViewRunning]. If the reducer panics, the error is
// a [*stream.PanicError], and the state is as it was left.
func (v *View[T, S]) Run(ctx context.Context, o stream.Observable[stream.ColdHot, T]) (err error) {
	var in bool
	run, err := v.begin()
	if err != nil {
		return err
	}
	defer func() { v.end(run, err) }()
	defer stream.Contain("view "+v.name, &in, &err)
	in = true
	v.reset(v.initial())
	in = false
	pass := func(m stream.Mark) error { // in line, after the items that it speaks of
		v.change(func() { run.mark = m })
		return nil
	}
	return o.Subscribe(ctx, stream.Subscription{Mark: pass}, func(item T) error {
		v.mu.Lock()
		defer v.mu.Unlock()
		in = true
		v.state = v.reduce(v.state, item)
		in = false
		return nil
	})
}

func (v *View[T, S]) begin() (*viewRun, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.run.begun && v.run.ended == nil {
		return nil, fmt.Errorf("%w: %s", ErrViewRunning, v.name)
	}
	if v.run.begun {
		v.run = &viewRun{}
	}
	v.run.begun = true
	return v.run, nil
}

func (v *View[T, S]) reset(state S) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.state = state
}

func (v *View[T, S]) end(run *viewRun, err error) {
	if err == nil {
		err = errors.New("its source has ended")
	}
	v.change(func() { run.ended = err })
}

// change alters the run and wakes who waits for it.
func (v *View[T, S]) change(f func()) {
	v.mu.Lock()
	defer v.mu.Unlock()
	f()
	if v.moved != nil {
		close(v.moved)
		v.moved = nil
	}
}

// CaughtUp waits until the view has seen all that was there when its run began;
// if none has begun, it waits for one. It returns the context's error, or an
// [ErrViewEnded] that wraps why the run ended before.
func (v *View[T, S]) CaughtUp(ctx context.Context) error {
	return v.wait(ctx, func(m stream.Mark) bool { return m.Live })
}

// WaitFor waits until the view has seen everything up to a place, such as
// the cursor of one's own write. It returns as CaughtUp does.
func (v *View[T, S]) WaitFor(ctx context.Context, c stream.Cursor) error {
	return v.wait(ctx, func(m stream.Mark) bool { return m.At.Reached(c) })
}

func (v *View[T, S]) wait(ctx context.Context, there func(stream.Mark) bool) error {
	v.mu.RLock()
	run := v.run
	v.mu.RUnlock()
	for {
		moved, done, err := v.look(run, there)
		if done {
			return err
		}
		select {
		case <-moved:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// look reports whether a waiter need not wait any longer; otherwise moved will
// be closed when that may have changed.
func (v *View[T, S]) look(run *viewRun, there func(stream.Mark) bool) (moved <-chan struct{}, done bool, err error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	switch {
	case there(run.mark):
		return nil, true, nil
	case run.ended != nil:
		return nil, true, fmt.Errorf("%w: %s, at %s: %w", ErrViewEnded, v.name, run.mark.At, run.ended)
	}
	if v.moved == nil {
		v.moved = make(chan struct{})
	}
	return v.moved, false, nil
}

// Mark is how far the view has come; its lag is what lies between At and Head.
func (v *View[T, S]) Mark() stream.Mark {
	v.mu.RLock()
	defer v.mu.RUnlock()
	return v.run.mark
}

// Read calls f with the state under a lock that keeps the run waiting. Nothing
// that f takes out may share memory with the state: no map, slice or pointer of
// it.
func (v *View[T, S]) Read(f func(S)) {
	v.mu.RLock()
	defer v.mu.RUnlock()
	f(v.state)
}

// Fold returns what the view's state would be after a cold observable, such as
// the log as of some time, without touching the view. It returns the run's error
// or a [*stream.PanicError].
func (v *View[T, S]) Fold(ctx context.Context, o stream.Observable[stream.Cold, T]) (S, error) {
	return fold(ctx, "view "+v.name, o, v.initial, v.reduce)
}

// Ask returns an answer from the view's state. As with Read, it must not share
// memory with the state.
func Ask[T, S, R any](v *View[T, S], question func(S) R) (answer R) {
	v.Read(func(s S) { answer = question(s) })
	return answer
}
