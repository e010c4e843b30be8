package badgerlog

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/dgraph-io/badger/v4"

	"github.com/thaw-go/thaw/stream"
)

// whole makes a log with several blocks, streams of more than one entry,
// commands and consumers, and closes it.
func whole(t *testing.T) (dir string) {
	t.Helper()
	dir = t.TempDir()
	log, err := Open(dir, Options{Durability: Unsynced, seams: seams{generation: 10}})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 60 {
		id := stream.ID{Topic: "t", Key: fmt.Sprint("k", i%4)}
		if _, err := log.Append(t.Context(), id, stream.AnyVersion, one(stream.EventID{byte(i), 1}), one(stream.EventID{byte(i), 1})); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(log.Checkpoint(t.Context(), "c", stream.At(100), stream.Change{Key: "a", Value: []byte("b")}), log.Close()); err != nil {
		t.Fatal(err)
	}
	return dir
}

// tamper changes the database behind the log's back.
func tamper(t *testing.T, dir string, change func(*badger.Txn) error) {
	t.Helper()
	db, err := badger.OpenManaged(badger.DefaultOptions(dir).WithLogger(nil))
	if err != nil {
		t.Fatal(err)
	}
	ts := db.MaxVersion() + 1
	txn := db.NewTransactionAt(ts, true)
	defer txn.Discard()
	if err := errors.Join(change(txn), txn.CommitAt(ts, nil), db.Close()); err != nil {
		t.Fatal(err)
	}
}

func verify(t *testing.T, dir string) error {
	t.Helper()
	log, err := Open(dir, Options{Durability: Unsynced})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := log.Close(); err != nil {
			t.Error(err)
		}
	}()
	done, total := uint64(0), uint64(0)
	err = log.Verify(t.Context(), func(d, all uint64) {
		if d < done || d > all {
			t.Errorf("progress goes from %d to %d of %d", done, d, all)
		}
		done, total = d, all
	})
	if total != 240 || err == nil && done != total {
		t.Errorf("progress ended at %d of %d, want 240 of 240", done, total)
	}
	return err
}

// TestVerifyNamesEveryInconsistency.
// Breaks when: compare does not compare the commands' sums, or the streams';
// walkLog does not compare a block's end with its key.
func TestVerifyNamesEveryInconsistency(t *testing.T) {
	id := stream.ID{Topic: "t", Key: "k1"}
	cases := map[string]struct {
		change func(*badger.Txn) error
		want   string
	}{
		"nothing is wrong": {func(txn *badger.Txn) error { return nil }, ""},
		"a block is missing": {func(txn *badger.Txn) error {
			return txn.Delete(blockKey(20))
		}, "expected position 11, found 21"},
		"a block has a flipped bit": {func(txn *badger.Txn) error {
			return change(txn, blockKey(20), func(b []byte) { b[40] ^= 1 })
		}, "checksum of the block"},
		"a stream's entry is missing": {func(txn *badger.Txn) error {
			return txn.Delete(floorKey(txn, streamKeys(id), streamKey(id, 10, 1<<63)))
		}, "index of t/k1: expected version"},
		"a stream's last entry is missing": {func(txn *badger.Txn) error {
			return txn.Delete(floorKey(txn, streamKeys(id), lastStreamKey(id)))
		}, "t/k1: the log has 30 of its events, its index 28"},
		"a whole stream's index is missing": {func(txn *badger.Txn) error {
			for {
				key := floorKey(txn, streamKeys(id), lastStreamKey(id))
				if key == nil {
					return nil
				}
				if err := txn.Delete(key); err != nil {
					return err
				}
			}
		}, "expected the indexes of 4 streams, found those of 3"},
		"a stream's entry has another payload": {func(txn *badger.Txn) error {
			return change(txn, floorKey(txn, streamKeys(id), streamKey(id, 10, 1<<63)), func(b []byte) { b[len(b)-1] ^= 1; sealBlock(b) })
		}, "t/k1: the log and its index have 30 events each that are not the same"},
		"a command is forgotten": {func(txn *badger.Txn) error {
			return txn.Delete(commandKey("t", stream.EventID{7, 1}))
		}, "the log has the effects of 60 commands, their index 59"},
		"a command's effect is elsewhere": {func(txn *badger.Txn) error {
			return txn.Set(commandKey("t", stream.EventID{7, 1}), (&effect{share: share{id, 3, 2}}).encode())
		}, "60 commands, their index 60, and they are not the same"},
		"a consumer is past the head": {func(txn *badger.Txn) error {
			return txn.Set(cursorKey("c"), seal([]byte("121")))
		}, "past the head, 120"},
		"a state is damaged": {func(txn *badger.Txn) error {
			return change(txn, stateKey("c", "a"), func(b []byte) { b[len(b)-1] ^= 1 })
		}, "checksum of the value"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			dir := whole(t)
			tamper(t, dir, c.change)
			err := verify(t, dir)
			if c.want == "" {
				if err != nil {
					t.Errorf("got %v, want nil", err)
				}
				return
			}
			var corrupt *stream.CorruptError
			if !errors.As(err, &corrupt) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want a CorruptError that says %q", err, c.want)
			}
		})
	}
}

func change(txn *badger.Txn, key []byte, edit func([]byte)) error {
	value, err := getValue(txn, key)
	if err != nil {
		return err
	}
	value = bytes.Clone(value)
	edit(value)
	return txn.Set(key, value)
}

func TestVerifyWaitsForNobodyAndCanBeCancelled(t *testing.T) {
	log, err := Open(whole(t), Options{Durability: Unsynced})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	err = log.Verify(ctx, func(uint64, uint64) {
		if _, err := log.Append(t.Context(), stream.ID{Topic: "t", Key: "meanwhile"}, stream.AnyVersion, one(stream.EventID{})); err != nil {
			t.Error(err)
		}
		cancel()
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want that it was cancelled", err)
	}
	if err := log.Verify(t.Context(), nil); err != nil {
		t.Errorf("after appends in the middle of it: %v", err)
	}
	if err := log.Close(); err != nil {
		t.Error(err)
	}
	if err := log.Verify(t.Context(), nil); !errors.Is(err, stream.ErrClosed) {
		t.Errorf("a closed log: got %v, want ErrClosed", err)
	}
}
