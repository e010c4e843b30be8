package operators

import (
	"context"
	"time"

	"github.com/thaw-go/thaw/stream"
)

// Batch says when [Buffer] opens and closes its buffers.
type Batch struct {
	Items int           // a buffer closes when so many are in it; 0: however many
	For   time.Duration // a buffer closes after so long; 0: however long
	Until Signal        // all buffers close when it rings

	EveryItems int           // a buffer opens with the first of so many; 0: as below
	EveryTime  time.Duration // a buffer opens so often; 0 both: when the one before it has closed
}

// timed reports whether buffers may close without an item, and so empty.
func (b Batch) timed() bool { return b.For > 0 || b.EveryTime > 0 || b.Until.run != nil }

// next reports whether one buffer opens as another has closed.
func (b Batch) next() bool { return b.EveryItems <= 0 && b.EveryTime <= 0 }

// Buffer delivers items in slices. By number only, a buffer opens with its first
// item; if time or a signal closes them, the first one opens at once, and one that
// closes without an item is delivered empty. At completion those that are open are
// delivered. It is RxJS's bufferCount, bufferTime and buffer.
//
//	in   a--b--c--d--e--|
//	out  ---x-----y-----(z|)      (Items: 2; x: a, b; y: c, d; z: e)
//
// Errors: the source's and the signal's; what is in a buffer is dropped.
// Back-pressure: the source waits until an item has been handled.
// State: the items of open buffers, which only Items bounds; a durable consumer is
// refused.
// Goroutines: none by number only; else one for the source and one for the signal.
func Buffer[K stream.Kind, T any](o stream.Observable[K, T], b Batch) stream.Observable[K, []T] {
	if !b.timed() {
		return counted(o, b)
	}
	return staged(stage{name: "Buffer", holding: true}, func(l *loop, emit func([]T) error) error {
		open := &buffers[T]{Batch: b, l: l, emit: emit}
		if b.EveryTime > 0 {
			var again *timer
			again = l.timer(func() error {
				again.at(again.due.Add(b.EveryTime))
				open.begin()
				return nil
			})
			again.set(b.EveryTime)
		}
		if b.EveryItems <= 0 {
			open.begin()
		}
		s := watch(l, o.Subscribe, open.item)
		s.end = func(err error) error {
			if err != nil {
				return err
			}
			if err := open.end(); err != nil {
				return err
			}
			return l.finish()
		}
		if b.Until.run != nil {
			listen(l, b.Until.items, func(struct{}) error { return open.closeAll() })
		}
		return nil
	}, stream.Upstream[K](o))
}

// items is the signal as a loop listens to it.
func (s Signal) items(ctx context.Context, emit func(struct{}) error) error {
	return s.run(ctx, func() error { return emit(struct{}{}) })
}

// counted is a buffer by number only: nothing but an item opens or closes it.
func counted[K stream.Kind, T any](o stream.Observable[K, T], b Batch) stream.Observable[K, []T] {
	return stream.Derive(func(sub stream.Subscription) stream.Run[[]T] {
		return func(ctx context.Context, emit func([]T) error) error {
			if sub.Consumer != "" || sub.From != nil {
				return &stream.NotResumableError{Consumer: sub.Consumer, Operator: "Buffer"}
			}
			l := &loop{sub: sub} // only for its marks
			open := &buffers[T]{Batch: b, l: l, emit: emit}
			if sub.Mark != nil {
				sub.Mark = l.pass
			}
			if err := o.Subscribe(ctx, sub, open.item); err != nil {
				return err
			}
			return open.end()
		}
	}, stream.Upstream[K](o))
}

// buffers are those that are open, the oldest first.
type buffers[T any] struct {
	Batch
	l    *loop
	emit func([]T) error
	open []*buffer[T]
	seen int
}

type buffer[T any] struct {
	items []T
	timer *timer // nil: time does not close it
}

func (bs *buffers[T]) begin() {
	b := &buffer[T]{items: make([]T, 0, min(max(bs.Items, 0), 1024))}
	bs.open = append(bs.open, b)
	if bs.For > 0 {
		b.timer = bs.l.timer(bs.closeFirst) // they close in the order of opening
		b.timer.set(bs.For)
	}
}

func (bs *buffers[T]) item(item T) error {
	if bs.EveryItems > 0 && bs.seen%bs.EveryItems == 0 || !bs.timed() && bs.next() && len(bs.open) == 0 {
		bs.begin()
	}
	bs.seen++
	if len(bs.open) > 0 {
		bs.l.hold()
	}
	full := 0
	for _, b := range bs.open {
		b.items = append(b.items, item)
		if bs.Items > 0 && len(b.items) >= bs.Items {
			full++
		}
	}
	return bs.closeSome(full)
}

func (bs *buffers[T]) closeFirst() error { return bs.closeSome(1) }
func (bs *buffers[T]) closeAll() error   { return bs.closeSome(len(bs.open)) }

// closeSome closes the oldest. What has come so far is in one of them, so marks
// may go.
func (bs *buffers[T]) closeSome(n int) error {
	for range n {
		b := bs.open[0]
		copy(bs.open, bs.open[1:])
		bs.open[len(bs.open)-1] = nil
		bs.open = bs.open[:len(bs.open)-1]
		if b.timer != nil {
			b.timer.stop()
		}
		if err := bs.emit(b.items); err != nil {
			return err
		}
		if bs.timed() && bs.next() {
			bs.begin()
		}
	}
	if n == 0 {
		return nil
	}
	return bs.l.release()
}

// end delivers what is open.
func (bs *buffers[T]) end() error {
	bs.EveryItems = 1 // so that none opens
	return bs.closeAll()
}
