package badgerlog

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/thaw-go/thaw/stream"
)

// life is what happens to a log while its disk fails: it is opened, written to,
// closed, and all of that again.
type life struct {
	t    *testing.T
	dir  string
	disk *disk
	book *book
	o    Options

	log      *Log
	opened   int // how many calls had failed when it was opened
	follower sync.WaitGroup
}

var (
	faultyA = stream.ID{Topic: "t", Key: "a"}
	faultyB = stream.ID{Topic: "t", Key: "b"}
)

// stops are the calls after whose failure a log accepts no more writes.
var stops = map[string]bool{"journal.append": true, "journal.sync": true, "db.set": true, "db.commit": true, "db.sync": true}

// stopped reports whether a call that stores something has failed since the log
// was opened.
func (l *life) stopped() bool {
	return slices.ContainsFunc(l.disk.failures()[l.opened:], func(call string) bool { return stops[call] })
}

// run lives twice. What fails the first time it is opened or closed does not
// keep it from being opened again.
func (l *life) run() {
	l.t.Helper()
	for range 2 {
		if !l.open() {
			continue
		}
		l.write()
		l.isWellOrStopped()
		l.close()
	}
}

// close closes the log: what failed meanwhile is said, and so is that the witness
// could not be written, which stops nothing.
func (l *life) close() {
	l.t.Helper()
	before := len(l.disk.failures())
	err := l.log.Close()
	l.follower.Wait()
	failed := l.disk.failures()
	silent := len(failed) > before || slices.Contains(failed[l.opened:], "witness.write")
	switch {
	case silent && !l.disk.says(err):
		l.t.Errorf("close: got %v after %s failed, want what the disk said", err, failed)
	case err != nil && !l.disk.says(err):
		l.t.Errorf("close: got %v, want what the disk said", err)
	}
	if again := l.log.Close(); fmt.Sprint(again) != fmt.Sprint(err) {
		l.t.Errorf("close again: got %v, want the same as before, %v", again, err)
	}
}

// end opens the log on a disk that works, and holds it against the book.
func (l *life) end() {
	l.t.Helper()
	l.disk.pause(true)
	log, err := Open(l.dir, l.o)
	if err != nil {
		l.t.Errorf("open on a disk that works again: %v", err)
		return
	}
	l.book.holds(l.t, log)
	l.book.repeats(l.t, log)
	l.book.holds(l.t, log)
	if err := log.Close(); err != nil {
		l.t.Errorf("close: %v", err)
	}
}

func (l *life) open() bool {
	l.t.Helper()
	before := len(l.disk.failures())
	var err error
	if l.log, err = Open(l.dir, l.o); err != nil {
		l.refused("open", before, err)
		return false
	}
	l.opened = len(l.disk.failures())
	if failed := l.disk.failures()[before:]; len(failed) > 0 && failed[0] != "witness.write" {
		l.t.Errorf("the log opened although %s failed", failed)
	}
	l.disk.pause(true)
	l.book.settles(l.t, l.log)
	l.disk.pause(false)
	log := l.log
	l.follower.Go(func() { l.follow(log) })
	return true
}

// follow hands what it sees to the book until the log is closed.
func (l *life) follow(log *Log) {
	err := log.Read(context.Background(), stream.Query{Follow: true}, func(records []stream.Record, _ stream.Mark) error {
		l.book.saw(records)
		return nil
	})
	if !errors.Is(err, stream.ErrClosed) && !l.disk.says(err) {
		l.t.Errorf("following ended with %v", err)
	}
}

// write makes every kind of call that changes something, and enough of each that
// the database gets some.
func (l *life) write() {
	l.t.Helper()
	first := written(1, 0)
	l.append(faultyA, stream.AnyVersion, first)
	l.append(faultyA, stream.AnyVersion, written(3, 10))
	l.append(faultyB, stream.AnyVersion, written(2, 1000)) // the generation before goes to the database
	l.checkpoint()
	l.together(4)
	l.append(faultyA, stream.AnyVersion, first) // again
	if l.o.Durability == Synced {
		l.append(faultyB, stream.AnyVersion, written(3, directBytes/3))
	}
	l.checkpoint()
	l.append(faultyA, stream.AnyVersion, written(1, 0))
	before := len(l.disk.failures())
	if err := l.log.settle(l.t.Context()); err != nil {
		l.refused("settle", before, err)
	}
}

// together makes appends at once, to streams of their own.
func (l *life) together(n int) {
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() {
			l.append(stream.ID{Topic: "u", Key: string(rune('a' + i))}, stream.AnyVersion, written(1+i%2, 100))
		})
	}
	all.Wait()
}

func (l *life) append(id stream.ID, expected stream.Version, sent []stream.Record) {
	l.t.Helper()
	before := len(l.disk.failures())
	got, err := l.log.Append(l.t.Context(), id, expected, sent...)
	l.book.note(id, sent, got, err)
	if err != nil {
		l.refused("append", before, err)
	}
}

// checkpoint moves the consumer to the head.
func (l *life) checkpoint() {
	l.t.Helper()
	before := len(l.disk.failures())
	at, err := l.log.Head(l.t.Context())
	if err != nil {
		l.t.Error(err)
	}
	err = l.log.Checkpoint(l.t.Context(), "reader", at, stream.Change{Key: "at", Value: []byte(at.String())}, stream.Change{Key: "gone"})
	if err == nil {
		l.book.places = []stream.Cursor{at}
		return
	}
	l.refused("checkpoint", before, err)
	l.book.places = append(l.book.places, at)
}

// refused checks that a call failed because the disk did, and says so.
func (l *life) refused(what string, before int, err error) {
	l.t.Helper()
	failed := l.disk.failures()
	var stopped *FailedError
	var ambiguous *stream.AmbiguousError
	switch {
	case errors.As(err, &stopped), errors.As(err, &ambiguous):
		if !l.stopped() {
			l.t.Errorf("%s: got %v after %s failed, which does not stop writing", what, err, failed)
		}
	case len(failed) == before:
		l.t.Errorf("%s: got %v though nothing failed meanwhile", what, err)
	}
	if !l.disk.says(err) {
		l.t.Errorf("%s: got %v, want what the disk said, %v", what, err, l.disk.cause)
	}
	var corrupt *stream.CorruptError
	if errors.As(err, &corrupt) {
		l.t.Errorf("%s: got %v, but nothing is damaged", what, err)
	}
}

// isWellOrStopped checks that readers see what was acknowledged, and that writing
// goes on unless a call that stores something has failed: then the log says why
// it does not.
func (l *life) isWellOrStopped() {
	l.t.Helper()
	l.disk.pause(true)
	defer l.disk.pause(false)
	l.book.shows(l.t, l.log)
	sent := written(1, 0)
	got, err := l.log.Append(l.t.Context(), faultyA, stream.AnyVersion, sent...)
	l.book.note(faultyA, sent, got, err)
	var stopped *FailedError
	failed := l.disk.failures()
	switch {
	case err == nil && l.stopped():
		l.t.Errorf("the log accepts writes after %s failed", failed)
	case err != nil && !l.stopped():
		l.t.Errorf("append after %s failed: %v", failed, err)
	case err != nil && (!errors.As(err, &stopped) || !l.disk.says(err)):
		l.t.Errorf("append after %s failed: got %v, want a FailedError that says why", failed, err)
	}
	if err == nil {
		l.book.shows(l.t, l.log)
	}
}
