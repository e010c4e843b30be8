package operators

import (
	"context"
	"fmt"
	"sync"

	"github.com/thaw-go/thaw/stream"
)

// inbox is what a source has delivered and a keyed view has not stored yet. The
// source waits while it is full.
type inbox[E any] struct {
	most  int
	ready chan struct{} // has room for one: there is a new mark, or the source waits
	room  chan struct{} // has room for one: something was taken out

	mu     sync.Mutex
	items  []placedItem[E]
	marked int // how many of the items the mark covers
	mark   stream.Mark
	news   bool // the mark has not been taken
	full   bool // the source waits
	last   placedItem[E]
}

// placedItem is an event, and its number among the items of its position: an
// operator may make several of one.
type placedItem[E any] struct {
	event  *stream.Event[E]
	number uint64
	why    error // it could not be decoded: the event has a header only
}

func newInbox[E any](most int) *inbox[E] {
	return &inbox[E]{most: most, ready: make(chan struct{}, 1), room: make(chan struct{}, 1)}
}

func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// put adds an event. The inbox takes any number before a mark, as nothing can be
// stored without one: as many as lie between two marks of the source.
func (b *inbox[E]) put(ctx context.Context, e *stream.Event[E], undecoded error) error {
	b.mu.Lock()
	for len(b.items) >= b.most && b.marked > 0 {
		b.full = true
		b.mu.Unlock()
		signal(b.ready)
		select {
		case <-b.room:
		case <-ctx.Done():
			return ctx.Err()
		}
		b.mu.Lock()
	}
	defer b.mu.Unlock()
	item := placedItem[E]{event: e, number: 1, why: undecoded}
	if last := b.last.event; last != nil {
		switch {
		case e.Shard == last.Shard && e.Position == last.Position:
			item.number = b.last.number + 1
		case e.Shard == last.Shard && e.Position < last.Position:
			return fmt.Errorf("event %d of %s came after event %d: an operator before the view must keep the log's order", e.Position, e.Stream, last.Position)
		}
	}
	if e.Position == 0 {
		return fmt.Errorf("an event of %s has no position, so it could not be counted once: an operator must keep its header", e.Stream)
	}
	b.last = item
	b.items = append(b.items, item)
	return nil
}

// pass notes that all items so far are covered by a mark.
func (b *inbox[E]) pass(m stream.Mark) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.mark, b.marked, b.news = m, len(b.items), true
	signal(b.ready)
}

// look tells of what is marked: whether there is news, and enough for an update of
// so many events, or as much as there will be.
func (b *inbox[E]) look(most int) (mark stream.Mark, news, enough bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.mark, b.news, b.full || b.marked >= most
}

// peek returns the first items that are marked, about so many, and the mark that
// holds once they have been stored. It cuts only between two positions: as the
// whole of what is cut is marked and in order, nothing of an earlier position is
// still to come.
func (b *inbox[E]) peek(most int) (items []placedItem[E], mark stream.Mark) {
	b.mu.Lock()
	defer b.mu.Unlock()
	n := b.marked
	if n > most {
		n = cutAt(b.items[:b.marked], most)
	}
	if n == b.marked {
		return b.items[:n:n], b.mark
	}
	return b.items[:n:n], stream.Mark{At: b.items[n-1].event.Cursor(), Head: b.mark.Head}
}

// cutAt returns the last place up to most, or else the first one after it, where
// the next item is of another position than the one before.
func cutAt[E any](items []placedItem[E], most int) int {
	between := func(n int) bool {
		a, b := items[n-1].event, items[n].event
		return a.Shard == 0 && b.Shard == 0 && a.Position != b.Position
	}
	for n := max(1, most); n > 0; n-- {
		if n < len(items) && between(n) {
			return n
		}
	}
	for n := max(1, most) + 1; n < len(items); n++ {
		if between(n) {
			return n
		}
	}
	return len(items)
}

// left is how many items no mark covers, or have not been stored.
func (b *inbox[E]) left() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.items)
}

// drop removes items that were stored, with the mark that was stored.
func (b *inbox[E]) drop(n int, stored stream.Mark) {
	b.mu.Lock()
	defer b.mu.Unlock()
	left := copy(b.items, b.items[n:])
	clear(b.items[left:])
	b.items = b.items[:left]
	b.marked -= n
	b.full = false
	if b.marked == 0 && b.mark.Live == stored.Live && b.mark.At.Equal(stored.At) { // else there is another one by now
		b.news = false
	}
	signal(b.room)
}
