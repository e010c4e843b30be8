package badgerlog

import (
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/dgraph-io/badger/v4"

	"github.com/thaw-go/thaw/stream"
)

// mapping is the memory that the newest file of the database's value log is mapped
// to. It begins with its field Data.
func mapping(t *testing.T, db *badger.DB) *[]byte {
	t.Helper()
	files := reflect.ValueOf(db).Elem().FieldByName("vlog").FieldByName("filesMap")
	newest := uint64(0)
	var found *[]byte
	for it := files.MapRange(); it.Next(); {
		if n := it.Key().Uint(); n >= newest {
			newest = n
			found = (*[]byte)(it.Value().Elem().FieldByName("MmapFile").UnsafePointer())
		}
	}
	if found == nil || len(*found) < 1<<20 {
		t.Fatal("the database's value log is not where it was")
	}
	return found
}

// TestAFailedSyncOfTheValueLogStopsTheLogAlthoughTheDatabaseOnlyLogsIt: syncing
// memory that does not begin at a page's border fails, so the mapping is moved by
// one byte while the database writes there.
// Breaks when: commit does not ask lost, or the database words its message
// otherwise.
func TestAFailedSyncOfTheValueLogStopsTheLogAlthoughTheDatabaseOnlyLogsIt(t *testing.T) {
	log, err := Open(t.TempDir(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	id := stream.ID{Topic: "t", Key: "k"}
	append1 := func() error {
		r := one(stream.EventID{})
		r.Data = []byte(strings.Repeat("x", 1000)) // long enough for the value log
		_, err := log.Append(t.Context(), id, stream.AnyVersion, r)
		return err
	}
	if err := errors.Join(append1(), log.settle(t.Context()), append1()); err != nil {
		t.Fatal(err)
	}
	data := mapping(t, log.db)
	whole := *data
	*data = whole[1:]
	err = log.settle(t.Context())
	*data = whole
	if err == nil || !strings.Contains(err.Error(), "sync the value log") {
		t.Errorf("storing: got %v, want that the value log was not synced", err)
	}
	var failed *FailedError
	if err := append1(); !errors.As(err, &failed) || !strings.Contains(err.Error(), "sync the value log") {
		t.Errorf("append: got %v, want a FailedError that says why", err)
	}
	if err := log.Close(); err == nil {
		t.Error("close: got nil, want the failure")
	}
}
