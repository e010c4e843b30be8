package badgerlog

import (
	"fmt"
	"sync"

	"github.com/dgraph-io/badger/v4"

	"github.com/thaw-go/thaw/stream"
)

// reads keeps track of who is inside the database. Nobody is inside it while a
// subscriber's function runs: a section copies what it needs and ends, so a slow
// subscriber holds no snapshot, no iterator and no lock, and Close waits for
// sections only.
type reads struct {
	mu     sync.Mutex
	idle   *sync.Cond
	ended  bool
	active map[uint64]int // timestamp -> sections that read at it
}

func (r *reads) init() {
	r.idle = sync.NewCond(&r.mu)
	r.active = map[uint64]int{}
}

// section is a short stay inside the database, at one timestamp.
type section struct {
	reads *reads
	txn   *badger.Txn
	ts    uint64
	head  stream.Position // what may be seen at ts
}

func (r *reads) begin(l *Log) (*section, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.ended {
		return nil, stream.ErrClosed
	}
	// The timestamp is taken under r.mu: oldest, which says what may be thrown
	// away, either counts this section or was asked before ts was visible.
	head, ts, _ := l.tail.visible()
	r.active[ts]++
	return &section{reads: r, txn: l.db.NewTransactionAt(ts, false), ts: ts, head: head}, nil
}

func (s *section) end() {
	s.txn.Discard()
	r := s.reads
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.active[s.ts]--; r.active[s.ts] == 0 {
		delete(r.active, s.ts)
	}
	if len(r.active) == 0 {
		r.idle.Broadcast()
	}
}

// oldest is the oldest timestamp that is being read at, or now if there is none.
func (r *reads) oldest(now uint64) uint64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	for ts := range r.active {
		now = min(now, ts)
	}
	return now
}

// close refuses new sections and waits for those that are inside.
func (r *reads) close() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ended = true
	for len(r.active) > 0 {
		r.idle.Wait()
	}
}

// version is a stream's version; 0 if it does not exist.
func (s *section) version(id stream.ID) (stream.Version, error) {
	prefix := streamKeys(id)
	key, value, err := floorEntry(s.txn, prefix, lastStreamKey(id, 1<<64-1))
	if key == nil || err != nil {
		return 0, err
	}
	first, at, err := numbered(prefix, key)
	if err != nil {
		return 0, err
	}
	b, err := openBlock(value)
	if err != nil {
		return 0, damaged(id, entry{number: first, at: at}, err)
	}
	return stream.Version(first + uint64(b.left) - 1), nil
}

// damaged names a damaged entry of the stream index.
func damaged(id stream.ID, e entry, err error) error {
	return &stream.CorruptError{Position: e.at, Err: fmt.Errorf("index of %s at version %d: %w", id, e.number, err)}
}

// command is a command's effect in a topic; nil if it had none.
func (s *section) command(topic string, id stream.EventID) (*effect, error) {
	value, err := getValue(s.txn, commandKey(topic, id))
	if value == nil || err != nil {
		return nil, err
	}
	e, err := decodeEffect(topic, value)
	if err != nil {
		return nil, &stream.CorruptError{Err: fmt.Errorf("effect of command %s in topic %s: %w", id, topic, err)}
	}
	return &e, nil
}

// versions hands over a stream's events from a version on. The records are the
// receiver's.
func (s *section) versions(id stream.ID, from stream.Version, emit func(*stream.Record) error) error {
	var c chunk
	c.names = newInterner()
	start := floorKey(s.txn, streamKeys(id), lastStreamKey(id, from))
	if start == nil {
		start = streamKeys(id)
	}
	for start != nil {
		var err error
		c.values = nil // the records are kept: each chunk has bytes of its own
		if start, err = s.collect(&c, streamKeys(id), start); err != nil {
			return err
		}
		for _, e := range c.entries {
			c.records = nil
			records, err := c.decode(e, func(f *frame) bool { return f.version >= uint64(from) })
			if err != nil {
				return damaged(id, e, err)
			}
			for i := range records {
				if err := emit(&records[i]); err != nil {
					return err
				}
			}
		}
	}
	return nil
}
