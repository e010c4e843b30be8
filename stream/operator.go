package stream

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
)

// Through makes an operator that remembers nothing between items: f wraps the
// source's run. Marks pass untouched and in line, so a durable consumer may
// stand behind it.
func Through[K Kind, A, B any](o Observable[K, A], f func(Run[A]) Run[B]) Observable[K, B] {
	if o.open == nil {
		return Observable[K, B]{}
	}
	return New[K](o.from, func(sub Subscription) Run[B] { return f(o.open(sub)) })
}

// Holding makes an operator that remembers something between items, such as a
// sum. A durable consumer behind it is refused before the first event with a
// [*NotResumableError] naming the stage, because what it remembers would be
// lost at a restart. f is called for each run, so each run remembers its own.
func Holding[K Kind, A, B any](o Observable[K, A], stage string, f func(Run[A]) Run[B]) Observable[K, B] {
	if o.open == nil {
		return Observable[K, B]{}
	}
	return New[K](o.from, func(sub Subscription) Run[B] {
		if sub.Consumer != "" || sub.From != nil {
			return failed[B](&NotResumableError{Consumer: sub.Consumer, Operator: stage})
		}
		return f(o.open(sub))
	})
}

// Contain turns a panic in a user's function into a [*PanicError] that names
// the stage. A stage sets *in to true around each call of the function and
// defers Contain once per run; a panic while *in is false, from further down,
// is not its own and passes.
func Contain(stage string, in *bool, err *error) {
	if !*in {
		return
	}
	if value := recover(); value != nil {
		*err = &PanicError{Stage: stage, Value: value, Stack: debug.Stack()}
	}
}

// Ahead lets the source run up to n items ahead of the sink, on a goroutine of
// its own that is stopped and waited for before the run returns. Items and
// marks share one queue, so a mark never overtakes an item; nothing is
// remembered that a restart would not deliver again. n below 1 counts as 1.
func Ahead[K Kind, T any](o Observable[K, T], n int) Observable[K, T] {
	if o.open == nil {
		return o
	}
	return New[K](o.from, func(sub Subscription) Run[T] {
		return func(ctx context.Context, emit func(T) error) error {
			return runAhead(ctx, o, sub, max(n, 1), emit)
		}
	})
}

// queued is an item or, if mark is set, a mark.
type queued[T any] struct {
	item T
	mark *Mark
}

func runAhead[K Kind, T any](ctx context.Context, o Observable[K, T], sub Subscription, n int, emit func(T) error) error {
	ctx, cancel := context.WithCancel(ctx)
	queue := make(chan queued[T], n)
	put := func(q queued[T]) error {
		select {
		case queue <- q:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	inner := sub
	if sub.Mark != nil {
		inner.Mark = func(m Mark) error { return put(queued[T]{mark: &m}) }
	}
	sourceErr := errVanished
	go func() { // stopped by cancel; waited for by the queue's closing
		defer close(queue)
		defer func() {
			if value := recover(); value != nil {
				sourceErr = &PanicError{Stage: "Ahead", Value: value, Stack: debug.Stack()}
			}
		}()
		sourceErr = o.Subscribe(ctx, inner, func(item T) error { return put(queued[T]{item: item}) })
	}()
	defer func() {
		cancel()
		for range queue { // until the source has gone
		}
	}()
	for q := range queue {
		var err error
		if q.mark != nil {
			err = sub.Mark(*q.mark)
		} else {
			err = emit(q.item)
		}
		if err != nil {
			return err
		}
	}
	return sourceErr
}

// errVanished is what is left of a source whose function ended its goroutine.
var errVanished = errors.New("stream: Ahead: the source ended its goroutine (runtime.Goexit) instead of returning")

// typeName is a value's Go type for an error message.
func typeName(v any) string { return fmt.Sprintf("%T", v) }
