package aggregate

import (
	"context"
	"errors"
	"fmt"
	"reflect"

	"github.com/thaw-go/thaw/stream"
)

// Handler is what a saga's commands may be sent to: a [*Repository], or what
// [HandleFunc] makes.
type Handler interface {
	// handles is the topic of the commands' instances; empty: every topic that has
	// no handler of its own.
	handles() string
	// accepts returns an error unless the command can be sent to the instance.
	accepts(to stream.ID, command any) error
	// send gives an instance a command that was accepted.
	send(ctx context.Context, to stream.ID, id stream.EventID, cause stream.Cause, command any) error
}

func (r *Repository[C, E, S]) handles() string { return r.decider.Topic.Name() }

func (r *Repository[C, E, S]) accepts(to stream.ID, command any) error {
	if _, ok := command.(C); !ok {
		return fmt.Errorf("aggregate: send to %s: expected a %s, found a %T", to, reflect.TypeFor[C](), command)
	}
	return to.Validate()
}

func (r *Repository[C, E, S]) send(ctx context.Context, to stream.ID, id stream.EventID, cause stream.Cause, command any) error {
	_, err := r.Handle(ctx, Command[C]{ID: id, Key: to.Key, Data: command.(C), CausedBy: cause})
	return err
}

// HandleFunc makes a handler of a function, for commands that no repository of
// this log takes: to another process, or in a test. It takes the commands for a
// topic or, if the topic is empty, for every topic that has no handler of its own.
//
// Each command is given to do at least once, in order; after a crash it may come
// again, and then c.ID is the same, by which do can tell. c.Key is to.Key, and
// commands that do executes under its context have the same cause. An
// error that is a [*RejectedError] refuses the command, which the saga is told of; any
// other, or a panic, is tried again as [Saga].Attempts says, and then parks the
// instance.
func HandleFunc(topic string, do func(ctx context.Context, to stream.ID, c Command[any]) error) Handler {
	return handlerFunc{topic, do}
}

type handlerFunc struct {
	topic string
	do    func(context.Context, stream.ID, Command[any]) error
}

func (h handlerFunc) handles() string { return h.topic }

func (h handlerFunc) accepts(to stream.ID, _ any) error {
	if h.do == nil {
		return fmt.Errorf("aggregate: send to %s: its handler has no function", to)
	}
	return to.Validate()
}

func (h handlerFunc) send(ctx context.Context, to stream.ID, id stream.EventID, cause stream.Cause, command any) (err error) {
	in := true
	defer stream.Contain("the handler of "+to.String(), &in, &err)
	err = h.do(stream.WithCause(ctx, cause), to, Command[any]{ID: id, Key: to.Key, Data: command, CausedBy: cause})
	in = false
	var rejected *RejectedError
	if errors.As(err, &rejected) && rejected.Err == nil { // it says no more than that
		return &RejectedError{Stream: to, Command: fmt.Sprintf("%T", command), Err: errRefused}
	}
	return err
}

// errRefused stands in for a refusal's missing reason.
var errRefused = errors.New("no reason was given")
