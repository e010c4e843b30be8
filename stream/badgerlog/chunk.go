package badgerlog

import (
	"fmt"
	"sync"
	"unsafe"

	"github.com/dgraph-io/badger/v4"

	"github.com/thaw-go/thaw/stream"
)

// chunkBytes is how much a section copies at most before it ends, beyond its
// last entry.
const chunkBytes = 512 << 10

// chunk is what one section copied out of the database; the next one reuses it.
type chunk struct {
	values  []byte // the entries' values, one after another
	entries []entry
	ends    []int
	records []stream.Record
	frame   frame // the event that is being decoded
	names   *interner
	plain   []byte // of the entry that was decoded last, if it was compressed
}

// chunks are shared by reads one after another: loading a small instance would
// otherwise spend more on buffers than on reading.
var chunks = sync.Pool{New: func() any { return &chunk{names: newInterner()} }}

// entry is one copied entry of a family of keys.
type entry struct {
	number uint64          // its last position or, in a stream's family, version
	at     stream.Position // the same, or in a stream's family its first position
	last   stream.Position // in a stream's family: no event in it is behind this
	value  []byte
}

// collect copies entries of a family from a key on, until the chunk is full. It
// returns the key to go on at, nil at the end.
func (s *section) collect(c *chunk, prefix, from []byte) (next []byte, err error) {
	c.values, c.entries, c.ends = c.values[:0], c.entries[:0], c.ends[:0]
	if err := s.fault.at("db.iterate"); err != nil {
		return nil, storageError(fmt.Sprintf("read the entries from key %q", from), err)
	}
	it := s.txn.NewIterator(badger.IteratorOptions{Prefix: prefix})
	defer it.Close()
	for it.Seek(from); it.Valid(); it.Next() {
		item := it.Item()
		if len(c.values) >= chunkBytes {
			next = item.KeyCopy(nil)
			break
		}
		number, at, err := numbered(prefix, item.Key())
		if err != nil {
			return nil, err
		}
		if err = s.fault.at("db.value"); err == nil {
			err = item.Value(func(value []byte) error { return s.block(value, c.copy) })
		}
		if err != nil {
			return nil, storageError(fmt.Sprintf("read the entry under key %q", item.Key()), err)
		}
		c.entries = append(c.entries, entry{number: number, at: at})
		c.ends = append(c.ends, len(c.values))
	}
	start := 0
	for i, end := range c.ends { // only now, as values has moved while it grew
		c.entries[i].value = c.values[start:end:end]
		start = end
	}
	return next, nil
}

// copy adds a value to the chunk.
func (c *chunk) copy(value []byte) error {
	c.values = append(c.values, value...)
	return nil
}

// bound says of each entry of a stream where its last event can be at most:
// before the next entry's first one, or where the database ends.
func (c *chunk) bound(prefix, next []byte, stored stream.Position) {
	last := stored
	if next != nil {
		if _, at, err := numbered(prefix, next); err == nil {
			last = at - 1
		}
	}
	for i := len(c.entries) - 1; i >= 0; i-- {
		c.entries[i].last = last
		last = c.entries[i].at - 1
	}
}

// room is the reader's chunk.
func (r *reader) room() *chunk {
	if r.chunk == nil {
		r.chunk = chunks.Get().(*chunk)
	}
	return r.chunk
}

// free gives the chunk up: a reader that follows the log in memory needs none.
func (r *reader) free() {
	if r.chunk != nil {
		chunks.Put(r.chunk)
		r.chunk = nil
	}
}

// collect fills a chunk inside one section, which has ended when it returns.
// stored is what the database has; memory has the rest.
func (l *Log) collect(c *chunk, prefix, from []byte, look func(*memory)) (stored stream.Position, next []byte, err error) {
	s, err := l.reads.beginWith(l, look)
	if err != nil {
		return 0, nil, err
	}
	defer s.end()
	in := true
	defer stream.Contain("reading the database", &in, &err)
	next, err = s.collect(c, prefix, from)
	in = false
	return s.stored, next, err
}

// decode returns the events of an entry that are selected, valid until the next
// call. What is not selected is not turned into a record.
func (c *chunk) decode(e entry, selected func(*frame) bool) ([]stream.Record, error) {
	b, err := openStored(e.value, &c.plain)
	if err != nil {
		return nil, err
	}
	if cap(c.records) < b.left { // as many as there are heads for, whatever the block says
		c.records = make([]stream.Record, b.left)
	}
	records := c.records[:0]
	f := &c.frame
	f.begin()
	for {
		more, err := b.next(f)
		if err != nil {
			return nil, err
		}
		if !more {
			return records, nil
		}
		if !selected(f) {
			continue
		}
		records = records[:len(records)+1]
		if err := f.record(c.names, &records[len(records)-1]); err != nil {
			return nil, err
		}
	}
}

// view is bytes as a string for the length of a comparison, without a copy.
func view(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }
