package badgerlog

import (
	"errors"
	"time"

	"github.com/thaw-go/thaw/internal/journal"
	"github.com/thaw-go/thaw/stream"
)

// committer is the one goroutine that appends. It takes a group of requests,
// decides each in turn as if those before it had been stored, journals what was
// accepted as one record, makes it visible, and only then answers.
type committer struct {
	log      *Log
	lastTime time.Time
	cursors  map[string]stream.Cursor // those it has read or moved
	failed   *FailedError             // set for good by the first failure
}

func (c *committer) run() {
	for group := c.log.queue.take(); group != nil; group = c.log.queue.take() {
		c.commit(group)
		for _, r := range group {
			r.done <- struct{}{}
		}
	}
}

// commit decides and stores a group and sets each request's outcome.
func (c *committer) commit(group []*request) {
	if err := c.mayWrite(); err != nil {
		c.refuse(group, err)
		return
	}
	p := newPlan(c)
	for _, r := range group {
		p.decide(r)
	}
	if p.empty() {
		c.log.memory.letGo(group)
		return
	}
	if err := c.makeRoom(p.commit); err != nil {
		c.refuse(group, err)
		return
	}
	seq, err := c.write(p.finish())
	if err != nil {
		c.fail(group, err)
		return
	}
	c.accept(p, seq, group)
}

func (c *committer) refuse(group []*request, err error) {
	c.log.memory.letGo(group)
	for _, r := range group {
		r.outcome = outcome{err: err}
	}
}

// mayWrite returns why nothing can be written now.
func (c *committer) mayWrite() error {
	if c.failed == nil {
		if err := c.log.flusher.failure(); err != nil {
			c.failed = &FailedError{Dir: c.log.dir.path, Err: err}
		}
	}
	if c.failed != nil {
		return c.failed
	}
	floor := c.log.options.MinFree
	if floor < 0 {
		return nil
	}
	free, err := c.log.options.seams.free(c.log.dir.path)
	if err != nil {
		return err
	}
	if free < floor {
		return &DiskFullError{Dir: c.log.dir.path, Free: free, Floor: floor}
	}
	return nil
}

// makeRoom hands the active generation to the flusher if the commit does not
// fit in. It waits while the one before it is being stored: that bounds what
// stands in memory and in the journal.
func (c *committer) makeRoom(add *commit) error {
	if c.log.memory.takes(add) {
		return nil
	}
	if err := c.log.flusher.flush(); err != nil {
		c.failed = &FailedError{Dir: c.log.dir.path, Err: err}
		return c.failed
	}
	return nil
}

// write journals a commit. If the journal has no room, everything before is
// stored first.
func (c *committer) write(record [][]byte) (seq uint64, err error) {
	write := func() error {
		seq, err = c.log.journal.Append(record...)
		if errors.Is(err, journal.ErrFull) {
			if err = c.log.flusher.drain(); err == nil {
				seq, err = c.log.journal.Append(record...)
			}
		}
		return err
	}
	if seam := c.log.options.seams.commit; seam != nil {
		return seq, storageError("commit", seam(write))
	}
	return seq, storageError("commit", write())
}

// fail answers a group whose write failed: what was to be stored may or may not
// be. Nobody is shown it, and nothing more is written, as the next commit could
// give the same positions to other events.
func (c *committer) fail(group []*request, err error) {
	c.log.memory.letGo(group)
	c.failed = &FailedError{Dir: c.log.dir.path, Err: err}
	for _, r := range group {
		switch {
		case r.consumer == "" && r.outcome.err == nil:
			r.outcome = outcome{err: &stream.AmbiguousError{Stream: r.id, Err: err}}
		default:
			r.outcome = outcome{err: c.failed}
		}
	}
}

// accept makes a journaled plan the log's state and shows it.
func (c *committer) accept(p *plan, seq uint64, group []*request) {
	c.lastTime = p.now
	for name, at := range p.cursors {
		c.cursors[name] = at
	}
	for i, r := range p.accepted {
		r.outcome.records = p.commit.parts[i].records
	}
	c.log.witness.saw(seq, p.head)
	c.log.memory.publish(p.commit, seq, group)
}

// cursor is a consumer's stored place; the zero cursor if it has none.
func (c *committer) cursor(name string) (stream.Cursor, error) {
	if at, ok := c.cursors[name]; ok {
		return at, nil
	}
	at, _, err := c.log.readCursor(name)
	return at, err
}
