package badgerlog

import (
	"bytes"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/thaw-go/thaw/stream"
)

// backedUp is a log on a disk, truncated, with consumers and with events in
// memory.
func backedUp(t *testing.T, d *disk) *Log {
	t.Helper()
	log, err := Open(t.TempDir(), d.options(Unsynced))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := log.Close(); err != nil {
			t.Error(err)
		}
	})
	for i := range 40 {
		r := stream.Record{Header: stream.Header{Type: "T", Command: stream.NewID()}, Data: bytes.Repeat([]byte("data"), 1+i%50)}
		if _, err := log.Append(t.Context(), stream.ID{Topic: "t", Key: fmt.Sprint(i % 5)}, stream.AnyVersion, r, r); err != nil {
			t.Fatal(err)
		}
	}
	if err := log.Checkpoint(t.Context(), "c", stream.At(30), stream.Change{Key: "k", Value: []byte("v")}); err != nil {
		t.Fatal(err)
	}
	if _, err := log.Truncate(t.Context(), stream.At(20)); err != nil {
		t.Fatal(err)
	}
	log.collector.stop() // it would meet the faults
	return log
}

// TestABackupOfADiskThatFailsSaysSo: at every call, and what it has written is
// not taken for a backup.
// Breaks when: an error of instant.collect or of lostWalk.some is dropped.
func TestABackupOfADiskThatFailsSaysSo(t *testing.T) {
	d := breaking(call{}, false)
	log := backedUp(t, d)
	var counts tally
	for n := 1; ; n++ {
		d.breakNext(n)
		var w bytes.Buffer
		_, err := log.Backup(t.Context(), &w, BackupOptions{})
		failed := d.failures()
		counts.add(failed)
		if _, broken := VerifyBackup(t.Context(), Options{}, &w); (broken == nil) != (err == nil) {
			t.Errorf("call %d: backed up with %v, verified with %v", n, err, broken)
		}
		if len(failed) == 0 {
			if err != nil {
				t.Errorf("no call failed: got %v", err)
			}
			break
		}
		if !d.says(err) {
			t.Errorf("call %d, %s: got %v, want it to say %v", n, failed, err, d.cause)
		}
	}
	d.breakNext(0)
	counts.log(t, "db.iterate", "db.value", "db.get")
}

// restoreCalls are those into storage that only a restore makes.
var restoreCalls = []string{"restore.claim", "restore.finish"}

// TestARestoreToADiskThatFailsLeavesNoLog: at any call. What opens is whole.
// Breaks when: restore does not take the error of Close.
func TestARestoreToADiskThatFailsLeavesNoLog(t *testing.T) {
	for name, keys := range map[string][][]byte{"plain": nil, "encrypted": keysOf(1)} {
		t.Run(name, func(t *testing.T) { failingRestores(t, keys) })
	}
}

func failingRestores(t *testing.T, keys [][]byte) {
	under := func(d *disk) Options {
		o := d.options(Unsynced)
		o.Keys = keys
		return o
	}
	quiet := breaking(call{}, false)
	log := backedUp(t, quiet)
	var w bytes.Buffer
	b, err := log.Backup(t.Context(), &w, BackupOptions{})
	if err != nil {
		t.Fatal(err)
	}
	seen := breaking(call{}, false)
	if _, err := Restore(t.Context(), filepath.Join(t.TempDir(), "seen"), under(seen), bytes.NewReader(w.Bytes())); err != nil {
		t.Fatal(err)
	}
	var counts tally
	for _, at := range seen.spread(faultsWanted(t, 60)) {
		d := breaking(at, false)
		dir := filepath.Join(t.TempDir(), "restored")
		_, err := Restore(t.Context(), dir, under(d), bytes.NewReader(w.Bytes()))
		counts.add(d.failures())
		again, opened := Open(dir, Options{MinFree: -1, Keys: keys})
		var format *FormatError
		switch {
		case err == nil && opened == nil: // the fault was not met, or by the collector
			if len(d.failures()) > 0 && !strings.HasPrefix(at.name, "db.i") && !strings.HasPrefix(at.name, "db.g") && !strings.HasPrefix(at.name, "gc.") {
				t.Errorf("%s: restored with no error", at)
			}
			if head, err := again.Head(t.Context()); err != nil || !head.Equal(b.To) {
				t.Errorf("%s: got the head at %s and %v, want %s", at, head, err, b.To)
			}
		case !d.says(err), !errors.As(opened, &format) && at.name != "lock.close" && at.name != "restore.claim":
			// Before the claim the directory is empty, and stays so.
			t.Errorf("%s: restored with %v, opened with %v, want an error that says %v and a FormatError", at, err, opened, d.cause)
		}
		if opened == nil {
			if err := again.Close(); err != nil {
				t.Error(err)
			}
		}
	}
	counts.log(t, "db.commit", "db.close")
}
