package stream_test

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/thaw-go/thaw/stream"
)

var ann = stream.ID{Topic: "users", Key: "ann"}

// Each message names the operation, the subject, what was expected and what was
// found.
func TestErrorMessages(t *testing.T) {
	id := stream.EventID{0xab}
	want := map[error]string{
		&stream.ConflictError{Stream: ann, Expected: 3, Actual: 5}:                                               `stream: append to users/ann: expected version 3, found 5`,
		&stream.InvalidError{What: "topic", Value: "a/b", Reason: "a topic has no slash"}:                        `stream: invalid topic "a/b": a topic has no slash`,
		&stream.TooLargeError{What: "key", Size: 1001, Limit: 1000}:                                              `stream: key too large: found 1001, limit 1000`,
		&stream.DecodeError{Stream: ann, Position: 7, Type: "EMAIL_SET", Schema: 2, Err: io.ErrUnexpectedEOF}:    `stream: decode event 7 of users/ann, type "EMAIL_SET" schema 2: unexpected EOF`,
		&stream.CorruptError{Position: 7, Err: errors.New("checksum differs")}:                                   `stream: the log is damaged at position 7: checksum differs`,
		&stream.AmbiguousError{Stream: ann, Err: errors.New("disk gone")}:                                        `stream: append to users/ann: not known whether it was stored: disk gone`,
		&stream.CommandReusedError{Command: id, First: ann, Again: stream.ID{Topic: "users", Key: "bob"}}:        `stream: append to users/bob: command ab000000000000000000000000000000 has already taken effect on users/ann`,
		&stream.PanicError{Stage: "Map", Value: "oops"}:                                                          `stream: panic in Map: oops`,
		&stream.NotResumableError{Consumer: "mailer", Operator: "Scan"}:                                          `stream: consumer "mailer" cannot resume through Scan: what it remembers would be lost`,
		&stream.NotDurableError{Consumer: "mailer"}:                                                              `stream: consumer "mailer" cannot be durable: its source reads no log that keeps cursors`,
		&stream.BusyError{Consumer: "mailer"}:                                                                    `stream: consumer "mailer" already has a runner on this log`,
		&stream.BackwardsError{Consumer: "mailer", Saved: stream.At(5), Head: stream.At(9), Asked: stream.At(4)}: `stream: consumer "mailer" is at 5 of a log at 9 and cannot move to 4`,
		stream.ErrClosed:   `stream: the log is closed`,
		stream.ErrNoSource: `stream: the observable has no source`,
	}
	for err, message := range want {
		t.Run(strings.TrimPrefix(fmt.Sprintf("%T", err), "*"), func(t *testing.T) {
			if diff := cmp.Diff(message, err.Error()); diff != "" {
				t.Error(diff)
			}
		})
	}
	t.Run("a name too long to read is shortened, whatever it holds", func(t *testing.T) {
		err := &stream.InvalidError{What: "key", Value: strings.Repeat("日\n", 1000), Reason: "it has a control character"}
		if got := err.Error(); len(got) > 500 || strings.Contains(got, "\n") {
			t.Errorf("got %d bytes, want one short line: %s", len(got), got)
		}
	})
}

func TestErrorsUnwrap(t *testing.T) {
	cause := errors.New("cause")
	for _, err := range []error{
		&stream.DecodeError{Err: cause},
		&stream.CorruptError{Err: cause},
		&stream.AmbiguousError{Err: cause},
		&stream.PanicError{Value: cause},
	} {
		t.Run(fmt.Sprintf("%T leads to its cause", err), func(t *testing.T) {
			if !errors.Is(fmt.Errorf("run: %w", err), cause) {
				t.Errorf("got %v, want the cause in its chain", err)
			}
		})
	}
	t.Run("a panic's value that is no error leads nowhere", func(t *testing.T) {
		if err := errors.Unwrap(&stream.PanicError{Value: 7}); err != nil {
			t.Errorf("got %v, want nil", err)
		}
	})
}
