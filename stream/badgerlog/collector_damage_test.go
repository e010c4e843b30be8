package badgerlog

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/thaw-go/thaw/stream"
)

// wasteful is a closed log, most of whose value log nobody needs any more: one
// consumer has saved its state over and over, and there are events in between.
func wasteful(t *testing.T) (dir string, events int) {
	t.Helper()
	dir = t.TempDir()
	o := Options{Durability: Unsynced, Keys: specimenKeys}.SmallGenerations(1).SmallFiles()
	for round := range 7 { // the database makes a table when it is closed, and merges when it has five
		log, err := Open(dir, o)
		if err != nil {
			t.Fatal(err)
		}
		for i := range 100 {
			id := stream.ID{Topic: "t", Key: fmt.Sprint("k", i%10)}
			r := one(stream.EventID{})
			r.Data = bytes.Repeat([]byte{byte(i), byte(round)}, 500)
			if _, err := log.Append(t.Context(), id, stream.AnyVersion, r); err != nil {
				t.Fatal(err)
			}
			events++
			change := stream.Change{Key: "state", Value: bytes.Repeat([]byte{byte(i)}, 20_000)}
			if err := log.Checkpoint(t.Context(), "view", stream.At(stream.Position(events)), change); err != nil {
				t.Fatal(err)
			}
		}
		if err := log.Close(); err != nil {
			t.Fatal(err)
		}
	}
	return dir, events
}

// readable counts the events that can be read around what is damaged.
func readable(t *testing.T, log *Log, last stream.Position) int {
	read, _ := skipping(t, log, stream.Query{}, last)
	return len(read)
}

// TestAFileOfTheValueLogThatIsDamagedIsNotCollected: the database would move what
// stands before the damage to another file, and remove this one with all that
// stands behind it.
// Breaks when: collect does not check the files that are to be collected.
func TestAFileOfTheValueLogThatIsDamagedIsNotCollected(t *testing.T) {
	dir, events := wasteful(t)
	flipOneState(t, filepath.Join(dir, logName(2)))
	log, err := Open(dir, Options{Durability: Unsynced, Keys: specimenKeys})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := log.Close(); err != nil {
			t.Error(err)
		}
	}()
	if n := readable(t, log, stream.Position(events)); n != events {
		t.Fatalf("%d of %d events can be read, although only an old state is damaged", n, events)
	}
	_, err = log.Collect()
	var damaged *DamagedError
	if !errors.As(err, &damaged) || filepath.Base(damaged.File) != logName(2) {
		t.Errorf("got %v, want a DamagedError that names %s", err, logName(2))
	}
	if n := readable(t, log, stream.Position(events)); n != events {
		t.Errorf("%d of %d events are left", n, events)
	}
	if err := log.Verify(t.Context(), nil); err != nil {
		t.Error(err)
	}
}

// flipOneState damages one value of the first that a consumer has saved over.
func flipOneState(t *testing.T, path string) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	at := logHeaderSize
	for {
		e, ok := decodeLogEntry(data[at:])
		if !ok {
			t.Fatalf("%s has no large value", path)
		}
		if e.size > 10_000 {
			data[at+e.size/2] ^= 1
			break
		}
		at += e.size
	}
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatal(err)
	}
}

// TestDamagedCountsOfWasteAreCountedAnew: they only say what to collect first.
// Breaks when: inspect leaves out checkDiscard: the database then looks for a file
// that can not be for ever, and for a slot outside of what it has mapped.
func TestDamagedCountsOfWasteAreCountedAnew(t *testing.T) {
	dir, events := wasteful(t)
	log, err := Open(dir, Options{Durability: Unsynced, Keys: specimenKeys})
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(log.db.Flatten(1), log.Close()); err != nil { // merging tables is when it counts
		t.Fatal(err)
	}
	path := filepath.Join(dir, discardName)
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if counts, ok := readDiscard(whole); !ok || len(counts) == 0 {
		t.Fatalf("got %v, want counts of some files", counts)
	}
	for name, damage := range map[string]func([]byte) []byte{
		"a file that can not be":         func(b []byte) []byte { b[2] ^= 1; return b },
		"more than a file holds":         func(b []byte) []byte { b[8] ^= 0x80; return b },
		"cut inside the first slot":      func(b []byte) []byte { return b[:8] },
		"cut behind the first slot":      func(b []byte) []byte { return b[:16] },
		"of no length":                   func(b []byte) []byte { return b[:0] },
		"zeros":                          func(b []byte) []byte { clear(b); return b },
		"nothing but what can not be":    func(b []byte) []byte { return bytes.Repeat([]byte{255}, len(b)) },
		"a file that was there long ago": func(b []byte) []byte { b[7] ^= 0x40; return b },
	} {
		t.Run(name, func(t *testing.T) {
			if err := os.WriteFile(path, damage(bytes.Clone(whole)), 0o644); err != nil {
				t.Fatal(err)
			}
			log, err := Open(dir, Options{Durability: Unsynced, Keys: specimenKeys})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := log.Collect(); err != nil {
				t.Error(err)
			}
			if n := readable(t, log, stream.Position(events)); n != events {
				t.Errorf("%d of %d events are left", n, events)
			}
			if err := errors.Join(log.Verify(t.Context(), nil), log.Close()); err != nil {
				t.Error(err)
			}
		})
	}
}
