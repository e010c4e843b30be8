package oteltrace_test

import (
	"context"
	"fmt"

	tracesdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/thaw-go/thaw/stream"
	"github.com/thaw-go/thaw/stream/oteltrace"
)

// A repository and a consumer are given the hooks; here they are called by hand.
func Example() {
	ctx, spans := context.Background(), tracetest.NewInMemoryExporter()
	tracer := tracesdk.NewTracerProvider(tracesdk.WithSyncer(spans))
	hooks, err := oteltrace.Hooks(oteltrace.Options{Tracer: tracer})
	if err != nil {
		fmt.Println(err)
		return
	}

	order := stream.ID{Topic: "orders", Key: "7"}
	command, done := hooks.Command(ctx, order, "place it")
	placed := stream.Header{Stream: order, Meta: stream.MetadataOf(command)}
	done([]stream.Header{placed}, nil)
	_, handled := hooks.Handle(ctx, "checkout", &placed)
	handled(nil)

	for _, s := range spans.GetSpans() {
		fmt.Println(s.SpanKind, s.Name, "with", len(s.Links), "links")
	}
	// Output:
	// producer execute orders with 0 links
	// consumer process orders with 1 links
}
