package operators

import (
	"context"
	"fmt"
	"sync"

	"github.com/thaw-go/thaw/stream"
)

// progress is how far a run has come, and who waits for it.
type progress struct {
	name string

	mu      sync.Mutex
	run     *viewRun
	moved   chan struct{} // closed when run changes
	waiting map[*awaited]struct{}
	hurry   chan struct{} // has room for one: somebody has begun to wait
}

// awaited is what somebody waits for.
type awaited struct{ there func(stream.Mark) bool }

func newProgress(name string) progress {
	return progress{name: name, run: &viewRun{}, moved: make(chan struct{}), waiting: map[*awaited]struct{}{}, hurry: make(chan struct{}, 1)}
}

// begin makes the caller's the only run.
func (p *progress) begin() (*viewRun, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.run.begun && p.run.ended == nil {
		return nil, fmt.Errorf("%w: %s", ErrViewRunning, p.name)
	}
	if p.run.begun {
		p.run = &viewRun{}
	}
	p.run.begun = true
	return p.run, nil
}

func (p *progress) end(run *viewRun, err error) {
	if err == nil {
		err = errSourceEnded
	}
	p.change(func() { run.ended = err })
}

// change alters the run and wakes who waits for it.
func (p *progress) change(f func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	f()
	close(p.moved)
	p.moved = make(chan struct{})
}

// CaughtUp waits until all that was there when the run began has been stored; if
// none has begun, it waits for one. It returns the context's error, or an
// [ErrViewEnded] that wraps why the run ended before.
func (p *progress) CaughtUp(ctx context.Context) error {
	return p.wait(ctx, func(m stream.Mark) bool { return m.Live })
}

// WaitFor waits until everything up to a place, such as the cursor of one's own
// write, has been stored and can be read. It returns as CaughtUp does.
func (p *progress) WaitFor(ctx context.Context, c stream.Cursor) error {
	return p.wait(ctx, func(m stream.Mark) bool { return m.At.Reached(c) })
}

// Mark is how far what is stored has come in the present or last run; the lag is
// what lies between At and Head. It is zero before the first run.
func (p *progress) Mark() stream.Mark {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.run.mark
}

func (p *progress) wait(ctx context.Context, there func(stream.Mark) bool) error {
	a := &awaited{there}
	p.mu.Lock()
	run := p.run
	p.waiting[a] = struct{}{}
	p.mu.Unlock()
	defer func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		delete(p.waiting, a)
	}()
	select {
	case p.hurry <- struct{}{}:
	default:
	}
	for {
		p.mu.Lock()
		ok, ended, at, moved := there(run.mark), run.ended, run.mark.At, p.moved
		p.mu.Unlock()
		switch {
		case ok:
			return nil
		case ended != nil:
			return fmt.Errorf("%w: %s, at %s: %w", ErrViewEnded, p.name, at, ended)
		}
		select {
		case <-moved:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// awaits reports whether somebody waits for a mark like this one.
func (p *progress) awaits(m stream.Mark) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	for a := range p.waiting {
		if a.there(m) {
			return true
		}
	}
	return false
}
