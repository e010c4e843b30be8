package badgerlog

import (
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/thaw-go/thaw/internal/journal"
	"github.com/thaw-go/thaw/stream"
)

// writer is the one goroutine that journals. It takes prepared plans in order,
// as many as are there, makes them durable with one write, shows them to readers,
// and only then answers their requests.
type writer struct {
	log    *Log
	next   chan *plan
	done   chan struct{} // closed when the goroutine has gone
	ahead  *ahead
	seq    uint64                      // of the last journal record
	failed atomic.Pointer[FailedError] // set for good by the first failure

	held    *plan   // taken, and left for the next turn
	plans   []*plan // of this turn
	commits []*commit
	record  [][]byte
	stored  bool // what they add is stored
}

// maxAhead is how many plans are prepared while others are being written.
const maxAhead = 4

func newWriter(l *Log) *writer {
	return &writer{log: l, next: make(chan *plan, maxAhead), done: make(chan struct{})}
}

func (w *writer) run() {
	defer close(w.done)
	for w.gather() {
		w.serve()
		w.settle()
		for _, p := range w.plans {
			letGo(p.group)
			for _, r := range p.group {
				r.done <- struct{}{}
			}
		}
		if w.stored { // only now: nobody waits for this
			w.log.witness.saw(w.seq, w.plans[len(w.plans)-1].head)
		}
	}
}

// gather waits for a plan, and takes those that are ready behind it as long as
// they fit in one record and one generation; false at the end.
func (w *writer) gather() bool {
	clear(w.plans)
	w.plans, w.commits, w.record, w.stored = w.plans[:0], w.commits[:0], w.record[:0], false
	p := w.held
	for w.held = nil; p == nil || p.idle != nil; {
		if p != nil {
			close(p.idle)
		}
		var ok bool
		if p, ok = <-w.next; !ok {
			return false
		}
	}
	w.take(p)
	for p.joins() {
		select {
		case p = <-w.next: // nil once the committer has gone
		default:
			return true
		}
		if p == nil || !p.joins() || !w.log.memory.takes(append(w.commits, p.commit)...) {
			w.held = p
			return true
		}
		w.take(p)
	}
	return true
}

func (w *writer) take(p *plan) {
	w.plans = append(w.plans, p)
	w.commits = append(w.commits, p.commit)
	w.record = append(w.record, p.record...)
}

// joins reports whether a plan can share a journal record with others.
func (p *plan) joins() bool {
	return p.idle == nil && p.err == nil && len(p.settle) == 0 && !p.commit.empty() && p.commit.all.size() < directBytes/2
}

// idle waits until everything handed over has been served.
func (w *writer) idle() {
	p := &plan{idle: make(chan struct{})}
	w.next <- p
	<-p.idle
}

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

// serve stores the plans of this turn and sets each request's outcome.
func (w *writer) serve() {
	first := w.plans[0]
	if failed := w.failure(); failed != nil {
		w.refuse(failed) // also what was decided on top of what failed
		return
	}
	if first.err != nil || first.commit.empty() {
		first.refuse()
		return
	}
	if err := w.makeRoom(); err != nil {
		w.refuse(err)
		return
	}
	store := w.write
	if w.direct(first.commit) {
		store = w.writeDirect
	}
	if err := store(); err != nil {
		w.fail(err)
		for _, p := range w.plans {
			w.abandon(p, err)
		}
		return
	}
	w.accept()
}

func (w *writer) refuse(err error) {
	for _, p := range w.plans {
		p.err = err
		p.refuse()
	}
}

// settle stores everything in the database if a plan's requests wait for that.
func (w *writer) settle() {
	p := w.plans[0] // it is alone
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

// makeRoom hands the active generation to the flusher if the commits do not
// fit in, or early if the journal gets full: records of one event take a page
// each. It waits while the one before it is being stored: that bounds what
// stands in memory and in the journal.
func (w *writer) makeRoom() error {
	if w.log.memory.takes(w.commits...) && !(w.log.journal.Crowded() && w.log.flusher.idle()) {
		return nil
	}
	if err := w.log.flusher.flush(); err != nil {
		w.fail(err)
		return w.failed.Load()
	}
	return nil
}

// write journals the commits and shows them to readers. If the journal has no
// room, everything before is stored first.
func (w *writer) write() error {
	var seq uint64
	write := func() (err error) {
		seq, err = w.append(w.record)
		if errors.Is(err, journal.ErrFull) {
			if err = w.log.flusher.drain(); err == nil {
				seq, err = w.append(w.record)
			}
		}
		return err
	}
	err := w.seamed(write)
	if errors.Is(err, journal.ErrTooLarge) {
		return fmt.Errorf("badgerlog: commit: %w", err) // abandon asks for it
	}
	if err != nil {
		return storageError("commit", err)
	}
	w.seq = seq
	w.log.memory.publish(w.seq, w.commits...)
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
func (w *writer) writeDirect() error {
	c := w.commits[0] // it is alone
	write := func() error {
		w.log.memory.include(c, w.seq)
		return w.log.flusher.drain()
	}
	if err := w.seamed(write); err != nil {
		return storageError("commit", err)
	}
	w.log.memory.show(c)
	return nil
}

func (w *writer) seamed(write func() error) error {
	if seam := w.log.options.seams.commit; seam != nil {
		return seam(write)
	}
	return write()
}

// abandon answers a group whose write failed: what was to be stored may or may
// not be, unless the journal says that it wrote nothing. Nobody is shown it, and
// nothing more is written, not even for who waits until all is in the database: the
// next commit could give the same positions to other events.
func (w *writer) abandon(p *plan, err error) {
	p.err = w.failed.Load()
	written := !errors.Is(err, journal.ErrTooLarge)
	for _, r := range p.group {
		switch {
		case written && r.appends() && r.outcome.err == nil && r.outcome.earlier == nil:
			r.outcome = outcome{err: &stream.AmbiguousError{Stream: r.id, Err: err}}
		default:
			r.outcome = outcome{err: p.err}
		}
	}
}

// accept answers plans that are stored.
func (w *writer) accept() {
	for _, p := range w.plans {
		for i, r := range p.accepted {
			r.outcome.records = p.commit.parts[i].records
		}
	}
	w.log.lastSync.Store(time.Now().UnixNano())
	w.ahead.published(len(w.plans))
	w.stored = true
}
