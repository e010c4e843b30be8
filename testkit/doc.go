// Package testkit tests what is built with Thaw: aggregates with given, when and
// then, and log engines with the suite that all of them pass.
//
// What is always true:
//
//   - A specification that tests nothing fails: a [For] without a When, a When
//     without a Then, a [Case] that says nothing.
//   - Every event of a specification, given or decided, is stored by its topic's
//     codec and read back before it is used, so that a field that would be lost
//     in a log fails the test.
//   - Comparison is by go-cmp, of unexported fields too; nil and empty slices and
//     maps are the same. A panic in the code under test is a failure that names
//     it, not a crash.
//   - A failure says where the When is, what was given and asked, what was wanted
//     and what came, side by side, and how the events that differ do.
//   - [TestLog] asks of an engine what package stream promises and nothing more.
//     Each of its subtests is one [Rule], and a failure names it. An engine says
//     which rules it can not keep and is still tested for all the others.
//
// A specification belongs to the goroutine of its test. The package starts no
// goroutine that outlives a call.
package testkit
