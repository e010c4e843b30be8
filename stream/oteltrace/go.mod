module github.com/thaw-go/thaw/stream/oteltrace

go 1.26.0

replace github.com/thaw-go/thaw => ../..

require (
	github.com/thaw-go/thaw v0.0.0
	go.opentelemetry.io/otel v1.47.0
	go.opentelemetry.io/otel/metric v1.47.0
	go.opentelemetry.io/otel/sdk v1.47.0
	go.opentelemetry.io/otel/sdk/metric v1.47.0
	go.opentelemetry.io/otel/trace v1.47.0
)
