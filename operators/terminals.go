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
