package aggregate

import (
	"context"

	"github.com/thaw-go/thaw/stream"
)

// Part is what one instance does in a command over several. [Repository.Part] makes
// it; it is used once, and by one goroutine.
type Part[C, E, S any] struct {
	// Expected is the version that who gives the command has seen, as a [Command]'s.
	Expected *stream.Version
	// Result is what the instance did, once the command has taken effect.
	Result Result[E, S]

	repository *Repository[C, E, S]
	id         stream.ID
	command    C
}

// Part makes an instance's part of a command over several.
func (r *Repository[C, E, S]) Part(key string, c C) *Part[C, E, S] {
	return &Part[C, E, S]{repository: r, id: stream.ID{Topic: r.decider.Topic.Name(), Key: key}, command: c}
}

func (p *Part[C, E, S]) of() (stream.ID, stream.Store) { return p.id, p.repository.store }

func (p *Part[C, E, S]) cursor() stream.Cursor { return p.Result.Cursor }

func (p *Part[C, E, S]) begin(ctx context.Context) (context.Context, func(error)) {
	return p.repository.begin(ctx, p.id, p.command, &p.Result)
}

// load always reads the log: what other parts decide depends on this one, too.
func (p *Part[C, E, S]) load(ctx context.Context, o order) (done bool, err error) {
	r := p.repository
	before := r.snapshot(ctx, p.id)
	p.Result, err = r.load(ctx, p.id, before, sought{command: o.id})
	if err != nil || len(p.Result.Events) > 0 || before.version == 0 || !o.given {
		return len(p.Result.Events) > 0, err
	}
	first, err := r.first(ctx, p.id, o) // it may have taken effect before the snapshot
	if err == nil && len(first.Events) > 0 {
		p.Result, done = first, true
	}
	return done, err
}

func (p *Part[C, E, S]) decide(ctx context.Context, o order) (w stream.Write, conditions []stream.Condition, err error) {
	r, now := p.repository, p.Result.Version
	if p.Expected != nil && *p.Expected != now {
		return w, nil, finalError{&stream.ConflictError{Stream: p.id, Expected: *p.Expected, Actual: now}}
	}
	events, err := r.decide(p.id, p.Result.State, p.command)
	w = stream.Write{Stream: p.id, Expected: now}
	if err != nil || len(events) == 0 {
		return w, nil, err
	}
	if conditions, err = r.judge(ctx, p.id, p.command); err != nil {
		return w, nil, err
	}
	w.Records, err = r.records(ctx, p.id, o, stream.DeriveID(o.id, p.id.String(), 0), p.command, events)
	return w, conditions, err
}

func (p *Part[C, E, S]) settle(ctx context.Context, o order, stored []stream.Record) (err error) {
	r, before := p.repository, p.Result.Version
	if len(stored) == 0 {
		return nil
	}
	if stored[0].Version != before+1 { // the command took effect meanwhile
		p.Result, err = r.load(ctx, p.id, r.unborn(), sought{o.id, stored[0].Version})
		return err
	}
	if p.Result, err = r.result(p.id, p.Result, stored); err == nil {
		r.remember(ctx, p.id, before, p.Result)
	}
	return err
}
