package badgerlog_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/thaw-go/thaw/stream"
	"github.com/thaw-go/thaw/stream/badgerlog"
)

func mail(command stream.EventID, tags ...string) stream.Record {
	return stream.Record{Header: stream.Header{Type: "SENT", Schema: 1, Command: command, Tags: tags}, Data: []byte(`{"x":1}`)}
}

func write(topic, key string, expected stream.Version, records ...stream.Record) stream.Write {
	return stream.Write{Stream: stream.ID{Topic: topic, Key: key}, Expected: expected, Records: records}
}

// kinds are how logs are opened for what should not depend on it.
func kinds() map[string]badgerlog.Options {
	return map[string]badgerlog.Options{
		"as it comes":   {Durability: badgerlog.Unsynced},
		"few at once":   badgerlog.Options{Durability: badgerlog.Unsynced, Compress: true}.SmallGenerations(3),
		"one at a time": badgerlog.Options{Durability: badgerlog.Unsynced}.SmallGenerations(1),
	}
}

// A batch is stored as a whole: its positions follow one another, and a version that is
// not as expected stores nothing of it, also if it is only checked.
// Breaks when: decideJoint accepts a write before it has checked all of them.
func TestABatchIsStoredAsAWholeOrNotAtAll(t *testing.T) {
	for name, o := range kinds() {
		t.Run(name, func(t *testing.T) {
			log := open(t, t.TempDir(), o)
			command := stream.NewID()
			got, err := log.AppendAll(t.Context(), stream.Batch{Writes: []stream.Write{
				write("a", "1", 0, mail(command), mail(command)),
				write("b", "1", stream.AnyVersion, mail(command)),
				write("a", "2", 0),
			}})
			if err != nil || len(got) != 3 {
				t.Fatalf("got %d records: %v", len(got), err)
			}
			for i, want := range []string{"a/1 1", "a/1 2", "b/1 1"} {
				if found := fmt.Sprint(got[i].Stream, got[i].Version); found != want || got[i].Position != stream.Position(i+1) {
					t.Errorf("event %d: got %s at %d, want %s at %d", i, found, got[i].Position, want, i+1)
				}
			}
			for _, bad := range [][]stream.Write{
				{write("b", "1", 1, mail(stream.EventID{1})), write("a", "1", 1, mail(stream.EventID{1}))},
				{write("b", "1", 1, mail(stream.EventID{1})), write("a", "1", 1)},
			} {
				_, err := log.AppendAll(t.Context(), stream.Batch{Writes: bad})
				var conflict *stream.ConflictError
				if !errors.As(err, &conflict) || *conflict != (stream.ConflictError{Stream: got[0].Stream, Expected: 1, Actual: 2}) {
					t.Errorf("got %v, want a conflict at version 2 of a/1", err)
				}
			}
			if head, err := log.Head(t.Context()); err != nil || !head.Equal(stream.At(3)) {
				t.Errorf("after conflicts the head is %s: %v", head, err)
			}
			if err := log.Verify(t.Context(), nil); err != nil {
				t.Error(err)
			}
		})
	}
}

// A command takes effect once, also on several streams and topics, across a kill and a
// restart, and answers with what it did, in the order of the writes. It is one command
// with Append's.
// Breaks when: divide does not merge a batch's shares; knownJoint does not compare the
// streams; decideAppend takes a command for its own that did more than that.
func TestABatchesCommandTakesEffectOnce(t *testing.T) {
	for name, o := range kinds() {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			log := open(t, dir, o)
			command := stream.NewID()
			batch := stream.Batch{Writes: []stream.Write{
				write("a", "1", 0, mail(command)), write("b", "1", 0, mail(command), mail(command)), write("a", "2", 0, mail(command)),
			}}
			first, err := log.AppendAll(t.Context(), batch)
			if err != nil {
				t.Fatal(err)
			}
			single, err := log.Append(t.Context(), stream.ID{Topic: "c", Key: "1"}, 0, mail(command))
			if err != nil {
				t.Fatal(err)
			}
			check := func(when string) {
				t.Helper()
				again, err := log.AppendAll(t.Context(), batch)
				if diff := cmp.Diff(first, again); err != nil || diff != "" {
					t.Errorf("%s, again: %v\n%s", when, err, diff)
				}
				backwards := stream.Batch{Writes: slices.Clone(batch.Writes)}
				slices.Reverse(backwards.Writes)
				again, err = log.AppendAll(t.Context(), backwards)
				if diff := cmp.Diff([]stream.Record{first[3], first[1], first[2], first[0]}, again); err != nil || diff != "" {
					t.Errorf("%s, in another order: %v\n%s", when, err, diff)
				}
				again, err = log.AppendAll(t.Context(), stream.Batch{Writes: []stream.Write{write("c", "1", 7, mail(command))}})
				if diff := cmp.Diff(single, again); err != nil || diff != "" {
					t.Errorf("%s, what Append stored: %v\n%s", when, err, diff)
				}
				for _, other := range [][]stream.Write{
					batch.Writes[:2], // less than it did
					append(slices.Clone(batch.Writes), write("a", "3", 0, mail(command))),
					append(slices.Clone(batch.Writes), write("d", "1", 0, mail(command))),
					{write("a", "3", 0, mail(command))},
				} {
					_, err := log.AppendAll(t.Context(), stream.Batch{Writes: other})
					var reused *stream.CommandReusedError
					if !errors.As(err, &reused) || reused.Command != command {
						t.Errorf("%s, on other streams %v: got %v, want a CommandReusedError", when, other, err)
					}
				}
				var reused *stream.CommandReusedError
				if _, err := log.Append(t.Context(), stream.ID{Topic: "a", Key: "2"}, stream.AnyVersion, mail(command)); !errors.As(err, &reused) {
					t.Errorf("%s, Append on one of two: got %v, want a CommandReusedError", when, err)
				}
				again, err = log.Append(t.Context(), stream.ID{Topic: "b", Key: "1"}, stream.AnyVersion, mail(command))
				if diff := cmp.Diff(first[1:3], again); err != nil || diff != "" {
					t.Errorf("%s, in one of its topics: %v\n%s", when, err, diff)
				}
				if err := log.Verify(t.Context(), nil); err != nil {
					t.Errorf("%s: %v", when, err)
				}
			}
			check("at once")
			log = afterKill(t, log, o)
			check("after a kill")
			log = reopen(t, log)
			check("after a restart")
		})
	}
}

// afterKill is what a kill would leave of a log, opened.
func afterKill(t *testing.T, log *badgerlog.Log, o badgerlog.Options) *badgerlog.Log {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "killed")
	if err := os.CopyFS(dir, os.DirFS(log.Dir())); err != nil {
		t.Fatal(err)
	}
	return open(t, dir, o)
}
