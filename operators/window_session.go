package operators

import (
	"cmp"
	"container/heap"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/thaw-go/thaw/stream"
)

// Session folds each key's items by sessions: a session goes on as long as no two
// items are gap or more apart, and ends gap after its last item. It fires as
// [Window] does. An item that lies between two sessions makes them one, whose fold
// is what merge makes of theirs, the earlier one first.
//
//	in   a1--a3--a4------a20--|
//	out  ----------------x----(y|)    (gap 5, counts; x: a 1–9: 3, y: a 20–25: 1)
//
// Errors: the source's; a [*TooLateError] if an item is too late and neither TooLate
// nor Meter is set.
// Back-pressure: the call stack.
// State: a result for each session that is open or kept for late items, as many as
// ByTime allows. Then the one that ends first is let go: if it has fired it is
// forgotten, so that what still comes for it is too late; if not, it fires early,
// and what still comes for it begins a new one. A durable consumer is refused.
// Goroutines: none.
func Session[K stream.Kind, T, S any, Key comparable](o stream.Observable[K, T], gap time.Duration, by ByTime[T, Key], seed S, f func(S, T) S, merge func(earlier, later S) S) stream.Observable[K, Windowed[Key, S]] {
	return stream.Holding(o, "Session", func(run stream.Run[T]) stream.Run[Windowed[Key, S]] {
		return func(ctx context.Context, emit func(Windowed[Key, S]) error) (err error) {
			if gap <= 0 {
				err = errors.New("expected a gap longer than 0")
			}
			if err := cmp.Or(err, by.check(gap)); err != nil {
				return fmt.Errorf("operators: Session: %w", err)
			}
			w := &sessions[T, S, Key]{
				timeline: newTimeline("Session", &by), gap: int64(gap), most: mostOf(by.Most),
				seed: seed, f: f, merge: merge, emit: emit, byKey: map[Key]*session[Key, S]{},
			}
			defer stream.Contain("Session", &w.in, &err)
			if err := run(ctx, w.take); err != nil {
				return err
			}
			return w.advance(never64)
		}
	})
}

// sessions is one run of [Session].
type sessions[T, S any, Key comparable] struct {
	timeline[T, Key]
	gap   int64
	most  int
	seed  S
	f     func(S, T) S
	merge func(S, S) S
	emit  func(Windowed[Key, S]) error

	byKey map[Key]*session[Key, S]
	open  sessionHeap[Key, S] // those that have not fired
	kept  sessionHeap[Key, S] // those that have
	begun int
}

// session is one of a key's sessions.
type session[Key comparable, S any] struct {
	key        Key
	start, end int64
	state      S
	count      int
	fired      bool

	also   *session[Key, S] // of the same key
	due    int64            // its place in its queue: its end, or what that was before
	number int
	index  int // in the queue
}

func (w *sessions[T, S, Key]) take(item T) error {
	key, at, err := w.read(item)
	if err != nil {
		return err
	}
	if mark := at - w.disorder; mark > w.watermark {
		if err := w.advance(mark); err != nil {
			return err
		}
	}
	w.in = true
	s := w.joined(key, at, at+w.gap)
	w.in = false
	if s == nil {
		if w.over(at + w.gap) {
			return w.tooLate(item, at)
		}
		if len(w.open)+len(w.kept) >= w.most {
			if err := w.makeRoom(); err != nil {
				return err
			}
			if w.over(at + w.gap) {
				return w.tooLate(item, at)
			}
		}
		s = w.begin(key, at)
	}
	w.in = true
	s.state = w.f(s.state, item)
	w.in = false
	s.count++
	s.start, s.end = min(s.start, at), max(s.end, at+w.gap)
	return w.settle(s)
}

// settle puts a session that has changed where it belongs; one that was over fires
// again.
func (w *sessions[T, S, Key]) settle(s *session[Key, S]) error {
	if fired := s.end <= w.watermark; fired != s.fired {
		w.move(s, fired)
	}
	if !s.fired {
		return nil
	}
	return w.emit(w.result(s, Late))
}

// move takes a session from one queue to the other.
func (w *sessions[T, S, Key]) move(s *session[Key, S], fired bool) {
	heap.Remove(w.queueOf(s), s.index)
	s.fired, s.due = fired, s.end
	heap.Push(w.queueOf(s), s)
}

func (w *sessions[T, S, Key]) queueOf(s *session[Key, S]) *sessionHeap[Key, S] {
	if s.fired {
		return &w.kept
	}
	return &w.open
}

// joined is the session of a key that a span of time belongs to, made of several if
// it touches several; nil if there is none.
func (w *sessions[T, S, Key]) joined(key Key, start, end int64) *session[Key, S] {
	var first *session[Key, S]
	for s := w.byKey[key]; s != nil; {
		next := s.also
		switch {
		case s.start >= end || s.end <= start:
		case first == nil:
			first = s
		default:
			first = w.unite(first, s)
		}
		s = next
	}
	return first
}

// unite makes one session of two of a key.
func (w *sessions[T, S, Key]) unite(a, b *session[Key, S]) *session[Key, S] {
	if b.number < a.number {
		a, b = b, a // it stays where it was among others
	}
	if a.start < b.start {
		a.state = w.merge(a.state, b.state)
	} else {
		a.state = w.merge(b.state, a.state)
	}
	a.start, a.end, a.count = min(a.start, b.start), max(a.end, b.end), a.count+b.count
	w.forget(b)
	return a
}

func (w *sessions[T, S, Key]) begin(key Key, at int64) *session[Key, S] {
	w.begun++
	s := &session[Key, S]{key: key, start: at, end: at + w.gap, state: w.seed, number: w.begun, also: w.byKey[key]}
	w.byKey[key] = s
	s.due = s.end
	heap.Push(&w.open, s)
	return s
}

// forget takes a session out.
func (w *sessions[T, S, Key]) forget(s *session[Key, S]) {
	heap.Remove(w.queueOf(s), s.index)
	if first := w.byKey[s.key]; first == s {
		if s.also == nil {
			delete(w.byKey, s.key)
		} else {
			w.byKey[s.key] = s.also
		}
		return
	}
	for before := w.byKey[s.key]; before != nil; before = before.also {
		if before.also == s {
			before.also = s.also
		}
	}
}

// advance moves the watermark: sessions fire, and those that are over are let go.
func (w *sessions[T, S, Key]) advance(mark int64) error {
	w.watermark = mark
	for s := w.open.first(mark); s != nil; s = w.open.first(mark) {
		if w.over(s.end) {
			w.forget(s)
		} else {
			w.move(s, true)
		}
		if err := w.emit(w.result(s, OnTime)); err != nil {
			return err
		}
	}
	for s := w.kept.first(mark - w.lateness); s != nil; s = w.kept.first(mark - w.lateness) {
		w.forget(s)
	}
	return nil
}

// makeRoom lets the session go that ends first; one that is only kept for late
// items before any other.
func (w *sessions[T, S, Key]) makeRoom() error {
	s := w.kept.first(never64)
	if s != nil {
		w.closed = max(w.closed, s.end)
	} else {
		s = w.open.first(never64)
	}
	w.forget(s)
	w.evicted(1)
	if s.fired {
		return nil
	}
	return w.emit(w.result(s, Early))
}

func (w *sessions[T, S, Key]) result(s *session[Key, S], timing Timing) Windowed[Key, S] {
	return Windowed[Key, S]{
		Key: s.key, Value: s.state, Count: s.count,
		Opened: instant(s.start), Closed: instant(s.end), Fired: w.fired(), Timing: timing,
	}
}

// sessionHeap is a heap by end and then by beginning. A session that goes on stays
// where it is until it comes to the front: that spares most moves.
type sessionHeap[Key comparable, S any] []*session[Key, S]

// first is the session that ends first, if it does so by then.
func (h *sessionHeap[Key, S]) first(by int64) *session[Key, S] {
	for len(*h) > 0 && (*h)[0].due <= by {
		s := (*h)[0]
		if s.due == s.end {
			return s
		}
		s.due = s.end
		heap.Fix(h, 0)
	}
	return nil
}

func (h sessionHeap[Key, S]) Len() int { return len(h) }

func (h sessionHeap[Key, S]) Less(i, j int) bool {
	if h[i].due != h[j].due {
		return h[i].due < h[j].due
	}
	return h[i].number < h[j].number
}

func (h sessionHeap[Key, S]) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].index, h[j].index = i, j
}

// Push is heap.Interface's.
func (h *sessionHeap[Key, S]) Push(x any) {
	s := x.(*session[Key, S])
	s.index = len(*h)
	*h = append(*h, s)
}

// Pop is heap.Interface's.
func (h *sessionHeap[Key, S]) Pop() any {
	last := len(*h) - 1
	s := (*h)[last]
	(*h)[last] = nil
	*h = (*h)[:last]
	return s
}
