package operators

import (
	"context"
	"slices"

	"github.com/thaw-go/thaw/stream"
)

// ConcatMap replaces each item by all items of the cold observable that f makes
// of it, one after another; the next item waits until they have ended.
//
//	in   a-----b-----|
//	out  a-a-a-b-b-b-|
//
// Errors: the source's and the inner ones'.
// Back-pressure: the call stack.
// State: none; a mark comes after all that its items were replaced by.
// Goroutines: none.
func ConcatMap[K stream.Kind, A, B any](o stream.Observable[K, A], f func(A) stream.Observable[stream.Cold, B]) stream.Observable[K, B] {
	return stream.Through(o, func(run stream.Run[A]) stream.Run[B] {
		return func(ctx context.Context, emit func(B) error) (err error) {
			var in bool
			defer stream.Contain("ConcatMap", &in, &err)
			return run(ctx, func(a A) error {
				in = true
				inner := f(a)
				in = false
				return inner.Run(ctx, emit)
			})
		}
	})
}

// MergeMap replaces each item by all items of the cold observable that f makes
// of it; up to n of them run side by side. n below 1 is no bound.
//
//	in   a--b-----------|
//	out  a--(ab)--(ab)--b|
//
// Errors: the source's and the inner ones'; the first ends the others.
// Back-pressure: the source waits while n inner ones run, and each of them until
// its item has been handled. RxJS keeps the source's items instead, without a
// bound.
// State: none that is not delivered again; a mark comes after all that its items
// were replaced by.
// Goroutines: one for the source and one for each inner one that runs.
func MergeMap[K stream.Kind, A, B any](o stream.Observable[K, A], n int, f func(A) stream.Observable[stream.Cold, B]) stream.Observable[K, B] {
	return staged(stage{name: "MergeMap"}, func(l *loop, emit func(B) error) error {
		m := &merging{l: l}
		open := guarded(l, f)
		var source *source[A]
		source = watch(l, o.Subscribe, func(a A) error {
			inner := listen(l, open(a).Run, emit)
			number := m.begin()
			inner.end = func(err error) error {
				if err != nil {
					return err
				}
				source.resume()
				return m.end(number)
			}
			if len(m.running) == n {
				source.pause()
			}
			return nil
		})
		source.mark = m.mark
		return nil
	}, stream.Upstream[K](o))
}

// merging keeps a mark until all inner observables have ended that had begun
// before it.
type merging struct {
	l       *loop
	begun   int
	running []int      // the numbers of those that run, in order
	marks   []keptMark // in order
}

// keptMark is a mark that waits for the inner observables up to a number.
type keptMark struct {
	number int
	mark   stream.Mark
}

func (m *merging) begin() (number int) {
	m.begun++
	m.running = append(m.running, m.begun)
	return m.begun
}

func (m *merging) end(number int) error {
	i := slices.Index(m.running, number)
	m.running = slices.Delete(m.running, i, i+1)
	n := 0
	for n < len(m.marks) && (len(m.running) == 0 || m.marks[n].number < m.running[0]) {
		n++
	}
	if n == 0 {
		return nil
	}
	last := m.marks[n-1].mark
	m.marks = slices.Delete(m.marks, 0, n)
	return m.l.pass(last)
}

// mark keeps a mark, in place of one that waits for the same.
func (m *merging) mark(mark stream.Mark) error {
	if len(m.running) == 0 {
		return m.l.pass(mark)
	}
	if i := len(m.marks) - 1; i >= 0 && m.running[len(m.running)-1] <= m.marks[i].number {
		m.marks[i].mark = mark
		return nil
	}
	m.marks = append(m.marks, keptMark{m.begun, mark})
	return nil
}

// SwitchMap replaces each item by the items of the cold observable that f makes
// of it, until the next item comes: that one's take their place.
//
//	in   a-----b--------|
//	out  a--a--b--b--b--|
//
// Errors: the source's and the inner one's.
// Back-pressure: both wait until their item has been handled; the source's next
// item ends the inner one, and waits until it has returned.
// State: the inner one; a durable consumer is refused.
// Goroutines: one for the source and one for the inner one.
func SwitchMap[K stream.Kind, A, B any](o stream.Observable[K, A], f func(A) stream.Observable[stream.Cold, B]) stream.Observable[K, B] {
	return staged(stage{name: "SwitchMap", holding: true}, func(l *loop, emit func(B) error) error {
		open := guarded(l, f)
		var inner *source[B]
		watch(l, o.Subscribe, func(a A) error {
			if inner != nil {
				inner.stop()
			}
			inner = listenHeld(l, open(a), emit)
			return nil
		})
		return nil
	}, stream.Upstream[K](o))
}

// ExhaustMap replaces an item by all items of the cold observable that f makes of
// it, and drops what comes before that has ended.
//
//	in   a--b--------c--------|
//	out  a--a--a-----c--c--c--|
//
// Errors: the source's and the inner one's.
// Back-pressure: both wait until their item has been handled.
// State: the inner one; a durable consumer is refused.
// Goroutines: one for the source and one for the inner one.
func ExhaustMap[K stream.Kind, A, B any](o stream.Observable[K, A], f func(A) stream.Observable[stream.Cold, B]) stream.Observable[K, B] {
	return staged(stage{name: "ExhaustMap", holding: true}, func(l *loop, emit func(B) error) error {
		open := guarded(l, f)
		var inner *source[B]
		watch(l, o.Subscribe, func(a A) error {
			if inner == nil || inner.ended {
				inner = listenHeld(l, open(a), emit)
			}
			return nil
		})
		return nil
	}, stream.Upstream[K](o))
}

// listenHeld runs an inner observable; marks wait until it has ended.
func listenHeld[B any](l *loop, inner stream.Observable[stream.Cold, B], emit func(B) error) *source[B] {
	l.hold()
	s := listen(l, inner.Run, emit)
	s.end = func(err error) error {
		if err != nil {
			return err
		}
		return l.release()
	}
	return s
}
