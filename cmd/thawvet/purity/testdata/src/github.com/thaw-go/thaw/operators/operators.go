// Package operators has the shape of Thaw's.
package operators

import "context"

type View[T, S any] struct{ state S }

func NewView[T, S any](name string, initial func() S, reduce func(S, T) S) *View[T, S] { return nil }

func Ask[T, S, R any](v *View[T, S], question func(S) R) (answer R) { return question(v.state) }

func Reduce[T, S any](ctx context.Context, items []T, seed S, f func(S, T) S) S { return seed }

func Map[A, B any](items []A, f func(A) B) []B { return nil }

type KeyedView[E, S any] struct {
	Keys    func(E) []string
	Reduce  func(key string, s S, e E) S
	Indexes map[string]func(key string, s S) []string
}
