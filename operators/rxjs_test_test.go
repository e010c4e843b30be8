package operators

import (
	"context"

	"github.com/thaw-go/thaw/stream"
)

var rxTest = map[string]rxOperator{
	"reduce": func(b *rxBench) rxStream {
		return rxAnswer(b.source(), func(ctx context.Context, o rxStream) (any, error) {
			return Reduce(ctx, o, rxArg[any](b, "seed"), rxFold(b))
		})
	},
}

// rxAnswer makes a stream of a terminal: its answer, and the end.
func rxAnswer[T any](o rxStream, terminal func(context.Context, rxStream) (T, error)) rxStream {
	return stream.New[stream.Cold](nil, func(stream.Subscription) stream.Run[any] {
		return func(ctx context.Context, emit func(any) error) error {
			answer, err := terminal(ctx, o)
			if err != nil {
				return err
			}
			return emit(answer)
		}
	})
}
