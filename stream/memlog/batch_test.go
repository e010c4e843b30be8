package memlog_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/thaw-go/thaw/stream"
	"github.com/thaw-go/thaw/stream/memlog"
)

func batchRecord(command stream.EventID, tags ...string) stream.Record {
	return stream.Record{Header: stream.Header{Type: "T", Command: command, Tags: tags}, Data: []byte("1")}
}

func batchOf(command stream.EventID, ids ...stream.ID) stream.Batch {
	var b stream.Batch
	for _, id := range ids {
		b.Writes = append(b.Writes, stream.Write{Stream: id, Expected: stream.AnyVersion, Records: []stream.Record{batchRecord(command, "tag")}})
	}
	return b
}

// Breaks when: the writes are stored one by one as they are checked.
func TestABatchIsStoredWholeOrNotAtAll(t *testing.T) {
	log := memlog.New()
	one, two := stream.ID{Topic: "a", Key: "1"}, stream.ID{Topic: "b", Key: "2"}
	if _, err := log.Append(t.Context(), two, 0, batchRecord(stream.NewID())); err != nil {
		t.Fatal(err)
	}
	b := batchOf(stream.NewID(), one, two)
	b.Writes[1].Expected = 7
	_, err := log.AppendAll(t.Context(), b)
	if conflict, ok := errors.AsType[*stream.ConflictError](err); !ok || conflict.Stream != two || conflict.Actual != 1 {
		t.Errorf("got %v, want a conflict on %s at version 1", err, two)
	}
	b.Writes[1].Expected = 1
	stored, err := log.AppendAll(t.Context(), b)
	if err != nil || len(stored) != 2 || stored[0].Stream != one || stored[1].Position != 3 {
		t.Fatalf("got %v, %v", stored, err)
	}
	again, err := log.AppendAll(t.Context(), b)
	if diff := cmp.Diff(stored, again); diff != "" || err != nil {
		t.Errorf("the same again: %v (-want +got)\n%s", err, diff)
	}
	if _, err := log.AppendAll(t.Context(), batchOf(b.Writes[0].Records[0].Command, one)); err == nil {
		t.Error("the same command on fewer streams was taken")
	}
}

// Breaks when: a condition is looked at from its place on, instead of behind it.
func TestAConditionHoldsUntilSomethingItExcludesHasCome(t *testing.T) {
	log := memlog.New()
	id := stream.ID{Topic: "a", Key: "1"}
	if _, err := log.Append(t.Context(), id, 0, batchRecord(stream.NewID(), "tag")); err != nil {
		t.Fatal(err)
	}
	b := batchOf(stream.NewID(), id)
	b.Conditions = []stream.Condition{{Match: []stream.Match{{Topic: "a", Tags: []string{"tag"}}}}}
	_, err := log.AppendAll(t.Context(), b)
	if broken, ok := errors.AsType[*stream.ConditionError](err); !ok || !broken.Found.Equal(stream.At(1)) {
		t.Errorf("got %v, want a *stream.ConditionError at 1", err)
	}
	b.Conditions[0].After = stream.At(1)
	if _, err := log.AppendAll(t.Context(), b); err != nil {
		t.Errorf("behind what it has seen: %v", err)
	}
}

// Breaks when: remembered does not look at the clock.
func TestACommandIsRememberedForItsTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := memlog.New()
		id := stream.ID{Topic: "a", Key: "1"}
		rec := batchRecord(stream.NewID())
		rec.Remember = 60
		for i, want := range []stream.Version{1, 1, 2} {
			stored, err := log.Append(t.Context(), id, stream.AnyVersion, rec)
			if err != nil || stored[0].Version != want {
				t.Errorf("time %d: got %v, %v; want version %d", i, stored, err, want)
			}
			time.Sleep(31 * time.Second) // in virtual time
		}
	})
}
