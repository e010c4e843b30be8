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

// ErrViewEnded says that a view's source ended, so that it will not come any
// further.
var ErrViewEnded = errors.New("operators: the view's source has ended")

// View is a reducer over history and then everything new, which can be asked
// while it runs. Its state is in memory and is rebuilt by each run. All methods
// may be called concurrently.
type View[T, S any] struct {
	name    string
	initial func() S
	reduce  func(S, T) S

	mu      sync.RWMutex
	state   S
	mark    stream.Mark
	running bool
	ended   error         // why the last run ended; nil while none has, or one runs
	moved   chan struct{} // closed when mark or ended changes
}

// NewView makes a view. initial makes the state of no events, anew for each run
// and fold; reduce must depend on nothing but its arguments, and may change the
// state it is given.
func NewView[T, S any](name string, initial func() S, reduce func(S, T) S) *View[T, S] {
	return &View[T, S]{name: name, initial: initial, reduce: reduce, state: initial(), moved: make(chan struct{})}
}

// Run rebuilds the view from the observable and keeps it up to date, on the
// caller's goroutine, until the context is done or the source fails. One run at
// a time: another one gets [ErrViewRunning]. If the reducer panics, the error is
// a [*stream.PanicError], and the state is as it was left.
func (v *View[T, S]) Run(ctx context.Context, o stream.Observable[stream.ColdHot, T]) (err error) {
	if err := v.begin(); err != nil {
		return err
	}
	defer func() { v.end(err) }()
	var in bool
	defer stream.Contain("view "+v.name, &in, &err)
	return o.Subscribe(ctx, stream.Subscription{Mark: v.pass}, func(item T) error {
		v.mu.Lock()
		defer v.mu.Unlock()
		in = true
		v.state = v.reduce(v.state, item)
		in = false
		return nil
	})
}

func (v *View[T, S]) begin() error {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.running {
		return fmt.Errorf("%w: %s", ErrViewRunning, v.name)
	}
	v.running, v.ended = true, nil
	v.state, v.mark = v.initial(), stream.Mark{}
	return nil
}

func (v *View[T, S]) end(err error) {
	if err == nil {
		err = ErrViewEnded
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.running, v.ended = false, err
	v.tell()
}

// pass takes a mark; it comes in line, after the items that it speaks of.
func (v *View[T, S]) pass(m stream.Mark) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.mark = m
	v.tell()
	return nil
}

// tell wakes who waits; v.mu is held.
func (v *View[T, S]) tell() {
	close(v.moved)
	v.moved = make(chan struct{})
}

// CaughtUp waits until the view has seen all that was there when its run began;
// if none has begun, it waits for one. It returns the context's error, or why
// the run ended before.
func (v *View[T, S]) CaughtUp(ctx context.Context) error {
	return v.wait(ctx, func(m stream.Mark) bool { return m.Live })
}

// WaitFor waits until the view has seen everything up to a place, such as
// the cursor of one's own write. It returns as CaughtUp does.
func (v *View[T, S]) WaitFor(ctx context.Context, c stream.Cursor) error {
	return v.wait(ctx, func(m stream.Mark) bool { return m.At.Reached(c) })
}

func (v *View[T, S]) wait(ctx context.Context, there func(stream.Mark) bool) error {
	for {
		v.mu.RLock()
		mark, ended, moved := v.mark, v.ended, v.moved
		v.mu.RUnlock()
		if there(mark) {
			return nil
		}
		if ended != nil {
			return fmt.Errorf("operators: view %s ended at %s: %w", v.name, mark.At, ended)
		}
		select {
		case <-moved:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// Mark is how far the view has come; its lag is what lies between At and Head.
func (v *View[T, S]) Mark() stream.Mark {
	v.mu.RLock()
	defer v.mu.RUnlock()
	return v.mark
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
	return fold(ctx, "view "+v.name, o, v.initial(), v.reduce)
}

// Ask returns an answer from the view's state. As with Read, it must not share
// memory with the state.
func Ask[T, S, R any](v *View[T, S], question func(S) R) (answer R) {
	v.Read(func(s S) { answer = question(s) })
	return answer
}
