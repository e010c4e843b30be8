package badgerlog_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/thaw-go/thaw/stream"
	"github.com/thaw-go/thaw/stream/badgerlog"
)

// life is a log that lives at random: appends of all kinds, consumers that come
// and forget, truncation.
type life struct {
	t       *testing.T
	rng     *rand.Rand
	log     *badgerlog.Log
	records []stream.Record // all that were ever appended
}

const lifeStreams = 12

func (l *life) id() stream.ID {
	return stream.ID{Topic: []string{"notes", "users"}[l.rng.IntN(2)], Key: fmt.Sprintf("key-%d", l.rng.IntN(lifeStreams))}
}

func (l *life) live(steps int) {
	l.t.Helper()
	for range steps {
		switch n := l.rng.IntN(20); {
		case n == 0 && l.rng.IntN(3) == 0:
			l.truncate()
		case n < 3:
			l.checkpoint()
		default:
			l.append()
		}
	}
}

func (l *life) append() {
	l.t.Helper()
	n := 1 + l.rng.IntN(3)
	if l.rng.IntN(20) == 0 {
		n = 1 + l.rng.IntN(300) // larger than a generation of these tests
	}
	command := stream.EventID{}
	if l.rng.IntN(4) > 0 {
		command = stream.NewID()
	}
	if old := len(l.records); old > 0 && l.rng.IntN(10) == 0 {
		command = l.records[l.rng.IntN(old)].Command // forgotten, perhaps
	}
	records := make([]stream.Record, n)
	for i := range records {
		records[i] = stream.Record{
			Header: stream.Header{Type: "WRITTEN", Schema: uint32(l.rng.IntN(3)), Command: command},
			Data:   bytes.Repeat(fmt.Appendf(nil, "%d ", l.rng.IntN(1000)), 1+l.rng.IntN(40)),
		}
		if l.rng.IntN(3) == 0 {
			records[i].CausedBy, records[i].Correlation = stream.NewID(), stream.NewID()
			records[i].Meta = stream.Metadata{"who": fmt.Sprint(l.rng.IntN(9)), "why": strings.Repeat("because ", l.rng.IntN(4))}
		}
	}
	stored, err := l.log.Append(context.Background(), l.id(), stream.AnyVersion, records...)
	var reused *stream.CommandReusedError
	var gone *stream.TruncatedError
	if err != nil && !errors.As(err, &reused) && !errors.As(err, &gone) {
		l.t.Fatal(err)
	}
	l.records = append(l.records, stored...)
}

func (l *life) checkpoint() {
	l.t.Helper()
	ctx := context.Background()
	name := fmt.Sprintf("consumer-%d", l.rng.IntN(4))
	at, _, err := l.log.Cursor(ctx, name)
	if err != nil {
		l.t.Fatal(err)
	}
	head, err := l.log.Head(ctx)
	if err != nil {
		l.t.Fatal(err)
	}
	at = stream.At(at.Position(0) + stream.Position(l.rng.IntN(int(head.Position(0)-at.Position(0))+1)))
	changes := make([]stream.Change, l.rng.IntN(8))
	for i := range changes {
		changes[i].Key = fmt.Sprintf("state %d\x00\x01", l.rng.IntN(20))
		if l.rng.IntN(4) > 0 {
			changes[i].Value = bytes.Repeat([]byte{'v'}, l.rng.IntN(400))
		}
	}
	if err := l.log.Checkpoint(ctx, name, at, changes...); err != nil {
		l.t.Fatal(err)
	}
}

func (l *life) truncate() {
	l.t.Helper()
	head, err := l.log.Head(context.Background())
	if err != nil {
		l.t.Fatal(err)
	}
	if _, err := l.log.Truncate(context.Background(), stream.At(stream.Position(l.rng.IntN(int(head.Position(0))+1)))); err != nil {
		l.t.Fatal(err)
	}
}

// account is all that a user can see of a log.
type account struct {
	Head, Cut stream.Position
	Streams   uint64
	Events    []stream.Record
	Whole     map[string]string // instances, read from their beginning
	Versions  map[string]stream.Version
	Consumers map[string]string
	States    map[string]string
}

func accountOf(t testing.TB, log *badgerlog.Log, ids ...stream.ID) account {
	t.Helper()
	ctx := context.Background()
	s, err := log.Stats(ctx)
	if err != nil {
		t.Fatal(err)
	}
	a := account{
		Head: s.Head, Cut: s.Cut, Streams: s.Streams,
		Whole: map[string]string{}, Versions: map[string]stream.Version{}, Consumers: map[string]string{}, States: map[string]string{},
	}
	if a.Events, err = read(t, log, stream.Query{From: stream.At(s.Cut)}); err != nil {
		t.Fatal(err)
	}
	for i := range 2 * lifeStreams {
		ids = append(ids, stream.ID{Topic: []string{"notes", "users"}[i%2], Key: fmt.Sprintf("key-%d", i/2)})
	}
	for _, id := range ids {
		got, err := read(t, log, stream.Query{Match: []stream.Match{{Topic: id.Topic, Key: id.Key}}})
		a.Whole[id.String()] = fmt.Sprintf("%d events, %v", len(got), err)
		_, err = log.Append(ctx, id, 1<<40, record())
		var conflict *stream.ConflictError
		if errors.As(err, &conflict) {
			a.Versions[id.String()] = conflict.Actual
		} else if !errors.Is(err, badgerlog.ErrReadOnly) {
			t.Fatal(err)
		}
	}
	for i := range 4 {
		name := fmt.Sprintf("consumer-%d", i)
		at, ok, err := log.Cursor(ctx, name)
		if err != nil {
			t.Fatal(err)
		}
		a.Consumers[name] = fmt.Sprint(at, ok)
		err = log.States(ctx, name, "", func(key string, value []byte) error {
			a.States[name+" "+key] = fmt.Sprintf("%q %v", value, value == nil)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return a
}

// backUp backs a log up into memory.
func backUp(t testing.TB, log *badgerlog.Log, since stream.Cursor) ([]byte, badgerlog.Backup) {
	t.Helper()
	var w bytes.Buffer
	b, err := log.Backup(context.Background(), &w, badgerlog.BackupOptions{Since: since})
	if err != nil {
		t.Fatal(err)
	}
	if b.Bytes != int64(w.Len()) {
		t.Errorf("told were %d bytes, written %d", b.Bytes, w.Len())
	}
	return w.Bytes(), b
}

func readers(backups ...[]byte) (list []io.Reader) {
	for _, b := range backups {
		list = append(list, bytes.NewReader(b))
	}
	return list
}

func restored(t testing.TB, o badgerlog.Options, backups ...[]byte) (*badgerlog.Log, badgerlog.Backup) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "restored")
	b, err := badgerlog.Restore(context.Background(), dir, o, readers(backups...)...)
	if err != nil {
		t.Fatal(err)
	}
	return open(t, dir, o), b
}

// checkRestored compares a restored log with the account of the one it was
// restored from.
func checkRestored(t *testing.T, want account, got *badgerlog.Log, ids ...stream.ID) {
	t.Helper()
	if diff := cmp.Diff(want, accountOf(t, got, ids...)); diff != "" {
		t.Errorf("(-log +restored)\n%s", diff)
	}
	if err := got.Verify(context.Background(), nil); err != nil {
		t.Error(err)
	}
}

// lives are how many random logs a test tries.
func lives(t *testing.T, most int) int {
	if testing.Short() {
		return min(most, 3)
	}
	return most
}

// TestARestoredLogIsTheSameLog: random lives, whose backups go on from one
// another over truncation and reopening, and after which both logs answer alike.
// Breaks when: a restored stream forgets its version at the cut (beginAtCut), the
// half of an append that is left is known as its command's effect (importHalf), an
// increment is stored before the log is truncated as it was (truncate), or a part
// of a block is written as the whole (blocks.part).
func TestARestoredLogIsTheSameLog(t *testing.T) {
	for i := range lives(t, 30) {
		seed := uint64(i)
		if i >= 10 {
			seed = rand.Uint64()
		}
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			rng := rand.New(rand.NewPCG(seed, 1))
			o := badgerlog.Options{Durability: badgerlog.Unsynced, Compress: rng.IntN(2) == 0, MinFree: -1}.SmallGenerations(50).SmallFiles()
			dir := t.TempDir()
			l := &life{t: t, rng: rng, log: open(t, dir, o)}
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
			log, b := restored(t, o, backups...)
			if b.To.Position(0) != want.Head || b.Cut.Position(0) != want.Cut || !b.From.Equal(b.Cut) && len(backups) == 1 {
				t.Errorf("told was %+v, want a head at %d and a cut at %d", b, want.Head, want.Cut)
			}
			checkRestored(t, want, log)
			l.sameAnswers(log)
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
	if _, err := badgerlog.VerifyBackup(context.Background(), readers(append(backups, w.Bytes())...)...); err != nil {
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
			checkRestored(t, want, got, ids...)
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
		"no room on the disk": {MinFree: 1 << 60},
		"read only":           {ReadOnly: true},
	} {
		t.Run(claim, func(t *testing.T) {
			dir, _ := lived(t, true)
			log := open(t, dir, o.SmallFiles())
			want := accountOf2(t, log)
			b, _ := backUp(t, log, stream.Cursor{})
			got, _ := restored(t, badgerlog.Options{}.SmallFiles(), b)
			if diff := cmp.Diff(want, accountOf2(t, got)); diff != "" {
				t.Errorf("(-log +restored)\n%s", diff)
			}
			if err := got.Verify(t.Context(), nil); err != nil {
				t.Error(err)
			}
		})
	}
}

// accountOf2 leaves out what only an append can find out.
func accountOf2(t *testing.T, log *badgerlog.Log) (a account) {
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
			if _, err := badgerlog.VerifyBackup(b.Context(), bytes.NewReader(backup)); err != nil {
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
