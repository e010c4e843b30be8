package main

import (
	"context"
	"errors"

	"github.com/reactivex/rxgo/v2"
	"github.com/samber/ro"
	"github.com/thaw-go/thaw/operators"
	"github.com/thaw-go/thaw/stream"
)

// The chain that all are compared with: every item is mapped, every second one
// passes the filter, and those are added up. Every library is given its own
// cheapest source of ints. The functions are variables, so that no compiler puts
// them into the loop.
var (
	double = func(n int) int { return 2 * n }
	fours  = func(n int) bool { return n%4 == 0 }
	add    = func(sum, n int) int { return sum + n }
)

// chainResult is the last sum: of the doubles of the even numbers below n.
func chainResult(n int) int { return n / 2 * (n/2 - 1) * 2 }

const rxBuffered = 256

func chainCases() []benchmark {
	chain := func(name string, of func(ctx context.Context, n int) (int, error)) benchmark {
		return benchmark{name: "chain/" + name, run: func(w work) (metrics, error) {
			n := w.sizes.items
			run := func(ctx context.Context) (int, error) { return of(ctx, n) }
			return perItem(w, trial{run: run, items: n, want: chainResult(n)})
		}}
	}
	return []benchmark{
		chain("thaw", chainThaw),
		chain("a loop over function values", chainLoop),
		chain("samber/ro", chainRo),
		chain("rxgo, buffered", func(ctx context.Context, n int) (int, error) {
			return chainRx(ctx, n, rxgo.WithBufferedChannel(rxBuffered))
		}),
		chain("rxgo", func(ctx context.Context, n int) (int, error) { return chainRx(ctx, n) }),
	}
}

func chainThaw(ctx context.Context, n int) (int, error) {
	doubled := operators.Map(ints(n), double)
	kept := operators.Filter(doubled, fours)
	sums := operators.Scan(kept, 0, add)
	last, _, err := operators.Last(ctx, sums)
	return last, err
}

func chainLoop(_ context.Context, items int) (int, error) {
	sum := 0
	for n := range items {
		if n := double(n); fours(n) {
			sum = add(sum, n)
		}
	}
	return sum, nil
}

func chainRo(ctx context.Context, items int) (int, error) {
	source := ro.NewUnsafeObservableWithContext(func(ctx context.Context, to ro.Observer[int]) ro.Teardown {
		for n := range items {
			to.NextWithContext(ctx, n)
		}
		to.CompleteWithContext(ctx)
		return nil
	})
	sums := ro.Pipe3(source, ro.Map(double), ro.Filter(fours), ro.Scan(add, 0))
	var last int
	var failed error
	done := false
	sums.SubscribeWithContext(ctx, ro.NewObserver(
		func(sum int) { last = sum },
		func(err error) { failed = err },
		func() { done = true },
	)).Wait()
	if failed == nil && !done {
		failed = errors.New("bench: samber/ro returned before the chain had completed")
	}
	return last, failed
}

func chainRx(ctx context.Context, n int, opts ...rxgo.Option) (int, error) {
	sums := rxgo.Range(0, n, opts...).
		Map(func(_ context.Context, n any) (any, error) { return double(n.(int)), nil }, opts...).
		Filter(func(n any) bool { return fours(n.(int)) }, opts...).
		Scan(func(_ context.Context, sum, n any) (any, error) {
			if sum == nil {
				return n, nil
			}
			return add(sum.(int), n.(int)), nil
		}, opts...)
	last := 0
	for sum := range sums.Observe(append(opts, rxgo.WithContext(ctx))...) {
		if sum.E != nil {
			return 0, sum.E
		}
		last = sum.V.(int)
	}
	return last, nil
}

// ints counts. It is a source as users write them, and the cheapest.
func ints(items int) stream.Observable[stream.Cold, int] {
	return stream.New[stream.Cold](nil, func(stream.Subscription) stream.Run[int] {
		return func(_ context.Context, emit func(int) error) error {
			for n := range items {
				if err := emit(n); err != nil {
					return err
				}
			}
			return nil
		}
	})
}
