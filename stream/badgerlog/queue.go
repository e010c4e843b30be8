package badgerlog

import (
	"runtime"
	"sync"

	"github.com/thaw-go/thaw/stream"
)

// request is an append or a checkpoint on its way through the committer.
type request struct {
	// An append.
	id       stream.ID
	expected stream.Version
	records  []stream.Record // the caller's; copied when encoded
	head     *streamHead     // held
	fresh    bool            // the command's ID is new: the database need not be asked
	earlier  *effect         // what the command did before, if the caller found it
	stores   uint64          // when the caller began to look
	// A checkpoint, if consumer is set.
	consumer string
	at       stream.Cursor
	changes  []stream.Change
	// Changes of the database's own keys, if there are any, and how many streams
	// they make known.
	raw     []keyed
	streams int
	// Many appends at once, each by itself, if batch is set.
	batch *batch
	// Appends to several streams, all or none, if joint is set.
	joint *joint
	// Nothing but a wait until everything before it is in the database, if
	// settle is set.
	settle bool

	tags    int // of all its events
	size    int // about what it adds to a group, in bytes
	outcome outcome
	done    chan struct{} // gets a token when outcome is set
}

// outcome is what became of a request.
type outcome struct {
	records []stream.Record // as stored
	earlier []share         // the command had taken effect before: there
	err     error
}

// queue is where callers leave requests for the committer. A caller waits for
// its own request, so there are never more than callers.
type queue struct {
	mu       sync.Mutex
	list     []*request
	ready    chan struct{} // holds a token while list may be non-empty
	ended    bool
	answered int // how many requests the last group had

	// Requests whose answers were taken. They are the log's own, as a channel
	// made in a bubble of testing/synctest must not leave it.
	used sync.Pool
}

func newQueue() *queue { return &queue{ready: make(chan struct{}, 1)} }

// request is an empty request.
func (q *queue) request() *request {
	if r, ok := q.used.Get().(*request); ok {
		return r
	}
	return &request{done: make(chan struct{}, 1)}
}

// reuse takes back a request whose answer was taken.
func (q *queue) reuse(r *request) {
	*r = request{done: r.done}
	q.used.Put(r)
}

// put hands a request over; false once the queue is closed.
func (q *queue) put(r *request) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.ended {
		return false
	}
	q.list = append(q.list, r)
	q.signal()
	return true
}

// signal wakes the committer; q.mu is held, so a token put in after close has
// closed the channel can not happen: ended was checked under the same lock.
func (q *queue) signal() {
	select {
	case q.ready <- struct{}{}:
	default:
	}
}

func (q *queue) closed() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.ended
}

func (q *queue) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	if !q.ended {
		q.ended = true
		close(q.ready)
	}
}

// Limits on one commit group, so that it fits in one generation. One request
// alone may exceed them: its events share few entries.
const (
	maxGroupEntries = 4096
	maxGroupBytes   = 1 << 20
)

// lingerYields bounds how often the committer steps aside for callers whom the
// last commit has just woken: half-empty groups cost as much as full ones. From
// fullGroup requests on they do not: then those callers run while others are
// served.
const (
	lingerYields = 256
	fullGroup    = 128
)

// appends reports whether the request is to append events.
func (r *request) appends() bool { return len(r.records) > 0 || r.batch != nil || r.joint != nil }

// take waits for requests and returns a group of them; nil once the queue is
// closed and empty. idle waits until the groups before are answered: only then do
// those callers come again.
func (q *queue) take(idle func()) []*request {
	for {
		_, open := <-q.ready
		q.linger(idle)
		if group := q.cut(); group != nil {
			return group
		}
		if !open {
			return nil
		}
	}
}

// linger steps aside for as many as were answered last, beside those that
// came meanwhile: otherwise the callers fall into two halves that take turns.
func (q *queue) linger(idle func()) {
	q.mu.Lock()
	back, alone := len(q.list)+q.answered, q.answered <= 1
	q.mu.Unlock()
	if alone {
		return
	}
	if back < fullGroup {
		idle()
	}
	for range lingerYields {
		q.mu.Lock()
		enough := len(q.list) >= min(back, fullGroup) || q.ended
		q.mu.Unlock()
		if enough {
			return
		}
		runtime.Gosched()
	}
}

// cut takes a group off the front of the list.
func (q *queue) cut() []*request {
	q.mu.Lock()
	defer q.mu.Unlock()
	entries, size, n := 0, 0, 0
	for n < len(q.list) {
		r := q.list[n]
		entries += r.entries()
		size += r.size
		if n > 0 && (entries > maxGroupEntries || size > maxGroupBytes) {
			break
		}
		n++
	}
	if n == 0 {
		return nil
	}
	group := q.list[:n:n]
	q.list = q.list[n:]
	q.answered = n
	if len(q.list) > 0 && !q.ended {
		q.signal()
	}
	return group
}

// entries is how many entries the request adds to the transaction, at most.
func (r *request) entries() int {
	if r.settle {
		return 0
	}
	if r.batch != nil {
		return maxGroupEntries
	}
	if r.raw != nil {
		return len(r.raw)
	}
	if r.consumer != "" {
		return 1 + len(r.changes)
	}
	if r.joint != nil {
		return 3*len(r.joint.writes) + r.joint.events/maxBlockEvents + r.size/maxBlockBytes + r.tags
	}
	return 3 + len(r.records)/maxBlockEvents + r.size/maxBlockBytes + r.tags
}
