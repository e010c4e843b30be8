package testkit

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/thaw-go/thaw/stream"
)

// errCrashed is what code under test gets from a log that has crashed.
var errCrashed = errors.New("testkit: the process has crashed")

// world is one run of a specification in virtual time: the log that the code
// under test uses, and what happens to it.
type world struct {
	tb     testing.TB
	ground *ground
	raw    Log // for the specification itself
	log    Log // for the code under test
	began  time.Time

	crashed atomic.Bool // and not opened again
	mu      sync.Mutex
	steps   int    // what the code under test has done that outlives a crash
	crashAt int    // at which of them it crashes; 0: at none
	onCrash func() // what ends the code under test
}

// newWorld begins a run; close ends it. Zero is now.
func newWorld(tb testing.TB, medium Medium) (*world, error) {
	ground, err := openGround(tb, medium)
	if err != nil {
		return nil, err
	}
	w := &world{tb: tb, ground: ground, began: time.Now()}
	w.raw = ground.log(pass)
	w.log = ground.log(w.around)
	return w, nil
}

// around watches the code under test and lets it crash.
func (w *world) around(ctx context.Context, op *Op, do func(context.Context) error) error {
	switch op.Kind {
	case OpAppend, OpSaveCursor, OpCheckpoint:
		return w.step(func() error { return do(ctx) })
	}
	if w.crashed.Load() {
		return errCrashed
	}
	return do(ctx)
}

// step does something that outlives a crash. The crash may come right before it
// or right after it: each counts.
func (w *world) step(do func() error) error {
	if w.crashes() {
		return errCrashed
	}
	err := do()
	if w.crashes() {
		return errCrashed
	}
	return err
}

// crashes reports whether the process has crashed by now.
func (w *world) crashes() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.crashed.Load() {
		return true
	}
	w.steps++
	if w.steps != w.crashAt {
		return false
	}
	w.crash()
	return true
}

// crash ends the process of the code under test: nothing that it does from now
// on reaches the log.
func (w *world) crash() {
	w.crashed.Store(true)
	if w.onCrash != nil {
		w.onCrash()
	}
}

// reopen opens the log as the crash has left it. What the process ran must have
// ended by now.
func (w *world) reopen() error {
	if err := w.ground.crash(); err != nil {
		return err
	}
	w.crashed.Store(false)
	return nil
}

// precision is how far apart two times must be to be told from one another: those
// who act at one instant do so some nanoseconds apart.
const precision = 10 * time.Microsecond

// now is how far the run is.
func (w *world) now() time.Duration { return time.Since(w.began).Round(precision) }

// append stores what a specification says has happened.
func (w *world) append(h Happening) ([]stream.Record, error) {
	if h.err != nil {
		return nil, h.err
	}
	stored, err := w.raw.Append(context.Background(), h.id, stream.AnyVersion, h.records...)
	if err != nil {
		return nil, fmt.Errorf("append to %s: %w", h.id, err)
	}
	return stored, nil
}

// Happening is one append of events to one instance, as a specification says
// that it happened. [Happened] and [Stored] make them.
type Happening struct {
	id      stream.ID
	records []stream.Record
	err     error
}

// Happened says that events happened to an instance of a topic, in one append.
// They go through the topic's codec and back; a field that would be lost fails
// the specification. Where E is an interface, say so: Happened[LotEvent](lots,
// "1", Sold{10}).
func Happened[E any](topic *stream.Topic[E], key string, events ...E) Happening {
	h := Happening{id: stream.ID{Topic: topic.Name(), Key: key}}
	if len(events) == 0 {
		h.err = fmt.Errorf("Happened without events for %s", h.id)
	}
	for i, e := range events {
		if _, err := throughTopic(topic, e, i); err != nil {
			h.err = fmt.Errorf("event %d of %s can not be stored: %w", i+1, h.id, err)
			return h
		}
		rec, err := encode(topic, e)
		if err != nil {
			h.err = err
			return h
		}
		h.records = append(h.records, rec)
	}
	return h
}

// Stored says that an event is in the log as an earlier program has stored it:
// under a name, in a schema, as bytes.
func Stored(id stream.ID, typ string, schema uint32, data string) Happening {
	return Happening{id: id, records: []stream.Record{{Header: stream.Header{Type: typ, Schema: schema}, Data: []byte(data)}}}
}
