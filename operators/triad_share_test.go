package operators

import (
	"context"

	"github.com/thaw-go/thaw/stream"
)

// coldly gives an observable that ends the kind of one.
func coldly[K stream.Kind, T any](o stream.Observable[K, T]) stream.Observable[stream.Cold, T] {
	return stream.New[stream.Cold](nil, func(sub stream.Subscription) stream.Run[T] {
		return func(ctx context.Context, emit func(T) error) error { return o.Subscribe(ctx, sub, emit) }
	})
}

var shareTable = []operator{
	{name: "Share", holding: true, pure: true, want: []int{1, 2, 3, 4}, of: func(o ints, _ func()) ints {
		return coldly(Share(o, 1, Block))
	}},
	{name: "Replay", holding: true, pure: true, want: []int{1, 2, 3, 4}, of: func(o ints, _ func()) ints {
		return coldly(Replay(o, Recent{Count: 4}, 1, Block))
	}},
}
