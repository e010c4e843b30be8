package stream

import (
	"context"
	"time"
)

// Position is an event's number in its shard of the log, from 1, dense.
type Position uint64

// Version is an event's number in its stream, from 1, dense. 0 is the version
// of a stream that does not exist.
type Version uint64

// AnyVersion, as an expected version, appends whatever the stream's version is.
const AnyVersion Version = 1<<64 - 1

// Metadata is what an application adds to an event besides its payload.
type Metadata map[string]string

// Header is what every event carries besides its payload. The log sets Shard,
// Position, Stream, Version and Time; the topic Type, Schema, Tags and Remember; a
// repository sets the rest.
type Header struct {
	Shard       uint32    // the log's shard; 0 on a log of one shard
	Schema      uint32    // the version of the payload's shape, from 1
	Depth       uint32    // how many events led to it, one caused by the other; 0: its command came from outside
	Remember    uint32    // for how many seconds after Time the ID of its command is remembered; 0: for ever
	Position    Position  // the event's place in its shard
	Stream      ID        // the instance it happened to
	Version     Version   // the event's place in its stream
	ID          EventID   // the event's own identity, the same after a retry
	Type        string    // the catalogue's name, never a Go type name
	CausedBy    EventID   // the event that led to the command, if one did
	Command     EventID   // the command that led to this event
	Correlation EventID   // the story: the first command's ID, handed on
	Time        time.Time // when it was appended; never goes back in a shard
	Tags        []string  // what the topic's Tags made of the payload, for queries; nil when there are none
	Meta        Metadata  // free, but for the keys that [MetaActor] and its like name; nil when there is none
}

// Cursor is the place just after this event, on a log of one shard.
func (h Header) Cursor() Cursor {
	if h.Shard == 0 {
		return At(h.Position)
	}
	places := make([]Position, h.Shard+1)
	places[h.Shard] = h.Position
	return At(places...)
}

// Event is one event: what it carries besides its payload, and the payload.
// Events are shared between consumers and must not be changed.
type Event[E any] struct {
	Header
	Data E // the payload
}

// Record is an event whose payload is still encoded.
type Record = Event[[]byte]

// Cause is the part of an event that what it causes must remember.
type Cause struct {
	Event       EventID // the causing event
	Correlation EventID // the story it belongs to
	Depth       uint32  // how many events led to the causing one
}

// Cause returns what a command issued because of this event must remember.
func (h *Header) Cause() Cause { return Cause{Event: h.ID, Correlation: h.Correlation, Depth: h.Depth} }

// IsZero reports whether there is no cause: the command came from outside.
func (c Cause) IsZero() bool { return c == Cause{} }

type causeKey struct{}

// WithCause returns a context under which commands are caused by c, unless they
// name a cause of their own. An event adapter's function is called with one.
func WithCause(ctx context.Context, c Cause) context.Context {
	return context.WithValue(ctx, causeKey{}, c)
}

// CauseOf returns the cause that the context carries, or the zero Cause.
func CauseOf(ctx context.Context) Cause {
	c, _ := ctx.Value(causeKey{}).(Cause)
	return c
}
