package badgerlog_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"sync"
	"sync/atomic"
	"testing"

	"go.uber.org/goleak"

	"github.com/thaw-go/thaw/stream"
	"github.com/thaw-go/thaw/stream/badgerlog"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv(crashDir); dir != "" {
		fmt.Fprintln(os.Stderr, writeUntilKilled(dir))
		os.Exit(1)
	}
	if dir := os.Getenv(holdDir); dir != "" {
		holdUntilKilled(dir)
	}
	// Guarantee 10: no goroutine outlives the log that started it.
	// Breaks when: Close does not close the queue (l.queue.close()).
	goleak.VerifyTestMain(m)
}

func open(t testing.TB, dir string, o badgerlog.Options) *badgerlog.Log {
	t.Helper()
	log, err := badgerlog.Open(dir, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := log.Close(); err != nil {
			t.Error(err)
		}
	})
	return log
}

func appendOne(t testing.TB, log *badgerlog.Log, id stream.ID) stream.Record {
	t.Helper()
	stored, err := log.Append(context.Background(), id, stream.AnyVersion, record())
	if err != nil {
		t.Fatal(err)
	}
	return stored[0]
}

// history appends events, many at a time.
func history(t testing.TB, log *badgerlog.Log, n int) {
	t.Helper()
	for n > 0 {
		records := make([]stream.Record, min(n, 500))
		for i := range records {
			records[i] = record()
			records[i].Command = stream.EventID{}
		}
		if _, err := log.Append(context.Background(), noteID(0), stream.AnyVersion, records...); err != nil {
			t.Fatal(err)
		}
		n -= len(records)
	}
}

// follow checks that positions come dense from the first, and stops at last.
func follow(log *badgerlog.Log, from, last stream.Position, each func(stream.Record)) error {
	at := stream.At(from)
	next := from
	err := log.Read(context.Background(), stream.Query{From: at, Follow: true}, func(records []stream.Record, m stream.Mark) error {
		for _, r := range records {
			if next++; r.Position != next {
				return fmt.Errorf("position %d where %d was expected", r.Position, next)
			}
			if each != nil {
				each(r)
			}
		}
		if m.At.Position(0) != next {
			return fmt.Errorf("mark at %s after position %d", m.At, next)
		}
		if next >= last {
			return errStop
		}
		return nil
	})
	if errors.Is(err, errStop) {
		return nil
	}
	return fmt.Errorf("after position %d: %w", next, err)
}

// writers append from n goroutines until stopped and say where the log ended.
func writers(t *testing.T, log *badgerlog.Log, n int) (stop func() stream.Position) {
	t.Helper()
	var all sync.WaitGroup
	var ended atomic.Bool
	for w := range n {
		all.Go(func() {
			for !ended.Load() {
				if _, err := log.Append(context.Background(), noteID(int64(w)), stream.AnyVersion, record()); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	return func() stream.Position {
		ended.Store(true)
		all.Wait()
		head, err := log.Head(context.Background())
		if err != nil {
			t.Error(err)
		}
		return head.Position(0)
	}
}

// Guarantee 5: a reader that goes from history to live sees every event once, in
// order, whatever is being written.
// Breaks when: tail.after returns its oldest group to who asks for an older one,
// or a group without cutting off what came before.
func TestReadersThatBeginAtAnyMomentMeetTheSeamWithoutGapOrDouble(t *testing.T) {
	log := open(t, t.TempDir(), badgerlog.Options{Durability: badgerlog.Unsynced, TailEvents: 256}.SmallGenerations(256))
	history(t, log, 3000)
	stop := writers(t, log, 8)
	for i := range 400 {
		head, err := log.Head(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		last := head.Position(0) + 50
		back := stream.Position(2000) // old enough to begin in the database
		if i%2 == 0 {
			back = stream.Position(rand.IntN(200)) // in the middle of the tail
		}
		from := head.Position(0) - min(head.Position(0), back)
		if err := follow(log, from, last, nil); err != nil {
			t.Fatal(err)
		}
	}
	head := stop()
	if err := follow(log, 0, head, nil); err != nil {
		t.Error(err)
	}
	if log.Fallbacks() < 200 {
		t.Errorf("%d reads went to the database, expected 200 of 400 to begin there", log.Fallbacks())
	}
}

// Guarantee 9: a slow subscriber harms no one and loses nothing.
// Breaks when: tail.after returns its oldest group to who asks for an older one,
// or the tail is not bounded (the drop loop in publish removed).
func TestSlowSubscriberFallsOutOfTheTailAndLosesNothing(t *testing.T) {
	log := open(t, t.TempDir(), badgerlog.Options{Durability: badgerlog.Unsynced, TailEvents: 64}.SmallGenerations(64))
	const events = 5000
	seen := make(chan struct{})
	resume := make(chan struct{})
	var slow error
	var all sync.WaitGroup
	all.Go(func() {
		n := 0
		slow = follow(log, 0, events, func(stream.Record) {
			if n++; n == 1 {
				close(seen)
				<-resume // stands still while the others write and read on
			}
		})
	})
	appendOne(t, log, noteID(0))
	<-seen
	before := log.Fallbacks()
	for i := range events - 1 {
		appendOne(t, log, noteID(int64(i)))
	}
	if err := follow(log, events-32, events, nil); err != nil {
		t.Errorf("a quick reader beside a slow one: %v", err)
	}
	if log.Fallbacks() != before {
		t.Errorf("the quick reader went to the database: the tail was not there for it")
	}
	close(resume)
	all.Wait()
	if slow != nil {
		t.Errorf("the slow reader: %v", slow)
	}
	if log.Fallbacks() == before {
		t.Errorf("the slow reader never fell out of the tail: the test proves nothing")
	}
}

// Guarantee 1: positions are dense and in commit order.
// Breaks when: decideAppend gives each record the plan's first position, or
// accept adds one instead of len(p.records) to the head.
func TestPositionsAreDenseAndInCommitOrder(t *testing.T) {
	log := open(t, t.TempDir(), badgerlog.Options{Durability: badgerlog.Unsynced})
	var clock atomic.Int64
	var mu sync.Mutex
	type span struct{ began, ended int64 }
	spans := map[stream.Position]span{}
	var all sync.WaitGroup
	for w := range 16 {
		all.Go(func() {
			for range 100 {
				began := clock.Add(1)
				r := appendOne(t, log, noteID(int64(w)))
				ended := clock.Add(1)
				mu.Lock()
				spans[r.Position] = span{began, ended}
				mu.Unlock()
			}
		})
	}
	all.Wait()
	latestBegin := int64(0)
	for p := stream.Position(1); p <= 1600; p++ {
		s, ok := spans[p]
		if !ok {
			t.Fatalf("no event has position %d", p)
		}
		if s.ended < latestBegin {
			t.Fatalf("position %d was acknowledged before an earlier position was asked for", p)
		}
		latestBegin = max(latestBegin, s.began)
	}
}
