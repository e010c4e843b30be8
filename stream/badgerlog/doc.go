// Package badgerlog is the embedded log: one directory on disk, one process,
// many goroutines.
//
// What is always true:
//
//   - Positions are dense from 1, in commit order. Commands, expected versions
//     and consumers' cursors are decided by one committer, so what one append
//     sees of another is never half of it.
//   - So is a batch: [Log.AppendAll] stores all of it or nothing, and what its
//     conditions exclude can not come between their check and the storing.
//   - Acknowledged means on disk: an append returns, and a reader sees it, only
//     after it was synced, in a journal from which the database is filled later.
//     [Options].Durability names the weaker choice.
//   - A log does not open shorter than it was acknowledged without saying so. What
//     is missing in the database, or in the journal in front of something that is
//     there, is a [*stream.CorruptError]; so is what is missing at the journal's end,
//     if the file HEAD knows of it. That is written after each commit was answered,
//     and not synced: it may not know of the last commit before a kill, nor of the
//     last ones before a loss of power. Damage to just those, before the log was
//     opened again, reads as a write that was torn. See [Unsynced] for what else
//     that may lose.
//   - An append is whole or absent. If storage fails while a group of appends is
//     being committed, each gets a [*stream.AmbiguousError], no reader sees it,
//     and the log accepts no more writes until it is opened again; each of them
//     is then there whole or not at all.
//   - Every block is checksummed. A damaged one is a [*stream.CorruptError] that
//     names its position and is never returned as data. Reading goes on behind
//     its Last position, for who means to leave it out; nothing else is left out.
//   - The database's files are checked before the database sees them. One that is
//     damaged is a [*DamagedError] that names it, and nothing is changed.
//   - With [Options].Keys all that is stored is encrypted on the disk, in the
//     database, the journal and backups, from the log's first day on; such a log
//     opens with its key only, and moves to another one by being opened with both.
//     That keeps a stolen disk silent; it does not stop one who can write to it.
//   - A directory has one process that writes, or any number that only read. Any
//     other is refused with a [*LockedError] before it touches anything; a
//     directory that is no Thaw log, or one half restored, with a [*FormatError].
//   - Subscribers share a tail in memory. One that falls behind it reads the log
//     until it has caught up: it delays nobody and loses nothing.
//   - [Log.Backup] writes the log as it is at one moment, while everything goes on;
//     [Restore] makes the same log of that, whole or not at all.
//   - A log that is opened with [Options].ReadOnly changes no byte in its directory,
//     however the process that wrote it ended.
//
// All methods of [Log] may be called concurrently. The storage format is in
// docs/format.md.
package badgerlog
