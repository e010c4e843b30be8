// Package aggregate has the shape of Thaw's.
package aggregate

import (
	"context"
	"time"

	"github.com/thaw-go/thaw/stream"
)

type Effect struct{}

type Decider[C, E, S any] struct {
	Initial func() S
	Decide  func(S, C) ([]E, error)
	Evolve  func(S, E) S
}

func New[C, E, S any](t *stream.Topic[E], decide func(S, C) ([]E, error), evolve func(S, E) S) Decider[C, E, S] {
	return Decider[C, E, S]{Decide: decide, Evolve: evolve}
}

type Saga[E, S any] struct {
	Name      string
	Correlate func(*stream.Event[E]) string
	React     func(S, *stream.Event[E]) (S, []Effect)
	Expire    func(S, string) (S, []Effect)
	Time      func(*stream.Event[E]) time.Time
}

type Adapter[E any] struct {
	Do func(ctx context.Context, e *stream.Event[E]) error
}
