package engine

import "context"

type freshKey struct{}

// WithFresh returns a context under which an append's command has an ID that was made
// just now and given to nobody: it can not have taken effect before, so an engine need
// not look far back for it. It must still keep it, and see what it did lately.
func WithFresh(ctx context.Context) context.Context { return context.WithValue(ctx, freshKey{}, true) }

// IsFresh reports whether the context says so.
func IsFresh(ctx context.Context) bool {
	fresh, _ := ctx.Value(freshKey{}).(bool)
	return fresh
}
