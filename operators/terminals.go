package operators

import (
	"context"
	"fmt"

	"github.com/thaw-go/thaw/stream"
)

// ForEach runs the observable and calls f with each item, on the caller's
// goroutine. It returns nil at completion, f's first error wrapped, or the
// run's; on a live observable it returns only with an error.
func ForEach[K stream.Kind, T any](ctx context.Context, o stream.Observable[K, T], f func(T) error) (err error) {
	var in bool
	defer stream.Contain("ForEach", &in, &err)
	return o.Run(ctx, func(item T) error {
		in = true
		err := f(item)
		in = false
		if err != nil {
			return fmt.Errorf("operators: ForEach: %w", err)
		}
		return nil
	})
}

// Reduce folds a cold observable: what f makes of seed and the first item, and
// so on. After an error it returns the zero S.
func Reduce[T, S any](ctx context.Context, o stream.Observable[stream.Cold, T], seed S, f func(S, T) S) (result S, err error) {
	return fold(ctx, "Reduce", o, func() S { return seed }, f)
}

// fold is Reduce under the name of what uses it.
func fold[T, S any](ctx context.Context, stage string, o stream.Observable[stream.Cold, T], seed func() S, f func(S, T) S) (result S, err error) {
	var in bool
	defer stream.Contain(stage, &in, &err)
	in = true
	state := seed()
	in = false
	err = o.Run(ctx, func(item T) error {
		in = true
		state = f(state, item)
		in = false
		return nil
	})
	if err != nil {
		return result, err
	}
	return state, nil
}

// Collect returns all items of a cold observable, in order; nil if there are
// none. Memory is the caller's to think of: it keeps them all.
func Collect[T any](ctx context.Context, o stream.Observable[stream.Cold, T]) ([]T, error) {
	var items []T
	err := o.Run(ctx, func(item T) error {
		items = append(items, item)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return items, nil
}

// Last returns the last item of a cold observable; false if there are none.
func Last[T any](ctx context.Context, o stream.Observable[stream.Cold, T]) (last T, ok bool, err error) {
	err = o.Run(ctx, func(item T) error {
		last, ok = item, true
		return nil
	})
	if err != nil {
		var none T
		return none, false, err
	}
	return last, ok, nil
}

// Count returns how many items a cold observable has.
func Count[T any](ctx context.Context, o stream.Observable[stream.Cold, T]) (int, error) {
	return Reduce(ctx, o, 0, func(n int, _ T) int { return n + 1 })
}

// Every reports whether f is true for all items of a cold observable; it stops at
// the first for which it is not. Of nothing it is true.
func Every[T any](ctx context.Context, o stream.Observable[stream.Cold, T], f func(T) bool) (bool, error) {
	_, found, err := find(ctx, "Every", o, func(item T) bool { return !f(item) })
	return !found && err == nil, err
}

// IsEmpty reports whether a cold observable has no items; it stops at the first.
func IsEmpty[T any](ctx context.Context, o stream.Observable[stream.Cold, T]) (bool, error) {
	_, found, err := First(ctx, o)
	return !found && err == nil, err
}

// First returns the first item and stops there; false if there is none. On a live
// observable it waits for one.
func First[K stream.Kind, T any](ctx context.Context, o stream.Observable[K, T]) (first T, ok bool, err error) {
	return find(ctx, "First", o, func(T) bool { return true })
}

// Find returns the first item for which f is true and stops there; false if there
// is none. On a live observable it waits for one.
func Find[K stream.Kind, T any](ctx context.Context, o stream.Observable[K, T], f func(T) bool) (found T, ok bool, err error) {
	return find(ctx, "Find", o, f)
}

// ElementAt returns the item with an index, from 0, and stops there; false if
// there are not so many. On a live observable it waits for it.
func ElementAt[K stream.Kind, T any](ctx context.Context, o stream.Observable[K, T], index int) (item T, ok bool, err error) {
	i := -1
	return find(ctx, "ElementAt", o, func(T) bool { i++; return i == index })
}

// find is the first item for which f is true, under the name of what uses it.
func find[K stream.Kind, T any](ctx context.Context, stage string, o stream.Observable[K, T], f func(T) bool) (found T, ok bool, err error) {
	var in bool
	defer stream.Contain(stage, &in, &err)
	stop := &stopped{stage}
	err = untilStopped(ctx, o.Run, stop, func(item T) error {
		in = true
		is := f(item)
		in = false
		if !is {
			return nil
		}
		found, ok = item, true
		return stop
	})
	if err != nil {
		var none T
		return none, false, err
	}
	return found, ok, nil
}

// Max returns the greatest item of a cold observable, in the order of compare,
// which answers as [cmp.Compare] does; of several the last. It is false if there
// are none.
func Max[T any](ctx context.Context, o stream.Observable[stream.Cold, T], compare func(a, b T) int) (greatest T, ok bool, err error) {
	return best(ctx, "Max", o, func(a, b T) bool { return compare(a, b) > 0 })
}

// Min returns the least item of a cold observable, as [Max] does the greatest.
func Min[T any](ctx context.Context, o stream.Observable[stream.Cold, T], compare func(a, b T) int) (least T, ok bool, err error) {
	return best(ctx, "Min", o, func(a, b T) bool { return compare(a, b) < 0 })
}

// best is the item that a better one has not replaced.
func best[T any](ctx context.Context, stage string, o stream.Observable[stream.Cold, T], better func(kept, item T) bool) (kept T, ok bool, err error) {
	type result struct {
		kept T
		ok   bool
	}
	r, err := fold(ctx, stage, o, func() (r result) { return r }, func(r result, item T) result {
		if r.ok && better(r.kept, item) {
			return r
		}
		return result{item, true}
	})
	return r.kept, r.ok, err
}
