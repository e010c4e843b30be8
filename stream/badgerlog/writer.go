package badgerlog

import (
	"errors"
	"sync/atomic"
	"time"

	"github.com/thaw-go/thaw/internal/journal"
	"github.com/thaw-go/thaw/stream"
)

// writer is the one goroutine that journals. It takes prepared plans in order,
// makes each durable with one write, shows it to readers, and only then answers
// its requests.
type writer struct {
	log    *Log
	next   chan *plan
	done   chan struct{} // closed when the goroutine has gone
	ahead  *ahead
	seq    uint64                      // of the last journal record
	failed atomic.Pointer[FailedError] // set for good by the first failure
}

func newWriter(l *Log) *writer {
	return &writer{log: l, next: make(chan *plan), done: make(chan struct{})}
}

func (w *writer) run() {
	defer close(w.done)
	for p := range w.next {
		if p == nil {
			continue // somebody waited for this
		}
		w.serve(p)
		w.settle(p)
		for _, r := range p.group {
			r.done <- struct{}{}
		}
	}
}

// idle waits until everything handed over has been served.
func (w *writer) idle() { w.next <- nil }

// failure is why nothing more is written; nil if it is.
func (w *writer) failure() *FailedError {
	if w.failed.Load() == nil {
		if err := w.log.flusher.failure(); err != nil {
			w.fail(err)
		}
	}
	return w.failed.Load()
}

func (w *writer) fail(err error) {
	w.failed.CompareAndSwap(nil, &FailedError{Dir: w.log.dir.path, Err: err})
}

// serve stores a plan and sets each request's outcome.
func (w *writer) serve(p *plan) {
	if failed := w.failure(); failed != nil {
		p.err = failed // also for what was decided on top of what failed
	}
	if p.err == nil && !p.commit.empty() {
		p.err = w.makeRoom(p.commit)
	}
	if p.err != nil || p.commit.empty() {
		w.log.memory.letGo(p.group)
		p.refuse()
		return
	}
	store := w.write
	if w.direct(p.commit) {
		store = w.writeDirect
	}
	if err := store(p); err != nil {
		w.log.memory.letGo(p.group)
		w.fail(err)
		w.abandon(p, err)
		return
	}
	w.accept(p)
}

// settle stores everything in the database if a plan's requests wait for that.
func (w *writer) settle(p *plan) {
	if len(p.settle) == 0 || p.err != nil {
		return
	}
	err := w.log.flusher.drain()
	if err != nil {
		w.fail(err)
		err = w.failed.Load()
	}
	for _, r := range p.settle {
		r.outcome.err = err
	}
}

// makeRoom hands the active generation to the flusher if the commit does not
// fit in. It waits while the one before it is being stored: that bounds what
// stands in memory and in the journal.
func (w *writer) makeRoom(add *commit) error {
	if w.log.memory.takes(add) {
		return nil
	}
	if err := w.log.flusher.flush(); err != nil {
		w.fail(err)
		return w.failed.Load()
	}
	return nil
}

// write journals a commit and shows it to readers. If the journal has no room,
// everything before is stored first.
func (w *writer) write(p *plan) error {
	var seq uint64
	write := func() (err error) {
		seq, err = w.append(p.record)
		if errors.Is(err, journal.ErrFull) {
			if err = w.log.flusher.drain(); err == nil {
				seq, err = w.append(p.record)
			}
		}
		return err
	}
	if err := w.seamed(write); err != nil {
		return storageError("commit", err)
	}
	w.seq = seq
	w.log.witness.saw(w.seq, p.head)
	w.log.memory.publish(p.commit, w.seq, p.group)
	return nil
}

// append adds a record to the journal.
func (w *writer) append(record [][]byte) (seq uint64, err error) {
	if err := w.log.fault("journal.append"); err != nil {
		return 0, err
	}
	if seq, err = w.log.journal.Append(record...); err != nil {
		return 0, err
	}
	return seq, w.log.fault("journal.sync")
}

// directBytes is how large a commit has to be for its bytes to cost more than
// waiting for the database.
const directBytes = 2 << 20

// direct reports whether a commit goes to the database without being journaled:
// that writes a large one twice instead of three times.
func (w *writer) direct(c *commit) bool {
	return w.log.options.Durability == Synced && len(c.changes) == 0 && c.all.size() >= directBytes
}

// writeDirect stores a commit in the database, together with what was journaled
// before it, and shows it to readers.
func (w *writer) writeDirect(p *plan) error {
	write := func() error {
		w.log.memory.include(p.commit, w.seq)
		return w.log.flusher.drain()
	}
	if err := w.seamed(write); err != nil {
		return storageError("commit", err)
	}
	w.log.witness.saw(w.seq, p.head)
	w.log.memory.show(p.commit, p.group)
	return nil
}

func (w *writer) seamed(write func() error) error {
	if seam := w.log.options.seams.commit; seam != nil {
		return seam(write)
	}
	return write()
}

// abandon answers a group whose write failed: what was to be stored may or may
// not be. Nobody is shown it, and nothing more is written, as the next commit
// could give the same positions to other events.
func (w *writer) abandon(p *plan, err error) {
	for _, r := range p.group {
		switch {
		case r.consumer == "" && r.outcome.err == nil && r.outcome.earlier == nil:
			r.outcome = outcome{err: &stream.AmbiguousError{Stream: r.id, Err: err}}
		default:
			r.outcome = outcome{err: w.failed.Load()}
		}
	}
}

// accept answers a plan that is stored.
func (w *writer) accept(p *plan) {
	for i, r := range p.accepted {
		r.outcome.records = p.commit.parts[i].records
	}
	w.log.lastSync.Store(time.Now().UnixNano())
	w.ahead.published()
}
