// Package engine holds what every log engine does alike: it checks what is to
// be appended, lets one runner claim a consumer, and keeps cursors from moving
// back. It decides nothing about storage.
package engine

import (
	"errors"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/thaw-go/thaw/stream"
)

// Limits on one append, the same for every engine of one process.
const (
	MaxPayloadBytes = 1 << 20 // one payload
	MaxMetaBytes    = 64 << 10
	MaxAppendBytes  = 8 << 20 // all payloads and metadata of one append
	MaxAppendEvents = 10_000
)

// CheckAppend returns an *InvalidError or *TooLargeError unless the records can
// be stored as one append to the stream.
func CheckAppend(id stream.ID, records []stream.Record) error {
	if err := id.Validate(); err != nil {
		return err
	}
	if len(records) == 0 {
		return &stream.InvalidError{What: "append", Value: id.String(), Reason: "it has no events"}
	}
	if len(records) > MaxAppendEvents {
		return &stream.TooLargeError{What: "append to " + id.String() + " (events)", Size: int64(len(records)), Limit: MaxAppendEvents}
	}
	total := 0
	for i := range records {
		size, err := checkRecord(id, &records[i])
		if err != nil {
			return err
		}
		if records[i].Command != records[0].Command {
			return &stream.InvalidError{What: "append", Value: id.String(), Reason: "its events belong to more than one command"}
		}
		total += size
	}
	if total > MaxAppendBytes {
		return &stream.TooLargeError{What: "append to " + id.String() + " (bytes)", Size: int64(total), Limit: MaxAppendBytes}
	}
	return nil
}

func checkRecord(id stream.ID, r *stream.Record) (size int, err error) {
	switch {
	case r.Type == "" || len(r.Type) > stream.MaxTypeBytes || !utf8.ValidString(r.Type) || strings.ContainsFunc(r.Type, isControl):
		return 0, &stream.InvalidError{What: "event type", Value: r.Type, Reason: "expected 1 to 200 bytes of UTF-8 without control characters, for an event of " + id.String()}
	case len(r.Data) == 0:
		return 0, &stream.InvalidError{What: "payload", Value: r.Type, Reason: "it is empty, in an event of " + id.String()}
	case len(r.Data) > MaxPayloadBytes:
		return 0, &stream.TooLargeError{What: "payload of " + r.Type + " in an event of " + id.String(), Size: int64(len(r.Data)), Limit: MaxPayloadBytes}
	}
	for k, v := range r.Meta {
		size += len(k) + len(v)
	}
	if size > MaxMetaBytes {
		return 0, &stream.TooLargeError{What: "metadata of " + r.Type + " in an event of " + id.String(), Size: int64(size), Limit: MaxMetaBytes}
	}
	return size + len(r.Data), nil
}

func isControl(r rune) bool { return r < 0x20 || r == 0x7f }

// CheckConsumer returns an *InvalidError or *TooLargeError unless the name can
// be a consumer's: what can be a stream's key.
func CheckConsumer(name string) error {
	err := stream.ID{Topic: "consumer", Key: name}.Validate()
	var invalid *stream.InvalidError
	var large *stream.TooLargeError
	switch {
	case errors.As(err, &invalid):
		invalid.What = "consumer name"
	case errors.As(err, &large):
		large.What = "consumer name"
	}
	return err
}

// CheckForward returns a *BackwardsError unless a consumer at saved may move to
// asked in a log at head.
func CheckForward(name string, saved, head, asked stream.Cursor) error {
	if asked.Reached(saved) && head.Reached(asked) {
		return nil
	}
	return &stream.BackwardsError{Consumer: name, Saved: saved, Head: head, Asked: asked}
}

// CheckFrom returns an *InvalidError if a read is to begin past the head.
func CheckFrom(from, head stream.Cursor) error {
	if head.Reached(from) {
		return nil
	}
	return &stream.InvalidError{What: "cursor", Value: from.String(), Reason: "it is past the log's head, " + head.String()}
}

// Claims lets one runner at a time hold a name. The zero value is ready for use.
type Claims struct {
	mu   sync.Mutex
	held map[string]bool
}

// Claim holds the name until release is called; while it is held, a second
// claim gets a *BusyError.
func (c *Claims) Claim(name string) (release func(), err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.held[name] {
		return nil, &stream.BusyError{Consumer: name}
	}
	if c.held == nil {
		c.held = map[string]bool{}
	}
	c.held[name] = true
	return sync.OnceFunc(func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		delete(c.held, name)
	}), nil
}
