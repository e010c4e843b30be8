package aggregate

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/thaw-go/thaw/stream"
)

// turn is one step of a saga instance: something happened, the state changes,
// effects follow.
type turn struct {
	id    stream.EventID // of what triggered it; everything it does derives its ID from it
	cause stream.Cause
	meta  stream.Metadata // of the event that led to it
	at    time.Time       // when it was triggered; its timers count from here
	depth int             // how many refusals led to it
}

// maxRefusals bounds how often the answer to a refusal may be refused in turn.
const maxRefusals = 16

// attempt gives an instance its turn about a trigger; what that changes counts once
// it has gone well, with all that follows from it.
func (s *sagaRun[E, S]) attempt(ctx context.Context, t *trigger[E]) (err error) {
	ctx, done := s.runner.handling(ctx, t.header())
	defer func() { done(err) }()
	d, err := s.load(ctx, t.instance)
	if err == nil {
		if w := t.timer; w != nil {
			err = s.takeTimer(ctx, d, w)
		} else {
			err = s.takeEvent(ctx, d, t)
		}
	}
	var stuck *stuckError
	if errors.As(err, &stuck) && d != nil {
		stuck.refused = d.answered
	}
	switch {
	case err != nil && t.timer != nil:
		return fmt.Errorf("at timer %q of %q: %w", t.timer.Name, t.instance, err)
	case err != nil:
		return fmt.Errorf("at event %d of %s, %s: %w", t.event.Position, t.event.Stream, t.event.Type, err)
	}
	s.commit(d)
	return nil
}

// header is the event that led to it, as far as it is known.
func (t *trigger[E]) header() *stream.Header {
	if w := t.timer; w != nil {
		return &stream.Header{ID: w.Cause.Event, Correlation: w.Cause.Correlation, Depth: w.Cause.Depth, Meta: w.Meta}
	}
	return &t.event.Header
}

func (s *sagaRun[E, S]) takeEvent(ctx context.Context, d *draft, t *trigger[E]) error {
	e := t.event
	if !d.exists && s.saga.Starts != nil {
		begins := false
		if err := s.contained("Starts", func() { begins = s.saga.Starts(e) }); err != nil || !begins {
			return s.poison(err)
		}
	}
	first := turn{id: e.ID, cause: e.Cause(), meta: e.Meta, at: t.happened}
	return s.turn(ctx, d, first, "React", func(state S) (S, []Effect) { return s.saga.React(state, e) })
}

func (s *sagaRun[E, S]) takeTimer(ctx context.Context, d *draft, w *timer) error {
	d.timers = append(d.timers, timer{Name: w.Name})
	if !d.exists { // completed by Migrate
		return nil
	}
	if s.saga.Expire == nil { // set by an earlier version of the saga
		return s.poison(errors.New("it fell due, and the saga lacks Expire"))
	}
	first := turn{id: w.ID, cause: w.Cause, meta: w.Meta, at: w.Due}
	return s.turn(ctx, d, first, "Expire", func(state S) (S, []Effect) { return s.saga.Expire(state, w.Name) })
}

// turn takes an instance through one step: it asks the saga, checks all effects
// before it performs any, performs them in order, and then gives what follows from
// them turns of its own: refusals, and steps to be undone.
func (s *sagaRun[E, S]) turn(ctx context.Context, d *draft, t turn, function string, react func(S) (S, []Effect)) error {
	var state S
	if d.exists {
		if err := json.Unmarshal(d.state, &state); err != nil {
			return s.poison(fmt.Errorf("read the state of %q: %w", d.name, err))
		}
	}
	var effects []Effect
	if err := s.contained(function, func() { state, effects = react(state) }); err != nil {
		return s.poison(err)
	}
	if err := s.checkEffects(d, effects); err != nil {
		return s.poison(err)
	}
	// Encoded at once: what JSON does not keep must not live from one turn to the
	// next only because no mark came between.
	text, err := json.Marshal(state)
	if err != nil {
		return s.poison(fmt.Errorf("store the state of %q: %w", d.name, err))
	}
	d.state, d.exists = text, true
	var follow []func() error
	for i, e := range effects {
		next, err := s.perform(ctx, d, t, i, e)
		if err != nil {
			return fmt.Errorf("%s: %w", e, err)
		}
		if next != nil {
			follow = append(follow, next)
		}
	}
	for _, next := range follow {
		if err := next(); err != nil {
			return err
		}
	}
	return nil
}

func (s *sagaRun[E, S]) checkEffects(d *draft, effects []Effect) error {
	if len(effects) > s.saga.MaxEffects {
		return fmt.Errorf("a turn of %q has %d effects, expected at most %d", d.name, len(effects), s.saga.MaxEffects)
	}
	for _, e := range effects {
		if err := s.checkEffect(d, e); err != nil {
			return err
		}
	}
	return nil
}

func (s *sagaRun[E, S]) checkEffect(d *draft, e Effect) error {
	switch e.Kind {
	case SendCommand:
		h := s.handler(e.Topic)
		if h == nil {
			return fmt.Errorf("%s: no handler for topic %s, expected one of: %s", e, e.Topic, s.served())
		}
		return h.accepts(stream.ID{Topic: e.Topic, Key: e.Key}, e.Command)
	case SetTimer, CancelTimer:
		if e.Timer == "" {
			return errors.New("a timer has no name")
		}
		if s.saga.Expire == nil {
			return fmt.Errorf("%s, and the saga lacks Expire", e)
		}
	case RecordStep:
		if e.Step == "" {
			return errors.New("a step has no name")
		}
		if d.undoing {
			return fmt.Errorf("%s, while the steps of %q are being undone", e, d.name)
		}
		if s.saga.Undo == nil {
			return fmt.Errorf("%s, and the saga lacks Undo", e)
		}
	case UndoSteps:
		if s.saga.Undo == nil {
			return fmt.Errorf("%s, and the saga lacks Undo", e)
		}
	case CompleteInstance:
	default:
		return errors.New(e.String())
	}
	return nil
}

// derive is the ID of something that a turn does. It depends on the trigger, the
// saga, the instance and the place in the list alone: done again after a crash,
// it is the same.
func (s *sagaRun[E, S]) derive(trigger stream.EventID, instance, what string, i int) stream.EventID {
	return stream.DeriveID(stream.DeriveID(stream.DeriveID(trigger, s.name, 0), instance, 0), what, i)
}

// perform performs one effect. What it returns is to be done after the whole list;
// it may be nil.
func (s *sagaRun[E, S]) perform(ctx context.Context, d *draft, t turn, i int, e Effect) (next func() error, err error) {
	switch e.Kind {
	case SetTimer:
		due := e.Due
		if due.IsZero() {
			due = t.at.Add(e.Wait)
		}
		d.timers = append(d.timers, timer{
			Instance: d.name, Name: e.Timer, Due: due, Cause: t.cause, Meta: carried(t.meta),
			ID: s.derive(t.id, d.name, "timer", i),
		})
	case CancelTimer:
		d.timers = append(d.timers, timer{Name: e.Timer})
	case RecordStep:
		d.steps = append(slices.Clip(d.steps), e.Step)
	case UndoSteps:
		return func() error { return s.compensate(ctx, d, t, i) }, nil
	case CompleteInstance:
		d.done = true
	case SendCommand:
		r, err := s.send(ctx, d, t, i, e)
		if r == nil || err != nil {
			return nil, err
		}
		return func() error { return s.refuse(ctx, d, t, *r) }, nil
	}
	return nil, nil
}

// carried is the metadata that a timer hands on: actor and trace.
func carried(all stream.Metadata) (some stream.Metadata) {
	for _, name := range [...]string{stream.MetaActor, stream.MetaTraceParent} {
		if value, ok := all[name]; ok {
			if some == nil {
				some = stream.Metadata{}
			}
			some[name] = value
		}
	}
	return some
}

// compensate undoes the instance's steps, the last one first, each in a turn of its
// own. What these turns do about refusals may ask for it again, which changes
// nothing: it is under way.
func (s *sagaRun[E, S]) compensate(ctx context.Context, d *draft, t turn, i int) error {
	if d.undoing {
		return nil
	}
	d.undoing = true
	defer func() { d.undoing = false }()
	id := s.derive(t.id, d.name, "undo", i)
	for len(d.steps) > 0 {
		last := len(d.steps) - 1
		step := d.steps[last]
		d.steps = d.steps[:last]
		next := t
		next.id = stream.DeriveID(id, step, last)
		err := s.turn(ctx, d, next, "Undo", func(state S) (S, []Effect) { return s.saga.Undo(state, step) })
		if err != nil {
			return fmt.Errorf("undo %q: %w", step, err)
		}
	}
	return nil
}

// refused is a command that was refused, the ID it had, and the error itself.
type refused struct {
	Refusal
	id  stream.EventID
	err error
}

// send gives a command to its handler, again and again while that fails.
func (s *sagaRun[E, S]) send(ctx context.Context, d *draft, t turn, i int, e Effect) (*refused, error) {
	id := s.derive(t.id, d.name, "command", i)
	s.mu.Lock()
	_, before := s.refusals[id]
	s.mu.Unlock()
	if before { // and answered, perhaps, before a crash
		return s.refusal(d, id, e, nil), nil
	}
	to := stream.ID{Topic: e.Topic, Key: e.Key}
	var rejected *RejectedError
	attempts, err := s.policy.do(ctx, s.runner, func() (again bool, err error) {
		err = s.handler(e.Topic).send(ctx, to, id, t.cause, e.Command)
		return !errors.As(err, &rejected) && !errors.Is(err, stream.ErrClosed), err
	})
	switch {
	case err == nil, ctx.Err() != nil && rejected == nil, errors.Is(err, stream.ErrClosed):
		return nil, err
	case rejected == nil:
		return nil, &stuckError{err: err, attempts: attempts}
	}
	if err := s.rememberRefusal(ctx, id, rejected.Err.Error()); err != nil {
		return nil, err
	}
	return s.refusal(d, id, e, err), nil
}

// refusal is what the saga is told of a refused command: the same whether it was
// refused just now or before a crash.
func (s *sagaRun[E, S]) refusal(d *draft, id stream.EventID, e Effect, err error) *refused {
	d.answered = append(d.answered, id)
	s.mu.Lock()
	why := s.refusals[id]
	s.mu.Unlock()
	told := &RejectedError{Stream: stream.ID{Topic: e.Topic, Key: e.Key}, Command: fmt.Sprintf("%T", e.Command), Err: errors.New(why)}
	if err == nil {
		err = told
	}
	return &refused{Refusal: Refusal{Effect: e, Err: told}, id: id, err: err}
}

// rememberRefusal stores that a command was refused before the refusal is
// answered: a refused command leaves no trace at its aggregate, which might by
// then accept it, and both it and the answer to its refusal would take effect.
func (s *sagaRun[E, S]) rememberRefusal(ctx context.Context, id stream.EventID, why string) error {
	at := s.saved // nothing that was handled since is stored with it
	if err := s.log.Checkpoint(ctx, s.name, at, stream.Change{Key: refusedPrefix + id.String(), Value: []byte(why)}); err != nil {
		return fmt.Errorf("remember that it was refused: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refusals[id] = why // not before: a retry that fails here does not end the run
	return nil
}

func (s *sagaRun[E, S]) loadRefused(key string, why []byte) error {
	id, err := stream.ParseEventID(strings.TrimPrefix(key, refusedPrefix))
	if err != nil {
		return fmt.Errorf("read refusals: %w", err)
	}
	s.refusals[id] = string(why)
	return nil
}

func (s *sagaRun[E, S]) refuse(ctx context.Context, d *draft, t turn, r refused) error {
	if s.saga.Refused == nil {
		return s.poison(fmt.Errorf("%s was refused, and the saga lacks Refused: %w", r.Effect, r.err))
	}
	if t.depth == maxRefusals {
		return s.poison(fmt.Errorf("%s was refused, after %d refusals in one turn: %w", r.Effect, maxRefusals, r.err))
	}
	next := t
	next.id, next.depth = stream.DeriveID(r.id, "refused", 0), t.depth+1
	return s.turn(ctx, d, next, "Refused", func(state S) (S, []Effect) { return s.saga.Refused(state, r.Refusal) })
}
