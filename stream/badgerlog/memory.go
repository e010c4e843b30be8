package badgerlog

import (
	"strings"
	"sync"

	"github.com/thaw-go/thaw/stream"
)

// memory is the part of the log that stands in memory: its tail, what is
// journaled and not yet in the database, and how far readers may see. What
// readers see is the database as it was at ts and, after it, what is in here:
// both are taken under one lock, so an event is in exactly one of them.
type memory struct {
	mu     sync.RWMutex
	tail   tail
	heads  *heads
	head   stream.Position // the newest visible position
	stored stream.Position // the database has the events up to here...
	ts     uint64          // ...at this timestamp
	cut    stream.Position // history up to here was removed
	stores uint64          // how many generations it was given
	total  applied         // what it has

	active, sealed, retired *generation // retired: the last one that was stored
	mostEvents              int         // in a generation

	wake   chan struct{} // closed when head moves or the log closes
	closed bool
}

// headsLimit is how many streams are remembered that need not be.
const headsLimit = 1 << 16

func newMemory(total applied, ts uint64, o Options) *memory {
	return &memory{
		tail:   tail{maxEvents: o.TailEvents, maxBytes: o.TailBytes},
		heads:  &heads{all: map[stream.ID]*streamHead{}, limit: headsLimit},
		head:   total.last,
		stored: total.last,
		total:  total,
		ts:     ts,
		active: newGeneration(total.last),

		mostEvents: o.seams.generation,
		wake:       make(chan struct{}),
	}
}

// publish makes the commits of one journal record visible and wakes who waits.
// If one has no events, only what consumers remember has changed.
func (m *memory) publish(seq uint64, commits ...*commit) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, c := range commits {
		m.active.add(c, seq)
	}
	m.reveal(commits)
}

// include makes a commit part of the active generation without showing it yet.
func (m *memory) include(c *commit, seq uint64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.active.add(c, seq)
}

// show makes an included commit visible.
func (m *memory) show(c *commit) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.reveal([]*commit{c})
}

func (m *memory) reveal(commits []*commit) {
	before := m.head
	for _, c := range commits {
		if len(c.records) > 0 {
			m.tail.add(c.all)
			m.head = c.all.last().Position
		}
	}
	if m.head == before {
		return
	}
	m.tail.trim(m.stored)
	close(m.wake)
	m.wake = make(chan struct{})
}

// takes reports whether commits fit in the active generation together.
func (m *memory) takes(commits ...*commit) bool { return m.active.takes(m.mostEvents, commits) }

// letGo releases the streams of requests.
func letGo(requests []*request) {
	for _, r := range requests {
		r.heads((*streamHead).release)
	}
}

// seal makes the active generation the sealed one; the one before it must have
// been stored.
func (m *memory) seal() *generation {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.sealed = m.active
	m.active = newGeneration(m.sealed.last)
	return m.sealed
}

// settle says that the database has the sealed generation at ts.
func (m *memory) settle(ts uint64, total applied) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.retired, m.sealed = m.sealed, nil
	m.stored, m.ts = m.retired.last, ts
	m.stores++
	m.total = total
	m.retired.dropStored()
	m.retired.runs, m.retired.touched, m.retired.changes, m.retired.tagged = nil, nil, nil, nil // its commands are still asked for
	m.tail.trim(m.stored)
}

// close wakes who waits, for ever.
func (m *memory) close() {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.closed {
		m.closed = true
		close(m.wake)
	}
}

// visible is how far readers may see.
func (m *memory) visible() stream.Position {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return m.head
}

// sight is what a reader finds in memory at a moment.
type sight struct {
	records []stream.Record // those that follow its place, up to the end of their group; nil if they are not in memory
	head    stream.Position // how far readers may see
	cut     stream.Position // history up to here was removed
	wake    <-chan struct{} // closed when head has moved or the log closes
	closed  bool            // head will not move any more
}

// look is what a reader at a place finds, in one look: hundreds of them are
// woken at once, by each commit.
func (m *memory) look(at stream.Position) sight {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return sight{records: m.tail.after(at), head: m.head, cut: m.cut, wake: m.wake, closed: m.closed}
}

// hold gives a caller a stream's head, and what is known of a command.
func (m *memory) hold(id stream.ID, command stream.EventID) (head *streamHead, earlier *effect, stores uint64) {
	head = m.heads.hold(id)
	if !command.IsZero() {
		earlier, stores = m.effect(commandID{id.Topic, command})
	}
	return head, earlier, stores
}

// effect is a command's effect if it had one lately, and how many generations
// the database was given by now.
func (m *memory) effect(c commandID) (recent *effect, stores uint64) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return m.recentEffect(c), m.stores
}

func (m *memory) recentEffect(c commandID) *effect {
	for _, g := range [3]*generation{m.active, m.sealed, m.retired} {
		if g != nil {
			if e, ok := g.commands[c]; ok {
				return &e
			}
		}
	}
	return nil
}

// change is what a database key was changed to and the database does not have
// yet: nil with true if it was forgotten.
func (m *memory) change(key string) (value []byte, changed bool) {
	for _, g := range [2]*generation{m.active, m.sealed} {
		if g != nil {
			if value, ok := g.changes[key]; ok {
				return value, true
			}
		}
	}
	return nil, false
}

// changesFrom are all those whose keys begin with prefix and are not before from.
func (m *memory) changesFrom(prefix, from string) map[string][]byte {
	found := map[string][]byte{}
	for _, g := range [2]*generation{m.sealed, m.active} {
		if g == nil {
			continue
		}
		for key, value := range g.changes {
			if key >= from && strings.HasPrefix(key, prefix) {
				found[key] = value
			}
		}
	}
	return found
}

// unstored are a stream's events that the database has not, in order.
func (m *memory) unstored(id stream.ID) []run {
	if head, ok := m.heads.find(id); ok {
		return head.unstored[:len(head.unstored):len(head.unstored)]
	}
	return nil
}
