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
	MaxAppendBytes  = 8 << 20 // all payloads, metadata and tags of one append
	MaxAppendEvents = 10_000
	MaxTags         = 32    // of one event
	MaxBatchStreams = 1_000 // of one batch
	MaxConditions   = 100   // of one batch
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
		if records[i].Remember != records[0].Remember {
			return &stream.InvalidError{What: "append", Value: id.String(), Reason: "its command is remembered for different times"}
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
	if err := checkTags(id, r); err != nil {
		return 0, err
	}
	for k, v := range r.Meta {
		size += len(k) + len(v)
	}
	if size > MaxMetaBytes {
		return 0, &stream.TooLargeError{What: "metadata of " + r.Type + " in an event of " + id.String(), Size: int64(size), Limit: MaxMetaBytes}
	}
	return size + len(r.Data) + tagBytes(r), nil
}

func tagBytes(r *stream.Record) (size int) {
	for _, tag := range r.Tags {
		size += len(tag)
	}
	return size
}

// checkTags wants each tag once, in order, and what can be a stream's key.
func checkTags(id stream.ID, r *stream.Record) error {
	if len(r.Tags) > MaxTags {
		return &stream.TooLargeError{What: "tags of " + r.Type + " in an event of " + id.String(), Size: int64(len(r.Tags)), Limit: MaxTags}
	}
	for i, tag := range r.Tags {
		if err := CheckTag(tag); err != nil {
			return err
		}
		if i > 0 && r.Tags[i-1] >= tag {
			return &stream.InvalidError{What: "tags", Value: strings.Join(r.Tags, ", "), Reason: "expected each once and in order, in an event of " + id.String()}
		}
	}
	return nil
}

// CheckTag returns an *InvalidError or *TooLargeError unless the text can be a tag:
// what can be a stream's key.
func CheckTag(tag string) error { return checkKey("tag", tag) }

// CheckBatch returns an *InvalidError or *TooLargeError unless the batch can be
// stored.
func CheckBatch(b stream.Batch) error {
	if len(b.Writes) > MaxBatchStreams {
		return &stream.TooLargeError{What: "batch (streams)", Size: int64(len(b.Writes)), Limit: MaxBatchStreams}
	}
	if len(b.Conditions) > MaxConditions {
		return &stream.TooLargeError{What: "batch (conditions)", Size: int64(len(b.Conditions)), Limit: MaxConditions}
	}
	seen, remember := map[stream.ID]bool{}, map[string]uint32{}
	var all []stream.Record
	for _, w := range b.Writes {
		if seen[w.Stream] {
			return &stream.InvalidError{What: "batch", Value: w.Stream.String(), Reason: "it writes to this stream twice"}
		}
		seen[w.Stream] = true
		if len(w.Records) == 0 { // only the version is checked
			if err := w.Stream.Validate(); err != nil {
				return err
			}
			continue
		}
		if err := CheckAppend(w.Stream, w.Records); err != nil {
			return err
		}
		if seconds, ok := remember[w.Stream.Topic]; ok && seconds != w.Records[0].Remember {
			return &stream.InvalidError{What: "batch", Value: w.Stream.Topic, Reason: "its events in this topic are remembered for different times"}
		}
		remember[w.Stream.Topic] = w.Records[0].Remember
		all = append(all, w.Records...)
	}
	return checkWhole(all)
}

// checkWhole checks what a batch's writes are together.
func checkWhole(records []stream.Record) error {
	if len(records) == 0 {
		return &stream.InvalidError{What: "batch", Value: "of no events", Reason: "expected one at least"}
	}
	if len(records) > MaxAppendEvents {
		return &stream.TooLargeError{What: "batch (events)", Size: int64(len(records)), Limit: MaxAppendEvents}
	}
	total := 0
	for i := range records {
		if records[i].Command != records[0].Command {
			return &stream.InvalidError{What: "batch", Value: records[i].Command.String(), Reason: "its events belong to more than one command"}
		}
		total += len(records[i].Data) + tagBytes(&records[i])
		for k, v := range records[i].Meta {
			total += len(k) + len(v)
		}
	}
	if total > MaxAppendBytes {
		return &stream.TooLargeError{What: "batch (bytes)", Size: int64(total), Limit: MaxAppendBytes}
	}
	return nil
}

func isControl(r rune) bool { return r < 0x20 || r == 0x7f }

// CheckTable returns an *InvalidError or *TooLargeError unless the name can be a
// table's: what can be a stream's key.
func CheckTable(name string) error { return checkKey("table name", name) }

// CheckConsumer returns an *InvalidError or *TooLargeError unless the name can
// be a consumer's: what can be a stream's key.
func CheckConsumer(name string) error { return checkKey("consumer name", name) }

// checkKey wants what can be a stream's key.
func checkKey(what, text string) error {
	err := stream.ID{Topic: "any", Key: text}.Validate()
	var invalid *stream.InvalidError
	var large *stream.TooLargeError
	switch {
	case errors.As(err, &invalid):
		invalid.What = what
	case errors.As(err, &large):
		large.What = what
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
