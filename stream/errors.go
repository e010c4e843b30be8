package stream

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// States of a log, a source or a catalogue that a caller may ask for with
// errors.Is.
var (
	// ErrClosed says that the log was closed before or during the operation.
	ErrClosed = errors.New("stream: the log is closed")
	// ErrNoSource says that an observable was run that nobody made: the zero value.
	ErrNoSource = errors.New("stream: the observable has no source")
	// ErrNoMarks says that a sink which needs marks stands behind a stage that
	// can not carry them in line with the items.
	ErrNoMarks = errors.New("stream: marks can not travel in line through rxgo's operators, nor from sources that do not all read the same log; a view or a durable consumer can not stand behind them")
	// ErrUnknownType says that a topic's catalogue does not have a stored name.
	ErrUnknownType = errors.New("the catalogue does not have this type")
)

// ConflictError says that a stream was not at the version its writer expected.
// Nothing was stored.
type ConflictError struct {
	Stream   ID      // where the append was to go
	Expected Version // what the writer had seen
	Actual   Version // what was there
}

func (e *ConflictError) Error() string {
	return fmt.Sprintf("stream: append to %s: expected version %d, found %d", e.Stream, e.Expected, e.Actual)
}

// ConditionError says that an event has come that a batch's condition excludes.
// Nothing was stored.
type ConditionError struct {
	Condition Condition // which did not hold
	Found     Cursor    // just after the first event that breaks it
}

func (e *ConditionError) Error() string {
	return fmt.Sprintf("stream: append under a condition: expected no event of %s after %s, found one at %s", matchNames(e.Condition.Match), e.Condition.After, e.Found)
}

// InvalidError says that a name or a value can not be used. Nothing was stored.
type InvalidError struct {
	What   string // what the value was meant to be: "topic", "key"
	Value  string // what was given
	Reason string // what is wrong with it
}

func (e *InvalidError) Error() string {
	return fmt.Sprintf("stream: invalid %s %s: %s", e.What, clip(e.Value), e.Reason)
}

// TooLargeError says that something exceeds a limit. Nothing was stored.
type TooLargeError struct {
	What  string // "key", "payload", "append"
	Size  int64  // what was asked for, in bytes unless What says otherwise
	Limit int64  // the most there may be, in the same unit
}

func (e *TooLargeError) Error() string {
	return fmt.Sprintf("stream: %s too large: found %d, limit %d", e.What, e.Size, e.Limit)
}

// DecodeError says that a stored event could not be turned into its Go type.
// The log itself stays readable.
type DecodeError struct {
	Stream   ID       // whose event it is
	Position Position // where it is in its shard
	Type     string   // its stored name
	Schema   uint32   // the schema it was stored in
	Err      error    // what the codec, an upcaster or the catalogue said
}

func (e *DecodeError) Error() string {
	return fmt.Sprintf("stream: decode event %d of %s, type %s schema %d: %v", e.Position, e.Stream, clip(e.Type), e.Schema, e.Err)
}

// Unwrap returns the codec's or the upcaster's error.
func (e *DecodeError) Unwrap() error { return e.Err }

// CorruptError says that stored bytes are damaged. They were not returned as
// data; what lies before Position is unharmed. A reader who means to leave the
// damaged events out goes on after Last.
type CorruptError struct {
	Position Position // the first event that can not be read
	Last     Position // the last event that can not be read for this reason; 0: not known
	Err      error    // what the check found
}

func (e *CorruptError) Error() string {
	return fmt.Sprintf("stream: the log is damaged at position %d: %v", e.Position, e.Err)
}

// Unwrap returns what the check found.
func (e *CorruptError) Unwrap() error { return e.Err }

// TruncatedError says that a read would begin with events that were removed. None
// was handed over. A reader who does not need them begins after Cut.
type TruncatedError struct {
	Stream ID     // the one instance that was read; zero: the log
	From   Cursor // where the read was to begin
	Cut    Cursor // what lies before this place was removed
}

func (e *TruncatedError) Error() string {
	what := "the log"
	if e.Stream != (ID{}) {
		what = e.Stream.String()
	}
	return fmt.Sprintf("stream: read %s from %s: its events up to %s were removed", what, e.From, e.Cut)
}

// AmbiguousError says that it is not known whether an append was stored: it is
// there whole or not at all once the log has been opened again. Repeating the
// command with the same ID is safe.
type AmbiguousError struct {
	Stream ID    // where the append was to go
	Err    error // what storage said
}

func (e *AmbiguousError) Error() string {
	return fmt.Sprintf("stream: append to %s: not known whether it was stored: %v", e.Stream, e.Err)
}

// Unwrap returns the storage error.
func (e *AmbiguousError) Unwrap() error { return e.Err }

// CommandReusedError says that a command's ID has already taken effect on
// another stream of the same topic. Nothing was stored.
type CommandReusedError struct {
	Command EventID // the ID that was used twice
	First   ID      // where it took effect
	Again   ID      // where it was sent now
}

func (e *CommandReusedError) Error() string {
	return fmt.Sprintf("stream: append to %s: command %s has already taken effect on %s", e.Again, e.Command, e.First)
}

// PanicError says that a function handed to a stage panicked.
type PanicError struct {
	Stage string // the operator or handler: "Map"
	Value any    // what it panicked with
	Stack []byte // where
}

func (e *PanicError) Error() string {
	return fmt.Sprintf("stream: panic in %s: %v", e.Stage, e.Value)
}

// Unwrap returns the panic's value if it was an error.
func (e *PanicError) Unwrap() error {
	err, _ := e.Value.(error)
	return err
}

// NotResumableError says that a durable consumer stands behind an operator that
// remembers, so that a restart would lose what it remembered. No event was
// delivered.
type NotResumableError struct {
	Consumer string // who was refused
	Operator string // the operator that remembers
}

func (e *NotResumableError) Error() string {
	return fmt.Sprintf("stream: consumer %s cannot resume through %s: what it remembers would be lost", clip(e.Consumer), e.Operator)
}

// NotDurableError says that a consumer's place can not be kept, because its
// source reads no log that keeps cursors. No event was delivered.
type NotDurableError struct {
	Consumer string // who was refused
}

func (e *NotDurableError) Error() string {
	return fmt.Sprintf("stream: consumer %s cannot be durable: its source reads no log that keeps cursors", clip(e.Consumer))
}

// BusyError says that a consumer already has a runner on this log. No event was
// delivered to the second one.
type BusyError struct {
	Consumer string // whose second runner was refused
}

func (e *BusyError) Error() string {
	return fmt.Sprintf("stream: consumer %s already has a runner on this log", clip(e.Consumer))
}

// BackwardsError says that a consumer's cursor was to move back, or past the
// log's head. It stays where it was.
type BackwardsError struct {
	Consumer string // whose place it is
	Saved    Cursor // where it is
	Head     Cursor // the log's head
	Asked    Cursor // where it was to go
}

func (e *BackwardsError) Error() string {
	return fmt.Sprintf("stream: consumer %s is at %s of a log at %s and cannot move to %s", clip(e.Consumer), e.Saved, e.Head, e.Asked)
}

// matchNames is what matches select, in words.
func matchNames(list []Match) string {
	if len(list) == 0 {
		return "any kind"
	}
	words := make([]string, len(list))
	for i, m := range list {
		switch {
		case m.Topic == "" && m.Key == "":
			words[i] = "any kind"
		case m.Key == "":
			words[i] = "topic " + clip(m.Topic)
		default:
			words[i] = clip(ID{Topic: m.Topic, Key: m.Key}.String())
		}
		if len(m.Types) > 0 {
			words[i] += " of type " + clip(strings.Join(m.Types, ", "))
		}
		if len(m.Tags) > 0 {
			words[i] += " tagged " + clip(strings.Join(m.Tags, ", "))
		}
	}
	return strings.Join(words, " or ")
}

// clip quotes a name for an error message, and shortens one that is too long to
// read.
func clip(s string) string {
	const most = 80
	if len(s) > most {
		return strconv.Quote(s[:most]) + "…"
	}
	return strconv.Quote(s)
}
