// Package testkit tests what is built with Thaw: aggregates ([For]), views
// ([ForView]), sagas ([ForSaga]) and pipelines ([Marbles]) with one notation,
// and log engines with the suite that all of them pass ([TestLog]).
//
// Given | When | Then is history ^ live: Given(a, b).When(c).Then(d) is the
// diagram ab ^ d. Package marble has the notation, the comparer and the reports
// of all specifications.
//
// What is always true:
//
//   - A specification that tests nothing fails: a [For] without a When, a When
//     without a Then, a Given or another part that no When follows, a [Case] that
//     says nothing.
//   - A specification runs on a real log: in memory, or on disk if it says so or
//     the environment variable THAW_TESTKIT_LOG is badgerlog. Each has a log of its
//     own, so parallel tests do not disturb one another.
//   - Every event of a specification, given or decided, is stored by its topic's
//     codec and read back, so that a field that would be lost in a log fails the
//     test.
//   - Where time passes, it is virtual: a day takes no longer than a second.
//   - What is asked of an aggregate is not all that is tested: every event says
//     what led to it, what the repository returns is what the log has, and
//     deciding and folding again leads to the same.
//   - Comparison is by go-cmp, of unexported fields too; nil and empty slices and
//     maps are the same. A panic in the code under test is a failure that names
//     it, not a crash.
//   - A failure says where the specification is, shows what was wanted above what
//     came, tick by tick, with a mark under the first tick that is wrong, and says
//     in words and with the value's difference what is wrong there. Its trace is
//     left among the test's artifacts (go test -artifacts), as SVG and as JSON.
//   - [TestLog] asks of an engine what package stream promises and nothing more.
//     Each of its subtests is one [Rule], and a failure names it. An engine says
//     which rules it can not keep and is still tested for all the others.
//
// A specification belongs to the goroutine of its test. The package starts no
// goroutine that outlives a test.
package testkit
