package oteltrace

import (
	"context"
	"errors"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
)

// meters are the metrics, as doc.go lists them.
type meters struct {
	operations metric.Float64Histogram
	sent       metric.Int64Counter
	processes  metric.Float64Histogram
	consumed   metric.Int64Counter
	latency    metric.Float64Histogram
	lag        metric.Int64Gauge
	lagTime    metric.Float64Gauge
	troubles   metric.Int64Counter
}

// short and long are the histograms' boundaries in seconds: a view handles an event in
// microseconds, and an event may wait for a consumer that was down for a day.
var (
	short = metric.WithExplicitBucketBoundaries(1e-5, 1e-4, 1e-3, 5e-3, 1e-2, 5e-2, 0.1, 0.5, 1, 5, 10, 60)
	long  = metric.WithExplicitBucketBoundaries(1e-3, 5e-3, 1e-2, 5e-2, 0.1, 0.5, 1, 5, 10, 60, 600, 3600, 86400)
)

func newMeters(m metric.Meter) (meters, error) {
	var all meters
	var errs [8]error
	all.operations, errs[0] = m.Float64Histogram("messaging.client.operation.duration", metric.WithUnit("s"), short,
		metric.WithDescription("How long commands take."))
	all.sent, errs[1] = m.Int64Counter("messaging.client.sent.messages", metric.WithUnit("{message}"),
		metric.WithDescription("Events that came of commands."))
	all.processes, errs[2] = m.Float64Histogram("messaging.process.duration", metric.WithUnit("s"), short,
		metric.WithDescription("How long handling an event takes."))
	all.consumed, errs[3] = m.Int64Counter("messaging.client.consumed.messages", metric.WithUnit("{message}"),
		metric.WithDescription("Events that were handled."))
	all.latency, errs[4] = m.Float64Histogram("thaw.event.latency", metric.WithUnit("s"), long,
		metric.WithDescription("From when an event was appended to when it was handled."))
	all.lag, errs[5] = m.Int64Gauge("thaw.consumer.lag", metric.WithUnit("{event}"),
		metric.WithDescription("Events between a consumer and the log's head."))
	all.lagTime, errs[6] = m.Float64Gauge("thaw.consumer.lag.time", metric.WithUnit("s"),
		metric.WithDescription("Age of what a consumer that is behind handled last."))
	all.troubles, errs[7] = m.Int64Counter("thaw.troubles", metric.WithUnit("{trouble}"),
		metric.WithDescription("What went on in spite of an error."))
	return all, errors.Join(errs[:]...)
}

// about are the attributes of a measurement.
func about(err error, attrs ...attribute.KeyValue) metric.MeasurementOption {
	attrs = append(attrs, semconv.MessagingSystemKey.String("thaw"))
	if err != nil {
		attrs = append(attrs, semconv.ErrorType(err))
	}
	return metric.WithAttributes(attrs...)
}

func (m *meters) executed(ctx context.Context, topic string, events int, took time.Duration, err error) {
	of := about(err, semconv.MessagingOperationName("execute"), semconv.MessagingOperationTypeSend, semconv.MessagingDestinationName(topic))
	m.operations.Record(ctx, took.Seconds(), of)
	if events > 0 {
		m.sent.Add(ctx, int64(events), of)
	}
}

func (m *meters) handled(ctx context.Context, consumer, topic string, took, age time.Duration, err error) {
	of := about(err, semconv.MessagingOperationName("process"), semconv.MessagingOperationTypeProcess,
		semconv.MessagingConsumerGroupName(consumer), semconv.MessagingDestinationName(topic))
	m.processes.Record(ctx, took.Seconds(), of)
	m.consumed.Add(ctx, 1, of)
	m.latency.Record(ctx, max(0, age).Seconds(), of)
}

func (m *meters) behind(consumer string, events uint64, age time.Duration) {
	of := about(nil, semconv.MessagingConsumerGroupName(consumer))
	m.lag.Record(context.Background(), int64(events), of)
	m.lagTime.Record(context.Background(), age.Seconds(), of)
}

func (m *meters) troubled(ctx context.Context, who string, err error) {
	m.troubles.Add(ctx, 1, about(err, semconv.MessagingConsumerGroupName(who)))
}
