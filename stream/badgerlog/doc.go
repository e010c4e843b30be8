// Package badgerlog is the embedded log: one directory on disk, one process,
// many goroutines.
//
// What is always true:
//
//   - Positions are dense from 1, in commit order. Commands, expected versions
//     and consumers' cursors are decided by one committer, so what one append
//     sees of another is never half of it.
//   - Acknowledged means on disk: an append returns, and a reader sees it, only
//     after it was synced, in a journal from which the database is filled later.
//     [Options].Durability names the weaker choice.
//   - A log never opens shorter than it was acknowledged: what is missing, in the
//     journal or in the database, is a [*stream.CorruptError].
//   - An append is whole or absent. If storage fails while a group of appends is
//     being committed, each gets a [*stream.AmbiguousError], no reader sees it,
//     and the log accepts no more writes until it is opened again; each of them
//     is then there whole or not at all.
//   - Every block is checksummed. A damaged one is a [*stream.CorruptError] that
//     names its position and is never returned as data.
//   - With [Options].Keys all that is stored is encrypted on the disk, in the
//     database and in the journal, from the log's first day on; such a log opens
//     with its key only, and moves to another one by being opened with both. That
//     keeps a stolen disk silent; it does not stop one who can write to it.
//   - A directory has one process. A second one is refused with a [*LockedError]
//     before it touches anything; a directory that is no Thaw log with a
//     [*FormatError].
//   - Subscribers share a tail in memory. One that falls behind it reads the log
//     until it has caught up: it delays nobody and loses nothing.
//
// All methods of [Log] may be called concurrently. The storage format is in
// docs/format.md.
package badgerlog
