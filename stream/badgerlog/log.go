package badgerlog

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/dgraph-io/badger/v4"

	"github.com/thaw-go/thaw/internal/engine"
	"github.com/thaw-go/thaw/internal/journal"
	"github.com/thaw-go/thaw/stream"
)

var (
	_ stream.MultiStore  = (*Log)(nil)
	_ stream.Checkpoints = (*Log)(nil)
	_ stream.Truncater   = (*Log)(nil)
)

// Log is a log in a directory. Open makes one; the zero value is of no use.
type Log struct {
	dir        *directory
	db         *badger.DB
	options    Options
	claims     engine.Claims
	truncating sync.Mutex // held while history is being removed
	journal    *journal.Journal
	witness    *witness
	memory     *memory
	queue      *queue
	flusher    *flusher
	collector  *collector
	reads      reads
	readers    readers
	lost       lostSync

	lastSync  atomic.Int64 // when the writer last acknowledged, in nanoseconds since 1970
	fallbacks atomic.Int64 // how often a read went to the database

	closing  sync.Once
	closeErr error
	done     chan struct{} // closed when the committer has gone
}

// Open opens the log in a directory, making it if it is not there or empty. It
// starts four goroutines, which Close stops; none with Options.ReadOnly.
// Errors: [*LockedError], [*FormatError], [*KeyError], [*DamagedError], a [*stream.CorruptError] if something
// that was acknowledged is missing or damaged, and what the file system says.
func Open(dir string, o Options) (*Log, error) {
	if err := o.validate(); err != nil {
		return nil, err
	}
	if err := o.seams.fault.at("dir.open"); err != nil {
		return nil, fmt.Errorf("badgerlog: open %s: %w", dir, err)
	}
	place, err := openDirectory(dir, o)
	if err != nil {
		return nil, err
	}
	return openLog(place, o, 0)
}

// openLog opens the log in a directory that this process has. A log that is
// being restored begins behind an origin: its history up to there is not kept.
func openLog(place *directory, o Options, origin stream.Position) (*Log, error) {
	o.Keys = nil // the directory has what it needs of them
	l := &Log{dir: place, options: o, queue: newQueue(), done: make(chan struct{})}
	l.collector = newCollector(l)
	l.reads.init()
	c, err := l.start(origin)
	if err != nil {
		return nil, errors.Join(err, l.release())
	}
	if o.ReadOnly {
		close(l.done) // nobody decides, and nobody collects
		close(l.collector.done)
		return l, nil
	}
	go l.flusher.run()   // stopped and waited for by the committer's goroutine
	go c.writer.run()    // likewise
	go l.collector.run() // stopped and waited for by Close
	go func() {          // stopped by the queue's closing, waited for by Close
		defer close(l.done)
		c.run()
		close(c.writer.next)
		<-c.writer.done
		l.closeErr = l.flusher.stop()
	}()
	return l, nil
}

// release closes the files that are open.
func (l *Log) release() error {
	var errs []error
	if l.db != nil {
		if err := errors.Join(l.fault("db.close"), l.db.Close()); err != nil {
			errs = append(errs, fmt.Errorf("badgerlog: close %s: %s", l.dir.path, err))
		}
	}
	if l.journal != nil {
		if err := errors.Join(l.fault("journal.close"), l.journal.Close()); err != nil {
			errs = append(errs, fmt.Errorf("badgerlog: close %s: %w", l.dir.path, err))
		}
	}
	if l.witness != nil {
		errs = append(errs, l.witness.close())
	}
	return errors.Join(append(errs, l.dir.close(l.options.seams.fault))...)
}

// fault makes a call into storage fail under test.
func (l *Log) fault(call string) error { return l.options.seams.fault.at(call) }

// get is a copy of a key's value, or nil if there is none.
func (l *Log) get(txn *badger.Txn, key []byte) ([]byte, error) {
	if err := l.fault("db.get"); err != nil {
		return nil, storageError(fmt.Sprintf("read key %q", key), err)
	}
	return getValue(txn, key)
}

// commit stores a transaction.
func (l *Log) commit(txn *badger.Txn, ts uint64) error {
	if err := l.fault("db.commit"); err != nil {
		return err
	}
	if err := txn.CommitAt(ts, nil); err != nil {
		return err
	}
	if err := l.lost.failure(); err != nil {
		return err
	}
	return l.fault("db.sync")
}

// Head is the place after the last event that a reader can see. It returns
// [stream.ErrClosed] once the log is closed.
func (l *Log) Head(ctx context.Context) (stream.Cursor, error) {
	if err := l.mayWork(ctx); err != nil {
		return stream.Cursor{}, err
	}
	head := l.memory.visible()
	return stream.At(head), nil
}

// Close commits what was handed over, ends all reads with [stream.ErrClosed],
// and releases the directory. It waits for the log's goroutines; it may be called
// more than once and returns the same error each time.
func (l *Log) Close() error {
	l.closing.Do(func() {
		l.queue.close()
		<-l.done
		l.collector.stop()
		l.memory.close()
		l.reads.close()
		l.closeErr = errors.Join(l.closeErr, l.release())
	})
	return l.closeErr
}
