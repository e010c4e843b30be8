// Package journal makes small records durable in one write each, for an owner
// who stores them elsewhere later, in bulk.
//
// What is always true:
//
//   - [Journal.Append] returns once the record is on the disk (unless the journal
//     was opened unsynced). A record is there whole or not at all: it is
//     checksummed, and a write never touches a page that holds an earlier one.
//   - Records are numbered densely, in the order they were appended.
//     [Journal.Replay] hands over each record after a given number, in order,
//     and ends where the last write was torn. A damaged record that others follow
//     was once on the disk whole: that is a [*DamagedError], never an end. Of an
//     unsynced journal only the first header is waited for, and it says so: there
//     a record that is not whole is the end, also if others follow.
//   - Two segments take turns. One is written over only when [Journal.Applied]
//     has said that everything in it is stored elsewhere; what it held before can
//     not be taken for a record again, as each turn seeds the checksums anew.
//   - A full segment ends with a record that says so before the next one is
//     used, and a segment's header is written twice, one copy after the other:
//     losing either is noticed.
//   - With a key, nothing of a record but its number and its length is on the disk
//     in plain text, and one that was altered is a [*DamagedError].
//   - After a failed write the journal accepts nothing more.
//
// What it can not tell: whether the very last record was torn by a crash or
// damaged later. It reads as torn. An owner who closes in peace has stored
// everything elsewhere by then.
//
// Where the file system allows it, writes bypass the page cache (O_DIRECT and
// O_DSYNC); elsewhere they are followed by a sync. Segments are filled with
// zeros before they are written, so that a record's sync has no metadata to
// store.
//
// A journal has one owner, who calls its methods one at a time; only Applied may
// be called at any time.
package journal
