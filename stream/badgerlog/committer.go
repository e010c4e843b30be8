package badgerlog

import (
	"sync"
	"time"

	"github.com/thaw-go/thaw/stream"
)

// committer is the one goroutine that decides. It takes a group of requests,
// decides each in turn as if those before it had been stored, encodes what was
// accepted for the journal, and hands it to the writer. If there are many callers it
// prepares the next group while the writer waits for the disk; if there are few it
// waits as well, so that those who were answered come together in one group. Should
// a write fail, nothing after it is written either, so what was decided on top of it
// is never wrong.
type committer struct {
	log      *Log
	writer   *writer
	head     stream.Position // as if everything handed over were stored
	lastTime time.Time
	cursors  map[string]stream.Cursor // those it has read or moved
	ahead    ahead
}

func (c *committer) run() {
	for group := c.log.queue.take(c.writer.idle); group != nil; group = c.log.queue.take(c.writer.idle) {
		c.writer.next <- c.prepare(group)
	}
}

// prepare decides a group.
func (c *committer) prepare(group []*request) *plan {
	if failed := c.writer.failure(); failed != nil {
		return &plan{group: group, commit: &commit{}, err: failed}
	}
	p := newPlan(c, group)
	p.crowded = c.lacksRoom()
	for _, r := range group {
		p.decide(r)
	}
	if !p.commit.empty() {
		if c.head = p.head; len(p.commit.records) > 0 {
			c.lastTime = p.now
		}
		p.encode()
		c.ahead.add(p.commit)
	}
	return p
}

// lacksRoom returns why callers can store nothing now. The log itself goes on: what
// was acknowledged is moved to the database, and removing history makes room.
func (c *committer) lacksRoom() error {
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

// cursor is a consumer's stored place; the zero cursor if it has none.
func (c *committer) cursor(name string) (stream.Cursor, error) {
	if at, ok := c.cursors[name]; ok {
		return at, nil
	}
	at, _, err := c.log.readCursor(name)
	return at, err
}

// ahead are the commits that the writer was given and has not published: a few.
type ahead struct {
	mu      sync.Mutex
	commits []*commit
}

func (a *ahead) add(c *commit) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.commits = append(a.commits, c)
}

// published forgets the n oldest.
func (a *ahead) published(n int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.commits = append(a.commits[:0:0], a.commits[n:]...) // a copy: a plan may be looking at the list
}

func (a *ahead) list() []*commit {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.commits[:len(a.commits):len(a.commits)]
}
