package stream

import (
	"context"
	"slices"
)

// Match selects events by what their headers say. Empty fields match all.
type Match struct {
	Topic string   // of this topic
	Key   string   // of this instance
	Types []string // stored names; empty: every type
	Tags  []string // carrying all of these tags; empty: whatever its tags
}

// Accepts reports whether an event with these names and tags is selected.
func (m *Match) Accepts(topic, key, typ string, tags []string) bool {
	if m.Topic != "" && m.Topic != topic || m.Key != "" && m.Key != key {
		return false
	}
	for _, tag := range m.Tags {
		if !slices.Contains(tags, tag) {
			return false
		}
	}
	if len(m.Types) == 0 {
		return true
	}
	for _, t := range m.Types {
		if t == typ {
			return true
		}
	}
	return false
}

// Query says what to read.
type Query struct {
	Match  []Match // what to select: any of these; empty: every event
	From   Cursor  // after this place
	To     Cursor  // up to and including this place, at most the head when the read began; zero: that head
	Follow bool    // never end: go on with what is appended; To is ignored
}

// Accepts reports whether an event with these names and tags is selected.
func (q *Query) Accepts(topic, key, typ string, tags []string) bool {
	for i := range q.Match {
		if q.Match[i].Accepts(topic, key, typ, tags) {
			return true
		}
	}
	return len(q.Match) == 0
}

// Mark says how far a subscription has come. Marks travel in line with the
// items, on the same goroutine.
type Mark struct {
	At   Cursor // everything up to here has been handed over
	Head Cursor // how far the log had come; the lag is what lies between
	Live bool   // what was there at the subscription has been handed over
}

// Log is what can be read: N shards, each totally ordered. All methods may be
// called concurrently.
type Log interface {
	// Head is the place after the last event that a reader can see.
	Head(ctx context.Context) (Cursor, error)

	// Read hands over the selected events in order, block by block, on the
	// caller's goroutine, each block with the mark that holds once it has been
	// handled; a block may be empty. The records and their payloads are valid
	// only until emit returns. A finite read ends with nil and a last mark at
	// its end; a following one ends only with an error. The first mark that is
	// Live comes as soon as everything up to the head at the call has been
	// handed over, even if nothing was selected; a finite read's last mark is Live.
	// Marks move on for events that were not selected, too.
	//
	// It returns the error of emit, ctx's error, [ErrClosed], a [*CorruptError],
	// a [*TruncatedError] if it would begin with events that were removed, or an [*InvalidError] if From is past the head; it holds no resources after
	// it has returned.
	Read(ctx context.Context, q Query, emit func([]Record, Mark) error) error
}

// Store is a log that can be appended to. All methods may be called concurrently.
type Store interface {
	Log

	// Append stores records at the end of a stream, all or none, and returns
	// them as they were stored. Of a record's header the log sets Shard,
	// Position, Stream, Version and Time, and ID if it is zero; it keeps the
	// rest, and copies the payload. It returns once the
	// records are as durable as the log was opened to make them, and no reader
	// sees them earlier. Positions follow the order of commits.
	//
	// expected is the version that the writer saw: 0 if the stream must not
	// exist, or [AnyVersion]. If the stream is elsewhere, nothing is stored and
	// the error is a [*ConflictError].
	//
	// The records of one append belong to one command. If that command has
	// already taken effect in the stream's topic, and is still remembered (see
	// [Header]), nothing is stored, whatever is
	// expected, and the records stored then are returned; on another stream of
	// the topic it is a [*CommandReusedError]. Records without a command are
	// not compared.
	//
	// A context cancelled before the append is handed to the log stores nothing;
	// after that, Append waits for the outcome. Other errors: [*InvalidError],
	// [*TooLargeError], [ErrClosed], and [*AmbiguousError] when storage failed
	// in a way that leaves the outcome unknown.
	Append(ctx context.Context, id ID, expected Version, records ...Record) ([]Record, error)
}

// MultiStore is a store that appends to several streams at once, and under
// conditions that are wider than one stream. All methods may be called
// concurrently.
type MultiStore interface {
	Store

	// AppendAll stores a batch, all or none, and returns its records as they were
	// stored, in the order of its writes: their positions follow one another. If a
	// stream is not at the version that its write expects, nothing is stored and the
	// error is a [*ConflictError]; if a condition does not hold, it is a
	// [*ConditionError]. Versions and conditions are checked in the moment of
	// storing: nothing comes in between.
	//
	// All records of a batch belong to one command. If that command has already
	// taken effect in the batch's topics, nothing is stored, whatever is expected,
	// and the records stored then are returned; if it took effect on other streams,
	// it is a [*CommandReusedError]; so it is once one of the batch's topics has
	// forgotten the command and another has not (see [Header]). Otherwise it returns as
	// Append does.
	AppendAll(ctx context.Context, b Batch) ([]Record, error)
}

// Batch is an append to several streams at once.
type Batch struct {
	Writes     []Write     // at least one with records; at most one for a stream
	Conditions []Condition // all of which must hold
}

// Write is what a batch does to one stream.
type Write struct {
	Stream   ID       // whose events they are
	Expected Version  // as Append's: the version that the writer saw
	Records  []Record // empty: nothing is stored here, and only the version is checked
}

// Condition holds as long as no event that any of Match selects has been appended
// after a place: the dynamic consistency boundary of what a writer has read.
type Condition struct {
	Match []Match // what the writer's decision depends on; empty: every event
	After Cursor  // up to where the writer has seen them
}

// Consumers keeps the places of named, durable consumers. All methods may be
// called concurrently.
type Consumers interface {
	// Claim makes the caller the consumer's only runner on this log until
	// release is called, which may be called more than once. It returns a
	// [*BusyError] while there is another runner.
	Claim(ctx context.Context, name string) (release func(), err error)

	// Cursor returns the consumer's saved place; false if it was never saved.
	Cursor(ctx context.Context, name string) (Cursor, bool, error)

	// SaveCursor stores the consumer's place durably. A place before the saved
	// one or past the head is refused with a [*BackwardsError].
	SaveCursor(ctx context.Context, name string, at Cursor) error
}

// Checkpoints keeps what a consumer remembers beside its place, and moves both
// in one write. All methods may be called concurrently.
type Checkpoints interface {
	Consumers

	// Checkpoint stores the changes and the consumer's place, all or none, as
	// [Consumers.SaveCursor] stores the place alone.
	Checkpoint(ctx context.Context, name string, at Cursor, changes ...Change) error

	// State returns the value under a key; false if there is none. The caller
	// may keep it.
	State(ctx context.Context, name, key string) ([]byte, bool, error)

	// States hands over the consumer's keys that begin with prefix, in order,
	// with their values, which the caller may keep. It returns emit's error.
	States(ctx context.Context, name, prefix string, emit func(key string, value []byte) error) error
}

// Truncater is a log whose oldest events can be removed.
type Truncater interface {
	// Truncate removes the events up to a place, or up to somewhat before it, and
	// returns up to where they are gone: never before an earlier Truncate's place.
	// From then on a read that begins before there gets a [*TruncatedError]; so
	// does one of a single instance, unless the instance still has its first
	// event. Positions and versions go on from where they were, and consumers
	// keep their places. What a command did whose first event is gone is
	// forgotten: it would take effect again. A place past the head is an
	// [*InvalidError].
	Truncate(ctx context.Context, upTo Cursor) (Cursor, error)
}

// Change is one change to what a consumer remembers.
type Change struct {
	Key   string // what to remember it under
	Value []byte // nil: forget the key; empty is a value
}
