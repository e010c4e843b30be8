package badgerlog

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/dgraph-io/badger/v4"

	"github.com/thaw-go/thaw/stream"
)

func taggedOne(tags ...string) stream.Record {
	r := one(stream.EventID{})
	r.Tags = tags
	return r
}

// makeTagged makes a log of 60 events with tags, in some generations, and closes it: all
// are of topic t and tagged "all", each third is tagged "third".
func makeTagged(t *testing.T) (dir string) {
	t.Helper()
	dir = t.TempDir()
	log, err := Open(dir, Options{Durability: Unsynced, seams: seams{generation: 20}})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 60 {
		tags := []string{"all"}
		if (i+1)%3 == 0 {
			tags = append(tags, "third")
		}
		if _, err := log.Append(t.Context(), stream.ID{Topic: "t", Key: "k"}, stream.AnyVersion, taggedOne(tags...)); err != nil {
			t.Fatal(err)
		}
	}
	if err := log.Close(); err != nil {
		t.Fatal(err)
	}
	return dir
}

// Verify names each event that the index of tags lacks and each that it names wrongly,
// and a reader is never given less than there is because an entry is damaged.
// Breaks when: dueTags or walkTags is left out, readEvent does not ask look.names, or
// findTagIn takes a damaged entry for an empty one.
func TestDamageInTheIndexOfTagsIsFound(t *testing.T) {
	key := tagKey("third", "t", 39)
	for name, c := range map[string]struct {
		change func(*badger.Txn) error
		verify string
		read   string // empty: only verify can tell
	}{
		"nothing is wrong": {func(*badger.Txn) error { return nil }, "", ""},
		"an entry is missing": {func(txn *badger.Txn) error { return txn.Delete(key) },
			`position 21: event of topic t tagged "third"`, ""},
		"a bit is flipped": {func(txn *badger.Txn) error { return change(txn, key, func(b []byte) { b[len(b)-1] ^= 1 }) },
			"checksum of the value", "checksum of the value"},
		"an entry is empty": {func(txn *badger.Txn) error { return txn.Set(key, seal(nil)) },
			"expected positions that ascend", "expected positions that ascend"},
		"an entry lacks an event": {func(txn *badger.Txn) error {
			return txn.Set(key, encodePositions([]stream.Position{21, 24, 30, 33, 36, 39}))
		}, `position 27: event of topic t tagged "third"`, ""},
		"an entry names another event": {func(txn *badger.Txn) error {
			return txn.Set(key, encodePositions([]stream.Position{21, 24, 27, 28, 30, 33, 36, 39}))
		}, `position 28: index of tags: it names`, "names the event at position 28"},
		"an entry names what is not there": {func(txn *badger.Txn) error {
			return txn.Set(tagKey("third", "t", 61), encodePositions([]stream.Position{61}))
		}, `index of tags: it names`, ""},
		"a key names nothing": {func(txn *badger.Txn) error { return txn.Set([]byte("tthird"), seal(nil)) },
			"names no tag", ""},
	} {
		t.Run(name, func(t *testing.T) {
			dir := makeTagged(t)
			tamper(t, dir, c.change)
			log, err := Open(dir, Options{Durability: Unsynced})
			if err != nil {
				t.Fatal(err)
			}
			defer func() {
				if err := log.Close(); err != nil {
					t.Error(err)
				}
			}()
			err = log.Verify(t.Context(), nil)
			if c.verify == "" && err != nil || c.verify != "" && (err == nil || !strings.Contains(err.Error(), c.verify)) {
				t.Errorf("verify: got %v, want %q", err, c.verify)
			}
			found := 0
			q := stream.Query{Match: []stream.Match{{Topic: "t", Tags: []string{"third"}}}}
			err = log.Read(t.Context(), q, func(records []stream.Record, _ stream.Mark) error {
				found += len(records)
				return nil
			})
			var corrupt *stream.CorruptError
			if c.read == "" && err != nil || c.read != "" && (!errors.As(err, &corrupt) || !strings.Contains(err.Error(), c.read)) {
				t.Errorf("read: got %d events and %v, want %q", found, err, c.read)
			}
		})
	}
}

// The index of tags has no entry of what was removed, but for those that go on behind
// it; a log that was restored from a backup has the same index.
// Breaks when: nextWindow does not call removeTags, or accept does not index the tags
// of what is imported.
func TestTheIndexOfTagsGoesWithWhatItNames(t *testing.T) {
	log, err := Open(makeTagged(t), Options{Durability: Unsynced})
	if err != nil {
		t.Fatal(err)
	}
	if keys, want := tagKeysOf(t, log), []string{"all 20", "all 40", "all 60", "third 18", "third 39", "third 60"}; !slices.Equal(keys, want) {
		t.Errorf("before: got entries %v, want %v", keys, want)
	}
	if cut, err := log.Truncate(t.Context(), stream.At(45)); err != nil || !cut.Equal(stream.At(40)) {
		t.Fatalf("cut at %s: %v", cut, err)
	}
	if keys, want := tagKeysOf(t, log), []string{"all 60", "third 60"}; !slices.Equal(keys, want) {
		t.Errorf("after: got entries %v, want %v", keys, want)
	}
	if err := errors.Join(log.Verify(t.Context(), nil), log.Close()); err != nil {
		t.Error(err)
	}
}

func tagKeysOf(t *testing.T, log *Log) (found []string) {
	t.Helper()
	s, err := log.reads.begin(log)
	if err != nil {
		t.Fatal(err)
	}
	defer s.end()
	list, _, err := s.someSealed([]byte{tagPrefix}, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range list {
		tag, _, last, err := tagEntry(e.key)
		if err != nil {
			t.Fatal(err)
		}
		found = append(found, fmt.Sprint(string(tag), " ", last))
	}
	return found
}

// FuzzTagIndex: no entry of the index of tags panics who reads it, or makes it allocate
// more than it has; what is read is written so.
// Breaks when: decodePositions does not compare a step with the last position.
func FuzzTagIndex(f *testing.F) {
	f.Add(tagKey("third", "t", 39), encodePositions([]stream.Position{21, 39})[5:])
	f.Add([]byte("t\x00\x00"), []byte{255, 255, 255, 255, 255, 255, 255, 255, 255, 1, 1})
	f.Fuzz(func(t *testing.T, key, b []byte) {
		tag, topic, last, err := tagEntry(key)
		if err == nil && string(tagKey(string(tag), string(topic), last)) != string(key) {
			t.Errorf("key %x reads as %q of %q up to %d, which is not written so", key, tag, topic, last)
		}
		frugal(t, 100*len(b)+1<<20, func() {
			list, err := decodePositions(nil, seal(b), last)
			if err != nil {
				return
			}
			if again, err := decodePositions(nil, encodePositions(list), last); err != nil || !slices.Equal(list, again) || !slices.IsSorted(list) {
				t.Errorf("%v reads back as %v: %v", list, again, err)
			}
		})
	})
}
