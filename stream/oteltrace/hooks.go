package oteltrace

import (
	"context"
	"fmt"
	"sync"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/propagation"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"

	"github.com/thaw-go/thaw/stream"
)

// name is the instrumentation's.
const name = "github.com/thaw-go/thaw/stream/oteltrace"

// Attributes that the conventions have no word for. They are on spans only.
const (
	streamKey   = attribute.Key("thaw.stream")   // "users/42"
	typeKey     = attribute.Key("thaw.type")     // an event's stored name, or a command's Go type
	positionKey = attribute.Key("thaw.position") // an event's place in the log
	versionKey  = attribute.Key("thaw.version")  // and in its stream
)

// Options say where spans and metrics go. The zero value means OpenTelemetry's global
// providers.
type Options struct {
	// Tracer makes the spans; nil: the global one.
	Tracer trace.TracerProvider
	// Meter makes the metrics; nil: the global one.
	Meter metric.MeterProvider
}

// hooks are what the functions of stream.Hooks share.
type hooks struct {
	tracer trace.Tracer
	meters
	last sync.Map // of a consumer's name to the time.Time of the event that it handled last; as many as there are consumers
}

// Hooks makes the hooks for repositories and consumers; one value serves all. It
// returns an error if the meter refuses one of the metrics.
func Hooks(o Options) (stream.Hooks, error) {
	if o.Tracer == nil {
		o.Tracer = otel.GetTracerProvider()
	}
	if o.Meter == nil {
		o.Meter = otel.GetMeterProvider()
	}
	m, err := newMeters(o.Meter.Meter(name))
	if err != nil {
		return stream.Hooks{}, fmt.Errorf("oteltrace: metrics: %w", err)
	}
	h := &hooks{tracer: o.Tracer.Tracer(name, trace.WithSchemaURL(semconv.SchemaURL)), meters: m}
	return stream.Hooks{Command: h.command, Handle: h.handle, Moved: h.moved, Trouble: h.trouble}, nil
}

// linkedKey is the traceparent that a span around a command has a link to.
type linkedKey struct{}

func (h *hooks) command(ctx context.Context, to stream.ID, command any) (context.Context, func([]stream.Header, error)) {
	begun := time.Now()
	options := []trace.SpanStartOption{
		trace.WithSpanKind(trace.SpanKindProducer),
		trace.WithAttributes(semconv.MessagingSystemKey.String("thaw"), semconv.MessagingOperationName("execute"),
			semconv.MessagingOperationTypeSend, semconv.MessagingDestinationName(to.Topic),
			streamKey.String(to.String()), typeKey.String(fmt.Sprintf("%T", command))),
	}
	meta := stream.MetadataOf(ctx)
	if carried := traceOf(meta); carried.IsValid() {
		switch {
		case !stream.CauseOf(ctx).IsZero(): // an event's, which may have happened long ago
			if linked, _ := ctx.Value(linkedKey{}).(string); linked != meta[stream.MetaTraceParent] {
				options = append(options, trace.WithLinks(trace.Link{SpanContext: carried}))
			}
		case !trace.SpanContextFromContext(ctx).IsValid():
			ctx = trace.ContextWithRemoteSpanContext(ctx, carried)
		}
	}
	ctx, span := h.tracer.Start(ctx, "execute "+to.Topic, options...)
	if parent := parentOf(span.SpanContext()); parent != "" {
		ctx = stream.WithMetadata(ctx, stream.MetaTraceParent, parent)
	}
	return ctx, func(events []stream.Header, err error) {
		if len(events) > 0 {
			first := &events[0]
			span.SetAttributes(semconv.MessagingBatchMessageCount(len(events)), semconv.MessagingMessageID(first.ID.String()),
				semconv.MessagingMessageConversationID(first.Correlation.String()),
				versionKey.Int64(int64(events[len(events)-1].Version)))
		}
		finish(span, err)
		h.executed(ctx, to.Topic, len(events), time.Since(begun), err)
	}
}

func (h *hooks) handle(ctx context.Context, consumer string, of *stream.Header) (context.Context, func(error)) {
	begun := time.Now()
	options := []trace.SpanStartOption{
		trace.WithSpanKind(trace.SpanKindConsumer),
		trace.WithAttributes(semconv.MessagingSystemKey.String("thaw"), semconv.MessagingOperationName("process"),
			semconv.MessagingOperationTypeProcess, semconv.MessagingDestinationName(of.Stream.Topic),
			semconv.MessagingConsumerGroupName(consumer), semconv.MessagingMessageID(of.ID.String()),
			semconv.MessagingMessageConversationID(of.Correlation.String()),
			streamKey.String(of.Stream.String()), typeKey.String(of.Type),
			positionKey.Int64(int64(of.Position)), versionKey.Int64(int64(of.Version))),
	}
	if from := traceOf(of.Meta); from.IsValid() {
		options = append(options, trace.WithLinks(trace.Link{SpanContext: from}))
	}
	ctx, span := h.tracer.Start(ctx, "process "+of.Stream.Topic, options...)
	ctx = context.WithValue(ctx, linkedKey{}, of.Meta[stream.MetaTraceParent])
	topic, emitted := of.Stream.Topic, of.Time // the header is not ours to keep
	return ctx, func(err error) {
		finish(span, err)
		h.last.Store(consumer, emitted)
		h.handled(ctx, consumer, topic, time.Since(begun), time.Since(emitted), err)
	}
}

func (h *hooks) moved(consumer string, m stream.Mark, at time.Time) {
	lag, age := m.Lag(), time.Duration(0)
	if last, ok := h.last.Load(consumer); ok && lag > 0 {
		age = max(0, at.Sub(last.(time.Time)))
	}
	h.behind(consumer, lag, age)
}

func (h *hooks) trouble(ctx context.Context, who string, err error) {
	trace.SpanFromContext(ctx).AddEvent("trouble", trace.WithAttributes(semconv.ErrorType(err)))
	h.troubled(ctx, who, err)
}

// finish ends a span. What an error says may be about a person: its type is enough.
func finish(span trace.Span, err error) {
	if err != nil {
		span.SetAttributes(semconv.ErrorType(err))
		span.SetStatus(codes.Error, "")
	}
	span.End()
}

// traceOf is the span that metadata names, which was another process's or another
// time's.
func traceOf(m stream.Metadata) trace.SpanContext {
	text := m[stream.MetaTraceParent]
	if text == "" {
		return trace.SpanContext{}
	}
	carrier := propagation.MapCarrier{"traceparent": text}
	return trace.SpanContextFromContext(propagation.TraceContext{}.Extract(context.Background(), carrier))
}

// parentOf is a span as W3C Trace Context writes it; empty if there is none.
func parentOf(span trace.SpanContext) string {
	carrier := propagation.MapCarrier{}
	propagation.TraceContext{}.Inject(trace.ContextWithSpanContext(context.Background(), span), carrier)
	return carrier["traceparent"]
}
