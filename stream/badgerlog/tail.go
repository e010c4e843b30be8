package badgerlog

import (
	"sort"
	"sync"

	"github.com/thaw-go/thaw/stream"
)

// tail is the newest part of the log in memory, shared by all subscribers, who
// read it by cursor. It is bounded: old groups leave it, and who still needs
// them reads the log. It also says how far readers may see.
type tail struct {
	mu        sync.RWMutex
	groups    []group // oldest first; what they hold is never changed
	events    int
	bytes     int
	head      stream.Position // the newest visible position
	readTs    uint64          // the database as it was at head
	wake      chan struct{}   // closed when head moves or the log closes
	closed    bool
	maxEvents int
	maxBytes  int
}

// group is what one commit made visible.
type group struct {
	records []stream.Record
	bytes   int
}

func newTail(head stream.Position, readTs uint64, maxEvents, maxBytes int) *tail {
	return &tail{head: head, readTs: readTs, wake: make(chan struct{}), maxEvents: maxEvents, maxBytes: maxBytes}
}

// publish makes a commit visible and wakes who waits. records may be empty: then
// only what consumers remember has changed.
func (t *tail) publish(records []stream.Record, bytes int, readTs uint64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.readTs = readTs
	if len(records) == 0 {
		return
	}
	t.groups = append(t.groups, group{records, bytes})
	t.events += len(records)
	t.bytes += bytes
	drop := 0
	for drop < len(t.groups)-1 && (t.events > t.maxEvents || t.bytes > t.maxBytes) {
		t.events -= len(t.groups[drop].records)
		t.bytes -= t.groups[drop].bytes
		t.groups[drop] = group{}
		drop++
	}
	t.groups = t.groups[drop:]
	t.head = records[len(records)-1].Position
	close(t.wake)
	t.wake = make(chan struct{})
}

// close wakes who waits, for ever.
func (t *tail) close() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.closed {
		t.closed = true
		close(t.wake)
	}
}

// visible is how far readers may see, and a channel that is closed when that
// changes.
func (t *tail) visible() (head stream.Position, readTs uint64, wake <-chan struct{}) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.head, t.readTs, t.wake
}

// after returns the records that follow a position, up to the end of their
// group; false if they have left the tail.
func (t *tail) after(at stream.Position) ([]stream.Record, bool) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	i := sort.Search(len(t.groups), func(i int) bool {
		records := t.groups[i].records
		return records[len(records)-1].Position > at
	})
	if i == len(t.groups) || t.groups[i].records[0].Position > at+1 {
		return nil, false
	}
	records := t.groups[i].records
	return records[at+1-records[0].Position:], true
}
