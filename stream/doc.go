// Package stream models event streams as observables over an append-only log.
//
// What is always true:
//
//   - Order. Within a shard of a log, positions are dense from 1 and events are
//     delivered in position order. Within a stream, versions are dense from 1.
//   - Kinds. Every observable is [Cold] (history, ends), [ColdHot] (history,
//     then everything new, never ends) or [Hot] (only what comes after its
//     consumer first came online, never ends). The kind is part of the type,
//     every operator keeps it, and no conversion changes it.
//   - One goroutine. A subscription runs on its caller's goroutine from the log
//     to the sink: back-pressure is the call stack. Only the decoding of a block may
//     be shared with others, which have ended before the next one. An error from emit
//     stops the source, and its resources are released before Run returns.
//   - Errors end a run. nil means that the observable completed. A panic in a
//     function handed to an operator comes back as a [*PanicError].
//   - Marks. A [Mark] says that everything up to its cursor has been handed
//     over. Marks travel in line with the items, so a sink that saves its cursor
//     at marks loses nothing at a restart, whatever a filter dropped before it.
//   - Events are shared and read-only. They travel as pointers into a slab made
//     anew for each block; a kept pointer keeps its block in memory.
//   - Foreign streams. An observable is an rxgo iterable; [FromRx], [ThroughRx] and
//     [ThroughRxChunks] say what of rxgo's they contain, and what they can not.
//
// A [Topic] names a combined stream and holds its catalogue: which stored names
// belong to which Go types. A [Log] is read by package replay; package operators
// has what may be put between a source and a sink.
package stream
