package badgerlog

import (
	"testing"

	"github.com/thaw-go/thaw/internal/engine"
	"github.com/thaw-go/thaw/stream"
)

// A command whose ID is said to be new is not looked for in the database, and is kept
// and found as any other from then on.
// Breaks when: accept does not keep the effect of a fresh command, or prepare looks up
// none at all.
func TestACommandThatIsSaidToBeNewIsKeptAsAnyOther(t *testing.T) {
	dir := t.TempDir()
	log, err := Open(dir, Options{MinFree: -1})
	if err != nil {
		t.Fatal(err)
	}
	id := stream.ID{Topic: "a", Key: "1"}
	rec := stream.Record{Header: stream.Header{Type: "T", Command: stream.NewID()}, Data: []byte("1")}
	fresh := engine.WithFresh(t.Context())
	for range 2 { // the second time what it did lately is seen all the same
		stored, err := log.Append(fresh, id, stream.AnyVersion, rec)
		if err != nil || stored[0].Version != 1 {
			t.Fatalf("got %v, %v; want version 1", stored, err)
		}
	}
	if err := log.Close(); err != nil {
		t.Fatal(err)
	}
	if log, err = Open(dir, Options{MinFree: -1}); err != nil {
		t.Fatal(err)
	}
	stored, err := log.Append(t.Context(), id, stream.AnyVersion, rec)
	if err != nil || stored[0].Version != 1 {
		t.Errorf("after a restart: got %v, %v; want version 1", stored, err)
	}
	if err := log.Close(); err != nil {
		t.Error(err)
	}
}
