// Package oteltrace tells OpenTelemetry what Thaw's repositories and consumers do: it
// makes [stream.Hooks] that open spans and record metrics. It is a module of its own,
// so that the core depends on no telemetry.
//
// What is always true:
//
//   - A command is a span of kind producer, "execute users" for topic users. Its events
//     carry it as the traceparent in their metadata, [stream.MetaTraceParent].
//   - An event that a consumer handles is a span of kind consumer, "process users",
//     with a link to the span of the command that the event came from. It is a child of
//     the span that its context has; if there is none, it begins a trace of its own: a
//     view that is rebuilt a year later does not lengthen a trace that is a year old.
//   - A command that a consumer gives is a child of the span of what it handles; one
//     that a timer leads to has a link to the command that set it off. So a story is
//     one chain of parents and links, however many aggregates and sagas it
//     goes through and whenever they come to it.
//   - A command that comes from outside is a child of the span that its context has, or
//     else of the traceparent that was put there with [stream.WithMetadata].
//
// Spans have the attributes of the messaging semantic conventions, messaging.system
// "thaw" among them; payloads and commands are never recorded, nor what an error says:
// only of which type it is.
//
// Metrics, all by consumer or topic, none by instance:
//
//	messaging.client.operation.duration  histogram, s   how long commands take
//	messaging.client.sent.messages       counter        events that came of commands
//	messaging.process.duration           histogram, s   how long handling an event takes
//	messaging.client.consumed.messages   counter        events that were handled
//	thaw.event.latency                   histogram, s   from when an event was appended to when it was handled
//	thaw.consumer.lag                    gauge, events  between a consumer and the log's head
//	thaw.consumer.lag.time               gauge, s       age of what a consumer that is behind handled last
//	thaw.troubles                        counter        what went on in spite of an error
//
// Failures have the attribute error.type. The gauges are recorded at each mark, so of a
// consumer that hangs they say what was true at its last one: watch that
// messaging.client.consumed.messages goes on, too.
package oteltrace
