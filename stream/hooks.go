package stream

import (
	"context"
	"time"
)

// Hooks are told what repositories and consumers do: the ground that telemetry
// stands on. Each may be nil. They are called on the goroutine that does the work
// and hold it up, may be called concurrently, and must not panic. The functions that
// some return may be nil, too.
type Hooks struct {
	// Command is called before a command is given to an instance. The context it
	// returns is the command's, and done is told what became of it: its events as
	// they were stored, none if there were none, and the error.
	Command func(ctx context.Context, to ID, command any) (_ context.Context, done func([]Header, error))
	// Handle is called before a consumer handles an event. The context it returns is
	// the function's, if that takes one; done is called afterwards.
	Handle func(ctx context.Context, consumer string, h *Header) (_ context.Context, done func(error))
	// Moved is called when a consumer has passed a mark, at a time.
	Moved func(consumer string, m Mark, at time.Time)
	// Trouble is told of what goes on in spite of an error: an event that is parked,
	// an attempt that is made again, a snapshot that was not stored.
	Trouble func(ctx context.Context, who string, err error)
}
