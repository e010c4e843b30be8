package operators

import (
	"context"
	"time"

	"github.com/thaw-go/thaw/stream"
)

// hourly is the observable with an hour before each item.
func hourly(o ints) ints {
	return stream.Through(o, func(run stream.Run[int]) stream.Run[int] {
		return func(ctx context.Context, emit func(int) error) error {
			timer := time.NewTimer(time.Hour)
			defer timer.Stop()
			return run(ctx, func(n int) error {
				timer.Reset(time.Hour)
				select {
				case <-timer.C:
					return emit(n)
				case <-ctx.Done():
					return ctx.Err()
				}
			})
		}
	})
}

var timeTable = []operator{
	{name: "Debounce", holding: true, pure: true, want: []int{4}, of: func(o ints, _ func()) ints {
		return Debounce(o, time.Minute)
	}},
	{name: "Throttle", holding: true, pure: true, want: []int{1, 4}, of: func(o ints, _ func()) ints {
		return Throttle(o, time.Minute, Leading|Trailing)
	}},
	{name: "Audit", holding: true, pure: true, want: []int{4}, of: func(o ints, _ func()) ints {
		return Audit(o, time.Minute)
	}},
	{name: "Sample", holding: true, pure: true, want: []int{1, 2, 3}, of: func(o ints, _ func()) ints {
		return Sample(hourly(o), Interval(50*time.Minute))
	}},
	{name: "Delay", pure: true, want: []int{1, 2, 3, 4}, of: func(o ints, _ func()) ints {
		return Delay(o, time.Minute, 2)
	}},
	{name: "Timeout", pure: true, want: []int{1, 2, 3, 4}, of: func(o ints, _ func()) ints {
		return Timeout(hourly(o), Patience[int]{Each: 2 * time.Hour})
	}},
	{name: "Buffer", keeps: true, holding: true, pure: true, want: []int{12, 23, 34, 4}, of: func(o ints, _ func()) ints {
		return Map(Buffer(o, Batch{Items: 2, EveryItems: 1}), digits)
	}},
	{name: "Buffer", keeps: true, holding: true, pure: true, want: []int{123, 4}, empty: []int{0}, of: func(o ints, _ func()) ints {
		return Map(Buffer(o, Batch{Items: 3, For: time.Minute, Until: SignalOf(later(stream.From(0)))}), digits)
	}},
}
