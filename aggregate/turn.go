package aggregate

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/thaw-go/thaw/stream"
)

// turn is one step of a saga instance: something happened, the state changes,
// effects follow.
type turn struct {
	instance string
	id       stream.EventID // of what triggered it; everything it does derives its ID from it
	cause    stream.Cause
	at       time.Time // when it was triggered; its timers count from here
	depth    int       // how many refusals led to it
}

// maxRefusals bounds how often the answer to a refusal may be refused in turn.
const maxRefusals = 16

// turn takes an instance through one step: it asks the saga, checks all effects
// before it performs any, performs them in order, and then gives each refusal a
// turn of its own.
func (s *sagaRun[E, S]) turn(ctx context.Context, t turn, function string, react func(S) (S, []Effect)) error {
	state, err := s.state(ctx, t.instance)
	if err != nil {
		return err
	}
	var effects []Effect
	if err := s.contained(function, func() { state, effects = react(state) }); err != nil {
		return err
	}
	for _, e := range effects {
		if err := s.checkEffect(e); err != nil {
			return err
		}
	}
	// Encoded at once: what JSON does not keep must not live from one turn to the
	// next only because no mark came between.
	if s.states[t.instance], err = json.Marshal(state); err != nil {
		return fmt.Errorf("store the state of %q: %w", t.instance, err)
	}
	var refusals []refused
	for i, e := range effects {
		refusal, err := s.perform(ctx, t, i, e)
		if err != nil {
			return fmt.Errorf("%s: %w", e, err)
		}
		if refusal != nil {
			refusals = append(refusals, *refusal)
		}
	}
	for _, r := range refusals {
		if err := s.refuse(ctx, t, r); err != nil {
			return err
		}
	}
	return nil
}

// state is an instance's state, as the turns since the last checkpoint left it.
func (s *sagaRun[E, S]) state(ctx context.Context, instance string) (state S, err error) {
	value, ok := s.states[instance]
	if !ok {
		if value, ok, err = s.log.State(ctx, s.name, statePrefix+instance); !ok || err != nil {
			return state, err
		}
	}
	if err := json.Unmarshal(value, &state); err != nil {
		return state, fmt.Errorf("read the state of %q: %w", instance, err)
	}
	return state, nil
}

func (s *sagaRun[E, S]) checkEffect(e Effect) error {
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
	default:
		return errors.New(e.String())
	}
	return nil
}

// refused is a command that was refused, the ID it had, and the error itself.
type refused struct {
	Refusal
	id  stream.EventID
	err error
}

// derive is the ID of something that a turn does. It depends on the trigger, the
// saga, the instance and the place in the list alone: done again after a crash,
// it is the same.
func (s *sagaRun[E, S]) derive(t turn, what string, i int) stream.EventID {
	return stream.DeriveID(stream.DeriveID(stream.DeriveID(t.id, s.name, 0), t.instance, 0), what, i)
}

// perform performs one effect.
func (s *sagaRun[E, S]) perform(ctx context.Context, t turn, i int, e Effect) (*refused, error) {
	switch e.Kind {
	case SetTimer:
		s.timers.set(timer{
			Instance: t.instance, Name: e.Timer, Due: t.at.Add(e.Wait), Cause: t.cause,
			ID: s.derive(t, "timer", i),
		})
		return nil, nil
	case CancelTimer:
		s.timers.remove(timerID{t.instance, e.Timer})
		return nil, nil
	}
	id := s.derive(t, "command", i)
	if _, before := s.refusals[id]; before { // and answered, perhaps, before a crash
		return s.refusal(id, e, nil), nil
	}
	err := s.handler(e.Topic).send(ctx, stream.ID{Topic: e.Topic, Key: e.Key}, id, t.cause, e.Command)
	var rejected *RejectedError
	if !errors.As(err, &rejected) {
		return nil, err
	}
	if err := s.rememberRefusal(ctx, id, rejected.Err.Error()); err != nil {
		return nil, err
	}
	return s.refusal(id, e, err), nil
}

// refusal is what the saga is told of a refused command: the same whether it was
// refused just now or before a crash.
func (s *sagaRun[E, S]) refusal(id stream.EventID, e Effect, err error) *refused {
	s.answered[id] = true
	told := &RejectedError{Stream: stream.ID{Topic: e.Topic, Key: e.Key}, Command: fmt.Sprintf("%T", e.Command), Err: errors.New(s.refusals[id])}
	if err == nil {
		err = told
	}
	return &refused{Refusal: Refusal{Effect: e, Err: told}, id: id, err: err}
}

// rememberRefusal stores that a command was refused before the refusal is
// answered: a refused command leaves no trace at its aggregate, which might by
// then accept it, and both it and the answer to its refusal would take effect.
func (s *sagaRun[E, S]) rememberRefusal(ctx context.Context, id stream.EventID, why string) error {
	s.refusals[id] = why
	at := s.saved // nothing that was handled since is stored with it
	if err := s.log.Checkpoint(ctx, s.name, at, stream.Change{Key: refusedPrefix + id.String(), Value: []byte(why)}); err != nil {
		return fmt.Errorf("remember that it was refused: %w", err)
	}
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

func (s *sagaRun[E, S]) refuse(ctx context.Context, t turn, r refused) error {
	if s.saga.Refused == nil {
		return fmt.Errorf("%s was refused, and the saga lacks Refused: %w", r.Effect, r.err)
	}
	if t.depth == maxRefusals {
		return fmt.Errorf("%s was refused, after %d refusals in one turn: %w", r.Effect, maxRefusals, r.err)
	}
	next := turn{instance: t.instance, id: stream.DeriveID(r.id, "refused", 0), cause: t.cause, at: t.at, depth: t.depth + 1}
	return s.turn(ctx, next, "Refused", func(state S) (S, []Effect) { return s.saga.Refused(state, r.Refusal) })
}
