package badgerlog

import (
	"fmt"
	"sync"

	"github.com/dgraph-io/badger/v4"

	"github.com/thaw-go/thaw/stream"
)

// flusher is the one goroutine that writes to the database: one generation at a
// time, each in one synced transaction. The writer hands them over.
type flusher struct {
	log   *Log
	next  chan *generation
	done  chan struct{} // closed when the goroutine has gone
	last  *generation   // the one handed over last; the writer's
	ts    uint64        // of the last transaction; the goroutine's
	join  joiner        // the goroutine's
	own   own           // of the generation that is written; the goroutine's
	total applied       // what the database has; the goroutine's
	pages mapped        // the goroutine's

	mu  sync.Mutex
	err error // the first failure
}

func newFlusher(l *Log, ts uint64, total applied) *flusher {
	return &flusher{
		log: l, ts: ts, total: total, next: make(chan *generation), done: make(chan struct{}),
		own: own{}, join: joiner{compress: l.options.Compress}, pages: mapped{log: l},
	}
}

func (f *flusher) run() {
	defer close(f.done)
	for g := range f.next {
		if g.err = f.store(g); g.err != nil {
			f.fail(g.err)
		}
		close(g.done)
	}
}

func (f *flusher) fail(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.err == nil {
		f.err = err
	}
}

// failure is why the database takes nothing more; nil if it does.
func (f *flusher) failure() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.err
}

// flush hands over the active generation, once the one before it is stored. It
// is the writer's to call.
func (f *flusher) flush() error {
	if err := f.wait(); err != nil {
		return err
	}
	f.last = f.log.memory.seal()
	f.next <- f.last
	return nil
}

// idle reports whether what was handed over is stored.
func (f *flusher) idle() bool {
	if f.last == nil {
		return true
	}
	select {
	case <-f.last.done:
		return true
	default:
		return false
	}
}

// wait waits until what was handed over is stored.
func (f *flusher) wait() error {
	if f.last == nil {
		return nil
	}
	<-f.last.done
	return f.last.err
}

// drain waits until everything that was journaled is stored.
func (f *flusher) drain() error {
	if err := f.wait(); err != nil || f.log.memory.active.empty() {
		return err
	}
	if err := f.flush(); err != nil {
		return err
	}
	return f.wait()
}

// stop stores what is left, ends the goroutine and waits for it. What can not be
// stored stays in the journal.
func (f *flusher) stop() error {
	err := f.drain()
	close(f.next)
	<-f.done
	if err != nil {
		return storageError("close "+f.log.dir.path, err)
	}
	return nil
}

// store writes a generation to the database and settles what memory and journal
// still hold of it.
func (f *flusher) store(g *generation) error {
	write := func() error { return f.write(g) }
	if seam := f.log.options.seams.flush; seam != nil {
		inner := write
		write = func() error { return seam(inner) }
	}
	if err := write(); err != nil {
		return storageError(fmt.Sprintf("store events up to position %d", g.last), err)
	}
	f.ts++
	f.total = f.total.after(g, f.join.blocks)
	f.log.memory.settle(f.ts, f.total)
	f.log.journal.Applied(g.end)
	f.log.witness.stored(f.total)
	f.log.db.SetDiscardTs(f.log.reads.oldest(f.ts) - 1)
	f.pages.wrote(2 * g.bytes) // events once more for their streams
	return nil
}

func (f *flusher) write(g *generation) error {
	txn := f.log.db.NewTransactionAt(f.ts+1, true)
	defer txn.Discard()
	if err := f.fill(txn, g); err != nil {
		return err
	}
	return f.log.commit(txn, f.ts+1)
}

// fill writes a generation into a transaction: the log's blocks, the streams'
// own, the commands, the tags, what consumers remember, and how far the journal is applied.
func (f *flusher) fill(txn *badger.Txn, g *generation) error {
	f.join.reset(2*g.bytes + (16+len(g.touched))*blockHeaderSize)
	f.join.blocks = 0
	err := f.fillLog(txn, g)
	for _, head := range g.touched {
		if err != nil {
			return err
		}
		err = f.fillStream(txn, head.id, f.log.memory.unstoredUpTo(head, g.last))
	}
	for c, e := range g.commands {
		if err != nil {
			return err
		}
		err = f.setUntil(txn, commandKey(c.topic, c.id), e.encode(), e.expiry())
	}
	if err == nil {
		err = f.fillTags(txn, g)
	}
	for key, value := range g.changes {
		if err != nil {
			return err
		}
		err = f.set(txn, []byte(key), value)
	}
	if err != nil {
		return err
	}
	total := f.total.after(g, f.join.blocks)
	return f.set(txn, appliedKey, seal(total.encode()))
}

// fillLog writes a generation's events as blocks of the log. Long spans of one
// stream get blocks of their own.
func (f *flusher) fillLog(txn *badger.Txn, g *generation) error {
	clear(f.own)
	block := func(value []byte, _, last *stream.Record) error {
		f.join.blocks++
		return f.set(txn, blockKey(last.Position), value)
	}
	ownBlocks := func(value []byte, first, last *stream.Record) error {
		f.own[first.Position] = ownBlock{last.Position, int(last.Position - first.Position + 1)}
		return block(value, first, last)
	}
	rest := g.runs
	for _, s := range longSpans(g.runs) {
		var part []run
		part, rest = takeEvents(rest, int(s.first-rest[0].first().Position))
		if err := f.join.each(part, block); err != nil {
			return err
		}
		part, rest = takeEvents(rest, s.events)
		if err := f.join.evenly(part, ownBlocks); err != nil {
			return err
		}
	}
	return f.join.each(rest, block)
}

// fillStream writes a stream's events under its own key: once more, or where the
// log has blocks of them alone, by naming those.
func (f *flusher) fillStream(txn *badger.Txn, id stream.ID, runs []run) error {
	for len(runs) > 0 {
		var part []run
		part, runs = f.own.copied(runs)
		err := f.join.each(part, func(value []byte, first, last *stream.Record) error {
			return f.set(txn, streamKey(id, last.Version, first.Position), value)
		})
		if err != nil {
			return err
		}
		runs, err = f.own.eachOwn(runs, func(b ownBlock, first *stream.Record) error {
			last := first.Version + stream.Version(b.events) - 1
			return f.set(txn, streamKey(id, last, first.Position), encodeReference(b.last))
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// fillTags writes where a generation's events carry which tags.
func (f *flusher) fillTags(txn *badger.Txn, g *generation) error {
	for tag, list := range g.tagged {
		for _, t := range list {
			key := tagKey(tag, t.topic, t.at[len(t.at)-1])
			if err := f.set(txn, key, encodePositions(t.at)); err != nil {
				return err
			}
		}
	}
	return nil
}

// setUntil sets a key, which the database forgets at a second; 0: never.
func (f *flusher) setUntil(txn *badger.Txn, key, value []byte, expiry uint64) error {
	if err := f.log.fault("db.set"); err != nil {
		return err
	}
	return txn.SetEntry(&badger.Entry{Key: key, Value: value, ExpiresAt: expiry})
}

// set changes a key in a transaction; a nil value forgets it.
func (f *flusher) set(txn *badger.Txn, key, value []byte) error {
	if err := f.log.fault("db.set"); err != nil {
		return err
	}
	if value == nil {
		return txn.Delete(key)
	}
	return txn.Set(key, value)
}
