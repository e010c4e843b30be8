package badgerlog

import (
	"fmt"
	"maps"
	"slices"

	"github.com/thaw-go/thaw/stream"
)

// instant is the log as it was at one moment: what the database had, which it
// keeps until release, and what memory had beyond that. Nobody is inside the
// database between two looks at it, so who holds one delays no one, and Close does
// not wait for it.
type instant struct {
	log     *Log
	ts      uint64
	stored  stream.Position   // the database has the events up to here
	runs    []run             // and memory those behind it
	changes map[string][]byte // what consumers remember that the database has not
	head    stream.Position
	cut     stream.Position
}

func (l *Log) hold() (*instant, error) {
	r, m := &l.reads, l.memory
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.ended {
		return nil, stream.ErrClosed
	}
	m.mu.RLock()
	defer m.mu.RUnlock()
	n := &instant{log: l, ts: m.ts, stored: m.stored, head: m.head, cut: m.cut}
	for _, g := range [2]*generation{m.sealed, m.active} {
		if g != nil {
			n.runs = append(n.runs, g.runs...)
		}
	}
	n.changes = m.changesFrom(string([]byte{consumerPrefix}), "")
	r.pinned[n.ts]++
	return n, nil
}

func (n *instant) release() {
	r := &n.log.reads
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.pinned[n.ts]--; r.pinned[n.ts] == 0 {
		delete(r.pinned, n.ts)
	}
}

// begin begins a section in the database as it was.
func (n *instant) begin() (*section, error) {
	r := &n.log.reads
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.ended {
		return nil, stream.ErrClosed
	}
	r.active[n.ts]++
	return &section{reads: r, txn: n.log.db.NewTransactionAt(n.ts, false), ts: n.ts, stored: n.stored, fault: n.log.options.seams.fault}, nil
}

// collect fills a chunk with entries of the database as it was.
func (n *instant) collect(c *chunk, prefix, from []byte) (next []byte, err error) {
	s, err := n.begin()
	if err != nil {
		return nil, err
	}
	defer s.end()
	in := true
	defer stream.Contain("reading the database", &in, &err)
	next, err = s.collect(c, prefix, from)
	in = false
	return next, err
}

// blocks are the events behind a place, as encoded blocks; each is valid until
// the next call. What was damaged is no block.
type blocks struct {
	instant *instant
	at      stream.Position
	chunk   chunk
	entries []entry // of the chunk, that are to come
	join    joiner
}

func (n *instant) blocks(after stream.Position) *blocks {
	return &blocks{instant: n, at: after, chunk: chunk{names: newInterner()}, join: joiner{compress: n.log.options.Compress}}
}

// next is the next block that the database has and how many events are in it; 0
// once memory has the rest.
func (b *blocks) next() (value []byte, events int, err error) {
	end := min(b.instant.stored, b.instant.head)
	if b.at >= end {
		return nil, 0, nil
	}
	if len(b.entries) == 0 {
		if _, err := b.instant.collect(&b.chunk, []byte{blockPrefix}, blockKey(b.at+1)); err != nil {
			return nil, 0, err
		}
		b.entries = b.chunk.entries
	}
	if len(b.entries) == 0 {
		return nil, 0, &stream.CorruptError{Position: b.at + 1, Err: fmt.Errorf("a block is missing: nothing follows position %d in a log of %d", b.at, end)}
	}
	e := b.entries[0]
	b.entries = b.entries[1:]
	value, events, err = b.part(e, end)
	if err != nil {
		return nil, 0, &stream.CorruptError{Position: b.at + 1, Last: stream.Position(e.number), Err: err}
	}
	b.at += stream.Position(events)
	return value, events, nil
}

// part is a block's events behind the place up to an end: the block itself if it
// has no others.
func (b *blocks) part(e entry, end stream.Position) (value []byte, events int, err error) {
	before := uint64(b.at)
	next, whole := uint64(0), e.number <= uint64(end)
	var order error
	records, err := b.chunk.decode(e, func(f *frame) bool {
		if next == 0 {
			next = min(f.position, before+1)
			whole = whole && f.position > before
		}
		if f.position != next && order == nil {
			order = fmt.Errorf("expected position %d, found %d", next, f.position)
		}
		next++
		return !whole && f.position > before && f.position <= uint64(end)
	})
	switch {
	case err != nil:
		return nil, 0, err
	case order != nil:
		return nil, 0, order
	case next != e.number+1:
		return nil, 0, fmt.Errorf("expected a block up to position %d, found one up to %d", e.number, next-1)
	case whole:
		return e.value, int(e.number - before), nil
	}
	return encodeBlock(records), len(records), nil
}

// unstored hands over the blocks of what only memory has.
func (b *blocks) unstored(emit func(value []byte, events int) error) error {
	var runs []run
	for _, r := range b.instant.runs {
		if first := r.first().Position; first <= b.at {
			_, r = r.cut(min(int(b.at-first+1), len(r.records)))
		}
		if n := len(r.records); n > 0 && r.last().Position > b.instant.head {
			r, _ = r.cut(n - min(n, int(r.last().Position-b.instant.head)))
		}
		if len(r.records) > 0 {
			runs = append(runs, r)
		}
	}
	return b.join.each(runs, func(value []byte, _, last *stream.Record) error {
		events := int(last.Position - b.at)
		b.at = last.Position
		return emit(value, events)
	})
}

// event is the header of the event at a position that the log has.
func (n *instant) event(at stream.Position) (stream.Header, error) {
	for _, r := range n.runs {
		if first := r.first().Position; at >= first && at <= r.last().Position {
			return r.records[at-first].Header, nil
		}
	}
	b := n.blocks(at - 1)
	if _, err := n.collect(&b.chunk, []byte{blockPrefix}, blockKey(at)); err != nil {
		return stream.Header{}, err
	}
	var found []stream.Record
	var err error
	if len(b.chunk.entries) > 0 {
		found, err = b.chunk.decode(b.chunk.entries[0], func(f *frame) bool { return f.position == uint64(at) })
	}
	if err == nil && len(found) != 1 {
		err = fmt.Errorf("expected the event at position %d, found it %d times", at, len(found))
	}
	if err != nil {
		return stream.Header{}, &stream.CorruptError{Position: at, Err: err}
	}
	return found[0].Header, nil
}

// consumers hands over what consumers have stored, as the database would have
// it, in the order of its keys.
func (n *instant) consumers(emit func(key, value []byte) error) error {
	for from := []byte{consumerPrefix}; from != nil; {
		list, next, err := n.someConsumers(from)
		if err != nil {
			return err
		}
		for _, e := range list {
			if err := emit(e.key, e.value); err != nil {
				return err
			}
		}
		from = next
	}
	return nil
}

func (n *instant) someConsumers(from []byte) (list []keyed, next []byte, err error) {
	s, err := n.begin()
	if err != nil {
		return nil, nil, err
	}
	defer s.end()
	stored, next, err := s.someSealed([]byte{consumerPrefix}, from)
	if err != nil {
		return nil, nil, err
	}
	merged := map[string][]byte{}
	for _, e := range stored {
		merged[string(e.key)] = e.value
	}
	for key, value := range n.changes {
		if key >= string(from) && (next == nil || key < string(next)) {
			merged[key] = value
		}
	}
	for _, key := range slices.Sorted(maps.Keys(merged)) {
		if merged[key] != nil { // not forgotten
			list = append(list, keyed{[]byte(key), merged[key]})
		}
	}
	return list, next, nil
}
