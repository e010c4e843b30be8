package memtables_test

import (
	"testing"

	"github.com/thaw-go/thaw/stream"
	"github.com/thaw-go/thaw/stream/memtables"
	"github.com/thaw-go/thaw/testkit"
)

// Breaks when: Snapshot hands out the tables themselves, or Get the value.
func TestTablesInMemoryKeepTheirPromises(t *testing.T) {
	testkit.TestTables(t, func(*testing.T) stream.Tables { return memtables.New() })
}
