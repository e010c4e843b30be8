// Package aggregate is the write side: aggregates that decide about commands,
// and the hot-only consumers that issue them.
//
// What is always true:
//
//   - An aggregate is loaded by folding its own history. Decide is the only place
//     that may refuse; Evolve can not: the event has happened.
//   - A command's ID takes effect once, for as long as its topic remembers it. The
//     same ID again, even after the state has moved on, returns what it did the
//     first time. A refused command leaves no trace, and its ID may be tried again.
//   - States in memory and in snapshots are never the truth: what is decided on one
//     is stored only if the log still has the instance at that version, and nothing
//     is refused on one without a look at the log.
//   - Writers of one instance never lose each other's events: on a conflict the
//     command is decided anew over the new history.
//   - A command that obeys rules over more than one instance ([NewGuardedRepository])
//     takes effect only if nothing that they looked at has changed; commands over
//     several instances ([Together]) take effect as one.
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
