package testkit

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/thaw-go/thaw/aggregate"
	"github.com/thaw-go/thaw/stream"
)

// specRun plays a specification once, on a log of its own, and holds what came
// of it. Only its last step's outcome is examined: each command of a
// specification has a run of its own.
type specRun[C, E, S any] struct {
	spec    Spec[C, E, S]
	ground  *ground
	raw     Log // for the specification itself
	repo    *aggregate.Repository[C, E, S]
	decider aggregate.Decider[C, E, S]
	id      stream.ID
	known   map[stream.EventID]bool // the commands that have taken effect

	rivals []E   // to be appended by another writer before the next append
	met    bool  // they were, and the append behind them met a conflict
	groups []int // of each of the instance's events: which append stored it, from 1
	given  int

	passed time.Duration   // how much time the specification has let pass
	waited []time.Duration // of each event: how much of it before

	events []specEvent[E] // all of the instance's, as the log has them in the end
	before int            // how many of them there were when the last command came
	calls  []specCall[E, S]
	state  S
	fault  error // why there is no outcome
	early  bool  // a command before the last one has the fault
}

// specEvent is an event of the log.
type specEvent[E any] struct {
	rec   stream.Record
	event *stream.Event[E] // nil: the topic passes over it
}

// specCall is one call of the repository.
type specCall[E, S any] struct {
	again   bool // the command had taken effect before
	result  aggregate.Result[E, S]
	refused error // what Decide returned
	end     int   // how many events the instance had afterwards
}

// specKey is the instance that specifications are about.
const specKey = "spec"

// name is what the instance's lane is called.
func (r *specRun[C, E, S]) name() string {
	if r.id.Topic == "" { // it was not built
		return specKey
	}
	return r.id.String()
}

// play goes through all steps and examines what the last one did.
func (r *specRun[C, E, S]) play() {
	var err error
	if r.ground, err = openGround(r.spec.t, r.spec.medium); err != nil {
		r.fault = err
		return
	}
	r.fault = r.steps()
	if err := r.ground.close(); err != nil && r.fault == nil {
		r.fault = fmt.Errorf("close the log: %w", err)
	}
}

func (r *specRun[C, E, S]) steps() error {
	if err := r.start(); err != nil {
		return err
	}
	for i, step := range r.spec.steps {
		err := r.step(step)
		if err == nil && step.command != nil {
			r.early = i < len(r.spec.steps)-1
			err = r.command(step.command)
		}
		if err != nil {
			return errors.Join(err, r.read(true))
		}
	}
	if err := r.read(false); err != nil {
		return err
	}
	return r.examine()
}

// start builds the repository.
func (r *specRun[C, E, S]) start() error {
	r.known = map[stream.EventID]bool{}
	r.raw = r.ground.log(func(ctx context.Context, _ *Op, do func(context.Context) error) error { return do(ctx) })
	err := guard("the function that builds the repository", func() { r.repo = r.spec.build(r.ground.log(r.around)) })
	if err != nil {
		return err
	}
	if r.repo != nil {
		r.decider = r.repo.Decider()
	}
	if d := r.decider; d.Topic == nil || d.Decide == nil || d.Evolve == nil {
		return errNotBuilt
	}
	r.id = stream.ID{Topic: r.decider.Topic.Name(), Key: specKey}
	return nil
}

// step does what a step says but for its command.
func (r *specRun[C, E, S]) step(step specStep[C, E]) error {
	switch {
	case step.wait != 0:
		r.passed += step.wait
		return r.ground.rest(step.wait)
	case step.stored != nil:
		r.given++
		rec := *step.stored
		if err := r.append(&rec); err != nil {
			return fmt.Errorf("given event %d can not be stored: %w", r.given, err)
		}
		return nil
	case len(step.elsewhere) > 0:
		return r.elsewhere(step.elsewhere)
	}
	for _, e := range step.given {
		r.given++
		if err := r.store(e); err != nil {
			return fmt.Errorf("given event %d can not be stored: %w", r.given, err)
		}
	}
	return nil
}

// rest lets time pass. A log on disk is closed meanwhile: its own timers would
// make a year of virtual time take hours.
func (g *ground) rest(d time.Duration) error {
	if g.medium == InMemory {
		time.Sleep(d)
		return nil
	}
	if err := (*g.now.Load()).Close(); err != nil {
		return fmt.Errorf("close the log while time passes: %w", err)
	}
	time.Sleep(d)
	g.opened--
	return g.open()
}

// store appends an event as another writer would, and makes sure that it comes
// back as it was.
func (r *specRun[C, E, S]) store(e E) error {
	rec, err := encode(r.decider.Topic, e)
	if err != nil {
		return err
	}
	if err := r.append(&rec); err != nil {
		return err
	}
	_, err = comesBack(r.decider.Topic, &rec, e)
	return err
}

// append stores a record; rec is then what was stored.
func (r *specRun[C, E, S]) append(rec *stream.Record) error {
	rec.Command = stream.DeriveID(specOrigin, "given", len(r.groups))
	rec.ID = stream.DeriveID(rec.Command, "event", 0)
	rec.Correlation = rec.Command
	stored, err := r.raw.Append(context.Background(), r.id, stream.AnyVersion, *rec)
	if err != nil {
		return err
	}
	*rec = stored[0]
	r.group(stored)
	return nil
}

// around lets another writer come before an append, and notes what is stored
// together.
func (r *specRun[C, E, S]) around(ctx context.Context, op *Op, do func(context.Context) error) error {
	if !r.appends(op) {
		return do(ctx)
	}
	raced := len(r.rivals) > 0
	for i, e := range r.rivals {
		if err := r.store(e); err != nil {
			r.rivals = nil
			return fmt.Errorf("event %d of the other writer can not be stored: %w", i+1, err)
		}
	}
	r.rivals = nil
	err := do(ctx)
	if err == nil {
		r.group(r.ofInstance(op.Records))
	}
	if raced {
		var conflict *stream.ConflictError
		r.met = errors.As(err, &conflict)
	}
	return err
}

// group notes that records were stored together, unless they were before.
func (r *specRun[C, E, S]) group(stored []stream.Record) {
	number := len(r.groups) + 1 // as good as any that is new
	for i := range stored {
		if int(stored[i].Version) > len(r.groups) {
			r.groups, r.waited = append(r.groups, number), append(r.waited, r.passed)
		}
	}
}

// command gives the repository a command, perhaps twice.
func (r *specRun[C, E, S]) command(c *specCommand[C, E]) error {
	if c.Key != "" {
		return fmt.Errorf("the command names the instance %q: leave Key empty, a specification has one instance", c.Key)
	}
	r.calls, r.met = nil, false
	r.before = len(r.groups)
	r.rivals = c.meanwhile
	if err := r.call(c); err != nil {
		return err
	}
	switch {
	case len(c.meanwhile) > 0 && len(r.rivals) > 0:
		return errors.New("no other writer came between: the command was to append nothing anyway")
	case len(c.meanwhile) > 0 && !r.met:
		return errors.New("another writer came between, but the append behind it met no conflict: the command was not decided anew")
	}
	if c.twice {
		return r.call(c)
	}
	return nil
}

func (r *specRun[C, E, S]) call(c *specCommand[C, E]) error {
	command := c.Command
	command.Key = specKey
	call := specCall[E, S]{again: r.known[c.ID]}
	var err error
	if call.result, err = r.repo.Handle(context.Background(), command); err != nil {
		var rejected *aggregate.RejectedError
		if !errors.As(err, &rejected) {
			return r.failure(c, err)
		}
		call.refused = rejected.Err
	}
	call.end = len(r.groups)
	if len(call.result.Events) > 0 {
		r.known[c.ID] = true
	}
	r.calls = append(r.calls, call)
	return nil
}

// failure says why the repository gave no answer.
func (r *specRun[C, E, S]) failure(c *specCommand[C, E], err error) error {
	var panicked *stream.PanicError
	if errors.As(err, &panicked) {
		return panicText(panicked)
	}
	if r.read(true) == nil {
		if _, exact := r.decide(c); exact != nil {
			return exact
		}
	}
	return fmt.Errorf("the command could not be handled: %w", err)
}

// read takes the instance's events out of the log. For a story it leaves out
// what can not be read.
func (r *specRun[C, E, S]) read(story bool) error {
	r.events = r.events[:0]
	query := stream.Query{Match: []stream.Match{{Topic: r.id.Topic, Key: r.id.Key}}}
	selected := stream.Query{Match: r.decider.Topic.Match(r.id.Key)}
	return r.raw.Read(context.Background(), query, func(records []stream.Record, _ stream.Mark) error {
		slab := make([]stream.Event[E], len(records))
		for i := range records {
			e := specEvent[E]{rec: records[i]}
			e.rec.Data = bytes.Clone(e.rec.Data)
			if selected.Accepts(r.id.Topic, r.id.Key, e.rec.Type, e.rec.Tags) {
				if err := r.decider.Topic.Decode(&e.rec, &slab[i]); err == nil {
					e.event = &slab[i]
				} else if !story {
					return err
				}
			}
			r.events = append(r.events, e)
		}
		return nil
	})
}
