package operators

import (
	"time"

	"github.com/thaw-go/thaw/stream"
)

// Debounce delivers an item once no other has come for a while. The last one does
// not wait when the source completes. It is RxJS's debounceTime.
//
//	in   a--bc-----d|
//	out  ------c----(d|)      (2)
//
// Errors: the source's, at once; what waits is dropped.
// Back-pressure: the source waits until an item has been handled.
// State: one item; a durable consumer is refused.
// Goroutines: one for the source.
func Debounce[K stream.Kind, T any](o stream.Observable[K, T], quiet time.Duration) stream.Observable[K, T] {
	return staged(stage{name: "Debounce", holding: true}, func(l *loop, emit func(T) error) error {
		last := &latest[T]{l: l, emit: emit}
		calm := l.timer(last.send)
		s := watch(l, o.Subscribe, func(item T) error {
			last.keep(item)
			calm.set(quiet)
			return nil
		})
		s.end = func(err error) error {
			if err != nil {
				return err
			}
			calm.stop()
			return last.send()
		}
		return nil
	}, stream.Upstream[K](o))
}

// latest is the latest item, which waits to be delivered; marks wait with it.
type latest[T any] struct {
	l    *loop
	emit func(T) error
	item T
	any  bool
}

func (w *latest[T]) keep(item T) {
	w.item, w.any = item, true
	w.l.hold()
}

// send delivers what waits, if something does.
func (w *latest[T]) send() error {
	if !w.any {
		return nil
	}
	item := w.item
	w.item, w.any = *new(T), false
	if err := w.emit(item); err != nil {
		return err
	}
	return w.l.release()
}

// Edges are the ends of a time in which [Throttle] lets one item pass.
type Edges uint8

const (
	// Leading lets the item pass that opens a time, at once.
	Leading Edges = 1 << iota
	// Trailing lets the last item of a time pass at its end; Leading|Trailing is
	// both.
	Trailing
)

// Throttle lets at most one item pass in a time: the one that opens it, the last
// one in it, or both. An item that passes at the end of a time opens the next one;
// at completion it is still waited for. It is RxJS's throttleTime.
//
//	in   a-bc-----d--|
//	out  a----c-----d--|      (5, Leading|Trailing)
//
// Errors: the source's, at once; what waits is dropped.
// Back-pressure: the source waits until an item has been handled.
// State: one item; a durable consumer is refused.
// Goroutines: one for the source.
func Throttle[K stream.Kind, T any](o stream.Observable[K, T], d time.Duration, edges Edges) stream.Observable[K, T] {
	return staged(stage{name: "Throttle", holding: true}, func(l *loop, emit func(T) error) error {
		last := &latest[T]{l: l, emit: emit}
		complete := false
		var shut *timer
		shut = l.timer(func() error {
			if !last.any {
				return nil
			}
			err := last.send()
			if !complete {
				shut.set(d)
			}
			return err
		})
		s := watch(l, o.Subscribe, func(item T) (err error) {
			switch {
			case shut.isSet() && edges&Trailing != 0, edges == Trailing:
				last.keep(item)
			case !shut.isSet() && edges&Leading != 0:
				err = emit(item)
			}
			if !shut.isSet() {
				shut.set(d)
			}
			return err
		})
		s.end = func(err error) error {
			if err != nil || last.any {
				complete = true
				return err
			}
			return l.finish()
		}
		return nil
	}, stream.Upstream[K](o))
}

// Audit delivers the latest item when so much time has passed since an item came
// first; what comes next begins anew. At completion it is still waited for. It is
// RxJS's auditTime.
//
//	in   a-b-----c--|
//	out  ---b-------(c|)      (3)
//
// Errors: the source's, at once; what waits is dropped.
// Back-pressure: the source waits until an item has been handled.
// State: one item; a durable consumer is refused.
// Goroutines: one for the source.
func Audit[K stream.Kind, T any](o stream.Observable[K, T], d time.Duration) stream.Observable[K, T] {
	return staged(stage{name: "Audit", holding: true}, func(l *loop, emit func(T) error) error {
		last := &latest[T]{l: l, emit: emit}
		due := l.timer(last.send)
		watch(l, o.Subscribe, func(item T) error {
			last.keep(item)
			if !due.isSet() {
				due.set(d)
			}
			return nil
		})
		return nil
	}, stream.Upstream[K](o))
}

// Sample delivers the latest item each time that the notifier delivers something,
// if one has come since. It completes with the source; what waits then is dropped.
// RxJS's sampleTime is Sample by an [Interval].
//
//	in        a--b-----c--d--|
//	notifier  ----x--x-----x--
//	out       ----b--------d-|
//
// Errors: the source's and the notifier's.
// Back-pressure: both wait until their item has been handled.
// State: one item; a durable consumer is refused.
// Goroutines: one for the source and one for the notifier.
func Sample[K, N stream.Kind, T, X any](o stream.Observable[K, T], notifier stream.Observable[N, X]) stream.Observable[K, T] {
	return staged(stage{name: "Sample", holding: true}, func(l *loop, emit func(T) error) error {
		last := &latest[T]{l: l, emit: emit}
		s := watch(l, o.Subscribe, func(item T) error {
			last.keep(item)
			return nil
		})
		s.end = l.end
		listen(l, notifier.Run, func(X) error { return last.send() })
		return nil
	}, stream.Upstream[K](o))
}
