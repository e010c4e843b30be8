package testkit

import (
	"errors"
	"fmt"
	"reflect"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/thaw-go/thaw/stream"
)

// Log is all that an engine promises; [TestLog] tests it.
type Log interface {
	stream.Store
	stream.Checkpoints
	// Close ends every read, and afterwards every call returns
	// [stream.ErrClosed]. It may be called more than once.
	Close() error
}

// Engine says how TestLog gets a log, and what is not to be expected of it.
type Engine struct {
	// Open opens the log kept in a directory, which exists and is empty the
	// first time; it fails the test if it can not. An engine that keeps nothing
	// ignores the directory.
	Open func(t testing.TB, dir string) Log
	// Durable says that a log that is closed and opened again still has
	// everything.
	Durable bool
	// Without names the rules, or whole chapters of them, that the engine can not
	// keep, each with the reason. They are skipped, those that rest on them too,
	// and the others are tested in a way that does without them. Methods that can
	// not work then return [errors.ErrUnsupported]. A rule that is kept all the
	// same is told in the test's log, and a name that does not exist fails.
	Without map[Rule]string
}

// TestLog is the conformance suite that every engine of one shard passes. Each
// subtest is one [Rule], by its name, and a failure says which rule is broken
// and how. A broken rule that others rest on is not held against them as well.
// Run it with the race detector too.
func TestLog(t *testing.T, e Engine) {
	r := newRun(t, e)
	for _, c := range chapters {
		t.Run(string(c.name), func(t *testing.T) { r.chapter(t, c) })
	}
}

// patience is how long a promise may take before a read that waits for ever
// counts as broken. No promise is about time: it is never reached by a log that
// works.
var patience = 2 * time.Minute

// broken ends the test and says which rule is broken, and how.
func (s *subject) broken(format string, args ...any) {
	s.t.Helper()
	s.t.Fatalf("broken rule %s: %s\n%s", s.promise.rule, s.promise.claim, fmt.Sprintf(format, args...))
}

// must ends the test if a step that the promise needs has failed.
func (s *subject) must(err error, step string) {
	s.t.Helper()
	if err != nil {
		s.broken("%s: got the error %v, want none", step, err)
	}
}

// same ends the test unless got is want.
func (s *subject) same(what string, got, want any) {
	s.t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		s.broken("%s: not as wanted (- want, + got):\n%s", what, diff)
	}
}

// sameRecords ends the test unless got is want, and shows the first difference.
func (s *subject) sameRecords(what string, got, want []stream.Record) {
	s.t.Helper()
	for i := range min(len(got), len(want)) {
		// DeepEqual is enough nearly always, and far faster.
		if reflect.DeepEqual(got[i], want[i]) || cmp.Equal(got[i], want[i]) {
			continue
		}
		s.broken("%s: event %d of %d is not as wanted (- want, + got):\n%s", what, i+1, len(want), cmp.Diff(want[i], got[i]))
	}
	if len(got) != len(want) {
		s.broken("%s: got %d events, want %d; the first %d are the same", what, len(got), len(want), min(len(got), len(want)))
	}
}

// failsWith ends the test unless err is a T, which it returns.
func failsWith[T error](s *subject, step string, err error) T {
	s.t.Helper()
	var want T
	if !errors.As(err, &want) {
		s.broken("%s: got the error %v (%T), want a %T", step, err, err, want)
	}
	return want
}

// failsAs ends the test unless err is the given one.
func (s *subject) failsAs(step string, err, want error) {
	s.t.Helper()
	if !errors.Is(err, want) {
		s.broken("%s: got the error %v, want %v", step, err, want)
	}
}

// together calls do from n goroutines at once, waits for all, and ends the test
// with the first error.
func (s *subject) together(n int, do func(i int) error) {
	s.t.Helper()
	start := make(chan struct{})
	failed := make([]error, n)
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() {
			<-start
			failed[i] = do(i)
		})
	}
	close(start)
	all.Wait()
	s.must(errors.Join(failed...), fmt.Sprintf("%d callers at once", n))
}

// record is an event to append.
func record(typ, data string) stream.Record {
	return stream.Record{Header: stream.Header{Type: typ, Schema: 1}, Data: []byte(data)}
}

// records are n events to append.
func records(n int) []stream.Record {
	list := make([]stream.Record, n)
	for i := range list {
		list[i] = record("COUNTED", fmt.Sprint(i))
	}
	return list
}

var (
	ann = stream.ID{Topic: "users", Key: "ann"}
	bob = stream.ID{Topic: "users", Key: "bob"}
	lot = stream.ID{Topic: "lots", Key: "ann"} // the same key in another topic
)

// append appends, whatever is there, and ends the test if that fails.
func (s *subject) append(id stream.ID, list ...stream.Record) []stream.Record {
	s.t.Helper()
	stored, err := s.Append(s.ctx, id, stream.AnyVersion, list...)
	s.must(err, "append to "+id.String())
	if len(stored) != len(list) {
		s.broken("append to %s: got %d records back, want %d", id, len(stored), len(list))
	}
	return stored
}

// fill puts n events into the log, spread over three streams and two types, and
// returns them as they were stored.
func (s *subject) fill(n int) []stream.Record {
	s.t.Helper()
	var all []stream.Record
	for len(all) < n {
		id := []stream.ID{ann, bob, lot}[len(all)%3]
		size := min(1+len(all)%5, n-len(all))
		list := records(size)
		for i := range list {
			list[i].Type = []string{"ODD", "EVEN"}[(len(all)+i)%2]
		}
		all = append(all, s.append(id, list...)...)
	}
	return all
}

// head is the log's head.
func (s *subject) head() stream.Cursor {
	s.t.Helper()
	head, err := s.Head(s.ctx)
	s.must(err, "head")
	return head
}

// holds ends the test unless the log holds exactly these records.
func (s *subject) holds(want []stream.Record) {
	s.t.Helper()
	s.sameRecords("what the log holds", s.read(stream.Query{}).records, want)
	s.same("head", s.head(), stream.At(stream.Position(len(want))))
}
