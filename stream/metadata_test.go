package stream_test

import (
	"context"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/thaw-go/thaw/stream"
)

// Breaks when: WithMetadata changes what the outer context carries, or lets the outer
// value win.
func TestMetadataOfAContext(t *testing.T) {
	if got := stream.MetadataOf(context.Background()); got != nil {
		t.Errorf("a context that carries none: got %v, want nil", got)
	}
	outer := stream.WithMetadata(stream.WithActor(context.Background(), "ann"), "tenant", "eu")
	inner := stream.WithActor(outer, "bob")
	for claim, c := range map[string]struct {
		ctx  context.Context
		want stream.Metadata
	}{
		"the outer context keeps its own":    {outer, stream.Metadata{"actor": "ann", "tenant": "eu"}},
		"the inner one's value is the newer": {inner, stream.Metadata{"actor": "bob", "tenant": "eu"}},
	} {
		stream.MetadataOf(c.ctx)["actor"] = "eve" // a copy
		if diff := cmp.Diff(c.want, stream.MetadataOf(c.ctx)); diff != "" {
			t.Errorf("%s:\n%s", claim, diff)
		}
	}
}

// Breaks when: Following carries on all metadata, or none, or Cause leaves out the depth.
func TestFollowingAnEvent(t *testing.T) {
	h := stream.Header{
		ID: stream.EventID{1}, Correlation: stream.EventID{2}, Depth: 3,
		Meta: stream.Metadata{stream.MetaActor: "ann", stream.MetaTraceParent: "00-1-2-01", "tenant": "eu"},
	}
	ctx := h.Following(stream.WithActor(context.Background(), "the consumer"))
	if got, want := stream.CauseOf(ctx), (stream.Cause{Event: stream.EventID{1}, Correlation: stream.EventID{2}, Depth: 3}); got != want {
		t.Errorf("got the cause %+v, want %+v", got, want)
	}
	want := stream.Metadata{stream.MetaActor: "ann", stream.MetaTraceParent: "00-1-2-01"}
	if diff := cmp.Diff(want, stream.MetadataOf(ctx)); diff != "" {
		t.Error(diff)
	}
}
