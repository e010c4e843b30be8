package testkit

import (
	"bytes"
	"context"
	"maps"
	"sync"

	"github.com/thaw-go/thaw/internal/engine"
	"github.com/thaw-go/thaw/stream"
)

// reel is what a log held, played once more: as much of it as is shown is
// history, and the rest is appended when it is shown. Positions and times are
// those of the log. What is handed over is gone as soon as emit returns: a codec
// that keeps it finds garbage.
type reel struct {
	records []stream.Record
	single  bool // history comes in blocks of one event, not in one of all

	mu    sync.Mutex
	shown int           // how many of the records are there
	more  chan struct{} // closed when there are more; nil while nobody waits
	last  stream.Position
}

// recorded copies all that a log holds.
func recorded(log stream.Log) (list []stream.Record, err error) {
	err = log.Read(context.Background(), stream.Query{}, func(block []stream.Record, _ stream.Mark) error {
		for i := range block {
			list = append(list, cloneRecord(&block[i]))
		}
		return nil
	})
	return list, err
}

func cloneRecord(r *stream.Record) stream.Record {
	c := *r
	c.Data, c.Meta = bytes.Clone(r.Data), maps.Clone(r.Meta)
	return c
}

// show appends up to the n-th record.
func (l *reel) show(n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.shown = n
	if l.more != nil {
		close(l.more)
		l.more = nil
	}
}

// handing is the position of the last record that was handed over.
func (l *reel) handing() stream.Position {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.last
}

// after is how much there is once there is more than at, or what is closed then.
func (l *reel) after(at int) (int, <-chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.shown > at {
		return l.shown, nil
	}
	if l.more == nil {
		l.more = make(chan struct{})
	}
	return l.shown, l.more
}

func (l *reel) Head(ctx context.Context) (stream.Cursor, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return stream.At(stream.Position(l.shown)), ctx.Err()
}

func (l *reel) Read(ctx context.Context, q stream.Query, emit func([]stream.Record, stream.Mark) error) error {
	head, err := l.Head(ctx)
	if err != nil {
		return err
	}
	if err := engine.CheckFrom(q.From, head); err != nil {
		return err
	}
	at, to := int(q.From.Position(0)), int(head.Position(0))
	if bound := int(q.To.Position(0)); !q.Follow && bound > 0 {
		to = min(to, bound)
	}
	size := max(1, to-at)
	if l.single {
		size = 1
	}
	for first := true; first || at < to; first = false {
		next := max(at, min(at+size, to))
		if err := l.hand(ctx, q, at, next, next >= to, emit); err != nil {
			return err
		}
		at = next
	}
	for q.Follow {
		_, more := l.after(at)
		if more != nil {
			select {
			case <-more:
				continue
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		if err := l.hand(ctx, q, at, at+1, true, emit); err != nil {
			return err
		}
		at++
	}
	return nil
}

// hand hands over what is selected of the records from at to next.
func (l *reel) hand(ctx context.Context, q stream.Query, at, next int, live bool, emit func([]stream.Record, stream.Mark) error) error {
	var block []stream.Record
	for i := at; i < next; i++ {
		r := &l.records[i]
		if q.Accepts(r.Stream.Topic, r.Stream.Key, r.Type, r.Tags) {
			block = append(block, cloneRecord(r))
		}
	}
	l.mu.Lock()
	l.last = stream.Position(next)
	head := stream.At(stream.Position(l.shown))
	l.mu.Unlock()
	err := emit(block, stream.Mark{At: stream.At(stream.Position(next)), Head: head, Live: live})
	for i := range block {
		for j := range block[i].Data {
			block[i].Data[j] = '?'
		}
	}
	if err != nil {
		return err
	}
	return ctx.Err()
}
