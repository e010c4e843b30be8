package stream

import (
	"context"
	"maps"
)

// Names of metadata that the library knows. They are set on a context by who has a
// command at heart, and a repository puts them on the events that come of it.
const (
	MetaActor       = "actor"       // on whose behalf the command was given
	MetaTraceParent = "traceparent" // the trace it belongs to, as W3C Trace Context writes it
)

type metadataKey struct{}

// WithMetadata returns a context under which the events of commands carry a value
// under a name of their metadata, beside what ctx has set already.
func WithMetadata(ctx context.Context, name, value string) context.Context {
	all := Metadata{name: value}
	for k, v := range MetadataOf(ctx) {
		if k != name {
			all[k] = v
		}
	}
	return context.WithValue(ctx, metadataKey{}, all)
}

// MetadataOf returns a copy of the metadata that the context carries; nil if it
// carries none.
func MetadataOf(ctx context.Context) Metadata {
	all, _ := ctx.Value(metadataKey{}).(Metadata)
	return maps.Clone(all)
}

// WithActor returns a context under which commands are given on an actor's behalf.
func WithActor(ctx context.Context, actor string) context.Context {
	return WithMetadata(ctx, MetaActor, actor)
}

// Following returns a context under which commands are caused by an event and carry
// on its actor and its trace: what a consumer gives its functions.
func (h *Header) Following(ctx context.Context) context.Context {
	ctx = WithCause(ctx, h.Cause())
	for _, name := range [...]string{MetaActor, MetaTraceParent} {
		if value, ok := h.Meta[name]; ok {
			ctx = WithMetadata(ctx, name, value)
		}
	}
	return ctx
}
