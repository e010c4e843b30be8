package aggregate

import (
	"errors"
	"fmt"
	"strings"

	"github.com/thaw-go/thaw/stream"
)

// ErrRunning says that a runner's Run was called while it was running.
var ErrRunning = errors.New("aggregate: the runner is already running")

// ErrNotHot says that a saga or an adapter was given a source that is typed hot
// but does not read a log from its consumer's own place.
var ErrNotHot = errors.New("aggregate: the source does not come from replay.Hot")

// RejectedError says that an aggregate refused a command. Nothing was stored;
// the same command ID may be tried again.
type RejectedError struct {
	Stream  stream.ID // the instance
	Command string    // its Go type, for reading only
	Err     error     // what Decide returned
}

func (e *RejectedError) Error() string {
	return fmt.Sprintf("aggregate: %s refused %s: %v", e.Stream, e.Command, e.Err)
}

// Unwrap returns what Decide returned.
func (e *RejectedError) Unwrap() error { return e.Err }

// ErrComplete is what a saga's Migrate returns for an instance that is to be
// completed instead: its state, steps and timers are removed.
var ErrComplete = errors.New("aggregate: the instance is to be completed")

// ErrPark is what a saga's Migrate returns for an instance that is to be parked, until
// a person, or a later version of the saga, has decided what becomes of it.
var ErrPark = errors.New("aggregate: the instance is to be parked")

// StateVersionError says that the stored state of a saga's instance is of a version
// that the saga can not read: an earlier one, and it lacks Migrate, or a later one.
type StateVersionError struct {
	Saga     string // its name
	Instance string // which one
	Stored   int    // the state's version
	Expected int    // the saga's
}

func (e *StateVersionError) Error() string {
	if e.Stored > e.Expected {
		return fmt.Sprintf("aggregate: the state of %q was stored by version %d of saga %s, expected at most %d", e.Instance, e.Stored, e.Saga, e.Expected)
	}
	return fmt.Sprintf("aggregate: the state of %q was stored by version %d of saga %s, expected %d, and the saga lacks Migrate", e.Instance, e.Stored, e.Saga, e.Expected)
}

// LoopError says that a saga feeds itself: the events that led to one another have
// become more than its MaxDepth.
type LoopError struct {
	Saga  string   // its name
	Depth uint32   // how many events led to the last one
	Limit int      // the saga's MaxDepth
	Cycle []string // the chain's repeating part, or its end: events, and the saga where a command was its own
}

func (e *LoopError) Error() string {
	return fmt.Sprintf("aggregate: saga %s feeds itself: a chain of %d events, expected at most %d: %s", e.Saga, e.Depth, e.Limit, strings.Join(e.Cycle, " -> "))
}
