package badgerlog_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/thaw-go/thaw/replay"
	"github.com/thaw-go/thaw/stream"
	"github.com/thaw-go/thaw/stream/badgerlog"
)

// asStored leaves payloads as they are.
type asStored struct{}

func (asStored) Marshal(v any) ([]byte, error) { return v.(note), nil }
func (asStored) Unmarshal(data []byte, into any) error {
	*into.(*note) = append(note(nil), data...)
	return nil
}

type note []byte

var notes = stream.NewTopicWith("notes", stream.Catalogue[note]{"NOTE_ADDED": nil}, stream.TopicOptions[note]{Codec: asStored{}})

// Guarantee 5, with the source that a view runs on, over a tail so short that
// every slow subscriber falls out of it.
// Breaks when: reader.follow begins at the head instead of at its place, or as
// the tests of the log itself.
func TestColdHotOverADiskDeliversEveryEventOnceToQuickAndSlowSubscribers(t *testing.T) {
	log := open(t, t.TempDir(), badgerlog.Options{Durability: badgerlog.Unsynced, TailEvents: 32}.SmallGenerations(32))
	history(t, log, 3000) // so that every subscriber begins in the database
	stop := writers(t, log, 4)
	var all sync.WaitGroup
	for i := range 100 {
		all.Go(func() {
			want, live := stream.Position(0), false
			sub := stream.Subscription{Mark: func(m stream.Mark) error {
				if m.At.Position(0) != want {
					return fmt.Errorf("mark at %s after position %d", m.At, want)
				}
				if live = live || m.Live; live && want >= m.Head.Position(0)-min(want, 500) && want > 3000 {
					return errStop
				}
				return nil
			}}
			err := replay.ColdHot(log, notes).Subscribe(context.Background(), sub, func(e *stream.Event[note]) error {
				if want++; e.Position != want {
					return fmt.Errorf("position %d where %d was expected", e.Position, want)
				}
				if i%4 == 0 && want%1000 == 0 {
					appendOne(t, log, noteID(1)) // slow: it waits for a commit, and the tail moves on
				}
				return nil
			})
			if !errors.Is(err, errStop) {
				t.Errorf("subscriber %d: %v", i, err)
			}
		})
	}
	all.Wait()
	stop()
	if log.Fallbacks() < 100 {
		t.Errorf("%d reads went to the database, expected each of 100 subscribers to begin there", log.Fallbacks())
	}
}
