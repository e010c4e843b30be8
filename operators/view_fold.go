package operators

import (
	"context"

	"github.com/thaw-go/thaw/stream"
)

// Folding is a view's part in [FoldAll]. [View.Into] and [IntoFrom] make them.
type Folding[T any] struct {
	view  string
	begin func()
	take  func(T)
	end   func()
}

// Into is a part in [FoldAll] that leaves the view's state in what it is given.
func (v *View[T, S]) Into(state *S) Folding[T] {
	return IntoFrom(v, state, func(item T) (T, bool) { return item, true })
}

// IntoFrom is [View.Into] for a view of other items than the source has: pick makes
// one of an item, or says that it is not for this view.
func IntoFrom[A, T, S any](v *View[T, S], state *S, pick func(A) (T, bool)) Folding[A] {
	var folded S
	return Folding[A]{
		view:  v.name,
		begin: func() { folded = v.initial() },
		take: func(item A) {
			if mine, ok := pick(item); ok {
				folded = v.reduce(folded, mine)
			}
		},
		end: func() { *state = folded },
	}
}

// FoldAll folds several views in one pass over a cold observable, and returns the
// place that they are all at: a consistent cut. The views themselves, running or not,
// are not touched; what live views were at a common place is this, over a source up to
// the earlier one of their marks. Errors: the run's, or a [*stream.PanicError] that
// names the view; none of the states is set then.
func FoldAll[T any](ctx context.Context, o stream.Observable[stream.Cold, T], foldings ...Folding[T]) (at stream.Cursor, err error) {
	for _, f := range foldings {
		if err := f.contained(f.begin); err != nil {
			return at, err
		}
	}
	sub := stream.Subscription{Mark: func(m stream.Mark) error {
		at = m.At
		return nil
	}}
	err = o.Subscribe(ctx, sub, func(item T) error {
		for i := range foldings {
			if err := foldings[i].contained(func() { foldings[i].take(item) }); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return stream.Cursor{}, err
	}
	for _, f := range foldings {
		f.end()
	}
	return at, nil
}

func (f *Folding[T]) contained(do func()) (err error) {
	in := true
	defer stream.Contain("view "+f.view, &in, &err)
	do()
	return nil
}
