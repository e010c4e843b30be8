package badgerlog

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/dgraph-io/badger/v4"

	"github.com/thaw-go/thaw/stream"
)

// spanned makes a log of short and long spans, in one generation or in many, and
// closes it. It returns what each stream was given, in order.
func spanned(t *testing.T, o Options, random *rand.Rand) (dir string, given map[stream.ID][]string) {
	t.Helper()
	dir, given = t.TempDir(), map[stream.ID][]string{}
	log, err := Open(dir, o)
	if err != nil {
		t.Fatal(err)
	}
	for n := range 40 {
		id := stream.ID{Topic: "t", Key: fmt.Sprint("k", random.IntN(4))}
		events := []int{1, 3, longSpanEvents - 1, longSpanEvents, 400, 1500}[random.IntN(6)]
		records := make([]stream.Record, events)
		for i := range records {
			text := fmt.Sprint(n, " ", i)
			given[id] = append(given[id], text)
			records[i] = stream.Record{Header: stream.Header{Type: "T"}, Data: []byte(text)}
			if events == 3 { // few, but long
				records[i].Data = append(records[i].Data, bytes.Repeat([]byte{' '}, longSpanBytes/3)...)
			}
		}
		if _, err := log.Append(t.Context(), id, stream.AnyVersion, records...); err != nil {
			t.Fatal(err)
		}
	}
	if err := log.Close(); err != nil {
		t.Fatal(err)
	}
	return dir, given
}

// references are a database's references, by their keys.
func references(t *testing.T, dir string) map[string][]byte {
	t.Helper()
	found := map[string][]byte{}
	tamper(t, dir, func(txn *badger.Txn) error {
		it := txn.NewIterator(badger.IteratorOptions{Prefix: []byte{streamPrefix}})
		defer it.Close()
		for it.Rewind(); it.Valid(); it.Next() {
			value, err := it.Item().ValueCopy(nil)
			if err != nil {
				return err
			}
			if _, ok := referred(value); ok {
				found[string(it.Item().KeyCopy(nil))] = value
			}
		}
		return nil
	})
	return found
}

func texts(t *testing.T, log *Log, q stream.Query) map[stream.ID][]string {
	t.Helper()
	found := map[stream.ID][]string{}
	err := log.Read(t.Context(), q, func(records []stream.Record, _ stream.Mark) error {
		for _, r := range records {
			found[r.Stream] = append(found[r.Stream], string(bytes.TrimRight(r.Data, " ")))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// TestLongSpansAreStoredOnceAndReadLikeOthers.
// Breaks when: eachOwn drops one event too few; copied does not stop at an own
// block; collect does not follow references.
func TestLongSpansAreStoredOnceAndReadLikeOthers(t *testing.T) {
	for seed := range uint64(6) {
		random := rand.New(rand.NewPCG(seed, 7))
		o := Options{Durability: Unsynced, Compress: seed%2 == 1, seams: seams{generation: []int{100, 2000, 0}[seed/2]}}
		dir, given := spanned(t, o, random)
		if len(references(t, dir)) < 10 {
			t.Error("hardly any span is stored once: the test proves too little")
		}
		log, err := Open(dir, o)
		if err != nil {
			t.Fatal(err)
		}
		if err := log.Verify(t.Context(), nil); err != nil {
			t.Errorf("seed %d: %v", seed, err)
		}
		for id, want := range given {
			for what, q := range map[string]stream.Query{"the log": {}, "the instance": {Match: []stream.Match{{Topic: id.Topic, Key: id.Key}}}} {
				if got := texts(t, log, q)[id]; !slices.Equal(got, want) {
					t.Errorf("seed %d: read %s: got %d events of %s, want %d", seed, what, len(got), id, len(want))
				}
			}
		}
		if err := log.Close(); err != nil {
			t.Error(err)
		}
	}
}

// TestAReferenceToWhatIsNotThereIsFound takes away a block that a reference
// names, and damages a reference.
// Breaks when: openBlock takes a reference for an empty block; handVersions does
// not compare versions with the entry's key.
func TestAReferenceToWhatIsNotThereIsFound(t *testing.T) {
	for name, spoil := range map[string]func(*badger.Txn, []byte, []byte) error{
		"the block is gone": func(txn *badger.Txn, _, value []byte) error {
			last, _ := referred(value)
			return txn.Delete(blockKey(last))
		},
		"the reference is damaged": func(txn *badger.Txn, key, value []byte) error {
			value[len(value)-8]++
			return txn.Set(key, value)
		},
		"it names another block": func(txn *badger.Txn, key, value []byte) error {
			last, _ := referred(value)
			it := txn.NewIterator(badger.IteratorOptions{Prefix: []byte{blockPrefix}})
			defer it.Close()
			it.Seek(blockKey(last + 1))
			other, _, err := numbered([]byte{blockPrefix}, it.Item().Key())
			return errors.Join(err, txn.Set(key, encodeReference(stream.Position(other))))
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir, _ := spanned(t, Options{Durability: Unsynced}, rand.New(rand.NewPCG(1, 1)))
			var key, value []byte
			for k, v := range references(t, dir) {
				if key == nil || k < string(key) {
					key, value = []byte(k), v
				}
			}
			tamper(t, dir, func(txn *badger.Txn) error { return spoil(txn, key, value) })
			log, err := Open(dir, Options{Durability: Unsynced})
			if err != nil {
				t.Fatal(err)
			}
			defer func() {
				if err := log.Close(); err != nil {
					t.Error(err)
				}
			}()
			end := bytes.IndexByte(key[3:], 0) + 3
			q := stream.Query{Match: []stream.Match{{Topic: "t", Key: string(key[3:end])}}}
			err = log.Read(t.Context(), q, func([]stream.Record, stream.Mark) error { return nil })
			var corrupt *stream.CorruptError
			if !errors.As(err, &corrupt) || corrupt.Position == 0 {
				t.Errorf("loading %s: got %v, want a CorruptError with a position", q.Match[0].Key, err)
			}
			if err := log.Verify(t.Context(), nil); !errors.As(err, &corrupt) {
				t.Errorf("verify: got %v, want a CorruptError", err)
			}
		})
	}
}
