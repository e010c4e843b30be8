package badgerlog

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/thaw-go/thaw/stream"
)

// TestADamagedHeaderOfAValueIsReportedAndTheLogCloses flips each bit of what the
// database writes before a value in its value log: lengths that it believes, unless
// it is asked to check its own checksum first.
// Breaks when: openBadger does not ask for that. The database then panics, or
// keeps the file locked that it has read from, and closing waits for ever.
func TestADamagedHeaderOfAValueIsReportedAndTheLogCloses(t *testing.T) {
	dir, events := wasteful(t)
	path := filepath.Join(dir, logName(2))
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	at := logHeaderSize
	for { // the first block of the log
		e, ok := decodeLogEntry(whole[at:])
		if !ok {
			t.Fatalf("%s has no block", path)
		}
		if whole[at+6] == blockPrefix || whole[at+5] == blockPrefix {
			break
		}
		at += e.size
	}
	for bit := range 8 * 6 {
		if err := os.WriteFile(path, flipped(whole, 8*at+bit), 0o644); err != nil {
			t.Fatal(err)
		}
		log, err := Open(dir, Options{Durability: Unsynced})
		if err != nil {
			t.Fatal(err)
		}
		read, left := skipping(t, log, stream.Query{}, stream.Position(events))
		if len(left) != 1 || len(read) != events-1 {
			t.Errorf("bit %d: %d events are left out in %d parts, want one", bit, events-len(read), len(left))
		}
		var corrupt *stream.CorruptError
		if err := log.Verify(t.Context(), nil); !errors.As(err, &corrupt) {
			t.Errorf("bit %d: verify: got %v, want a CorruptError", bit, err)
		}
		if err := log.Close(); err != nil {
			t.Errorf("bit %d: %v", bit, err)
		}
	}
}
