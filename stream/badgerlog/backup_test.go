package badgerlog_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/thaw-go/thaw/stream"
	"github.com/thaw-go/thaw/stream/badgerlog"
)

// TestARestoredLogIsTheSameLog: random lives, whose backups go on from one
// another over truncation and reopening, and after which both logs answer alike.
// Breaks when: a restored stream forgets its version at the cut (beginAtCut), the
// half of an append that is left is known as its command's effect (importHalf), or
// an increment is stored before the log is truncated as it was (truncate).
func TestARestoredLogIsTheSameLog(t *testing.T) {
	for i := range lives(t, 12) {
		seed := uint64(i)
		if i >= 6 {
			seed = rand.Uint64()
		}
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			rng := rand.New(rand.NewPCG(seed, 1))
			o := badgerlog.Options{Durability: badgerlog.Unsynced, Compress: rng.IntN(2) == 0, MinFree: -1}.SmallGenerations(50).SmallFiles()
			if rng.IntN(2) == 0 {
				o.Keys = keys(1)
			}
			dir := t.TempDir()
			l := &life{t: t, rng: rng, log: open(t, dir, o), keys: o.Keys}
			var backups [][]byte
			var since stream.Cursor
			for range 1 + rng.IntN(5) {
				l.live(rng.IntN(120))
				if rng.IntN(3) == 0 {
					if err := l.log.Close(); err != nil {
						t.Fatal(err)
					}
					l.log = open(t, dir, o)
				}
				backups, since = l.another(backups, since)
			}
			want := accountOf(t, l.log)
			if other := keys(2); rng.IntN(3) == 0 { // encrypted from now on, or under another key
				o.Keys = append(other, o.Keys...)
			}
			log, b := restored(t, o, backups...)
			if len(backups) == 1 && b.Bytes != int64(len(backups[0])) {
				t.Errorf("told were %d bytes, restored %d", b.Bytes, len(backups[0]))
			}
			if b.To.Position(0) != want.Head || b.Cut.Position(0) != want.Cut || !b.From.Equal(b.Cut) && len(backups) == 1 {
				t.Errorf("told was %+v, want a head at %d and a cut at %d", b, want.Head, want.Cut)
			}
			sameAccount(t, want, log)
			l.sameAnswers(log)
			for range 10 {
				(&life{t: t, rng: rng, log: log}).append()
			}
			next, _ := backUp(t, log, b.To)
			again, _ := restored(t, o, append(backups, next)...)
			sameAccount(t, accountOf(t, log), again)
		})
	}
}

// another backs the log up once more; from the beginning if it was truncated
// past where the last backup ended.
func (l *life) another(backups [][]byte, since stream.Cursor) ([][]byte, stream.Cursor) {
	l.t.Helper()
	var w bytes.Buffer
	b, err := l.log.Backup(context.Background(), &w, badgerlog.BackupOptions{Since: since})
	var gone *stream.TruncatedError
	if errors.As(err, &gone) && !since.IsZero() {
		if gone.From.String() != since.String() || !gone.Cut.Reached(since) || w.Len() > 0 {
			l.t.Errorf("got %v and %d bytes, want a TruncatedError from %s and none", err, w.Len(), since)
		}
		return l.another(nil, stream.Cursor{})
	}
	if err != nil {
		l.t.Fatal(err)
	}
	if since.IsZero() && b.To.Position(0) > 0 && len(backups) > 0 && !b.Cut.IsZero() {
		backups = nil // all that there was before has been removed
	}
	if _, err := badgerlog.VerifyBackup(context.Background(), badgerlog.Options{Keys: l.keys}, readers(append(backups, w.Bytes())...)...); err != nil {
		l.t.Error(err)
	}
	return append(backups, w.Bytes()), b.To
}

// TestAppendsThatWereCutInTheMiddleAreForgottenAlike: a block may end in the
// middle of an append, and so may what is left of a log.
// Breaks when: beginsHalf says no, or importUpTo does not forget the append that
// goes on behind it: then the rest of it, or the command that was sent again, is
// refused.
func TestAppendsThatWereCutInTheMiddleAreForgottenAlike(t *testing.T) {
	log := open(t, t.TempDir(), badgerlog.Options{Durability: badgerlog.Unsynced})
	l := &life{t: t, rng: rand.New(rand.NewPCG(3, 3)), log: log, records: foreign(6000)} // in appends of three
	if _, err := log.Import(t.Context(), each(l.records), badgerlog.ImportOptions{KeepPositions: true}); err != nil {
		t.Fatal(err)
	}
	var ids []stream.ID
	for i := range int64(102) {
		ids = append(ids, noteID(i))
	}
	var chain [][]byte
	var since stream.Cursor
	more := func(upTo, cut stream.Position) {
		t.Helper()
		if got, err := log.Truncate(t.Context(), stream.At(upTo)); err != nil || got.Position(0) != cut || cut%3 == 0 {
			t.Fatalf("got a cut at %s and %v, want %d, in the middle of an append", got, err, cut)
		}
		half := l.records[cut-1] // and the one behind it, of the same command
		got, err := log.Append(t.Context(), half.Stream, stream.AnyVersion, half)
		if err != nil || got[0].Position <= 6000 {
			t.Fatalf("a forgotten command: got %v and %v, want a new event", got, err)
		}
	}
	back := func() {
		t.Helper()
		next, b := backUp(t, log, since)
		chain, since = append(chain, next), b.To
	}
	back()
	more(1700, 1000)
	back()
	more(4500, 4000)
	back()
	full, _ := backUp(t, log, stream.Cursor{})
	if err := log.Verify(t.Context(), nil); err != nil {
		t.Error(err)
	}
	want := accountOf(t, log, ids...)
	for claim, backups := range map[string][][]byte{"from increments": chain, "from one": {full}} {
		t.Run(claim, func(t *testing.T) {
			got, _ := restored(t, badgerlog.Options{Durability: badgerlog.Unsynced}, backups...)
			sameAccount(t, want, got, ids...)
			for _, r := range l.records[3990:4010] {
				had, err := got.Append(t.Context(), r.Stream, stream.AnyVersion, r)
				if forgotten := r.Position < 4003; err != nil || forgotten != (had[0].Position > 6000) {
					t.Errorf("the command of position %d: got position %d and %v, want it forgotten: %v", r.Position, had[0].Position, err, forgotten)
				}
			}
			if err := got.Verify(t.Context(), nil); err != nil {
				t.Error(err)
			}
		})
	}
}

// sameAnswers gives both logs the same appends: old commands and new ones.
func (l *life) sameAnswers(other *badgerlog.Log) {
	l.t.Helper()
	for range 100 {
		r := record()
		if n := len(l.records); n > 0 && l.rng.IntN(4) > 0 {
			r = l.records[l.rng.IntN(n)]
		}
		r.Stream = l.id()
		answer := func(log *badgerlog.Log) string {
			got, err := log.Append(context.Background(), r.Stream, stream.AnyVersion, r)
			if err != nil {
				return err.Error()
			}
			return fmt.Sprint(got[0].Position, got[0].Version, len(got))
		}
		if want, got := answer(l.log), answer(other); got != want {
			l.t.Errorf("append to %s with command %s: got %s, want %s", r.Stream, r.Command, got, want)
		}
	}
}

// Breaks when: Backup settles, which a log without room refuses.
func TestALogThatTakesNoWritesIsBackedUp(t *testing.T) {
	for claim, o := range map[string]badgerlog.Options{
		"no room on the disk":  {MinFree: 1 << 60},
		"read only":            {ReadOnly: true},
		"read only, encrypted": {ReadOnly: true, Keys: keys(1)},
	} {
		t.Run(claim, func(t *testing.T) {
			dir, _ := lived(t, true, o.Keys...)
			log := open(t, dir, o.SmallFiles())
			want := readableOf(t, log)
			b, _ := backUp(t, log, stream.Cursor{})
			got, _ := restored(t, badgerlog.Options{Keys: o.Keys}.SmallFiles(), b)
			if diff := cmp.Diff(want, readableOf(t, got)); diff != "" {
				t.Errorf("(-log +restored)\n%s", diff)
			}
			if err := got.Verify(t.Context(), nil); err != nil {
				t.Error(err)
			}
		})
	}
}

// readableOf leaves out what only an append can find out.
func readableOf(t *testing.T, log *badgerlog.Log) (a account) {
	t.Helper()
	s, err := log.Stats(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	a.Head, a.Cut, a.States = s.Head, s.Cut, map[string]string{}
	if a.Events, err = read(t, log, stream.Query{From: stream.At(s.Cut)}); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"mailer", "auditor"} {
		at, ok, err := log.Cursor(t.Context(), name)
		if err != nil {
			t.Fatal(err)
		}
		a.States[name] = fmt.Sprint(at, ok)
		err = log.States(t.Context(), name, "", func(key string, value []byte) error {
			a.States[name+key] = string(value)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return a
}

// TestABackupGoesOnInTheMiddleOfABlock: the database merges what was stored
// before a backup with what came behind it.
// Breaks when: blocks.part takes a block for whole that begins earlier.
func TestABackupGoesOnInTheMiddleOfABlock(t *testing.T) {
	dir := t.TempDir()
	log := open(t, dir, badgerlog.Options{Durability: badgerlog.Unsynced})
	more := func() {
		for range 10 {
			appendOne(t, log, noteID(1))
		}
	}
	more()
	first, b := backUp(t, log, stream.Cursor{})
	more()
	if err := log.Close(); err != nil {
		t.Fatal(err)
	}
	log = open(t, dir, badgerlog.Options{Durability: badgerlog.Unsynced})
	if s, err := log.Stats(t.Context()); err != nil || s.Blocks != 1 {
		t.Fatalf("got %d blocks and %v, want one", s.Blocks, err)
	}
	more()
	next, _ := backUp(t, log, b.To)
	got, _ := restored(t, badgerlog.Options{Durability: badgerlog.Unsynced}, first, next)
	if diff := cmp.Diff(all(t, log), all(t, got)); diff != "" {
		t.Errorf("(-log +restored)\n%s", diff)
	}
}

// Breaks when: CheckFrom is not asked.
func TestABackupDoesNotBeginPastTheHead(t *testing.T) {
	log := open(t, t.TempDir(), badgerlog.Options{})
	appendOne(t, log, noteID(1))
	var invalid *stream.InvalidError
	if _, err := log.Backup(t.Context(), io.Discard, badgerlog.BackupOptions{Since: stream.At(2)}); !errors.As(err, &invalid) {
		t.Errorf("got %v, want an InvalidError", err)
	}
	empty, b := backUp(t, log, stream.At(1))
	if b.Events != 0 || b.From.String() != "1" || b.To.String() != "1" {
		t.Errorf("at the head: got %+v, want an empty backup of %d bytes", b, len(empty))
	}
}

// BenchmarkBackup backs up, reads and restores a log.
func BenchmarkBackup(b *testing.B) {
	log := open(b, b.TempDir(), badgerlog.Options{Durability: badgerlog.Unsynced})
	history(b, log, 200_000)
	backup, _ := backUp(b, log, stream.Cursor{})
	perEvent := func(b *testing.B) { b.ReportMetric(200_000*float64(b.N)/b.Elapsed().Seconds(), "events/s") }
	b.Run("backup", func(b *testing.B) {
		b.SetBytes(int64(len(backup)))
		for b.Loop() {
			if _, err := log.Backup(b.Context(), io.Discard, badgerlog.BackupOptions{}); err != nil {
				b.Fatal(err)
			}
		}
		perEvent(b)
	})
	b.Run("verify", func(b *testing.B) {
		b.SetBytes(int64(len(backup)))
		for b.Loop() {
			if _, err := badgerlog.VerifyBackup(b.Context(), badgerlog.Options{}, bytes.NewReader(backup)); err != nil {
				b.Fatal(err)
			}
		}
		perEvent(b)
	})
	b.Run("restore", func(b *testing.B) {
		b.SetBytes(int64(len(backup)))
		dir := b.TempDir()
		for n := 0; b.Loop(); n++ {
			if _, err := badgerlog.Restore(b.Context(), filepath.Join(dir, fmt.Sprint(n)), badgerlog.Options{}, bytes.NewReader(backup)); err != nil {
				b.Fatal(err)
			}
		}
		perEvent(b)
	})
}
