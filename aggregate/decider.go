package aggregate

import (
	"github.com/thaw-go/thaw/stream"
)

// Decider is an aggregate: what commands C lead to in state S, and how events E
// change it. Both functions must depend on their arguments alone.
type Decider[C, E, S any] struct {
	// Topic is where the aggregate's events are stored.
	Topic *stream.Topic[E]
	// Initial makes the state before any event; nil: the zero S.
	Initial func() S
	// Decide returns the events that the command leads to, none if there is
	// nothing to do, or an error that refuses it.
	Decide func(S, C) ([]E, error)
	// Evolve folds an event that has happened into the state, which it may change.
	Evolve func(S, E) S
	// Clone returns a state that shares no memory with the given one. It lets a
	// repository keep states that hold maps, slices or pointers in memory (see
	// Options.Cache); nil: such states are loaded each time.
	Clone func(S) S
}

// New makes a decider whose initial state is the zero S.
func New[C, E, S any](t *stream.Topic[E], decide func(S, C) ([]E, error), evolve func(S, E) S) Decider[C, E, S] {
	return Decider[C, E, S]{Topic: t, Decide: decide, Evolve: evolve}
}

// Send is the effect that gives an instance of this aggregate a command. The
// command's type is checked by the compiler; the effect is plain data.
func (d Decider[C, E, S]) Send(key string, c C) Effect {
	return Effect{Kind: SendCommand, Topic: d.Topic.Name(), Key: key, Command: c}
}

func (d Decider[C, E, S]) initial() S {
	if d.Initial == nil {
		var zero S
		return zero
	}
	return d.Initial()
}
