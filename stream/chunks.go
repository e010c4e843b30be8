package stream

import (
	"context"
	"errors"
)

// Chunks hands items over in slices of up to n, so that what costs as much for
// many as for one, such as a write to a database or a hop through rxgo, is paid
// once for all of them. A chunk is handed over when it is full, before each mark
// and when the source ends; so it never waits for more to come once a log has
// been read to its head, and nothing is held back at a mark: a durable consumer
// may stand behind it. A source that is not cold and reads no log can not say
// when it pauses, so its chunks hold one item each. The slices are the receiver's
// to keep. n below 1 counts as 1.
//
//	abcdef---g-|
//	Chunks(4)
//	---[abcd]-[ef]---[g]-|
func Chunks[K Kind, T any](o Observable[K, T], n int) Observable[K, []T] {
	if o.open == nil {
		return Observable[K, []T]{}
	}
	n = max(n, 1)
	if mayPauseUnmarked(o) {
		n = 1
	}
	return New[K](o.from, func(sub Subscription) Run[[]T] {
		return func(ctx context.Context, emit func([]T) error) error {
			c := &chunks[T]{emit: emit}
			c.hold(n)
			return runHolding(ctx, o, sub, &c.held, c.flush, func() { c.hold(1) }, func(item T) error {
				c.items = append(c.items, item)
				if len(c.items) < cap(c.items) {
					return nil
				}
				return c.flush()
			})
		}
	})
}

// chunks is one run of Chunks.
type chunks[T any] struct {
	items []T // full at its capacity
	emit  func([]T) error
	held
}

// hold begins a chunk of n items.
func (c *chunks[T]) hold(n int) { c.items = make([]T, 0, n) }

func (c *chunks[T]) flush() error {
	if len(c.items) == 0 {
		return nil
	}
	items := c.items
	c.hold(cap(items))
	return c.handed(c.emit(items))
}

// mayPauseUnmarked reports whether a source may wait for more without a mark
// that says so.
func mayPauseUnmarked[K Kind, T any](o Observable[K, T]) bool { return o.from == nil && !cold[K]() }

func cold[K Kind]() bool {
	var kind K
	_, yes := any(kind).(Cold)
	return yes
}

// held is what a stage that holds items back knows of its run.
type held struct {
	begun   bool // something went on to the sink
	stopped bool // the sink stopped the run
}

func (h *held) handed(err error) error {
	h.begun, h.stopped = true, h.stopped || err != nil
	return err
}

// runHolding runs a source for a stage that holds items back until flush: before
// each mark, at the end and before the source's own error. It asks for marks
// whether or not the sink does, as they say when to flush. A source that has
// none is run without; if it may pause, the stage is told to let go of each item
// alone.
func runHolding[K Kind, T any](ctx context.Context, o Observable[K, T], sub Subscription, h *held, flush func() error, alone func(), add func(T) error) error {
	inner := sub
	inner.Mark = func(m Mark) error {
		err := flush()
		if err == nil && sub.Mark != nil {
			err = sub.Mark(m)
		}
		return h.handed(err)
	}
	err := o.Subscribe(ctx, inner, add)
	if errors.Is(err, ErrNoMarks) && !h.begun && sub.Mark == nil {
		if !cold[K]() {
			alone()
		}
		inner.Mark = nil
		err = o.Subscribe(ctx, inner, add)
	}
	if h.stopped || ctx.Err() != nil {
		return err
	}
	if flushed := flush(); flushed != nil {
		return flushed
	}
	return err
}
