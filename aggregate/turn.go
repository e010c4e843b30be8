package aggregate

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
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
	s.states[t.instance] = state
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
	if state, ok := s.states[instance]; ok {
		return state, nil
	}
	value, ok, err := s.log.State(ctx, s.name, statePrefix+instance)
	if !ok || err != nil {
		return state, err
	}
	if err := json.Unmarshal(value, &state); err != nil {
		return state, fmt.Errorf("read the state of %q: %w", instance, err)
	}
	return state, nil
}

func (s *sagaRun[E, S]) checkEffect(e Effect) error {
	switch e.Kind {
	case SendCommand:
		h, ok := s.handlers[e.Topic]
		if !ok {
			return fmt.Errorf("%s: no handler for topic %s, expected one of: %s", e, e.Topic, s.served())
		}
		return h.accepts(e.Key, e.Command)
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

// refused is a command that was refused, and the ID it had.
type refused struct {
	Refusal
	id stream.EventID
}

// perform performs one effect. Its ID depends on the trigger, the saga, the
// instance and its place in the list alone: taken again after a crash, it is the
// same.
func (s *sagaRun[E, S]) perform(ctx context.Context, t turn, i int, e Effect) (*refused, error) {
	switch e.Kind {
	case SetTimer:
		s.timers.set(timer{
			Instance: t.instance, Name: e.Timer, Due: t.at.Add(e.Wait), Cause: t.cause,
			ID: stream.DeriveID(t.id, s.name+"/"+t.instance+"/timer", i),
		})
		return nil, nil
	case CancelTimer:
		s.timers.remove(timerID{t.instance, e.Timer})
		return nil, nil
	}
	id := stream.DeriveID(t.id, s.name+"/"+t.instance, i)
	err := s.handlers[e.Topic].send(ctx, e.Key, id, t.cause, e.Command)
	var rejected *RejectedError
	if errors.As(err, &rejected) {
		return &refused{Refusal{Effect: e, Err: err}, id}, nil
	}
	return nil, err
}

func (s *sagaRun[E, S]) refuse(ctx context.Context, t turn, r refused) error {
	if s.saga.Refused == nil {
		return fmt.Errorf("%s was refused, and the saga lacks Refused: %w", r.Effect, r.Err)
	}
	if t.depth == maxRefusals {
		return fmt.Errorf("%s was refused, after %d refusals in one turn: %w", r.Effect, maxRefusals, r.Err)
	}
	next := turn{instance: t.instance, id: stream.DeriveID(r.id, "refused", 0), cause: t.cause, at: t.at, depth: t.depth + 1}
	return s.turn(ctx, next, "Refused", func(state S) (S, []Effect) { return s.saga.Refused(state, r.Refusal) })
}
