package operators

import (
	"context"

	"github.com/thaw-go/thaw/stream"
)

var rxTest = map[string]rxOperator{
	"reduce": func(b *rxBench) rxStream {
		items, fold := 0, rxFold(b)
		counted := func(acc, v any) any { items++; return fold(acc, v) }
		return rxAnswer(func(ctx context.Context) (any, bool, error) {
			result, err := Reduce(ctx, b.source(), rxArg[any](b, "seed"), counted)
			return result, items > 0 || b.has("seed"), err
		}, nil)
	},
	"count": func(b *rxBench) rxStream {
		return rxAnswer(func(ctx context.Context) (any, bool, error) {
			n, err := Count(ctx, Filter(b.source(), b.predicate()))
			return n, true, err
		}, nil)
	},
	"every": func(b *rxBench) rxStream {
		return rxAnswer(func(ctx context.Context) (any, bool, error) {
			all, err := Every(ctx, b.source(), b.predicate())
			return all, true, err
		}, nil)
	},
	"isEmpty": func(b *rxBench) rxStream {
		return rxAnswer(func(ctx context.Context) (any, bool, error) {
			empty, err := IsEmpty(ctx, b.source())
			return empty, true, err
		}, nil)
	},
	"first": func(b *rxBench) rxStream {
		return b.orDefault("EmptyError", func(ctx context.Context) (any, bool, error) {
			if !b.has("predicate") {
				return First(ctx, b.source())
			}
			return Find(ctx, b.source(), b.predicate())
		})
	},
	"last": func(b *rxBench) rxStream {
		return b.orDefault("EmptyError", func(ctx context.Context) (any, bool, error) {
			return Last(ctx, Filter(b.source(), b.predicate()))
		})
	},
	"elementAt": func(b *rxBench) rxStream {
		return b.orDefault("ArgumentOutOfRangeError", func(ctx context.Context) (any, bool, error) {
			return ElementAt(ctx, b.source(), b.int("index"))
		})
	},
	"find": func(b *rxBench) rxStream {
		return rxAnswer(func(ctx context.Context) (any, bool, error) {
			found, _, err := Find(ctx, b.source(), b.predicate())
			return found, true, err
		}, nil)
	},
	"min": func(b *rxBench) rxStream {
		return rxAnswer(func(ctx context.Context) (any, bool, error) {
			return Min(ctx, b.source(), rxComparer(b.text("comparer")))
		}, nil)
	},
	"max": func(b *rxBench) rxStream {
		return rxAnswer(func(ctx context.Context) (any, bool, error) {
			return Max(ctx, b.source(), rxComparer(b.text("comparer")))
		}, nil)
	},
}

// rxAnswer makes a stream of a terminal: its answer, if there is one, and the end.
func rxAnswer(terminal func(context.Context) (answer any, ok bool, err error), none error) rxStream {
	return stream.New[stream.Cold](nil, func(stream.Subscription) stream.Run[any] {
		return func(ctx context.Context, emit func(any) error) error {
			answer, ok, err := terminal(ctx)
			switch {
			case err != nil:
				return err
			case !ok:
				return none
			}
			return emit(answer)
		}
	})
}

// orDefault is a terminal that says false where RxJS has a default or an error.
func (b *rxBench) orDefault(none string, terminal func(context.Context) (any, bool, error)) rxStream {
	return rxAnswer(func(ctx context.Context) (any, bool, error) {
		answer, ok, err := terminal(ctx)
		if err == nil && !ok && b.has("default") {
			return rxArg[any](b, "default"), true, nil
		}
		return answer, ok, err
	}, &rxThrown{none})
}
