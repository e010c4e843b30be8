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
	keys    [][]byte        // its
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

// sameAccount compares a restored log with the account of the one it was
// restored from.
func sameAccount(t *testing.T, want account, got *badgerlog.Log, ids ...stream.ID) {
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
