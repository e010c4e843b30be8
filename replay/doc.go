// Package replay makes the three sources: observables of a log's events.
//
// What is always true:
//
//   - [Cold] and [History] end at the head they saw at subscription, whatever is
//     appended meanwhile.
//   - [ColdHot] delivers every event once and in order, with no gap and no double
//     where history ends and live events begin. Its marks say when that is.
//   - [Hot] never delivers what was appended before its consumer first came
//     online. For a named consumer that place is stored before the first event is
//     delivered, only moves forward, and what is appended while the consumer is
//     down is delivered when it returns. Without a name it begins at each
//     subscription anew.
//   - A named consumer has one runner on a log at a time.
//   - Every source runs on its subscriber's goroutine and decodes only what its
//     topic selects. A slow subscriber delays nobody and loses nothing. A block whose
//     payloads are costly is decoded on all cores, and handed over in order; the
//     goroutines that help have ended before the next block.
//
// Beside the sources there are three reports on what a log has: [Trace] tells what
// caused what in one story, [Flows] what causes what in the whole system, and
// [Schemas] which versions of which events are still stored. [Retain] removes history
// that nothing needs any more.
//
// A run returns the log's errors, and a [*stream.DecodeError] for an event that
// can not be decoded.
package replay
