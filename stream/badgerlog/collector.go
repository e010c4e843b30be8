package badgerlog

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/dgraph-io/badger/v4"
)

// collector is the one goroutine that gives disk space back: it has the database
// rewrite files of its value log that are mostly of values nobody can read any
// more, now and then and when it is asked.
type collector struct {
	log   *Log
	asked chan struct{} // holds a token if it is to begin at once
	done  chan struct{} // closed when the goroutine has gone
	ctx   context.Context
	quit  context.CancelFunc

	working sync.Mutex      // held by the one who collects
	whole   map[uint64]bool // files of the value log that were checked; his

	mu   sync.Mutex
	runs Collection
}

// Collection is what the log has done to give disk space back since Open.
type Collection struct {
	Files int       // files of the value log that were rewritten and removed
	Last  time.Time // when it last looked; zero: not yet
	Err   error     // what the last look failed with
}

const (
	collectEvery = 10 * time.Minute
	// collectRatio is how much of a file must be of no use for it to be rewritten.
	collectRatio = 0.5
)

func newCollector(l *Log) *collector {
	c := &collector{log: l, asked: make(chan struct{}, 1), done: make(chan struct{}), whole: map[uint64]bool{}}
	c.ctx, c.quit = context.WithCancel(context.Background())
	return c
}

func (c *collector) run() {
	defer close(c.done)
	err := c.log.resumeErase(c.ctx)
	c.note(0, err)
	tick := time.NewTicker(collectEvery)
	defer tick.Stop()
	for {
		flatten := false
		select {
		case <-c.ctx.Done():
			return
		case <-tick.C:
		case <-c.asked:
			flatten = true
		}
		if err = c.log.resumeErase(c.ctx); err == nil {
			files, err := c.collect(flatten)
			c.note(files, err)
		} else {
			c.note(0, err)
		}
	}
}

func (c *collector) note(files int, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.runs.Files += files
	c.runs.Last, c.runs.Err = time.Now(), err
}

// ask has it begin at once.
func (c *collector) ask() {
	select {
	case c.asked <- struct{}{}:
	default:
	}
}

func (c *collector) stop() {
	c.quit()
	<-c.done
}

func (c *collector) stats() Collection {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.runs
}

// collect rewrites files until none is worth it. What a file is worth is known
// once the tables that named its values have been merged: flatten merges all.
func (c *collector) collect(flatten bool) (files int, err error) {
	c.working.Lock()
	defer c.working.Unlock()
	if err := c.mark(); err != nil {
		return 0, storageError("collect garbage in "+c.log.dir.path, err)
	}
	if flatten {
		if err = c.log.fault("gc.flatten"); err == nil {
			err = c.log.db.Flatten(1)
		}
	}
	for err == nil {
		if c.ctx.Err() != nil {
			return files, c.unmark()
		}
		if err = errors.Join(c.log.fault("gc.rewrite"), c.checkCollectable()); err != nil {
			break
		}
		if err = c.log.db.RunValueLogGC(collectRatio); err == nil {
			files++
		}
	}
	if errors.Is(err, badger.ErrNoRewrite) {
		err = nil
	}
	var damaged *DamagedError
	if errors.As(err, &damaged) {
		return files, errors.Join(fmt.Errorf("badgerlog: collect garbage in %s: %w", c.log.dir.path, err), c.unmark())
	}
	if err = errors.Join(err, c.unmark()); err != nil {
		return files, storageError("collect garbage in "+c.log.dir.path, err)
	}
	return files, nil
}

// collectName is a file that is there while files are being rewritten. That
// writes values of old transactions anew, so a log of the database's may then
// end in the middle of them: inspect must not take that for damage.
const collectName = "COLLECT"

func (c *collector) mark() error {
	if err := c.log.fault("gc.mark"); err != nil {
		return err
	}
	return makeMark(c.log.dir.path, collectName)
}

// unmark removes the file once nobody is inside the database: it is then that a
// file that somebody was reading goes.
func (c *collector) unmark() error {
	return c.log.reads.quiet(func() error {
		if err := c.log.fault("gc.unmark"); err != nil {
			return err
		}
		return os.Remove(filepath.Join(c.log.dir.path, collectName))
	})
}
