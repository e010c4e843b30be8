package badgerlog

import (
	"errors"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/thaw-go/thaw/stream"
)

// A condition is broken by what is on its way to the disk as well.
// Breaks when: plan.firstMatch does not look at the commits ahead.
func TestAConditionIsBrokenByWhatIsOnItsWayToTheDisk(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		gate := make(chan struct{})
		log, err := Open(dir, Options{Durability: Unsynced, seams: seams{commit: func(write func() error) error {
			<-gate
			return write()
		}}})
		if err != nil {
			t.Fatal(err)
		}
		var all sync.WaitGroup
		errs := make([]error, 3)
		for i := range errs {
			all.Go(func() {
				_, errs[i] = log.AppendAll(t.Context(), stream.Batch{
					Writes:     []stream.Write{{Stream: stream.ID{Topic: "t", Key: string(rune('a' + i))}, Records: []stream.Record{taggedOne("tag")}}},
					Conditions: []stream.Condition{{Match: []stream.Match{{Tags: []string{"tag"}}}}},
				})
			})
			synctest.Wait() // each is decided before the next one asks
		}
		close(gate)
		all.Wait()
		var broken *stream.ConditionError
		if errs[0] != nil || !errors.As(errs[1], &broken) || !errors.As(errs[2], &broken) || !broken.Found.Equal(stream.At(1)) {
			t.Errorf("got %v, want that the first one was stored and the others not", errs)
		}
		if err := log.Close(); err != nil {
			t.Error(err)
		}
	})
}

// Two appends by one command to two topics stay two, though nothing came between them,
// they are in one commit, and the clock stood still.
// Breaks when: decideAppend refuses a command that looks as if it went beyond its topic.
func TestTwoAppendsByOneCommandAreNotTakenForABatch(t *testing.T) {
	dir, killed := t.TempDir(), filepath.Join(t.TempDir(), "killed")
	synctest.Test(t, func(t *testing.T) {
		gate := make(chan struct{})
		log, err := Open(dir, Options{Durability: Unsynced, seams: seams{commit: func(write func() error) error {
			<-gate
			return write()
		}}})
		if err != nil {
			t.Fatal(err)
		}
		command := stream.EventID{7}
		send := func(log *Log, topic string) {
			if _, err := log.Append(t.Context(), stream.ID{Topic: topic, Key: "1"}, stream.AnyVersion, one(command)); err != nil {
				t.Errorf("topic %s: %v", topic, err)
			}
		}
		var all sync.WaitGroup
		for range maxAhead + 2 { // until the committer waits, and those behind are one group
			all.Go(func() {
				if _, err := log.Append(t.Context(), stream.ID{Topic: "t", Key: "1"}, stream.AnyVersion, one(stream.EventID{})); err != nil {
					t.Error(err)
				}
			})
			synctest.Wait()
		}
		for _, topic := range []string{"a", "b"} {
			all.Go(func() { send(log, topic) })
			synctest.Wait()
		}
		close(gate)
		all.Wait()
		if err := os.CopyFS(killed, os.DirFS(dir)); err != nil {
			t.Fatal(err)
		}
		again, err := Open(killed, Options{Durability: Unsynced})
		if err != nil {
			t.Fatal(err)
		}
		for _, topic := range []string{"a", "b"} {
			send(again, topic)
		}
		head, err := again.Head(t.Context())
		if err != nil || !head.Equal(stream.At(maxAhead+4)) {
			t.Errorf("the head is %s, want %d: %v", head, maxAhead+4, err)
		}
		if err := errors.Join(again.Verify(t.Context(), nil), again.Close(), log.Close()); err != nil {
			t.Error(err)
		}
	})
}
