package badgerlog

import (
	"sync"
	"sync/atomic"

	"github.com/thaw-go/thaw/stream"
)

// streamHead is what the log knows of a stream without asking the database.
// While callers hold it, or it has events that the database has not, there is
// one streamHead for its stream and it is in [heads]; its fields are guarded by
// the memory's lock, but for version, which is the committer's once it is known.
type streamHead struct {
	id         stream.ID
	version    stream.Version // of its last event, as the committer has decided
	holders    int            // callers that have it in hand
	unstored   []run          // its events that are not in the database, in order
	generation *generation    // the last one that has events of it

	lookup sync.Mutex  // held by the caller that looks version up
	known  atomic.Bool // version was looked up
}

// heads are the streams that were written to lately, and those with events that
// are not in the database. It is bounded: what nobody needs is forgotten when
// there are too many, and looked up again.
type heads struct {
	all   map[stream.ID]*streamHead
	limit int
}

func newHeads(limit int) heads { return heads{all: map[stream.ID]*streamHead{}, limit: limit} }

// hold gives a stream's head to a caller, who has to release it.
func (h *heads) hold(id stream.ID) *streamHead {
	head, ok := h.all[id]
	if !ok {
		h.forget()
		head = &streamHead{id: id}
		h.all[id] = head
	}
	head.holders++
	return head
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
		if head.holders == 0 && len(head.unstored) == 0 {
			delete(h.all, id)
		}
		if n++; n == tries {
			return
		}
	}
}

// stored drops a generation's events from the streams: the database has them.
func (h *heads) stored(g *generation) {
	for _, head := range g.touched {
		n := 0
		for n < len(head.unstored) && head.unstored[n].last().Position <= g.last {
			n++
		}
		// A copy, as readers may hold the old list.
		head.unstored = append([]run(nil), head.unstored[n:]...)
		if head.generation == g {
			head.generation = nil
		}
	}
}

// unstoredUpTo are the stream's events that the database has not, up to a
// position. The flusher asks while the committer adds behind it.
func (m *memory) unstoredUpTo(head *streamHead, last stream.Position) []run {
	m.mu.RLock()
	defer m.mu.RUnlock()
	n := 0
	for n < len(head.unstored) && head.unstored[n].last().Position <= last {
		n++
	}
	return head.unstored[:n:n]
}
