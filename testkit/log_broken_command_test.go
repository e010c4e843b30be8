package testkit

import (
	"context"
	"errors"
	"slices"
	"sync"

	"github.com/thaw-go/thaw/stream"
)

// The faults about commands show with events that bring an ID, as those of one
// command do in the tests about them, so that no other test sees them.
var brokenCommands = []broken{
	{rule: CommandOnce, fault: "a command that comes again is stored again", make: func(f *faulty) {
		f.ofCommands(func(ctx context.Context, c *commandCall) ([]stream.Record, error) {
			if c.again {
				return c.anew(ctx)
			}
			return c.append(ctx)
		})
	}},
	{rule: "command-once-at-once", fault: "of the same command from several callers one more is stored", make: func(f *faulty) {
		f.ofCommands(func(ctx context.Context, c *commandCall) ([]stream.Record, error) {
			if c.again && c.expected == 0 && len(c.list) == 3 {
				return c.anew(ctx)
			}
			return c.append(ctx)
		})
	}},
	{rule: "command-reused", fault: "a command that took effect elsewhere takes effect again", make: func(f *faulty) {
		f.ofCommands(func(ctx context.Context, c *commandCall) ([]stream.Record, error) {
			got, err := c.append(ctx)
			var reused *stream.CommandReusedError
			if errors.As(err, &reused) {
				return c.anew(ctx)
			}
			return got, err
		})
	}},
	{rule: "command-of-topic", fault: "commands of all topics are compared", make: func(f *faulty) {
		f.ofCommands(func(ctx context.Context, c *commandCall) ([]stream.Record, error) {
			if c.again && c.first.Topic != c.id.Topic {
				return nil, &stream.CommandReusedError{Command: c.list[0].Command, First: c.first, Again: c.id}
			}
			return c.append(ctx)
		})
	}},
	{rule: "commands-apart", fault: "events without a command are taken for the same command's", make: func(f *faulty) {
		var mu sync.Mutex
		seen := map[stream.ID][]stream.Record{}
		f.onAppend(func(next appendFunc) appendFunc {
			return func(ctx context.Context, id stream.ID, expected stream.Version, list []stream.Record) ([]stream.Record, error) {
				if len(list) == 0 || list[0].ID.IsZero() || !list[0].Command.IsZero() {
					return next(ctx, id, expected, list)
				}
				mu.Lock()
				defer mu.Unlock()
				if got, ok := seen[id]; ok {
					return got, nil
				}
				got, err := next(ctx, id, expected, list)
				seen[id] = got
				return got, err
			}
		})
	}},
	{rule: "command-refused", fault: "a refused command is remembered as refused", make: func(f *faulty) {
		var mu sync.Mutex
		refused := map[stream.EventID]error{}
		f.ofCommands(func(ctx context.Context, c *commandCall) ([]stream.Record, error) {
			mu.Lock()
			defer mu.Unlock()
			if err := refused[c.list[0].Command]; err != nil {
				return nil, err
			}
			got, err := c.append(ctx)
			var conflict *stream.ConflictError
			if errors.As(err, &conflict) {
				refused[c.list[0].Command] = err
			}
			return got, err
		})
	}},
}

// commandCall is an append of a command.
type commandCall struct {
	id       stream.ID
	expected stream.Version
	list     []stream.Record
	again    bool      // the command came before
	first    stream.ID // where to, then
	next     appendFunc
}

func (c *commandCall) append(ctx context.Context) ([]stream.Record, error) {
	return c.next(ctx, c.id, c.expected, c.list)
}

// anew stores the events as if no command had led to them.
func (c *commandCall) anew(ctx context.Context) ([]stream.Record, error) {
	list := slices.Clone(c.list)
	for i := range list {
		list[i].Command = stream.EventID{}
	}
	return c.next(ctx, c.id, stream.AnyVersion, list)
}

// ofCommands handles appends of events that bring their command's ID and one of
// their own.
func (f *faulty) ofCommands(handle func(context.Context, *commandCall) ([]stream.Record, error)) {
	var mu sync.Mutex
	came := map[stream.EventID]stream.ID{}
	f.onAppend(func(next appendFunc) appendFunc {
		return func(ctx context.Context, id stream.ID, expected stream.Version, list []stream.Record) ([]stream.Record, error) {
			if len(list) == 0 || list[0].ID.IsZero() || list[0].Command.IsZero() {
				return next(ctx, id, expected, list)
			}
			c := &commandCall{id: id, expected: expected, list: list, next: next}
			mu.Lock()
			c.first, c.again = came[list[0].Command]
			if !c.again {
				came[list[0].Command] = id
			}
			mu.Unlock()
			return handle(ctx, c)
		}
	})
}
