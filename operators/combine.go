package operators

import (
	"context"
	"time"

	"github.com/thaw-go/thaw/stream"
)

// Merge delivers the items of all sources, as they come; it completes when all
// have completed.
//
//	in   a-----b-----|
//	in   ---c-----d|
//	out  a--c--b--d--|
//
// Errors: the first of a source's ends the others.
// Back-pressure: a source waits until its item has been handled.
// State: which source comes first is not remembered, so a durable consumer is
// refused; for several topics of one log there is [stream.Union], which is
// durable.
// Goroutines: one per source.
func Merge[K stream.Kind, T any](sources ...stream.Observable[K, T]) stream.Observable[K, T] {
	return staged(stage{name: "Merge", holding: true}, func(l *loop, emit func(T) error) error {
		for _, o := range sources {
			watch(l, o.Subscribe, emit)
		}
		return nil
	}, upstreams(sources)...)
}

// MergeByTime delivers the items of all sources in the order of time, if each
// source is; of items of one time, those of the source that is named first come
// first. It completes when all sources have completed. RxJS does not have it.
//
//	in   a--d--|          (a: 1, d: 4)
//	in   ---b-c|          (b: 2, c: 3)
//	out  ---a-bcd|
//
// Errors: the first of a source's ends the others; that of a source that waits
// comes after its item.
// Back-pressure: a source waits with its item until no other can have an earlier
// one. So one that is silent and does not complete keeps all others waiting.
// State: the item that each source waits with; a durable consumer is refused.
// Goroutines: one per source.
func MergeByTime[K stream.Kind, T any](at func(T) time.Time, sources ...stream.Observable[K, T]) stream.Observable[K, T] {
	return staged(stage{name: "MergeByTime", holding: true}, func(l *loop, emit func(T) error) error {
		m := &timeMerge[T]{emit: emit, waiting: len(sources)}
		read := guarded(l, at)
		for _, o := range sources {
			h := &head[T]{}
			h.source = watch(l, o.Subscribe, func(item T) error {
				h.item, h.at, h.full = item, read(item), true
				h.source.pause()
				return m.filled()
			})
			h.source.end = func(err error) error {
				if err != nil {
					return err
				}
				h.ended = true
				return m.filled()
			}
			m.heads = append(m.heads, h)
		}
		return nil
	}, upstreams(sources)...)
}

// head is what a source waits with.
type head[T any] struct {
	source *source[T]
	item   T
	at     time.Time
	full   bool
	ended  bool
}

// timeMerge holds the heads of sources that are merged by time.
type timeMerge[T any] struct {
	heads   []*head[T]
	waiting int // sources that have neither an item nor ended
	emit    func(T) error
}

// filled notes that one more source has an item, or has ended. Once all have, the
// earliest item goes, and its source is waited for again.
func (m *timeMerge[T]) filled() error {
	if m.waiting--; m.waiting > 0 {
		return nil
	}
	var first *head[T]
	for _, h := range m.heads {
		if h.full && (first == nil || h.at.Before(first.at)) {
			first = h
		}
	}
	if first == nil {
		return nil
	}
	item := first.item
	first.item, first.full = *new(T), false
	m.waiting++
	if err := m.emit(item); err != nil {
		return err
	}
	first.source.resume()
	return nil
}

// Concat delivers the items of the first source, then those of the next, and so
// on; a source is subscribed when the one before it has completed.
//
//	in   a--b--|
//	in   c--d--|
//	out  a--b--c--d--|
//
// Errors: a source's; those behind it are not subscribed.
// Back-pressure: the call stack.
// State: which source it has come to; a durable consumer is refused. Marks are
// those of the last source.
// Goroutines: none.
func Concat[K stream.Kind, T any](sources ...stream.Observable[K, T]) (o stream.Observable[K, T]) {
	return stream.Derive(func(sub stream.Subscription) stream.Run[T] {
		return func(ctx context.Context, emit func(T) error) error {
			switch {
			case sub.Consumer != "" || sub.From != nil:
				return &stream.NotResumableError{Consumer: sub.Consumer, Operator: "Concat"}
			case sub.Mark != nil && len(sources) > 1 && o.Log() == nil:
				return stream.ErrNoMarks
			}
			for i, source := range sources {
				var asked stream.Subscription
				if i == len(sources)-1 {
					asked = sub
				}
				if err := source.Subscribe(ctx, asked, emit); err != nil {
					return err
				}
			}
			return nil
		}
	}, upstreams(sources)...)
}

// Race delivers the items of the source that is first to deliver something, to
// complete or to fail; the others are cancelled.
//
//	in   ----a--b--|
//	in   --c--d--|
//	out  --c--d--|
//
// Errors: those of the source that was first.
// Back-pressure: a source waits until its item has been handled.
// State: which source was first; a durable consumer is refused.
// Goroutines: one per source, until one is first.
func Race[K stream.Kind, T any](sources ...stream.Observable[K, T]) stream.Observable[K, T] {
	return staged(stage{name: "Race", holding: true}, func(l *loop, emit func(T) error) error {
		runners := make([]*source[T], len(sources))
		for i, o := range sources {
			s := watch(l, o.Subscribe, nil)
			s.on = func(item T) error {
				for _, other := range runners {
					if other != s {
						other.stop()
					}
				}
				s.on = emit
				return emit(item)
			}
			s.end = l.end
			runners[i] = s
		}
		return nil
	}, upstreams(sources)...)
}
