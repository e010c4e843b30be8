package operators

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/thaw-go/thaw/internal/engine"
	"github.com/thaw-go/thaw/stream"
)

// A table's keys begin with what they are:
//
//	m                               the place, and what the table was made by
//	s KEY                           a state, behind what was counted for it
//	i INDEX 0 1 VALUE 0 1 KEY       an index entry, without a value
//	p KEY 0 1 POSITION NUMBER       a parked event
//
// Within a name that others follow a zero byte is written 0 255, so that the order
// of the table's keys is the order of the names.
const (
	metaKey      = "m"
	statePrefix  = "s"
	indexPrefix  = "i"
	parkedPrefix = "p"
)

// escape is a name that others may follow.
func escape(name string) string {
	return strings.ReplaceAll(name, "\x00", "\x00\xff") + "\x00\x01"
}

// unescape cuts the first name off.
func unescape(s string) (name, rest string, ok bool) {
	for i := 0; i+1 < len(s); i++ {
		if s[i] == 0 && s[i+1] == 1 {
			return strings.ReplaceAll(s[:i], "\x00\xff", "\x00"), s[i+2:], true
		}
		if s[i] == 0 {
			i++
		}
	}
	return "", "", false
}

// following is the least string that is greater than all that begin with prefix.
func following(prefix string) string {
	b := []byte(prefix)
	for len(b) > 0 && b[len(b)-1] == 0xff {
		b = b[:len(b)-1]
	}
	if len(b) > 0 {
		b[len(b)-1]++
	}
	return string(b)
}

// fits returns a [*stream.TooLargeError] for a row that is too long to be a key of a
// table.
func fits(what, row string) error {
	if len(row) > engine.MaxTableKeyBytes {
		return &stream.TooLargeError{What: what, Size: int64(len(row)), Limit: engine.MaxTableKeyBytes}
	}
	return nil
}

func indexRow(index, value, key string) string {
	return indexPrefix + escape(index) + escape(value) + key
}

// keyedMeta says how far a table has come.
type keyedMeta struct {
	Format  int           // of the rows
	At      stream.Cursor // everything up to here has been counted, or is parked
	Indexes []string      // the names of the indexes, in order
}

const keyedFormat = 1

// readMeta reads how far a table has come; false if it does not exist.
func readMeta(s stream.TableSnapshot, table string) (meta keyedMeta, ok bool, err error) {
	value, ok, err := s.Get(table, metaKey)
	if err != nil || !ok {
		return meta, false, err
	}
	if err := json.Unmarshal(value, &meta); err != nil {
		return meta, false, fmt.Errorf("read place of table %s: %w", table, err)
	}
	if meta.Format != keyedFormat {
		return meta, false, fmt.Errorf("read table %s: expected rows of format %d, found %d", table, keyedFormat, meta.Format)
	}
	return meta, true, nil
}

// keyedCount says which events of a key its state is made of.
type keyedCount struct {
	events   uint64          // how many
	position stream.Position // of the last one
	number   uint64          // of the last one, among those of its position
}

// stateRow is a state as it is stored.
type stateRow struct {
	count   keyedCount
	entries []string // its index entries' rows, in order
	state   []byte   // encoded
}

func (r *stateRow) append(b []byte) []byte {
	b = binary.AppendUvarint(b, r.count.events)
	b = binary.AppendUvarint(b, uint64(r.count.position))
	b = binary.AppendUvarint(b, r.count.number)
	b = binary.AppendUvarint(b, uint64(len(r.entries)))
	for _, e := range r.entries {
		b = append(binary.AppendUvarint(b, uint64(len(e))), e...)
	}
	return append(b, r.state...)
}

var errBadRow = errors.New("the row of a state is damaged")

func parseStateRow(b []byte) (r stateRow, err error) {
	next := func() uint64 {
		v, n := binary.Uvarint(b)
		if n <= 0 {
			err = errBadRow
			return 0
		}
		b = b[n:]
		return v
	}
	r.count.events, r.count.position, r.count.number = next(), stream.Position(next()), next()
	for count := next(); count > 0 && err == nil; count-- {
		size := next()
		if size > uint64(len(b)) {
			return r, errBadRow
		}
		r.entries, b = append(r.entries, string(b[:size])), b[size:]
	}
	r.state = b
	return r, err
}

// entryChanges are what makes the index entries from what they were, both in order.
func entryChanges(changes []stream.Change, before, after []string) []stream.Change {
	for _, row := range before {
		if _, kept := slices.BinarySearch(after, row); !kept {
			changes = append(changes, stream.Change{Key: row})
		}
	}
	for _, row := range after {
		if _, there := slices.BinarySearch(before, row); !there {
			changes = append(changes, stream.Change{Key: row, Value: []byte{}})
		}
	}
	return changes
}
