package badgerlog

import (
	"sort"

	"github.com/thaw-go/thaw/stream"
)

// tail is the newest part of the log in memory, shared by all subscribers, who
// read it by cursor. It is bounded: old groups leave it once the database has
// them, and who still needs them reads the database. The memory's lock guards it.
type tail struct {
	groups    []run // oldest first; what they hold is never changed
	events    int
	bytes     int
	maxEvents int
	maxBytes  int
}

func (t *tail) add(group run) {
	t.groups = append(t.groups, group)
	t.events += len(group.records)
	t.bytes += group.size()
}

// trim lets the oldest groups go while there are too many, as far as the
// database has them.
func (t *tail) trim(stored stream.Position) {
	drop := 0
	for drop < len(t.groups)-1 && (t.events > t.maxEvents || t.bytes > t.maxBytes) && t.groups[drop].last().Position <= stored {
		t.events -= len(t.groups[drop].records)
		t.bytes -= t.groups[drop].size()
		t.groups[drop] = run{}
		drop++
	}
	t.groups = t.groups[drop:]
}

// after returns the records that follow a position, up to the end of their
// group; nil if they have left the tail. Most readers are near its end, so that is
// where the search begins: a group elsewhere is in nobody's cache.
func (t *tail) after(at stream.Position) []stream.Record {
	low := len(t.groups)
	for step := 1; low > 0 && (low == len(t.groups) || t.groups[low].first().Position > at+1); step *= 2 {
		low = max(low-step, 0)
	}
	groups := t.groups[low:]
	i := sort.Search(len(groups), func(i int) bool { return groups[i].last().Position > at })
	if i == len(groups) || groups[i].first().Position > at+1 {
		return nil
	}
	records := groups[i].records
	return records[at+1-records[0].Position:]
}
