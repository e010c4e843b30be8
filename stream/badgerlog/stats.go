package badgerlog

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/thaw-go/thaw/stream"
)

// Stats is what a log has and does at a moment.
type Stats struct {
	Events  uint64          // that readers can see
	Streams uint64          // instances that they belong to
	Bytes   uint64          // of the events as they are encoded, once: heads and payloads
	Head    stream.Position // of the last event that readers can see

	Cut          stream.Position // history up to here was removed: Events and Streams count it, Bytes too, unless the log was restored since
	Stored       stream.Position // the database has the events up to here; the journal has the others
	Blocks       uint64          // of the log, in the database
	DiskBytes    int64           // of all files in the directory
	LastSync     time.Time       // when an append was last acknowledged; zero if none was since Open
	TailEvents   int             // newest events kept in memory for subscribers
	TailBytes    int             // and their bytes
	KnownStreams int             // instances whose version is known without asking the database
	Collected    Collection      // what was done to give disk space back
	Readers      []Reader        // reads that are running, the slowest first
}

// Reader is a read that is running.
type Reader struct {
	Query stream.Query    // what it selects
	At    stream.Position // everything up to here was handed over
	Lag   uint64          // how many events of the log, selected or not, lie between there and the head
}

// Stats returns [stream.ErrClosed] once the log is closed, and what the file
// system says.
func (l *Log) Stats(ctx context.Context) (Stats, error) {
	if err := l.mayWork(ctx); err != nil {
		return Stats{}, err
	}
	s := l.memory.stats()
	s.Readers = l.readers.list(s.Head)
	s.Collected = l.collector.stats()
	if at := l.lastSync.Load(); at != 0 {
		s.LastSync = time.Unix(0, at)
	}
	err := l.fault("dir.read")
	if err == nil {
		s.DiskBytes, err = l.dir.bytes()
	}
	if err != nil {
		return Stats{}, fmt.Errorf("badgerlog: stats of %s: %w", l.dir.path, err)
	}
	return s, nil
}

func (m *memory) stats() Stats {
	m.mu.RLock()
	defer m.mu.RUnlock()
	s := Stats{
		Events: uint64(m.head), Head: m.head, Cut: m.cut, Stored: m.stored,
		Streams: m.total.streams, Bytes: m.total.bytes, Blocks: m.total.blocks,
		TailEvents: m.tail.events, TailBytes: m.tail.bytes, KnownStreams: m.heads.count(),
	}
	for _, g := range [2]*generation{m.sealed, m.active} {
		if g != nil {
			s.Streams += uint64(g.streams)
			s.Bytes += uint64(g.eventBytes)
		}
	}
	return s
}

// bytes is how long the directory's files are, in the blocks that they occupy.
func (d *directory) bytes() (total int64, err error) {
	entries, err := os.ReadDir(d.path)
	if err != nil {
		return 0, err
	}
	for _, e := range entries {
		info, err := os.Stat(filepath.Join(d.path, e.Name()))
		if os.IsNotExist(err) {
			continue // a table that was merged away meanwhile
		}
		if err != nil {
			return 0, err
		}
		total += occupied(info)
	}
	return total, nil
}

// readers are the reads that are running.
type readers struct {
	mu  sync.Mutex
	all map[*place]bool
}

// place is how far a read has come, for those who watch it.
type place struct {
	query stream.Query
	at    atomic.Uint64
}

func (r *readers) add(q stream.Query) *place {
	p := &place{query: q}
	p.at.Store(uint64(q.From.Position(0)))
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.all == nil {
		r.all = map[*place]bool{}
	}
	r.all[p] = true
	return p
}

func (r *readers) remove(p *place) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.all, p)
}

func (r *readers) list(head stream.Position) []Reader {
	r.mu.Lock()
	defer r.mu.Unlock()
	list := make([]Reader, 0, len(r.all))
	for p := range r.all {
		at := p.at.Load()
		list = append(list, Reader{Query: p.query, At: stream.Position(at), Lag: uint64(head) - min(at, uint64(head))})
	}
	slices.SortFunc(list, func(a, b Reader) int { return cmp.Compare(b.Lag, a.Lag) })
	return list
}
