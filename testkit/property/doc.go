// Package property tests deciders with random commands, by pgregory.net/rapid.
//
// What [Check] holds of every decider, whatever it is asked:
//
//   - No sequence of commands makes Decide or Evolve panic.
//   - A refused command leaves no trace.
//   - Replayed equals live: the history, read back through the codec and folded
//     anew, gives the state that the repository returned; now and at the end, when
//     other instances have gone on.
//   - Decide decides the same about the same state and command, and changes
//     neither.
//   - Events come back from the log as they were decided, with dense versions.
//   - The same command ID again changes nothing and returns the first result.
//   - A writer who is overtaken decides anew, and nobody's events are lost.
//
// Each sequence runs over several instances through a real [aggregate.Repository]
// on a log of its own. What fails is made as small as rapid can, and reported as
// given, when and then, with what to run to see it again. Package testkit's
// specifications are the place to keep it.
package property
