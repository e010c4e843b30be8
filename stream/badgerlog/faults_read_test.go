package badgerlog

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/thaw-go/thaw/stream"
)

// readCalls are the names of the calls into storage that asking makes.
var readCalls = []string{"db.get", "db.iterate", "db.value", "dir.read"}

// asking is a call that changes nothing. It returns what it was told, part by
// part, so that a beginning can be told from the whole.
type asking struct {
	claim string
	ask   func(ctx context.Context, log *Log, command stream.Record) ([]string, error)
}

var askings = []asking{
	{"a read of the log", func(ctx context.Context, log *Log, _ stream.Record) ([]string, error) {
		return reading(ctx, log, stream.Query{})
	}},
	{"a read of the log from the middle, of some", func(ctx context.Context, log *Log, _ stream.Record) ([]string, error) {
		return reading(ctx, log, stream.Query{From: stream.At(7), Match: []stream.Match{{Topic: "t"}}})
	}},
	{"a read of one stream", func(ctx context.Context, log *Log, _ stream.Record) ([]string, error) {
		return reading(ctx, log, stream.Query{Match: []stream.Match{{Topic: "t", Key: "b"}}})
	}},
	{"a subscription", func(ctx context.Context, log *Log, _ stream.Record) ([]string, error) {
		return reading(ctx, log, stream.Query{Follow: true})
	}},
	{"a command that comes again", func(ctx context.Context, log *Log, command stream.Record) ([]string, error) {
		got, err := log.Append(ctx, faultyB, stream.AnyVersion, command)
		return told(got), err
	}},
	{"a command that comes again on another stream", func(ctx context.Context, log *Log, command stream.Record) ([]string, error) {
		_, err := log.Append(ctx, faultyA, stream.AnyVersion, command)
		var reused *stream.CommandReusedError
		if errors.As(err, &reused) {
			return []string{reused.First.String()}, nil
		}
		return nil, err
	}},
	{"a cursor", func(ctx context.Context, log *Log, _ stream.Record) ([]string, error) {
		at, known, err := log.Cursor(ctx, "reader")
		if err != nil {
			return nil, err
		}
		return []string{at.String(), fmt.Sprint(known)}, nil
	}},
	{"a state", func(ctx context.Context, log *Log, _ stream.Record) ([]string, error) {
		value, known, err := log.State(ctx, "reader", "2")
		if err != nil {
			return nil, err
		}
		return []string{fmt.Sprint(value[:2], known)}, nil
	}},
	{"all states", func(ctx context.Context, log *Log, _ stream.Record) (got []string, err error) {
		err = log.States(ctx, "reader", "", func(key string, value []byte) error {
			got = append(got, key+string(value[:2]))
			return nil
		})
		return got, err
	}},
	{"what the log has", func(ctx context.Context, log *Log, _ stream.Record) ([]string, error) {
		s, err := log.Stats(ctx)
		if err != nil {
			return nil, err
		}
		return []string{fmt.Sprint(s.Events, s.Head, s.Stored)}, nil
	}},
	{"a verification", func(ctx context.Context, log *Log, _ stream.Record) ([]string, error) {
		return nil, log.Verify(ctx, nil)
	}},
}

// reading is what a read hands over, up to its first live mark.
func reading(ctx context.Context, log *Log, q stream.Query) (got []string, err error) {
	err = log.Read(ctx, q, func(records []stream.Record, m stream.Mark) error {
		got = append(got, told(records)...)
		if q.Follow && m.Live {
			return errEnough
		}
		return nil
	})
	if errors.Is(err, errEnough) {
		err = nil
	}
	return got, err
}

func told(records []stream.Record) (got []string) {
	for _, r := range records {
		got = append(got, fmt.Sprintf("%d %s %d %.60s", r.Position, r.Stream, r.Version, r.Data))
	}
	return got
}

// A read that fails says what was read and what the disk said, has handed over
// the beginning of what there is and nothing else, and stops neither the next
// read nor the next append.
// Breaks when: getValue takes any error for a key that is not there; collect
// leaves out an entry whose value can not be read.
func TestAFailedReadIsAnErrorAndStopsNothing(t *testing.T) {
	var injected tally
	d := breaking(call{}, false)
	log, command := logToRead(t, d)
	for _, c := range askings {
		t.Run(c.claim, func(t *testing.T) {
			want, err := c.ask(t.Context(), log, command)
			if err != nil {
				t.Fatal(err)
			}
			for n, reached := 1, true; reached; n++ {
				d.breakNext(n)
				got, err := c.ask(t.Context(), log, command)
				failed := d.failures()
				injected.add(failed)
				if reached = len(failed) > 0; reached {
					wasTold(t, d, got, want, err)
				}
				d.breakNext(0)
				if got, err := c.ask(t.Context(), log, command); err != nil || fmt.Sprint(got) != fmt.Sprint(want) {
					t.Fatalf("after %v failed at %d got %v: %v, want %v", failed, n, got, err, want)
				}
			}
		})
	}
	if _, err := log.Append(t.Context(), faultyA, stream.AnyVersion, written(1, 0)...); err != nil {
		t.Errorf("append after failed reads: %v", err)
	}
	injected.log(t, readCalls...)
}

// wasTold checks an error, and that what came before it is a beginning of the
// whole.
func wasTold(t *testing.T, d *disk, got, want []string, err error) {
	t.Helper()
	if !d.says(err) {
		t.Errorf("%v failed: got %v, want what the disk said, %v", d.failures(), err, d.cause)
	}
	for i := range got {
		if i >= len(want) || got[i] != want[i] {
			t.Errorf("part %d was %q, which is not there", i, got[i])
		}
	}
}

// logToRead is a log that has to ask its database for everything: more than is
// copied at once, in several generations. The command is one event of stream b.
func logToRead(t *testing.T, d *disk) (log *Log, command stream.Record) {
	t.Helper()
	dir := t.TempDir()
	for range 2 { // opened again, it has nothing in memory
		var err error
		if log, err = Open(dir, d.options(Synced)); err != nil {
			t.Fatal(err)
		}
		sent := written(1, 0)
		command = sent[0]
		steps := []func() error{
			func() error { return fed(log, faultyA, written(5, 10)) },
			func() error { return fed(log, faultyB, written(6, chunkBytes/3)) },
			func() error { return fed(log, faultyB, sent) },
			func() error { return fed(log, faultyA, written(2, chunkBytes/3)) },
			func() error { return remembered(log, 5) },
			log.Close,
		}
		for _, step := range steps {
			if err := step(); err != nil {
				t.Fatal(err)
			}
		}
	}
	log, err := Open(dir, d.options(Synced))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := log.Close(); err != nil {
			t.Error(err)
		}
	})
	return log, command
}

func fed(log *Log, id stream.ID, sent []stream.Record) error {
	_, err := log.Append(context.Background(), id, stream.AnyVersion, sent...)
	return err
}

// remembered saves more values than are copied at once.
func remembered(log *Log, n int) error {
	var changes []stream.Change
	for i := range n {
		changes = append(changes, stream.Change{Key: fmt.Sprint(i), Value: make([]byte, chunkBytes/3)})
	}
	return log.Checkpoint(context.Background(), "reader", stream.At(3), changes...)
}
