package badgerlog

import (
	"errors"
	"testing"

	"github.com/thaw-go/thaw/internal/journal"
	"github.com/thaw-go/thaw/stream"
)

func one(command stream.EventID) stream.Record {
	return stream.Record{Header: stream.Header{Type: "T", Schema: 1, Command: command}, Data: []byte("{}")}
}

var errDisk = errors.New("the disk has gone")

// Guarantee 3: an append whose sync failed is reported as ambiguous, nobody is
// shown it, nothing more is written, and after reopening it is whole or absent.
// Breaks when: commit calls c.accept although c.write failed, or fail does not
// set c.failed.
func TestAnAppendWhoseCommitFailsIsAmbiguousAndWholeOrAbsentAfterReopening(t *testing.T) {
	cases := map[string]struct {
		commit func(write func() error) error
		head   stream.Position // after reopening
	}{
		"storage failed before it wrote": {func(func() error) error { return errDisk }, 1},
		"storage failed after it wrote":  {func(write func() error) error { return errors.Join(write(), errDisk) }, 3},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			dir, broken := t.TempDir(), false
			o := Options{seams: seams{commit: func(write func() error) error {
				if broken {
					return c.commit(write)
				}
				return write()
			}}}
			log, err := Open(dir, o)
			if err != nil {
				t.Fatal(err)
			}
			id, command := stream.ID{Topic: "t", Key: "k"}, stream.NewID()
			if _, err := log.Append(t.Context(), id, 0, one(stream.NewID())); err != nil {
				t.Fatal(err)
			}
			broken = true
			_, err = log.Append(t.Context(), id, 1, one(command), one(command))
			var ambiguous *stream.AmbiguousError
			if !errors.As(err, &ambiguous) || ambiguous.Stream != id {
				t.Errorf("got %v, want an AmbiguousError for %s", err, id)
			}
			if head, err := log.Head(t.Context()); err != nil || !head.Equal(stream.At(1)) {
				t.Errorf("readers see %s, want what was there before, 1: %v", head, err)
			}
			broken = false
			var failed *FailedError
			if _, err := log.Append(t.Context(), id, 1, one(stream.NewID())); !errors.As(err, &failed) {
				t.Errorf("the next append got %v, want a FailedError", err)
			}
			if err := log.Close(); err != nil {
				t.Fatal(err)
			}
			checkReopened(t, dir, id, command, c.head)
		})
	}
}

func checkReopened(t *testing.T, dir string, id stream.ID, command stream.EventID, want stream.Position) {
	t.Helper()
	log, err := Open(dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := log.Close(); err != nil {
			t.Error(err)
		}
	}()
	if head, err := log.Head(t.Context()); err != nil || !head.Equal(stream.At(want)) {
		t.Errorf("after reopening the head is %s, want %d: %v", head, want, err)
	}
	stored, err := log.Append(t.Context(), id, 1, one(command), one(command))
	if err != nil || len(stored) != 2 || stored[0].Position != 2 {
		t.Errorf("the command again gave %d events, first at %v: %v; want the two at 2, once", len(stored), stored, err)
	}
	if head, err := log.Head(t.Context()); err != nil || !head.Equal(stream.At(3)) {
		t.Errorf("after the command again the head is %s, want 3: %v", head, err)
	}
}

func TestAFullDiskRefusesAppendsAndReadsGoOn(t *testing.T) {
	free := int64(1 << 40)
	log, err := Open(t.TempDir(), Options{MinFree: 1 << 20, seams: seams{free: func(string) (int64, error) { return free, nil }}})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := log.Close(); err != nil {
			t.Error(err)
		}
	}()
	id := stream.ID{Topic: "t", Key: "k"}
	if _, err := log.Append(t.Context(), id, 0, one(stream.NewID())); err != nil {
		t.Fatal(err)
	}
	free = 1000
	var full *DiskFullError
	if _, err := log.Append(t.Context(), id, 1, one(stream.NewID())); !errors.As(err, &full) || full.Free != 1000 {
		t.Errorf("got %v, want a DiskFullError", err)
	}
	read := 0
	err = log.Read(t.Context(), stream.Query{}, func(records []stream.Record, _ stream.Mark) error {
		read += len(records)
		return nil
	})
	if err != nil || read != 1 {
		t.Errorf("read %d events from a full disk, want 1: %v", read, err)
	}
	free = 1 << 40
	if stored, err := log.Append(t.Context(), id, 1, one(stream.NewID())); err != nil || stored[0].Position != 2 {
		t.Errorf("with room again got %v: %v; want position 2", stored, err)
	}
}

func TestADatabaseStampedWithANewerFormatIsRefused(t *testing.T) {
	dir := t.TempDir()
	log, err := Open(dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	write := log.db.NewTransactionAt(100, true)
	if err := errors.Join(write.Set(formatKey, seal([]byte("9"))), write.CommitAt(100, nil), log.Close()); err != nil {
		t.Fatal(err)
	}
	var format *FormatError
	if _, err := Open(dir, Options{}); !errors.As(err, &format) || format.Found != `format "9"` {
		t.Errorf("got %v, want a FormatError naming format 9", err)
	}
}

// One group holds an append, a wait for the database and a change of the log's own
// when the journal fails: each is told what is true of it, and the database is not
// written to any more. If the journal has written nothing, the append is not there.
// Breaks when: abandon answers all alike, does not set the plan's error, so that
// settle stores and answers again, or does not ask whether anything was written.
func TestAGroupThatFailsAnswersEachRequestForItself(t *testing.T) {
	for name, c := range map[string]struct {
		fails     error
		ambiguous bool
	}{"the disk fails": {errDisk, true}, "nothing is written": {journal.ErrTooLarge, false}} {
		t.Run(name, func(t *testing.T) {
			broken, flushed := false, 0
			log, err := Open(t.TempDir(), Options{seams: seams{
				commit: func(write func() error) error {
					if broken {
						return c.fails
					}
					return write()
				},
				flush: func(write func() error) error { flushed++; return write() },
			}})
			if err != nil {
				t.Fatal(err)
			}
			id := stream.ID{Topic: "t", Key: "k"}
			if _, err := log.Append(t.Context(), id, 0, one(stream.NewID())); err != nil {
				t.Fatal(err)
			}
			event, wait, own := log.queue.request(), log.queue.request(), log.queue.request()
			event.id, event.expected, event.records = id, 1, []stream.Record{one(stream.NewID())}
			wait.settle = true
			own.raw = []keyed{{key: cutKey, value: seal(make([]byte, 8))}}
			if err := log.prepare(event); err != nil {
				t.Fatal(err)
			}
			broken = true
			q := log.queue
			q.mu.Lock() // so that they are one group
			q.list = append(q.list, event, wait, own)
			q.signal()
			q.mu.Unlock()
			var ambiguous *stream.AmbiguousError
			var failed *FailedError
			if <-event.done; errors.As(event.outcome.err, &ambiguous) != c.ambiguous || event.outcome.err == nil {
				t.Errorf("the append got %v, want an AmbiguousError: %v", event.outcome.err, c.ambiguous)
			}
			if <-wait.done; !errors.As(wait.outcome.err, &failed) || errors.As(wait.outcome.err, &ambiguous) {
				t.Errorf("the wait got %v, want a FailedError", wait.outcome.err)
			}
			if <-own.done; !errors.As(own.outcome.err, &failed) || errors.As(own.outcome.err, &ambiguous) {
				t.Errorf("the log's own change got %v, want a FailedError", own.outcome.err)
			}
			if flushed > 0 {
				t.Error("the database was written to after that")
			}
			if err := log.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}

// A disk below its floor is verified, and history is removed from it, which is how
// it gets room again.
// Breaks when: prepare refuses the whole group, or decide a request to settle or
// of the log's own.
func TestAFullDiskIsVerifiedAndTruncated(t *testing.T) {
	full := false
	log, err := Open(t.TempDir(), Options{seams: seams{free: func(string) (int64, error) {
		if full {
			return 0, nil
		}
		return 1 << 40, nil
	}}})
	if err != nil {
		t.Fatal(err)
	}
	id := stream.ID{Topic: "t", Key: "k"}
	for range 3 {
		if _, err := log.Append(t.Context(), id, stream.AnyVersion, one(stream.NewID())); err != nil {
			t.Fatal(err)
		}
		if err := log.settle(t.Context()); err != nil { // each in a block of its own
			t.Fatal(err)
		}
	}
	if _, err := log.Append(t.Context(), id, stream.AnyVersion, one(stream.NewID())); err != nil {
		t.Fatal(err)
	}
	full = true
	if err := log.Verify(t.Context(), nil); err != nil {
		t.Errorf("verify: %v", err)
	}
	if cut, err := log.Truncate(t.Context(), stream.At(2)); err != nil || !cut.Equal(stream.At(2)) {
		t.Errorf("truncated up to %s: %v, want 2", cut, err)
	}
	var refused *DiskFullError
	if _, err := log.Append(t.Context(), id, stream.AnyVersion, one(stream.NewID())); !errors.As(err, &refused) {
		t.Errorf("an append got %v, want a DiskFullError", err)
	}
	if err := log.Checkpoint(t.Context(), "c", stream.At(4)); !errors.As(err, &refused) {
		t.Errorf("a checkpoint got %v, want a DiskFullError", err)
	}
	if err := log.Verify(t.Context(), nil); err != nil {
		t.Errorf("verify what is left: %v", err)
	}
	if err := log.Close(); err != nil {
		t.Error(err)
	}
}

// Storage has failed: that is when one wants to know what is there.
// Breaks when: Verify gives up because it can not settle.
func TestALogWhoseStorageFailedIsVerified(t *testing.T) {
	for name, broken := range map[string]func(*seams, func(func() error) error){
		"the journal":  func(s *seams, seam func(func() error) error) { s.commit = seam },
		"the database": func(s *seams, seam func(func() error) error) { s.flush = seam },
	} {
		t.Run(name, func(t *testing.T) {
			fails, o := false, Options{Durability: Unsynced}
			broken(&o.seams, func(write func() error) error {
				if fails {
					return errDisk
				}
				return write()
			})
			dir := t.TempDir()
			log, err := Open(dir, o)
			if err != nil {
				t.Fatal(err)
			}
			id := stream.ID{Topic: "t", Key: "k"}
			for range 2 {
				if _, err := log.Append(t.Context(), id, stream.AnyVersion, one(stream.NewID())); err != nil {
					t.Fatal(err)
				}
				if err := log.settle(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			fails = true
			_, appended := log.Append(t.Context(), id, stream.AnyVersion, one(stream.NewID()))
			settled := log.settle(t.Context())
			var failed *FailedError
			if !errors.As(settled, &failed) {
				t.Fatalf("an append got %v, and settling %v, want a FailedError", appended, settled)
			}
			if err := log.Verify(t.Context(), nil); err != nil {
				t.Errorf("what is there is whole, and verifying says %v", err)
			}
			_ = log.Close() // what it says is another test's
		})
	}
}

// Guarantee 2, its other half: a kill does not show whether a commit was synced.
// Breaks when: start opens the journal with Unsynced: true, or openBadger asks
// for SyncWrites(false).
func TestEveryCommitIsSyncedUnlessAskedOtherwise(t *testing.T) {
	for durability, want := range map[Durability]bool{Synced: true, Unsynced: false} {
		log, err := Open(t.TempDir(), Options{Durability: durability})
		if err != nil {
			t.Fatal(err)
		}
		if got := log.journal.Synced(); got != want {
			t.Errorf("durability %d: the journal syncs each record: %v, want %v", durability, got, want)
		}
		if !log.db.Opts().SyncWrites {
			t.Errorf("durability %d: the database is not synced before the journal is written over", durability)
		}
		if err := log.Close(); err != nil {
			t.Error(err)
		}
	}
	if (Options{}).Durability != Synced {
		t.Error("the zero value of Options does not mean Synced")
	}
}
