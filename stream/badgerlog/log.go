package badgerlog

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/dgraph-io/badger/v4"

	"github.com/thaw-go/thaw/internal/engine"
	"github.com/thaw-go/thaw/stream"
)

var (
	_ stream.Store       = (*Log)(nil)
	_ stream.Checkpoints = (*Log)(nil)
)

// Log is a log in a directory. Open makes one; the zero value is of no use.
type Log struct {
	dir     *directory
	db      *badger.DB
	options Options
	claims  engine.Claims
	tail    *tail
	recent  *recent
	queue   *queue
	reads   reads

	fallbacks atomic.Int64 // how often a read went to the database

	closing  sync.Once
	closeErr error
	done     chan struct{} // closed when the committer has gone
}

// Open opens the log in a directory, making it if it is not there or empty. It
// starts one goroutine, the committer, which Close stops. Errors: [*LockedError],
// [*FormatError], a [*stream.CorruptError] if the log's end is damaged, and what
// the file system says.
func Open(dir string, o Options) (*Log, error) {
	if err := o.validate(); err != nil {
		return nil, err
	}
	place, err := openDirectory(dir)
	if err != nil {
		return nil, err
	}
	db, err := openBadger(place, o)
	if err != nil {
		return nil, errors.Join(err, place.close())
	}
	l := &Log{dir: place, db: db, options: o, queue: newQueue(), done: make(chan struct{})}
	l.reads.init()
	c, err := l.start()
	if err != nil {
		return nil, errors.Join(err, db.Close(), place.close())
	}
	go func() { // stopped by the queue's closing, waited for by Close
		defer close(l.done)
		c.run()
	}()
	return l, nil
}

// start reads where the log ends and prepares its committer.
func (l *Log) start() (*committer, error) {
	ts := max(l.db.MaxVersion(), 1)
	if err := l.checkFormat(&ts); err != nil {
		return nil, err
	}
	head, last, err := l.findEnd(ts)
	if err != nil {
		return nil, err
	}
	l.tail = newTail(head, ts, l.options.TailEvents, l.options.TailBytes)
	l.recent = newRecent(ts, recentLimit)
	return &committer{log: l, head: head, lastTime: last, ts: ts, cursors: map[string]stream.Cursor{}}, nil
}

// recentLimit is how many streams and commands each generation remembers.
const recentLimit = 1 << 16

// findEnd returns the last event's position and time.
func (l *Log) findEnd(ts uint64) (stream.Position, time.Time, error) {
	txn := l.db.NewTransactionAt(ts, false)
	defer txn.Discard()
	key, value, err := floorEntry(txn, []byte{blockPrefix}, blockKey(1<<64-1))
	if key == nil || err != nil {
		return 0, time.Time{}, err
	}
	_, first, err := numbered([]byte{blockPrefix}, key)
	if err != nil {
		return 0, time.Time{}, err
	}
	b, err := openBlock(value)
	if err != nil {
		return 0, time.Time{}, &stream.CorruptError{Position: first, Err: err}
	}
	var f frame
	for {
		more, err := b.next(&f)
		if err != nil {
			return 0, time.Time{}, &stream.CorruptError{Position: first, Err: err}
		}
		if !more {
			return stream.Position(f.position), time.Unix(0, f.nanos), nil
		}
	}
}

// Head is the place after the last event that a reader can see. It returns
// [stream.ErrClosed] once the log is closed.
func (l *Log) Head(ctx context.Context) (stream.Cursor, error) {
	if err := ctx.Err(); err != nil {
		return stream.Cursor{}, err
	}
	if l.queue.closed() {
		return stream.Cursor{}, stream.ErrClosed
	}
	head, _, _ := l.tail.visible()
	return stream.At(head), nil
}

// Close commits what was handed over, ends all reads with [stream.ErrClosed],
// and releases the directory. It waits for the committer; it may be called more
// than once and returns the same error each time.
func (l *Log) Close() error {
	l.closing.Do(func() {
		l.queue.close()
		<-l.done
		l.tail.close()
		l.reads.close()
		err := l.db.Close()
		if err != nil {
			err = fmt.Errorf("badgerlog: close %s: %w", l.dir.path, err)
		}
		l.closeErr = errors.Join(err, l.dir.close())
	})
	return l.closeErr
}
