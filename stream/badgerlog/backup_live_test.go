package badgerlog_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/thaw-go/thaw/stream"
	"github.com/thaw-go/thaw/stream/badgerlog"
)

// TestABackupIsOneMomentOfALogThatGoesOn: while writers, a consumer and
// truncation go on, what is in it is a prefix of the log, and no place in it is
// past its end.
// Breaks when: hold takes the consumers' changes or the runs outside the lock.
func TestABackupIsOneMomentOfALogThatGoesOn(t *testing.T) {
	log := open(t, t.TempDir(), badgerlog.Options{Durability: badgerlog.Unsynced}.SmallGenerations(100).SmallFiles())
	history(t, log, 2000)
	stopWriters := writers(t, log, 4)
	ctx, stopOthers := context.WithCancel(t.Context())
	done := make(chan error, 2)
	go func() { // ends with its context
		for ctx.Err() == nil {
			head, err := log.Head(ctx)
			if err == nil {
				err = log.Checkpoint(ctx, "consumer-0", head, stream.Change{Key: "at", Value: []byte(head.String())})
			}
			if err != nil && ctx.Err() == nil {
				done <- err
				return
			}
		}
		done <- nil
	}()
	go func() { // ends with its context
		for at := stream.Position(100); ctx.Err() == nil; at = min(at+100, 1700) {
			if _, err := log.Truncate(ctx, stream.At(at)); err != nil && ctx.Err() == nil {
				done <- err
				return
			}
			if _, err := log.Collect(); err != nil && ctx.Err() == nil {
				done <- err
				return
			}
		}
		done <- nil
	}()
	var backups [][]byte
	var all []badgerlog.Backup
	for i := range 3 {
		slow := &slowly{log: log}
		b, err := log.Backup(t.Context(), slow, badgerlog.BackupOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if i > 0 && !b.To.Reached(all[i-1].To) {
			t.Errorf("a backup up to %s after one up to %s", b.To, all[i-1].To)
		}
		backups, all = append(backups, slow.Bytes()), append(all, b)
	}
	stopWriters()
	stopOthers()
	for range 2 {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	s, err := log.Stats(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for i, b := range backups {
		got, told := restored(t, badgerlog.Options{Durability: badgerlog.Unsynced}, b)
		if told.Events != all[i].Events || told.To.String() != all[i].To.String() {
			t.Errorf("restored was %+v, backed up %+v", told, all[i])
		}
		from := stream.At(max(s.Cut, all[i].Cut.Position(0)))
		want, err := read(t, log, stream.Query{From: from, To: all[i].To})
		have, err2 := read(t, got, stream.Query{From: from})
		if diff := cmp.Diff(want, have); diff != "" || err != nil || err2 != nil {
			t.Errorf("backup %d: %v, %v (-log +restored)\n%s", i, err, err2, diff)
		}
		at, _, err := got.Cursor(t.Context(), "consumer-0")
		state, _, err2 := got.State(t.Context(), "consumer-0", "at")
		if err != nil || err2 != nil || !at.IsZero() && string(state) != at.String() || !all[i].To.Reached(at) {
			t.Errorf("backup %d up to %s: cursor %s beside state %q: %v, %v", i, all[i].To, at, state, err, err2)
		}
		if err := got.Verify(t.Context(), nil); err != nil {
			t.Error(err)
		}
	}
}

// slowly takes bytes slowly: the log has gone on before it takes more.
type slowly struct {
	bytes.Buffer
	log *badgerlog.Log
}

func (s *slowly) Write(b []byte) (int, error) {
	head, err := s.log.Head(context.Background())
	if err == nil {
		err = follow(s.log, head.Position(0), head.Position(0)+10, nil)
	}
	if err != nil {
		return 0, err
	}
	return s.Buffer.Write(b)
}

// Breaks when: Backup does not ask for the context or for Close between blocks,
// or does not say how far it was.
func TestABackupEndsWithItsContextItsWriterOrItsLog(t *testing.T) {
	log := open(t, t.TempDir(), badgerlog.Options{Durability: badgerlog.Unsynced}.SmallGenerations(500))
	history(t, log, 5000)
	ctx, cancel := context.WithCancel(t.Context())
	told := 0
	_, err := log.Backup(ctx, io.Discard, badgerlog.BackupOptions{Progress: func(b badgerlog.Backup) {
		if told++; b.Events >= 2000 {
			cancel()
		}
	}})
	if !errors.Is(err, context.Canceled) || told < 2 || told > 9 {
		t.Errorf("cancelled: got %v after %d steps, want the context's error after some", err, told)
	}
	full := errors.New("no room")
	if _, err := log.Backup(t.Context(), failing{full}, badgerlog.BackupOptions{}); !errors.Is(err, full) {
		t.Errorf("got %v, want the writer's error", err)
	}
	_, err = log.Backup(t.Context(), io.Discard, badgerlog.BackupOptions{Progress: func(badgerlog.Backup) {
		if err := log.Close(); err != nil { // it does not wait for the backup
			t.Error(err)
		}
	}})
	if !errors.Is(err, stream.ErrClosed) {
		t.Errorf("closed meanwhile: got %v, want ErrClosed", err)
	}
}

type failing struct{ err error }

func (f failing) Write([]byte) (int, error) { return 0, f.err }
