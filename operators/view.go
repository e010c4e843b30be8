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
// while it runs. Its state is in memory and is rebuilt by each run, unless
// [View.Keep] says that snapshots of it are kept. All methods may be called
// concurrently.
type View[T, S any] struct {
	name    string
	initial func() S
	reduce  func(S, T) S

	mu        sync.RWMutex
	state     S
	at        stream.Cursor // where the state was at its last mark
	loose     int           // items that it has had since then
	items     int           // items that it has had in this run
	run       *viewRun      // the present or last run, or the one to come
	moved     chan struct{} // closed when run changes; nil while nobody waits
	snapshots *Snapshots    // nil: none are kept
	trail     trail
	asked     []chan stand // who is told how the state stands at the next mark
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
// a [*stream.PanicError], and the state is as it was left. A view whose snapshots
// are kept goes on from the last one; see [View.Keep].
func (v *View[T, S]) Run(ctx context.Context, o stream.Observable[stream.ColdHot, T]) (err error) {
	var in bool
	run, err := v.begin()
	if err != nil {
		return err
	}
	defer func() { v.end(run, err) }()
	defer stream.Contain("view "+v.name, &in, &err)
	keeper, err := v.keeper(ctx, o.Log())
	if err != nil {
		return err
	}
	defer keeper.close(ctx)
	in = true
	state := v.initial()
	in = false
	sub, err := v.settle(ctx, keeper, run, state)
	if err != nil {
		return err
	}
	sub.Mark = func(m stream.Mark) error { // in line, after the items that it speaks of
		v.pass(run, m)
		keeper.passed(ctx, m)
		return nil
	}
	return o.Subscribe(ctx, sub, func(item T) error {
		v.mu.Lock()
		defer v.mu.Unlock()
		v.loose++
		v.items++
		in = true
		v.state = v.reduce(v.state, item)
		in = false
		return nil
	})
}

// settle gives a run the state that it begins with, and says from where on.
func (v *View[T, S]) settle(ctx context.Context, k *keeper[T, S], run *viewRun, state S) (sub stream.Subscription, err error) {
	var marks []footprint
	if k != nil {
		sub.From = new(stream.Cursor) // from the beginning: what remembers is refused at once
		kept, ok, err := k.load(ctx)
		if err != nil {
			return sub, err
		}
		if ok {
			state, marks, sub.From = kept.state, kept.trail, &kept.at
		}
	}
	v.change(func() {
		v.state, v.at, v.loose, v.items, v.trail.marks, v.trail.since = state, stream.Cursor{}, 0, 0, marks, 0
		if sub.From != nil {
			v.at, run.mark.At = *sub.From, *sub.From
		}
	})
	return sub, nil
}

// pass notes that the state is at a mark.
func (v *View[T, S]) pass(run *viewRun, m stream.Mark) {
	v.change(func() {
		run.mark, v.at = m, m.At
		v.trail.since += v.loose
		v.loose = 0
		if v.trail.due() {
			if state, err := v.encode(); err == nil { // Verify says so, too, if it can not be
				v.trail.add(m.At, state)
			}
		}
		for _, who := range v.asked {
			who <- v.standing()
		}
		v.asked = nil
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

func (v *View[T, S]) end(run *viewRun, err error) {
	if err == nil {
		err = errors.New("its source has ended")
	}
	v.change(func() {
		run.ended = err
		for _, who := range v.asked {
			who <- stand{err: v.broken()}
		}
		v.asked = nil
	})
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
