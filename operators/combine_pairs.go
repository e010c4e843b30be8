package operators

import "github.com/thaw-go/thaw/stream"

// What makes one item of several takes two sources and a function, rather than
// any number and a tuple: the sources' types may differ, and a third source is
// one more stage with a name of its own.

// Zip makes one item of the first items of both sources, one of the second ones,
// and so on. It completes with the source that has no more items.
//
//	a    a-----b-----c--|
//	b    ---1--2--3--------|
//	out  ---x--y-----z--|       (x: a1, y: b2, z: c3)
//
// Errors: the first of a source's ends the other; that of a source that waits
// comes after its item.
// Back-pressure: a source that is ahead waits with its item for the other's; let
// it run further ahead with [ObserveOn]. RxJS keeps all that comes meanwhile.
// State: one item; a durable consumer is refused.
// Goroutines: one per source.
func Zip[K stream.Kind, A, B, C any](a stream.Observable[K, A], b stream.Observable[K, B], f func(A, B) C) stream.Observable[K, C] {
	return staged(stage{name: "Zip", holding: true}, func(l *loop, emit func(C) error) error {
		join := guardedPair(l, f)
		var (
			left       A
			right      B
			leftSource *source[A]
			rightOne   *source[B]
			full       [2]bool
		)
		meet := func() error {
			if !full[0] || !full[1] {
				return nil
			}
			full = [2]bool{}
			if err := emit(join(left, right)); err != nil {
				return err
			}
			leftSource.resume()
			rightOne.resume()
			return nil
		}
		leftSource = watch(l, a.Subscribe, func(item A) error {
			left, full[0] = item, true
			leftSource.pause()
			return meet()
		})
		rightOne = watch(l, b.Subscribe, func(item B) error {
			right, full[1] = item, true
			rightOne.pause()
			return meet()
		})
		leftSource.end, rightOne.end = l.end, l.end
		return nil
	}, stream.Upstream[K](a), stream.Upstream[K](b))
}

// CombineLatest makes an item of the latest of both sources each time that one of
// them delivers something, once both have. It completes when both have completed.
//
//	a    a-----b--------|
//	b    ---1-----2-----|
//	out  ---w--x--y-----|       (w: a1, x: b1, y: b2)
//
// Errors: the first of a source's ends the other.
// Back-pressure: a source waits until its item has been handled.
// State: the latest of each source; a durable consumer is refused.
// Goroutines: one per source.
func CombineLatest[K stream.Kind, A, B, C any](a stream.Observable[K, A], b stream.Observable[K, B], f func(A, B) C) stream.Observable[K, C] {
	return staged(stage{name: "CombineLatest", holding: true}, func(l *loop, emit func(C) error) error {
		join := guardedPair(l, f)
		var (
			left  A
			right B
			seen  [2]bool
		)
		both := func() error {
			if !seen[0] || !seen[1] {
				return nil
			}
			return emit(join(left, right))
		}
		watch(l, a.Subscribe, func(item A) error {
			left, seen[0] = item, true
			return both()
		})
		watch(l, b.Subscribe, func(item B) error {
			right, seen[1] = item, true
			return both()
		})
		return nil
	}, stream.Upstream[K](a), stream.Upstream[K](b))
}

// WithLatestFrom makes an item of each item of the source and the latest of the
// other observable, which may be of any kind; the source's items are dropped until
// that has delivered one. It completes with the source.
//
//	in     a--b-----c--|
//	other  -1----2-----
//	out    ---x-----y--|       (x: b1, y: c2)
//
// Errors: the source's and the other's.
// Back-pressure: both wait until their item has been handled.
// State: the other's latest; a durable consumer is refused.
// Goroutines: one for each of the two.
func WithLatestFrom[K, N stream.Kind, A, B, C any](o stream.Observable[K, A], other stream.Observable[N, B], f func(A, B) C) stream.Observable[K, C] {
	return staged(stage{name: "WithLatestFrom", holding: true}, func(l *loop, emit func(C) error) error {
		join := guardedPair(l, f)
		var (
			latest B
			seen   bool
		)
		listen(l, other.Run, func(item B) error {
			latest, seen = item, true
			return nil
		})
		main := watch(l, o.Subscribe, func(item A) error {
			if !seen {
				return nil
			}
			return emit(join(item, latest))
		})
		main.end = l.end
		return nil
	}, stream.Upstream[K](o))
}

// guardedPair is a user's function of two items whose panic names the stage.
func guardedPair[A, B, C any](l *loop, f func(A, B) C) func(A, B) C {
	return func(a A, b B) C {
		l.in = true
		c := f(a, b)
		l.in = false
		return c
	}
}
