package aggregate_test

import (
	"errors"
	"testing"

	"github.com/thaw-go/thaw/aggregate"
	"github.com/thaw-go/thaw/stream"
	"github.com/thaw-go/thaw/stream/memlog"
)

// An instance whose events are all gone is snapshotted again before more are removed.
// Breaks when: Snapshot returns at once because it can not read the last event.
func TestAnInstanceThatRestsOutlivesTruncationAfterTruncation(t *testing.T) {
	log, tables := newWatched(t), newTables(t)
	r := withSnapshots(log, tables, nil)
	give(t, r, deposit(7))
	for range 3 {
		give(t, r, aggregate.Command[AccountCommand]{Key: "bob", Data: Deposit{1}})
		for _, key := range []string{"ann", "bob"} {
			if err := r.Snapshot(t.Context(), key); err != nil {
				t.Fatal(err)
			}
		}
		head, err := log.Head(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := log.Truncate(t.Context(), head); err != nil {
			t.Fatal(err)
		}
		give(t, r, aggregate.Command[AccountCommand]{Key: "bob", Data: Deposit{1}})
	}
	if got := give(t, r, aggregate.Command[AccountCommand]{Data: Withdraw{7}}); got.State != 0 || got.Version != 2 {
		t.Errorf("got %+v, want 0 at version 2", got)
	}
}

// A state in memory whose place was removed does not hide a snapshot that has seen more.
// Breaks when: attempt returns what onLog makes of a state from memory.
func TestAStateInMemoryDoesNotHideASnapshotAfterATruncation(t *testing.T) {
	log, tables := newWatched(t), newTables(t)
	r := aggregate.NewRepositoryWith(log, account, aggregate.Options{Snapshots: aggregate.Snapshots{Tables: tables, Every: 10}})
	give(t, r, deposit(7))
	give(t, r, aggregate.Command[AccountCommand]{Key: "bob", Data: Deposit{1}})
	if err := r.Snapshot(t.Context(), "ann"); err != nil {
		t.Fatal(err)
	}
	if _, err := log.Truncate(t.Context(), stream.At(2)); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Execute(t.Context(), "ann", Withdraw{8}); !errors.Is(err, errBroke) {
		t.Errorf("got %v, want errBroke", err)
	}
	if got := give(t, r, deposit(0)); got.State != 7 || got.Version != 1 {
		t.Errorf("got %+v, want 7 at version 1", got)
	}
}

// A log that was restored from a backup has not come as far as a snapshot had seen.
// Breaks when: readSnapshot goes by what was seen although the last event is there.
func TestASnapshotThatHasSeenMoreThanTheLogIsRead(t *testing.T) {
	log, tables := memlog.New(), newTables(t)
	defer log.Close()
	r := withSnapshots(log, tables, nil)
	give(t, r, deposit(7))
	for range 3 {
		give(t, r, aggregate.Command[AccountCommand]{Key: "bob", Data: Deposit{1}})
	}
	if err := r.Snapshot(t.Context(), "ann"); err != nil {
		t.Fatal(err)
	}
	restored := memlog.New()
	defer restored.Close()
	err := log.Read(t.Context(), stream.Query{To: stream.At(2)}, func(records []stream.Record, _ stream.Mark) error {
		for _, rec := range records {
			if _, err := restored.Append(t.Context(), rec.Stream, stream.AnyVersion, rec); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	other := aggregate.NewRepository(restored, account)
	for i := range 4 {
		again := withSnapshots(restored, tables, nil)
		if got := give(t, again, deposit(0)); got.State != 7+i {
			t.Errorf("got %+v, want %d", got, 7+i)
		}
		give(t, other, deposit(1))
	}
}

// Breaks when: a part looks for its command in the whole history alone.
func TestTogetherUnderAnIDLoadsFromASnapshotWhatWasRemoved(t *testing.T) {
	log, tables := newJoining(t), newTables(t)
	r := withSnapshots(log, tables, nil)
	for range 12 {
		give(t, r, deposit(1))
	}
	if _, err := log.Truncate(t.Context(), stream.At(10)); err != nil {
		t.Fatal(err)
	}
	id := stream.NewID()
	for range 2 {
		if ann, bob, err := transfer(log, r, id, "ann", "bob", 5); err != nil || ann != 7 || bob != 5 {
			t.Errorf("got %d and %d: %v; want 7 and 5", ann, bob, err)
		}
	}
}
