package badgerlog

import (
	"errors"
	"sync/atomic"

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
	seq, err := w.write(p.record)
	if err != nil {
		w.log.memory.letGo(p.group)
		w.fail(err)
		w.abandon(p, err)
		return
	}
	w.accept(p, seq)
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

// write journals a commit. If the journal has no room, everything before is
// stored first.
func (w *writer) write(record [][]byte) (seq uint64, err error) {
	write := func() error {
		seq, err = w.log.journal.Append(record...)
		if errors.Is(err, journal.ErrFull) {
			if err = w.log.flusher.drain(); err == nil {
				seq, err = w.log.journal.Append(record...)
			}
		}
		return err
	}
	if seam := w.log.options.seams.commit; seam != nil {
		return seq, storageError("commit", seam(write))
	}
	return seq, storageError("commit", write())
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

// accept shows a journaled plan.
func (w *writer) accept(p *plan, seq uint64) {
	for i, r := range p.accepted {
		r.outcome.records = p.commit.parts[i].records
	}
	w.log.witness.saw(seq, p.head)
	w.log.memory.publish(p.commit, seq, p.group)
	w.ahead.published()
}
