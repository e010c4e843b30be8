package badgerlog_test

import (
	"bytes"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dgraph-io/badger/v4"

	"github.com/thaw-go/thaw/stream"
	"github.com/thaw-go/thaw/stream/badgerlog"
)

// remembered is an event whose command is remembered for a minute.
func remembered(command stream.EventID) stream.Record {
	r := mail(command, "tag")
	r.Remember = 60
	return r
}

// commandsIn is how many commands' effects a closed log's database has.
func commandsIn(t *testing.T, dir string) (n int) {
	t.Helper()
	db, err := badger.OpenManaged(badger.DefaultOptions(dir).WithLogger(nil).WithReadOnly(true))
	if err != nil {
		t.Fatal(err)
	}
	txn := db.NewTransactionAt(1<<62, false)
	it := txn.NewIterator(badger.IteratorOptions{Prefix: []byte{'c'}})
	for it.Rewind(); it.Valid(); it.Next() {
		n++
	}
	it.Close()
	txn.Discard()
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	return n
}

// A command takes effect once as long as it is remembered, to the nanosecond, and then
// anew; its entry has left the database by then. It is the same across a restart, after
// a kill, and in a log that is restored from a backup.
// Breaks when: known does not compare the time, divide does not find how long a
// command is remembered, or setUntil sets no expiry.
func TestACommandIsRememberedForItsTimeAndNoLonger(t *testing.T) {
	for name, o := range kinds() {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			synctest.Test(t, func(t *testing.T) {
				log, err := badgerlog.Open(dir, o)
				if err != nil {
					t.Fatal(err)
				}
				one, batch := stream.EventID{1}, stream.Batch{Writes: []stream.Write{write("a", "1", stream.AnyVersion, remembered(stream.EventID{2})), write("b", "1", stream.AnyVersion, remembered(stream.EventID{2}))}}
				send := func(wantHead stream.Position, when string) {
					t.Helper()
					stored, err := log.Append(t.Context(), stream.ID{Topic: "a", Key: "2"}, stream.AnyVersion, remembered(one))
					if err == nil {
						_, err = log.AppendAll(t.Context(), batch)
					}
					head, also := log.Head(t.Context())
					if err := errors.Join(err, also, log.Verify(t.Context(), nil)); err != nil || head.Position(0) != wantHead || stored[0].Position != wantHead-2 {
						t.Errorf("%s: stored at %d of %s, want that of %d: %v", when, stored[0].Position, head, wantHead, err)
					}
				}
				again := func() {
					t.Helper()
					if err := log.Close(); err != nil {
						t.Fatal(err)
					}
					if log, err = badgerlog.Open(dir, o); err != nil {
						t.Fatal(err)
					}
				}
				send(3, "at first")
				time.Sleep(59 * time.Second) // virtual, as all here
				send(3, "a second before its time has passed")
				again()
				time.Sleep(time.Second)
				send(3, "as it passes, after a restart")
				time.Sleep(time.Nanosecond)
				send(6, "just after it has passed")
				send(6, "again")
				again()
				send(6, "again, after a restart")
				own := log
				viaBackup(t, own, func(other *badgerlog.Log) {
					log = other
					send(6, "again, restored")
				})
				log = own
				time.Sleep(61 * time.Second)
				again()
				if err := errors.Join(log.Verify(t.Context(), nil), log.Close()); err != nil {
					t.Error(err)
				}
				if n := commandsIn(t, dir); n != 0 {
					t.Errorf("%d commands are in the database after their time", n)
				}
				if log, err = badgerlog.Open(dir, o); err != nil {
					t.Fatal(err)
				}
				send(9, "after its second time has passed")
				if err := log.Close(); err != nil {
					t.Error(err)
				}
				if n := commandsIn(t, dir); n != 3 {
					t.Errorf("%d commands are in the database, want 3", n)
				}
			})
		})
	}
}

// viaBackup makes the same log from a backup.
func viaBackup(t *testing.T, log *badgerlog.Log, use func(*badgerlog.Log)) {
	t.Helper()
	var b bytes.Buffer
	if _, err := log.Backup(t.Context(), &b, badgerlog.BackupOptions{}); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if _, err := badgerlog.Restore(t.Context(), dir, badgerlog.Options{Durability: badgerlog.Unsynced}, &b); err != nil {
		t.Fatal(err)
	}
	other, err := badgerlog.Open(dir, badgerlog.Options{Durability: badgerlog.Unsynced})
	if err != nil {
		t.Fatal(err)
	}
	use(other)
	if err := other.Close(); err != nil {
		t.Error(err)
	}
}
