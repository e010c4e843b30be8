package operators

import (
	"errors"
	"fmt"
	"time"

	"github.com/thaw-go/thaw/stream"
)

// Delay delivers each item so much later; up to n items are on their way. n below
// 1 counts as 1.
//
//	in   a--b--|
//	out  --a--b|      (2)
//
// Errors: the source's, at once; what is on its way is dropped.
// Back-pressure: the source waits while n items are on their way; RxJS has no such
// bound.
// State: the items on their way, which would be delivered again; marks are on
// their way with them.
// Goroutines: one for the source.
func Delay[K stream.Kind, T any](o stream.Observable[K, T], d time.Duration, n int) stream.Observable[K, T] {
	return staged(stage{name: "Delay"}, func(l *loop, emit func(T) error) error {
		w := &delayed[T]{l: l, emit: emit, d: d, n: max(n, 1)}
		w.timer = l.timer(w.arrive)
		w.source = watch(l, o.Subscribe, w.item)
		w.source.mark = w.mark
		return nil
	}, stream.Upstream[K](o))
}

// delayed is what is on its way, in order.
type delayed[T any] struct {
	l      *loop
	emit   func(T) error
	d      time.Duration
	n      int
	source *source[T]
	timer  *timer // for the first that is on its way

	way   []onWay[T]
	first int // those before it have arrived
	items int
}

// onWay is an item, or a mark.
type onWay[T any] struct {
	due    time.Time
	item   T
	mark   stream.Mark
	isMark bool
}

func (w *delayed[T]) item(item T) error {
	if w.items++; w.items >= w.n {
		w.source.pause()
	}
	w.put(onWay[T]{item: item})
	return nil
}

// mark puts a mark on its way, in place of one that is the last there.
func (w *delayed[T]) mark(m stream.Mark) error {
	last := len(w.way) - 1
	switch {
	case last < w.first:
		return w.l.pass(m)
	case w.way[last].isMark:
		w.way[last].mark = m
	default:
		w.put(onWay[T]{mark: m, isMark: true})
	}
	return nil
}

func (w *delayed[T]) put(x onWay[T]) {
	x.due = time.Now().Add(w.d)
	if len(w.way) == cap(w.way) && w.first > 0 {
		left := copy(w.way, w.way[w.first:])
		clear(w.way[left:])
		w.way, w.first = w.way[:left], 0
	}
	w.way = append(w.way, x)
	if !w.timer.isSet() {
		w.timer.at(w.way[w.first].due)
	}
}

// arrive delivers the first that is on its way.
func (w *delayed[T]) arrive() (err error) {
	x := w.way[w.first]
	w.way[w.first] = onWay[T]{}
	w.first++
	if w.first == len(w.way) {
		w.way, w.first = w.way[:0], 0
	} else {
		w.timer.at(w.way[w.first].due)
	}
	if x.isMark {
		return w.l.pass(x.mark)
	}
	w.items--
	if err := w.emit(x.item); err != nil {
		return err
	}
	w.source.resume()
	return nil
}

// ErrTimeout says that a source was too slow for [Timeout].
var ErrTimeout = errors.New("operators: Timeout: the source is too slow")

// Patience is how long [Timeout] waits for a source.
type Patience[T any] struct {
	First time.Duration // for the first item; 0: as for each
	Each  time.Duration // for each item after another one; 0: for ever
	// With makes what goes on in the source's place when it was too slow; nil: the
	// run fails.
	With func() stream.Observable[stream.Cold, T]
}

// Timeout fails with [ErrTimeout], or goes on with another observable, when the
// source takes too long to deliver an item. The time in which an item is handled
// does not count.
//
//	in   a--b--------c--|
//	out  a--b-----#         (5)
//
// Errors: the source's and [ErrTimeout].
// Back-pressure: the source waits until its item has been handled.
// State: none; a durable consumer gets what goes on in the source's place anew
// each time it resumes, if the source is too slow again.
// Goroutines: one for the source, or for what goes on in its place.
func Timeout[K stream.Kind, T any](o stream.Observable[K, T], p Patience[T]) stream.Observable[K, T] {
	return staged(stage{name: "Timeout"}, func(l *loop, emit func(T) error) error {
		var s *source[T]
		waits, seen := p.First, 0
		over := l.timer(func() error {
			if p.With == nil {
				return fmt.Errorf("%w: no item within %s, after %d", ErrTimeout, waits, seen)
			}
			s.stop()
			with := guarded(l, func(struct{}) stream.Observable[stream.Cold, T] { return p.With() })
			listen(l, with(struct{}{}).Run, emit)
			return nil
		})
		if waits == 0 {
			waits = p.Each
		}
		if waits > 0 {
			over.set(waits)
		}
		s = watch(l, o.Subscribe, func(item T) error {
			over.stop()
			seen++
			if err := emit(item); err != nil {
				return err
			}
			if waits = p.Each; waits > 0 {
				over.set(waits)
			}
			return nil
		})
		s.end = func(err error) error {
			over.stop()
			return err
		}
		return nil
	}, stream.Upstream[K](o))
}
