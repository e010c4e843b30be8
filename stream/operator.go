package stream

import (
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

// typeName is a value's Go type for an error message.
func typeName(v any) string { return fmt.Sprintf("%T", v) }
