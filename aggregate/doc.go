// Package aggregate is the write side: aggregates that decide about commands,
// and the hot-only consumers that issue them.
//
// What is always true:
//
//   - An aggregate is loaded by folding its own history. Decide is the only place
//     that may refuse; Evolve can not: the event has happened.
//   - A command's ID takes effect once. The same ID again, even after the state
//     has moved on, returns what it did the first time. A refused command leaves
//     no trace, and its ID may be tried again.
//   - Writers of one instance never lose each other's events: on a conflict the
//     command is decided anew over the new history.
//   - Every event says which command and which event led to it, and which story it
//     belongs to; the package sets this.
//   - A [Saga] and an [Adapter] run on hot sources and nothing else compiles.
//     They see no event from before they first came online, lose none while they
//     are down, and have one runner on a log at a time.
//   - A saga's commands carry IDs derived from what triggered them, and its state,
//     steps, timers, parked turns and place are stored in one write: a crash anywhere
//     repeats nothing on an aggregate, however many workers it has. An adapter's
//     effects are outside, as are those of a [HandleFunc]: at least once, under an ID
//     that stays the same; after a crash an adapter does at most one event twice.
//   - One instance's turns are taken in order. One that can not be taken waits, and
//     all later ones of its instance behind it, until a person decides; nothing is
//     skipped in silence.
//   - A saga that feeds itself is stopped, and the cycle named.
//   - Every goroutine that a runner starts has ended when its Run returns.
package aggregate
