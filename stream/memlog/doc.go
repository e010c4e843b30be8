// Package memlog keeps a log in memory: for tests, for examples, and as the
// model that the other engines are compared with.
//
// What is always true:
//
//   - It keeps every promise of [stream.MultiStore] and [stream.Checkpoints] except
//     that of outliving the process.
//   - Positions are dense from 1 in the order in which appends took effect, and
//     versions are dense from 1 in each stream. An append is seen whole or not
//     at all, and times never go back.
//   - A reader never waits for a writer nor a writer for a reader: no lock is
//     held while a block is handed over, and a slow reader finds everything that
//     it has not read yet.
//   - Nothing is shared with callers. What is appended is copied, and what is
//     read is a copy. A block's memory is used again for the next one, so whoever
//     keeps a record beyond emit against the promise of [stream.Log] finds
//     out in a test.
//   - It starts no goroutine, and everything that waits can be run in a bubble of
//     testing/synctest if the log was made in it.
//
// All methods may be called concurrently. After [Log.Close] each of them returns
// [stream.ErrClosed].
package memlog
