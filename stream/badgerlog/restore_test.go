package badgerlog_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/thaw-go/thaw/stream"
	"github.com/thaw-go/thaw/stream/badgerlog"
)

// Breaks when: openChain compares positions only, or takes any first backup.
func TestBackupsThatDoNotGoOnFromOneAnotherAreRefused(t *testing.T) {
	log, other := open(t, t.TempDir(), badgerlog.Options{}), open(t, t.TempDir(), badgerlog.Options{})
	var parts, others [][]byte
	var since stream.Cursor
	for range 3 {
		for range 4 {
			appendOne(t, log, noteID(1))
			appendOne(t, other, noteID(1))
		}
		next, b := backUp(t, log, since)
		foreign, _ := backUp(t, other, since)
		parts, others, since = append(parts, next), append(others, foreign), b.To
	}
	for claim, c := range map[string]struct {
		backups [][]byte
		at      int
		says    string
	}{
		"a gap":                     {[][]byte{parts[0], parts[2]}, 2, "goes on from position 4, found one that goes on from 8"},
		"an overlap":                {[][]byte{parts[0], parts[1], parts[1]}, 3, "goes on from position 8, found one that goes on from 4"},
		"the wrong order":           {[][]byte{parts[0], parts[2], parts[1]}, 2, "goes on from position 4, found one that goes on from 8"},
		"no beginning":              {[][]byte{parts[1], parts[2]}, 1, "begins where its log does, at position 0, found one that goes on from position 4"},
		"another log's":             {[][]byte{parts[0], others[1]}, 2, "it is of another log"},
		"two backups in one reader": {[][]byte{append(bytes.Clone(parts[0]), parts[1]...)}, 1, "more bytes follow the end"},
		"something else":            {[][]byte{[]byte(strings.Repeat("something else ", 20))}, 1, "expected a backup"},
	} {
		t.Run(claim, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "restored")
			_, err := badgerlog.Restore(t.Context(), dir, badgerlog.Options{}, readers(c.backups...)...)
			var broken *badgerlog.BackupError
			if !errors.As(err, &broken) || broken.Backup != c.at || !strings.Contains(err.Error(), c.says) {
				t.Errorf("restore: got %v, want a BackupError of backup %d that says %q", err, c.at, c.says)
			}
			if _, again := badgerlog.VerifyBackup(t.Context(), badgerlog.Options{}, readers(c.backups...)...); again == nil || again.Error() != err.Error() {
				t.Errorf("verify: got %v, want %v", again, err)
			}
		})
	}
	if _, err := badgerlog.Restore(t.Context(), t.TempDir(), badgerlog.Options{}); err == nil {
		t.Error("no backup at all: got no error")
	}
}

// TestARestoreThatFailsLeavesNoLog: it is not opened, not even for reading, and
// can be repeated. A directory with anything in it is not touched.
// Breaks when: the mark is made after the stamp, or finish comes before Close.
func TestARestoreThatFailsLeavesNoLog(t *testing.T) {
	l := &life{t: t, rng: rand.New(rand.NewPCG(7, 7)), log: open(t, t.TempDir(), badgerlog.Options{Durability: badgerlog.Unsynced})}
	l.live(100)
	whole, b := backUp(t, l.log, stream.Cursor{})
	dir := filepath.Join(t.TempDir(), "restored")
	ctx, cancel := context.WithCancel(t.Context())
	for claim, try := range map[string]func() error{
		"cut short": func() error {
			_, err := badgerlog.Restore(t.Context(), dir, badgerlog.Options{}, bytes.NewReader(whole[:len(whole)-1]))
			return err
		},
		"cancelled": func() error {
			_, err := badgerlog.Restore(ctx, dir, badgerlog.Options{}, io.TeeReader(bytes.NewReader(whole), cancels{cancel}))
			if !errors.Is(err, context.Canceled) {
				t.Errorf("got %v, want the context's error", err)
			}
			return err
		},
	} {
		if err := try(); err == nil {
			t.Fatalf("%s: got no error", claim)
		}
		for _, o := range []badgerlog.Options{{}, {ReadOnly: true}} {
			var format *badgerlog.FormatError
			if log, err := badgerlog.Open(dir, o); !errors.As(err, &format) || !strings.Contains(err.Error(), "restore that did not finish") {
				t.Fatalf("%s: opened with %v and %v, want a FormatError", claim, log, err)
			}
		}
	}
	if got, err := badgerlog.Restore(t.Context(), dir, badgerlog.Options{}, bytes.NewReader(whole)); err != nil || got.To.String() != b.To.String() {
		t.Fatalf("again: got %+v and %v, want %+v", got, err, b)
	}
	sameAccount(t, accountOf(t, l.log), open(t, dir, badgerlog.Options{}))

	var format *badgerlog.FormatError
	var locked *badgerlog.LockedError
	if _, err := badgerlog.Restore(t.Context(), l.log.Dir(), badgerlog.Options{}, bytes.NewReader(whole)); !errors.As(err, &locked) {
		t.Errorf("over a log that is open: got %v, want a LockedError", err)
	}
	closed, _ := lived(t, false)
	notes := t.TempDir()
	if err := os.WriteFile(filepath.Join(notes, "notes.txt"), []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{closed, notes} {
		before := files(t, dir)
		if _, err := badgerlog.Restore(t.Context(), dir, badgerlog.Options{}, bytes.NewReader(whole)); !errors.As(err, &format) {
			t.Errorf("over what is there: got %v, want a FormatError", err)
		}
		if diff := cmp.Diff(before, files(t, dir)); diff != "" {
			t.Errorf("over what is there (-before +after)\n%s", diff)
		}
	}
}

// cancels cancels a context when it is written to.
type cancels struct{ cancel context.CancelFunc }

func (c cancels) Write(b []byte) (int, error) { c.cancel(); return len(b), nil }
