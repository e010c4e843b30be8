package engine

import (
	"fmt"

	"github.com/thaw-go/thaw/stream"
)

// Limits on one update of a table, the same for all of one process.
const (
	MaxTableKeyBytes   = 8 << 10
	MaxTableValueBytes = 1<<20 - 16
	MaxUpdateChanges   = 50_000
	MaxUpdateBytes     = 8 << 20 // of keys and values, and of the table's name with each
)

// CheckChanges returns an *InvalidError or a *TooLargeError unless the changes can
// be one update of the table.
func CheckChanges(table string, changes []stream.Change) error {
	if err := CheckTable(table); err != nil {
		return err
	}
	if len(changes) > MaxUpdateChanges {
		return &stream.TooLargeError{What: "update of table " + table + " (changes)", Size: int64(len(changes)), Limit: MaxUpdateChanges}
	}
	total := 0
	for i := range changes {
		key, value := len(changes[i].Key), len(changes[i].Value)
		switch {
		case key == 0:
			return &stream.InvalidError{What: "key", Value: "", Reason: "it is empty, in an update of table " + table}
		case key > MaxTableKeyBytes:
			return &stream.TooLargeError{What: "key in table " + table, Size: int64(key), Limit: MaxTableKeyBytes}
		case value > MaxTableValueBytes:
			return &stream.TooLargeError{What: fmt.Sprintf("value of %.80q in table %s", changes[i].Key, table), Size: int64(value), Limit: MaxTableValueBytes}
		}
		total += key + value + len(table)
	}
	if total > MaxUpdateBytes {
		return &stream.TooLargeError{What: "update of table " + table + " (bytes)", Size: int64(total), Limit: MaxUpdateBytes}
	}
	return nil
}
