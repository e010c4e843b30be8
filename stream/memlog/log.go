package memlog

import (
	"context"
	"sync"
	"time"

	"github.com/thaw-go/thaw/internal/engine"
	"github.com/thaw-go/thaw/stream"
)

var (
	_ stream.MultiStore  = (*Log)(nil)
	_ stream.Checkpoints = (*Log)(nil)
	_ stream.Truncater   = (*Log)(nil)
)

// Log is a log of one shard, in memory. [New] makes one.
type Log struct {
	claims engine.Claims

	mu        sync.Mutex // never held while a caller's function runs
	closed    bool
	grown     chan struct{}       // closed, and made anew, when there is more to read or the log is closed
	records   []stream.Record     // the event at position p is records[p-1]; never changed once it is there
	cut       int                 // how many of them were removed: they are zero
	streams   map[stream.ID][]int // where in records a stream's events are, in order
	commands  map[command]effect  // what took effect, and is remembered
	swept     int                 // how many commands the last sweep left
	consumers map[string]*consumer
	lastTime  time.Time
}

// New returns an empty log.
func New() *Log {
	return &Log{
		grown:     make(chan struct{}),
		streams:   map[stream.ID][]int{},
		commands:  map[command]effect{},
		consumers: map[string]*consumer{},
	}
}

// Close ends every read and refuses every later call with [stream.ErrClosed].
// It may be called more than once and returns nil.
func (l *Log) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.closed {
		l.closed = true
		l.wake()
	}
	return nil
}

// Head is the place after the last event. It returns ctx's error or
// [stream.ErrClosed].
func (l *Log) Head(ctx context.Context) (stream.Cursor, error) {
	if err := l.enter(ctx); err != nil {
		return stream.Cursor{}, err
	}
	defer l.mu.Unlock()
	return l.head(), nil
}

// enter locks the log, or returns why it can not be used.
func (l *Log) enter(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	l.mu.Lock()
	if l.closed {
		l.mu.Unlock()
		return stream.ErrClosed
	}
	return nil
}

// head is the place after the last event; l.mu is held.
func (l *Log) head() stream.Cursor { return stream.At(stream.Position(len(l.records))) }

// wake tells every waiting reader to look again; l.mu is held.
func (l *Log) wake() {
	close(l.grown)
	l.grown = make(chan struct{})
}
