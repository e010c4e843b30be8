package badgerlog_test

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/thaw-go/thaw/stream"
	"github.com/thaw-go/thaw/stream/badgerlog"
)

// TestWhatConsumersRememberedBeforeDoesNotStayOnTheDisk: a consumer writes its
// state over and over; the room of the old ones is given back, and nothing else
// goes with it.
// Breaks when: collect does not run, or start does not say what may be discarded.
func TestWhatConsumersRememberedBeforeDoesNotStayOnTheDisk(t *testing.T) {
	dir := t.TempDir()
	o := badgerlog.Options{Durability: badgerlog.Unsynced}.SmallGenerations(1).SmallFiles()
	log := open(t, dir, o)
	value := func(i int) []byte { return bytes.Repeat([]byte{byte(i), byte(i >> 8)}, 2048) }
	const saves, keys = 2100, 7
	for i := range saves {
		if i%300 == 299 { // the database makes a table when it is closed, and merges when it has five
			if err := log.Close(); err != nil {
				t.Fatal(err)
			}
			log = open(t, dir, o)
		}
		r := appendOne(t, log, noteID(int64(i%10)))
		if err := log.Checkpoint(t.Context(), "view", stream.At(r.Position), stream.Change{Key: fmt.Sprint(i % keys), Value: value(i)}); err != nil {
			t.Fatal(err)
		}
	}
	before := disk(t, log)
	files, err := log.Collect()
	if err != nil {
		t.Fatal(err)
	}
	after := disk(t, log)
	t.Logf("%d files rewritten, %d KiB of the disk before, %d after", files, before>>10, after>>10)
	if want := int64(saves * 4096 * 3 / 4); files == 0 || before-after < want {
		t.Errorf("%d files rewritten, %d bytes given back, want %d at least", files, before-after, want)
	}
	for k := range keys {
		last := (saves-1-k)/keys*keys + k
		got, ok, err := log.State(t.Context(), "view", fmt.Sprint(k))
		if err != nil || !ok || !bytes.Equal(got, value(last)) {
			t.Errorf("state %d: got %d bytes, %v, %v, want what was saved last", k, len(got), ok, err)
		}
	}
	if err := log.Verify(t.Context(), nil); err != nil {
		t.Error(err)
	}
}

func disk(t *testing.T, log *badgerlog.Log) int64 {
	t.Helper()
	s, err := log.Stats(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return s.DiskBytes
}
