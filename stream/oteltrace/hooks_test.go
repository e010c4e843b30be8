package oteltrace_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	tracesdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"github.com/thaw-go/thaw/stream"
	"github.com/thaw-go/thaw/stream/oteltrace"
)

// instruments are hooks, and what they have told.
type instruments struct {
	stream.Hooks
	t      testing.TB
	spans  *tracetest.InMemoryExporter
	tracer *tracesdk.TracerProvider
	reader *metric.ManualReader
}

func instrument(t testing.TB) *instruments {
	t.Helper()
	in := &instruments{t: t, spans: tracetest.NewInMemoryExporter(), reader: metric.NewManualReader()}
	in.tracer = tracesdk.NewTracerProvider(tracesdk.WithSyncer(in.spans))
	meter := metric.NewMeterProvider(metric.WithReader(in.reader))
	t.Cleanup(func() {
		if err := errors.Join(in.tracer.Shutdown(context.Background()), meter.Shutdown(context.Background())); err != nil {
			t.Error(err)
		}
	})
	var err error
	if in.Hooks, err = oteltrace.Hooks(oteltrace.Options{Tracer: in.tracer, Meter: meter}); err != nil {
		t.Fatal(err)
	}
	return in
}

// command gives a command, and returns the events that a repository would store.
func (in *instruments) command(ctx context.Context, to stream.ID, err error, events ...stream.Header) []stream.Header {
	ctx, done := in.Command(ctx, to, 7)
	for i := range events {
		events[i].Stream, events[i].ID, events[i].Time = to, stream.NewID(), time.Now()
		events[i].Meta = stream.MetadataOf(ctx)
	}
	done(events, err)
	return events
}

// span returns the one span of a name.
func (in *instruments) span(name string) tracetest.SpanStub {
	in.t.Helper()
	var found []tracetest.SpanStub
	for _, s := range in.spans.GetSpans() {
		if s.Name == name {
			found = append(found, s)
		}
	}
	if len(found) != 1 {
		in.t.Fatalf("found %d spans %q, want one", len(found), name)
	}
	return found[0]
}

// value returns a metric's one value that has all the attributes.
func (in *instruments) value(name string, want ...string) float64 {
	in.t.Helper()
	var all metricdata.ResourceMetrics
	if err := in.reader.Collect(context.Background(), &all); err != nil {
		in.t.Fatal(err)
	}
	var values []float64
	add := func(set attribute.Set, v float64) {
		text := set.Encoded(attribute.DefaultEncoder())
		if !slices.ContainsFunc(want, func(w string) bool { return !strings.Contains(text, w) }) {
			values = append(values, v)
		}
	}
	for _, scope := range all.ScopeMetrics {
		for _, m := range scope.Metrics {
			if m.Name != name {
				continue
			}
			switch data := m.Data.(type) {
			case metricdata.Sum[int64]:
				for _, p := range data.DataPoints {
					add(p.Attributes, float64(p.Value))
				}
			case metricdata.Gauge[int64]:
				for _, p := range data.DataPoints {
					add(p.Attributes, float64(p.Value))
				}
			case metricdata.Gauge[float64]:
				for _, p := range data.DataPoints {
					add(p.Attributes, p.Value)
				}
			case metricdata.Histogram[float64]:
				for _, p := range data.DataPoints {
					add(p.Attributes, p.Sum)
				}
			}
		}
	}
	if len(values) != 1 {
		in.t.Fatalf("%s has %d values with %v, want one", name, len(values), want)
	}
	return values[0]
}

func attr(s tracetest.SpanStub, key string) string {
	for _, a := range s.Attributes {
		if string(a.Key) == key {
			return a.Value.String()
		}
	}
	return ""
}

var order = stream.ID{Topic: "orders", Key: "7"}

// TestACommandIsASpanThatItsEventsCarry, with the conventions' attributes.
// Breaks when: command does not put the span into the metadata.
func TestACommandIsASpanThatItsEventsCarry(t *testing.T) {
	in := instrument(t)
	events := in.command(t.Context(), order, nil, stream.Header{Version: 3}, stream.Header{Version: 4})
	s := in.span("execute orders")
	carried := events[0].Meta[stream.MetaTraceParent]
	if !strings.Contains(carried, s.SpanContext.TraceID().String()+"-"+s.SpanContext.SpanID().String()) {
		t.Errorf("the events carry %q, not the span %s", carried, s.SpanContext.SpanID())
	}
	for key, want := range map[string]string{
		"messaging.system": "thaw", "messaging.operation.name": "execute", "messaging.operation.type": "send",
		"messaging.destination.name": "orders", "messaging.batch.message_count": "2",
		"messaging.message.id": events[0].ID.String(), "thaw.stream": "orders/7", "thaw.type": "int", "thaw.version": "4",
	} {
		if got := attr(s, key); got != want {
			t.Errorf("%s: got %q, want %q", key, got, want)
		}
	}
	if s.SpanKind != trace.SpanKindProducer || s.Parent.IsValid() || s.Status.Code != codes.Unset {
		t.Errorf("got a span of kind %v, parent %v, status %v", s.SpanKind, s.Parent, s.Status)
	}
	if got := in.value("messaging.client.sent.messages", "messaging.destination.name=orders"); got != 2 {
		t.Errorf("%v events were counted, want 2", got)
	}
}

// TestACommandFromOutsideContinuesTheTraceItCameWith: that of its context, or the one
// that its metadata names; nonsense is no trace.
// Breaks when: command does not look at the metadata, or prefers it to the context.
func TestACommandFromOutsideContinuesTheTraceItCameWith(t *testing.T) {
	const remote = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
	carrying := func(text string) context.Context {
		return stream.WithMetadata(t.Context(), stream.MetaTraceParent, text)
	}
	for claim, c := range map[string]struct {
		ctx  context.Context
		want string
	}{
		"the metadata's": {carrying(remote), "b7ad6b7169203331"},
		"nonsense":       {carrying("00-zz-1"), "0000000000000000"},
		"none":           {t.Context(), "0000000000000000"},
	} {
		in := instrument(t)
		in.command(c.ctx, order, nil)
		if got := in.span("execute orders").Parent.SpanID().String(); got != c.want {
			t.Errorf("%s: the parent is %s, want %s", claim, got, c.want)
		}
	}
	in := instrument(t)
	ctx, outer := in.tracer.Tracer("test").Start(carrying(remote), "request")
	in.command(ctx, order, nil)
	outer.End()
	if got := in.span("execute orders").Parent.SpanID(); got != outer.SpanContext().SpanID() {
		t.Errorf("within a span: the parent is %s, want it", got)
	}
}

// TestWhatFailsIsCountedByTheTypeOfItsError, and what the error says is not recorded.
// Breaks when: finish records the error; about leaves out its type.
func TestWhatFailsIsCountedByTheTypeOfItsError(t *testing.T) {
	in := instrument(t)
	err := &stream.ConflictError{Stream: stream.ID{Topic: "secret", Key: "ann@secret.example"}}
	in.command(t.Context(), order, err)
	_, done := in.Handle(t.Context(), "mailer", &stream.Header{Stream: order, Time: time.Now().Add(-time.Hour)})
	done(err)
	in.Trouble(t.Context(), "mailer", err)
	for _, name := range []string{"execute orders", "process orders"} {
		s := in.span(name)
		if s.Status.Code != codes.Error || !strings.HasSuffix(attr(s, "error.type"), "ConflictError") {
			t.Errorf("%s: got the status %v and the type %q", name, s.Status, attr(s, "error.type"))
		}
		for _, a := range s.Attributes {
			if strings.Contains(a.Value.String(), "secret") {
				t.Errorf("%s: %s says %s", name, a.Key, a.Value.String())
			}
		}
		if strings.Contains(s.Status.Description, "secret") || len(s.Events) > 0 {
			t.Errorf("%s says what the error does", name)
		}
	}
	for _, name := range []string{"messaging.client.consumed.messages", "thaw.troubles"} {
		if got := in.value(name, "error.type", "messaging.consumer.group.name=mailer"); got != 1 {
			t.Errorf("%s: got %v, want 1", name, got)
		}
	}
	if got := in.value("thaw.event.latency", "error.type"); got < 3600 || got > 3700 {
		t.Errorf("an event of an hour ago was handled %v s after it was appended", got)
	}
}

// TestLagIsRecordedInEventsAndInSeconds.
// Breaks when: moved does not ask what was handled last, or counts a consumer that is
// not behind.
func TestLagIsRecordedInEventsAndInSeconds(t *testing.T) {
	in := instrument(t)
	now := time.Now()
	_, done := in.Handle(t.Context(), "mailer", &stream.Header{Stream: order, Time: now.Add(-time.Minute)})
	done(nil)
	in.Moved("mailer", stream.Mark{At: stream.At(3), Head: stream.At(10)}, now)
	if events, age := in.value("thaw.consumer.lag", "mailer"), in.value("thaw.consumer.lag.time", "mailer"); events != 7 || age != 60 {
		t.Errorf("got %v events and %v s, want 7 and 60", events, age)
	}
	in.Moved("mailer", stream.Mark{At: stream.At(10), Head: stream.At(10)}, now)
	if events, age := in.value("thaw.consumer.lag", "mailer"), in.value("thaw.consumer.lag.time", "mailer"); events != 0 || age != 0 {
		t.Errorf("not behind: got %v events and %v s, want 0 and 0", events, age)
	}
}

// TestAStoryIsOneChain: order, a saga, payment, and a mailer much later: from each span
// one comes to the first by parents and links.
// Breaks when: handle has no link; command begins a trace within what a consumer
// handles; Following does not carry the trace on.
func TestAStoryIsOneChain(t *testing.T) {
	in := instrument(t)
	payment := stream.ID{Topic: "payments", Key: "7"}
	placed := in.command(t.Context(), order, nil, stream.Header{Version: 1})
	ctx, done := in.Handle(placed[0].Following(t.Context()), "checkout", &placed[0])
	paid := in.command(ctx, payment, nil, stream.Header{Version: 1})
	done(nil)
	// One that tells nobody that it handles an event.
	in.command(paid[0].Following(t.Context()), stream.ID{Topic: "letters", Key: "7"}, nil)
	first := in.span("execute orders").SpanContext.SpanID().String()
	for _, name := range []string{"process orders", "execute payments", "execute letters"} {
		if !in.leadsTo(in.span(name), first) {
			t.Errorf("no chain leads from %q to the first command", name)
		}
	}
	if s := in.span("process orders"); s.Parent.IsValid() || s.SpanContext.TraceID() == in.span("execute orders").SpanContext.TraceID() {
		t.Error("what a consumer handles lengthens the trace of the event")
	}
}

// leadsTo follows parents and links.
func (in *instruments) leadsTo(s tracetest.SpanStub, to string) bool {
	if s.SpanContext.SpanID().String() == to {
		return true
	}
	before := []trace.SpanID{s.Parent.SpanID()}
	for _, l := range s.Links {
		before = append(before, l.SpanContext.SpanID())
	}
	for _, other := range in.spans.GetSpans() {
		if slices.Contains(before, other.SpanContext.SpanID()) && in.leadsTo(other, to) {
			return true
		}
	}
	return false
}
