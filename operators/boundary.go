package operators

import (
	"context"
	"fmt"
	"runtime/debug"

	"github.com/thaw-go/thaw/stream"
)

// Overflow says what becomes of an item for which a bounded buffer has no room.
type Overflow int

const (
	// Block makes the source wait until there is room.
	Block Overflow = iota
	// Fail ends the run with an [*OverflowError], after what is in the buffer.
	Fail
	// DropNewest drops the item.
	DropNewest
	// DropOldest drops the item that has waited longest.
	DropOldest
)

// OverflowError says that a consumer was slower than its bounded buffer allows.
type OverflowError struct {
	Stage string // whose buffer it is
	Size  int    // how many items there is room for
}

func (e *OverflowError) Error() string {
	return fmt.Sprintf("operators: %s: the consumer is too slow: its buffer of %d items is full", e.Stage, e.Size)
}

// offer puts something into a queue that only the caller puts things into. full
// says what to do if there is no room; only Block waits, until stop.
func offer[Q any](queue chan Q, q Q, full Overflow, stop <-chan struct{}) (put bool) {
	select {
	case queue <- q:
		return true
	default:
	}
	switch full {
	case DropNewest:
		return true
	case DropOldest:
		for {
			select {
			case <-queue:
			default: // the consumer has taken it meanwhile
			}
			select {
			case queue <- q:
				return true
			default:
			}
		}
	case Fail:
		return false
	}
	select {
	case queue <- q:
		return true
	case <-stop:
	}
	return false
}

// ObserveOn parts the source from its consumer by a buffer of n items, so that
// each runs on a goroutine of its own; full says what happens when the buffer is
// full. n below 1 counts as 1.
//
//	in   abcd-------|
//	out  a--b--c--d--|    (a slow consumer, Block)
//
// Errors: the source's, after what is in the buffer; with Fail an [*OverflowError].
// Back-pressure: as full says; with Block the source is at most n items ahead.
// State: none that is not delivered again, and marks travel in the same queue as
// the items, so with Block and Fail a durable consumer may stand behind. With the
// others it is refused, and who asks for marks gets [stream.ErrNoMarks]: a mark
// would tell what was dropped as delivered.
// Goroutines: one for the source.
func ObserveOn[K stream.Kind, T any](o stream.Observable[K, T], n int, full Overflow) stream.Observable[K, T] {
	n = max(n, 1)
	return stream.Derive(func(sub stream.Subscription) stream.Run[T] {
		return func(ctx context.Context, emit func(T) error) error {
			if err := droppingRefuses("ObserveOn", full, sub); err != nil {
				return err
			}
			b := &boundary[T]{queue: make(chan queued[T], n), full: full, err: errVanished}
			return b.run(ctx, o.Subscribe, sub, emit)
		}
	}, stream.Upstream[K](o))
}

func droppingRefuses(stage string, full Overflow, sub stream.Subscription) error {
	switch {
	case full != DropNewest && full != DropOldest:
		return nil
	case sub.Consumer != "" || sub.From != nil:
		return &stream.NotResumableError{Consumer: sub.Consumer, Operator: stage}
	case sub.Mark != nil:
		return stream.ErrNoMarks
	}
	return nil
}

// queued is an item or, if mark is set, a mark.
type queued[T any] struct {
	item T
	mark *stream.Mark
}

// boundary is one run of ObserveOn.
type boundary[T any] struct {
	queue chan queued[T] // closed by the source's goroutine as it ends
	full  Overflow
	err   error // the source's; set before the queue is closed
}

func (b *boundary[T]) run(outer context.Context, subscribe func(context.Context, stream.Subscription, func(T) error) error, sub stream.Subscription, emit func(T) error) error {
	ctx, cancel := context.WithCancel(outer)
	inner := sub
	if sub.Mark != nil {
		inner.Mark = func(m stream.Mark) error { return b.put(ctx, queued[T]{mark: &m}) }
	}
	go func() { // stopped by cancel; waited for by the queue's closing
		defer close(b.queue)
		defer func() {
			if value := recover(); value != nil {
				b.err = &stream.PanicError{Stage: "ObserveOn", Value: value, Stack: debug.Stack()}
			}
		}()
		b.err = subscribe(ctx, inner, func(item T) error { return b.put(ctx, queued[T]{item: item}) })
	}()
	defer func() {
		cancel()
		for range b.queue { // until the source has gone
		}
	}()
	for {
		select {
		case q, ok := <-b.queue:
			if !ok {
				return b.err
			}
			if err := outer.Err(); err != nil {
				return err
			}
			if err := hand(q, sub, emit); err != nil {
				return err
			}
		case <-outer.Done():
			return outer.Err()
		}
	}
}

func hand[T any](q queued[T], sub stream.Subscription, emit func(T) error) error {
	if q.mark != nil {
		return sub.Mark(*q.mark)
	}
	return emit(q.item)
}

// put queues what the source delivers. After a failure the source has its error
// as its own.
func (b *boundary[T]) put(ctx context.Context, q queued[T]) error {
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case offer(b.queue, q, b.full, ctx.Done()):
		return nil
	case b.full == Fail:
		return &OverflowError{Stage: "ObserveOn", Size: cap(b.queue)}
	}
	return ctx.Err()
}
