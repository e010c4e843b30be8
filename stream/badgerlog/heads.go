package badgerlog

import (
	"sync"
	"sync/atomic"

	"github.com/thaw-go/thaw/stream"
)

// streamHead is what the log knows of a stream without asking the database.
// While it is held there is one streamHead for its stream and it is in [heads].
// unstored and generation are guarded by the memory's lock; version is the
// committer's once it is known.
type streamHead struct {
	id         stream.ID
	version    stream.Version // of its last event, as the committer has decided
	holders    atomic.Int32   // callers that have it in hand, and one more while it has unstored events
	unstored   []run          // its events that are not in the database, in order
	generation *generation    // the last one that has events of it

	lookup sync.Mutex  // held by the caller that looks version up
	known  atomic.Bool // version was looked up
}

// heads are the streams that were written to lately, and those with events that
// are not in the database. It is bounded: what nobody needs is forgotten when
// there are too many, and looked up again. It has a lock of its own, so that
// callers find their streams while a commit is being shown.
type heads struct {
	mu    sync.Mutex
	all   map[stream.ID]*streamHead
	limit int
}

// hold gives a stream's head to a caller, who has to release it.
func (h *heads) hold(id stream.ID) *streamHead {
	h.mu.Lock()
	defer h.mu.Unlock()
	head, ok := h.all[id]
	if !ok {
		h.forget()
		head = &streamHead{id: id}
		h.all[id] = head
	}
	head.holders.Add(1)
	return head
}

// release ends a hold. It needs no lock: who forgets the head after that finds
// what it had in the database.
func (head *streamHead) release() { head.holders.Add(-1) }

func (h *heads) find(id stream.ID) (*streamHead, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	head, ok := h.all[id]
	return head, ok
}

func (h *heads) count() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.all)
}

// forget makes room for one more, if a few that are tried at random let it: a
// map is walked from anywhere.
func (h *heads) forget() {
	const tries = 8
	if len(h.all) < h.limit {
		return
	}
	n := 0
	for id, head := range h.all {
		if head.holders.Load() == 0 {
			delete(h.all, id)
		}
		if n++; n == tries {
			return
		}
	}
}

// dropStored drops a generation's events from its streams: the database has
// them, and readers ask it at a timestamp that shows them.
func (g *generation) dropStored() {
	for _, head := range g.touched {
		n := 0
		for n < len(head.unstored) && head.unstored[n].last().Position <= g.last {
			n++
		}
		// A copy, as readers may hold the old list.
		head.unstored = append([]run(nil), head.unstored[n:]...)
		if n > 0 && len(head.unstored) == 0 {
			head.release()
		}
		if head.generation == g {
			head.generation = nil
		}
	}
}

// unstoredUpTo are the stream's events that the database has not, up to a
// position. The flusher asks while the writer adds behind it.
func (m *memory) unstoredUpTo(head *streamHead, last stream.Position) []run {
	m.mu.RLock()
	defer m.mu.RUnlock()
	n := 0
	for n < len(head.unstored) && head.unstored[n].last().Position <= last {
		n++
	}
	return head.unstored[:n:n]
}
