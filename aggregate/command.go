package aggregate

import (
	"context"
	"maps"

	"github.com/thaw-go/thaw/stream"
)

// Command is a command with all that may be said about it.
type Command[C any] struct {
	// ID makes the command take effect once in its topic, for as long as the topic
	// remembers it; zero: a fresh one.
	ID stream.EventID
	// Key is the instance it is for.
	Key string
	// Data is the command itself.
	Data C
	// Expected is the instance's version that whoever gives the command has seen,
	// such as on a screen; nil: whatever it is. If it has moved on, the command is not
	// decided and the error is a [*stream.ConflictError].
	Expected *stream.Version
	// CausedBy is the event that led to it; zero: what the context carries, if
	// anything (see [stream.WithCause]).
	CausedBy stream.Cause
	// Meta goes onto the events, beside what the context carries (see
	// [stream.WithMetadata]) and before it.
	Meta stream.Metadata
}

// Result is what a command did.
type Result[E, S any] struct {
	Events  []*stream.Event[E] // as stored; none if there was nothing to do
	State   S                  // right after them
	Version stream.Version     // the instance's, right after them
	Cursor  stream.Cursor      // just after the last of the instance's events seen
}

// order is what all events of a command have in common.
type order struct {
	id    stream.EventID
	given bool // by the caller: it may have taken effect before
	cause stream.Cause
	meta  stream.Metadata
}

// newOrder fills in what the caller left to the library.
func newOrder(ctx context.Context, id stream.EventID, cause stream.Cause, meta stream.Metadata) order {
	o := order{id: id, given: !id.IsZero(), cause: cause, meta: stream.MetadataOf(ctx)}
	if !o.given {
		o.id = stream.NewID()
	}
	if o.cause.IsZero() {
		o.cause = stream.CauseOf(ctx)
	}
	if o.meta == nil {
		o.meta = maps.Clone(meta) // what is stored must not change with the caller's
		return o
	}
	maps.Copy(o.meta, meta)
	return o
}

// mark puts onto the i-th event of a series what its command gives it.
func (o *order) mark(rec *stream.Record, series stream.EventID, i int) {
	rec.ID = stream.DeriveID(series, "event", i)
	rec.Command, rec.CausedBy, rec.Correlation = o.id, o.cause.Event, o.cause.Correlation
	if rec.Correlation.IsZero() {
		rec.Correlation = o.id
	}
	if !o.cause.Event.IsZero() {
		rec.Depth = o.cause.Depth + 1
	}
	if len(o.meta) > 0 {
		rec.Meta = o.meta
	}
}
