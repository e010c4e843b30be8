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
	pinned map[uint64]int // timestamp -> moments that will be read at it
}

func (r *reads) init() {
	r.idle = sync.NewCond(&r.mu)
	r.active = map[uint64]int{}
	r.pinned = map[uint64]int{}
}

// section is a short stay inside the database, at one timestamp.
type section struct {
	reads  *reads
	txn    *badger.Txn
	ts     uint64
	stored stream.Position // what the database has at ts; memory has the rest
	fault  faults
}

func (r *reads) begin(l *Log) (*section, error) { return r.beginWith(l, nil) }

// beginWith begins a section and runs look, which may be nil, under the memory's
// lock: what it finds there is what the database does not have at the section's
// timestamp, no more and no less.
func (r *reads) beginWith(l *Log, look func(*memory)) (*section, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.ended {
		return nil, stream.ErrClosed
	}
	m := l.memory
	m.mu.RLock()
	defer m.mu.RUnlock()
	if look != nil {
		look(m)
	}
	// The timestamp is taken under r.mu: oldest, which says what may be thrown
	// away, either counts this section or was asked before ts was visible.
	r.active[m.ts]++
	return &section{
		reads: r, txn: l.db.NewTransactionAt(m.ts, false), ts: m.ts, stored: m.stored,
		fault: l.options.seams.fault,
	}, nil
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
	for _, held := range [2]map[uint64]int{r.active, r.pinned} {
		for ts := range held {
			now = min(now, ts)
		}
	}
	return now
}

// quiet waits until nobody is inside the database, and keeps it so meanwhile.
func (r *reads) quiet(meanwhile func() error) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	for len(r.active) > 0 {
		r.idle.Wait()
	}
	return meanwhile()
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

// get is a copy of a key's value, or nil if there is none.
func (s *section) get(key []byte) ([]byte, error) {
	if err := s.fault.at("db.get"); err != nil {
		return nil, storageError(fmt.Sprintf("read key %q", key), err)
	}
	return getValue(s.txn, key)
}

// version is the version of a stream's last event in the database; 0 if it has
// none.
func (s *section) version(id stream.ID) (stream.Version, error) {
	if err := s.fault.at("db.iterate"); err != nil {
		return 0, storageError("find the version of "+id.String(), err)
	}
	prefix := streamKeys(id)
	key := floorKey(s.txn, prefix, lastStreamKey(id))
	if key == nil {
		return 0, nil
	}
	last, _, err := numbered(prefix, key)
	return stream.Version(last), err
}

// damaged names a damaged entry of the stream index.
func damaged(id stream.ID, e entry, err error) error {
	return &stream.CorruptError{Position: e.at, Last: e.last, Err: fmt.Errorf("index of %s up to version %d: %w", id, e.number, err)}
}

// command is a command's effect in a topic; nil if it had none.
func (s *section) command(topic string, id stream.EventID) (*effect, error) {
	value, err := s.get(commandKey(topic, id))
	if value == nil || err != nil {
		return nil, err
	}
	e, err := decodeEffect(topic, value)
	if err != nil {
		return nil, &stream.CorruptError{Err: fmt.Errorf("effect of command %s in topic %s: %w", id, topic, err)}
	}
	return &e, nil
}

// eachVersion hands over a stream's events from a version on. The records are
// the receiver's.
func (l *Log) eachVersion(id stream.ID, from stream.Version, emit func(*stream.Record) error) error {
	var c chunk
	c.names = newInterner()
	next := streamKey(id, from, 0)
	for next != nil {
		var unstored []run
		s, err := l.reads.beginWith(l, func(m *memory) { unstored = m.unstored(id) })
		if err != nil {
			return err
		}
		c.values = nil // the records are kept: each chunk has bytes of its own
		next, err = s.collect(&c, streamKeys(id), next)
		s.end()
		if err != nil {
			return err
		}
		for _, e := range c.entries {
			c.records, c.plain = nil, nil
			records, err := c.decode(e, func(f *frame) bool { return f.version >= uint64(from) })
			if err == nil && len(records) > 0 && records[0].Stream != id {
				err = fmt.Errorf("expected events of this stream, found one of %s", records[0].Stream)
			}
			if err != nil {
				return damaged(id, e, err)
			}
			if err := emitAll(records, from, emit); err != nil {
				return err
			}
		}
		if next != nil {
			continue
		}
		for _, r := range unstored {
			if err := emitAll(r.records, from, emit); err != nil {
				return err
			}
		}
	}
	return nil
}

func emitAll(records []stream.Record, from stream.Version, emit func(*stream.Record) error) error {
	for i := range records {
		if records[i].Version < from {
			continue
		}
		if err := emit(&records[i]); err != nil {
			return err
		}
	}
	return nil
}
