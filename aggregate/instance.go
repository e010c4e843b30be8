package aggregate

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/thaw-go/thaw/stream"
)

// instance is what a saga remembers of one of its instances. It is a value: its
// slices are never changed in place.
type instance struct {
	exists bool
	steps  []string // to be undone if it comes to that, the last one first
	state  []byte   // as JSON
}

// instanceHead stands before the stored state, on a line that begins with '#', which
// no JSON does: what has no such line was stored before there were versions.
type instanceHead struct {
	Version int      `json:",omitempty"`
	Steps   []string `json:",omitempty"`
}

// encode is the instance as it is stored; nil if there is none.
func (i instance) encode(version int) ([]byte, error) {
	if !i.exists {
		return nil, nil
	}
	head, err := json.Marshal(instanceHead{version, i.steps})
	if err != nil {
		return nil, err
	}
	value := make([]byte, 0, 2+len(head)+len(i.state))
	return append(append(append(append(value, '#'), head...), '\n'), i.state...), nil
}

// decodeInstance reads what encode wrote, and what was stored before it.
func decodeInstance(value []byte) (i instance, version int, err error) {
	if len(value) == 0 || value[0] != '#' {
		return instance{exists: true, state: value}, 0, nil
	}
	line, state, ok := bytes.Cut(value[1:], []byte{'\n'})
	if !ok {
		return i, 0, errors.New("its first line does not end")
	}
	var head instanceHead
	if err := json.Unmarshal(line, &head); err != nil {
		return i, 0, err
	}
	return instance{exists: true, steps: head.Steps, state: state}, head.Version, nil
}

// draft is what a turn, and those that follow from it, make of an instance. Nothing
// of it counts until all of them have gone well.
type draft struct {
	name string
	instance
	timers   []timer          // set, in order; one without an ID is cancelled
	answered []stream.EventID // refusals that were answered
	undoing  bool             // its steps are being compensated
	done     bool
}

// load begins a draft with the instance as the turns before have left it.
func (s *sagaRun[E, S]) load(ctx context.Context, name string) (*draft, error) {
	s.mu.Lock()
	i, ok := s.changed[name]
	s.mu.Unlock()
	if ok {
		return &draft{name: name, instance: i}, nil
	}
	value, ok, err := s.log.State(ctx, s.name, statePrefix+name)
	if err != nil || !ok {
		return &draft{name: name}, err
	}
	i, version, err := decodeInstance(value)
	if err != nil {
		return nil, s.poison(fmt.Errorf("read the state of %q: %w", name, err))
	}
	if version != s.saga.Version {
		err := s.migrate(name, &i, version)
		if errors.Is(err, ErrComplete) {
			s.commit(&draft{name: name, done: true})
			return &draft{name: name}, nil
		}
		if err != nil {
			return nil, err
		}
	}
	return &draft{name: name, instance: i}, nil
}

// migrate makes today's state of one of another version.
func (s *sagaRun[E, S]) migrate(name string, i *instance, version int) error {
	if s.saga.Migrate == nil || version > s.saga.Version {
		return s.poison(&StateVersionError{Saga: s.name, Instance: name, Stored: version, Expected: s.saga.Version})
	}
	var state S
	var err error
	if failed := s.contained("Migrate", func() { state, err = s.saga.Migrate(version, i.state) }); failed != nil {
		err = failed
	}
	switch {
	case errors.Is(err, ErrComplete):
		return err
	case errors.Is(err, ErrPark):
		return &stuckError{err: fmt.Errorf("migrate %q from version %d to %d: %w", name, version, s.saga.Version, err), attempts: 1}
	case err != nil:
		return s.poison(fmt.Errorf("migrate %q from version %d to %d: %w", name, version, s.saga.Version, err))
	}
	if i.state, err = json.Marshal(state); err != nil {
		return s.poison(fmt.Errorf("store the state of %q: %w", name, err))
	}
	return nil
}

// commit makes a draft count, until the next checkpoint in memory alone.
func (s *sagaRun[E, S]) commit(d *draft) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, id := range d.answered {
		s.answered[id] = true
	}
	if d.done {
		s.changed[d.name] = instance{}
		s.timers.forget(d.name)
		return
	}
	if d.exists {
		s.changed[d.name] = d.instance
	}
	for _, w := range d.timers {
		if w.ID.IsZero() {
			s.timers.remove(timerID{d.name, w.Name})
		} else {
			s.timers.set(w)
		}
	}
}

// stuckError is why an instance can not go on, and the run can.
type stuckError struct {
	err      error
	attempts int
	refused  []stream.EventID // commands whose refusals the turn was about to answer
}

func (e *stuckError) Error() string { return e.err.Error() }
func (e *stuckError) Unwrap() error { return e.err }

// poison is an error that ends the run unless the saga parks what leads to one.
func (s *sagaRun[E, S]) poison(err error) error {
	if err == nil || !s.saga.Park {
		return err
	}
	return &stuckError{err: err, attempts: 1}
}

// stuckBy is what an instance is to be parked for; nil if it is not, as when the
// run was stopped meanwhile.
func stuckBy(ctx context.Context, err error) (stuck *stuckError) {
	if ctx.Err() != nil || !errors.As(err, &stuck) {
		return nil
	}
	return stuck
}
