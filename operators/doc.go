// Package operators holds what may stand between a source and a sink: functions
// on observables, the terminals that end a pipeline, and the views.
//
// What is always true:
//
//   - Every operator keeps the observable's kind, but for [Share] and [Replay]: what
//     is shared is hot, as who comes late has missed something.
//   - Items are delivered one at a time on the goroutine that runs the pipeline;
//     back-pressure is the call stack. An operator starts goroutines only if it
//     waits for more than its source, such as several sources or a timer; its doc
//     says so. They have been stopped and have returned when the run returns, and a
//     source on one waits with its next item until this one has been handled, or
//     has gone into a bounded buffer that is the operator's purpose.
//   - An operator that keeps no items allocates nothing for an item.
//   - An operator says in its doc whether it remembers. If it does, a durable
//     consumer behind it is refused before the first event with a
//     [*stream.NotResumableError]; if not, marks pass it in line.
//   - When a stage stops early, what is before it has released its resources by
//     the time the run returns.
//   - A panic in a function that was handed in ends the run with a
//     [*stream.PanicError] that names the stage.
//   - A view is never the truth: it is made anew from history. A [View] has one state
//     in memory; a [KeyedView] has one for each key, in tables, and each event counts
//     once in it, whatever ends the process.
//   - What can only answer at the end, such as [Reduce], takes only a cold
//     observable: on one that never ends it does not compile.
//
// Names and semantics are RxJS's unless the doc says otherwise. A chain is written
// with a name for each stage, one stage a line, as the first example does.
package operators
