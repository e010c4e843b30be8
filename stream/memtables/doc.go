// Package memtables is [stream.Tables] in memory: for tests, and for views that are
// made anew with each start.
//
// What is always true:
//
//   - An update is seen whole or not at all, by snapshots taken after it.
//   - A snapshot shows the tables at one moment, costs no copy, and holds nobody up.
//   - Nothing is shared with a caller: values are copied when they are stored and
//     when they are got.
package memtables
