package aggregate

import (
	"errors"
	"fmt"

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
