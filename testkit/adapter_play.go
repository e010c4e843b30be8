package testkit

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/thaw-go/thaw/aggregate"
	"github.com/thaw-go/thaw/stream"
)

// adapterPlay is one run of an adapter's script, and what was seen of it.
type adapterPlay[E any] struct {
	script  *adapterScript[E]
	crashAt int
	stage   *stage
	name    string
	patient time.Duration      // how long an event may take with all its attempts
	records []stream.Record    // the log in the end
	parked  []aggregate.Parked // in the end

	mu       sync.Mutex
	fault    error // why nothing can be compared; the first one
	attempts []doing
	ids      map[stream.Position]stream.EventID
	failed   map[failing]int // how often calls were made to fail
	before   map[failing]int // the same when the scene began
	used     map[int]bool
}

// doing is one call of Do.
type doing struct {
	position stream.Position
	at       time.Duration
	scene    int
	err      error
}

// failing is a rule and an event that it speaks of.
type failing struct {
	rule     int
	position stream.Position
}

// perform plays the script, inside a bubble.
func (p *adapterPlay[E]) perform(t *testing.T) {
	p.ids, p.failed, p.before, p.used = map[stream.Position]stream.EventID{}, map[failing]int{}, map[failing]int{}, map[int]bool{}
	stage, err := newStage(t, p.script.medium, p.crashAt)
	if err != nil {
		p.fault = err
		return
	}
	p.stage = stage
	stage.begin = p.begin
	stage.after = func() { p.failed = maps.Clone(p.before) } // what was called in vain is called again
	err = p.scenes()
	if err == nil {
		p.parked, err = p.park()
	}
	if records, failed := stage.stored(); failed == nil {
		p.records = records
	}
	stage.curtain()
	if err := errors.Join(err, stage.close()); err != nil {
		p.wrong("%w", err)
	}
}

// scenes is the script from its beginning to its end.
func (p *adapterPlay[E]) scenes() error {
	s := p.stage
	if err := s.given(p.script.given); err != nil {
		return fmt.Errorf("Given: %w", err)
	}
	s.start()
	if err := p.rest(func(context.Context) error { return nil }); err != nil {
		return err
	}
	for _, scene := range p.script.scenes {
		s.next()
		s.start()
		p.before = maps.Clone(p.failed)
		if err := p.scene(scene); err != nil {
			return err
		}
	}
	return nil
}

func (p *adapterPlay[E]) scene(scene adapterScene) error {
	id, verb := scene.retry, "WhenRetried"
	if scene.discard != nil {
		id, verb = scene.discard, "WhenDiscarded"
	}
	if id == nil {
		if err := p.stage.happen(*scene.happens); err != nil {
			return err
		}
		return p.rest(func(context.Context) error { return nil })
	}
	parked, err := p.park()
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(parked, func(e aggregate.Parked) bool { return e.Stream == *id }) {
		return fmt.Errorf("%s(%s): it has nothing parked; there is:%s", verb, id, parkedText(parked))
	}
	return p.rest(func(ctx context.Context) error {
		r := p.stage.actor.(*aggregate.AdapterRunner)
		if scene.discard != nil {
			return r.Discard(ctx, *id)
		}
		now, err := r.Parked(ctx)
		if err != nil || triedSince(parked, now) {
			return err
		}
		_ = r.Retry(ctx, *id) // an event that fails again is parked again, as ThenParked says
		return nil
	})
}

// triedSince reports whether one of the events that are still parked was tried
// meanwhile, in vain: then a retry, whose answer was lost in a crash, is over.
func triedSince(before, now []aggregate.Parked) bool {
	return slices.ContainsFunc(now, func(e aggregate.Parked) bool {
		return slices.ContainsFunc(before, func(b aggregate.Parked) bool { return b.Position == e.Position && b.Attempts != e.Attempts })
	})
}

// park is what is parked now.
func (p *adapterPlay[E]) park() (list []aggregate.Parked, err error) {
	err = p.rest(func(ctx context.Context) (err error) {
		list, err = p.stage.actor.(*aggregate.AdapterRunner).Parked(ctx)
		return err
	})
	return list, err
}

// rest asks the runner something and waits until everything in the log has been
// handled. After a crash it asks again, as a person would.
func (p *adapterPlay[E]) rest(ask func(ctx context.Context) error) error {
	for {
		if err := p.stage.settle(); err != nil || p.stage.life.over() {
			return err // how the run has ended is known
		}
		limit := p.patient * time.Duration(1+len(p.ids))
		ctx, cancel := context.WithTimeout(context.Background(), limit)
		err := p.handled(ctx, ask)
		late := ctx.Err() != nil
		cancel()
		synctest.Wait()
		switch {
		case len(p.stage.died) > 0:
		case late:
			return fmt.Errorf("an event was not handled within %s: does Do wait for ever?", limit)
		case err == nil || p.stage.life.over():
			return nil
		default:
			return err
		}
	}
}

func (p *adapterPlay[E]) handled(ctx context.Context, ask func(ctx context.Context) error) error {
	r := p.stage.actor.(*aggregate.AdapterRunner)
	if err := r.Online(ctx); err != nil {
		return err
	}
	if err := ask(ctx); err != nil {
		return err
	}
	head, err := p.stage.world.raw.Head(ctx)
	if err != nil {
		return err
	}
	return r.WaitFor(ctx, head)
}

// wrong notes the first fault.
func (p *adapterPlay[E]) wrong(format string, args ...any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.fault == nil {
		p.fault = fmt.Errorf(format, args...)
	}
}

// begin makes the process: the adapter, watched.
func (p *adapterPlay[E]) begin(log Log) stageActor {
	var adapter aggregate.Adapter[E]
	var source stream.Source[stream.Hot, E]
	err := guard("the function that makes the adapter", func() { adapter = p.script.adapter(log) })
	if err == nil {
		err = guard("the function that makes the source", func() { source = p.script.source(log) })
	}
	if err != nil {
		p.wrong("%w", err)
	}
	p.name = adapter.Name
	p.patient = time.Hour + 2*time.Duration(max(5, adapter.Attempts))*max(adapter.Wait, adapter.MaxWait, 10*time.Second)
	if do := adapter.Do; do != nil {
		adapter.Do = func(ctx context.Context, e *stream.Event[E]) error { return p.try(ctx, e, do) }
	}
	return adapter.Runner(source)
}

// try is one call of Do.
func (p *adapterPlay[E]) try(ctx context.Context, e *stream.Event[E], do func(context.Context, *stream.Event[E]) error) error {
	if e.Position <= p.stage.history {
		p.wrong("the adapter was given history: event %d of %s, %s, happened before it came online", e.Position, e.Stream, e.Type)
	}
	if id, known := p.ids[e.Position]; known && id != e.ID {
		p.wrong("event %d of %s, %s, came again under another ID: first %s, then %s", e.Position, e.Stream, e.Type, id, e.ID)
	}
	p.ids[e.Position] = e.ID
	a := doing{position: e.Position, at: p.stage.now(), scene: p.stage.scene()}
	if a.err = p.fails(e.Stream, a); a.err != nil {
		p.tried(a)
		return a.err
	}
	p.stage.did("Do of event %d, %s of %s", e.Position, e.Type, e.Stream)
	return p.stage.world.step(func() error {
		err := error(nil)
		if failed := contained("Do of adapter "+p.name, func() { err = do(ctx, e) }); failed != nil {
			err = failed
		}
		a.err = err
		p.tried(a)
		return err
	})
}

func (p *adapterPlay[E]) tried(a doing) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.attempts = append(p.attempts, a)
}

// fails is the error that an attempt is made to fail with; nil if it is not.
func (p *adapterPlay[E]) fails(id stream.ID, a doing) error {
	for i, r := range slices.Backward(p.script.rules) {
		if a.scene < r.scene || len(r.of) > 0 && !slices.Contains(r.of, id) {
			continue
		}
		if key := (failing{i, a.position}); r.n < 0 || p.failed[key] < r.n {
			p.failed[key]++
			p.used[i] = true
			return r.err
		}
		return nil
	}
	return nil
}
