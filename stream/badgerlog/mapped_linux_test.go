package badgerlog

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/thaw-go/thaw/stream"
)

// resident is how much of the value log's files is in this process's memory, in
// KiB.
func resident(t *testing.T, dir string) (total int) {
	t.Helper()
	text, err := os.ReadFile("/proc/self/smaps")
	if err != nil {
		t.Skip(err)
	}
	ours := false
	for line := range strings.Lines(string(text)) {
		if fields := strings.Fields(line); len(fields) >= 5 && strings.Contains(fields[0], "-") {
			ours = strings.HasPrefix(fields[len(fields)-1], dir+"/") && strings.HasSuffix(fields[len(fields)-1], ".vlog")
		}
		var kib int
		if n, _ := fmt.Sscanf(line, "Rss: %d kB", &kib); n == 1 && ours {
			total += kib
		}
	}
	return total
}

// Breaks when: unmapPages leaves mappings out, or is not called after what was
// written; alone does not look at who is inside.
func TestTheValueLogDoesNotStayInMemory(t *testing.T) {
	dir := t.TempDir()
	l, err := Open(dir, Options{Durability: Unsynced})
	if err != nil {
		t.Fatal(err)
	}
	id := stream.ID{Topic: "notes", Key: "1"}
	records := make([]stream.Record, 1000)
	for i := range records {
		records[i] = stream.Record{Header: stream.Header{Type: "ADDED"}, Data: make([]byte, 1000)}
	}
	store := func() {
		t.Helper()
		if _, err := l.Append(t.Context(), id, stream.AnyVersion, records...); err != nil {
			t.Fatal(err)
		}
		if err := l.settle(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	store()
	before := resident(t, dir)
	if before < 1000 {
		t.Fatalf("%d KiB are resident after 2 MB were written: the test proves nothing", before)
	}
	inside, err := l.reads.begin(l)
	if err != nil {
		t.Fatal(err)
	}
	l.flusher.pages.written = mappedBytes // the flusher waits for a transaction
	store()
	if got := resident(t, dir); got < before {
		t.Errorf("%d of %d KiB are resident, with somebody inside", got, before)
	}
	inside.end()
	store()
	if got := resident(t, dir); got > 0 {
		t.Errorf("%d KiB are still resident", got)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if l, err = Open(dir, Options{}); err != nil {
		t.Fatal(err)
	}
	if err := l.Verify(t.Context(), nil); err != nil {
		t.Error(err)
	}
	if head := l.memory.visible(); head != 3000 {
		t.Errorf("%d events are there, want 3000", head)
	}
	if err := l.Close(); err != nil {
		t.Error(err)
	}
}

// Breaks when: unmapPages looks for the directory anywhere in a line.
func TestTheLogGivesBackNoPagesOfAnother(t *testing.T) {
	dir := t.TempDir()
	inside := filepath.Join(t.TempDir(), dir) // its path ends with the other's
	if err := os.MkdirAll(inside, 0o755); err != nil {
		t.Fatal(err)
	}
	l := loose(t, inside, seams{})
	records := make([]stream.Record, 1000)
	for i := range records {
		records[i] = stream.Record{Header: stream.Header{Type: "ADDED"}, Data: make([]byte, 1000)}
	}
	_, err := l.Append(t.Context(), stream.ID{Topic: "notes", Key: "1"}, stream.AnyVersion, records...)
	if err = errors.Join(err, l.settle(t.Context())); err != nil {
		t.Fatal(err)
	}
	before := resident(t, inside)
	unmapPages(dir)
	if got := resident(t, inside); got != before {
		t.Errorf("%d KiB of another log are resident, want %d as before", got, before)
	}
	if err := l.Close(); err != nil {
		t.Error(err)
	}
}
