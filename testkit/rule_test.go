package testkit_test

import (
	"fmt"

	"github.com/thaw-go/thaw/testkit"
)

// The rules that every log keeps, unless its engine says that it can not.
func ExampleRules() {
	for _, rule := range testkit.Rules() {
		fmt.Printf("%s: %s\n", rule, rule.Claim())
	}
	// Output:
	// dense-positions: positions are dense from 1, whoever writes
	// commit-order: positions follow the order of commits, whoever writes
	// dense-versions: versions are dense in each stream, whoever writes
	// expected-version: an append at the version that is there is stored
	// conflict-stores-nothing: an append at another version is a conflict and stores nothing
	// one-winner: of writers who expect the same version one wins
	// whole-appends: an append is seen whole or not at all
	// headers: the log sets shard, position, stream, version and time, and keeps the rest
	// event-ids: a missing event ID is made up and a given one kept
	// headers-kept: tags, depth, and how long a command is remembered come back as they were stored
	// byte-exact: payloads, metadata and names come back byte for byte
	// callers-slices: what a caller does to its slices after the append changes nothing
	// times-forward: times never go back
	// limits-reached: what is as large as the limits allow is stored
	// invalid-refused: names and payloads that can not be are refused with an InvalidError and nothing is stored
	// too-large-refused: names, payloads and metadata over their limits are refused with a TooLargeError and nothing is stored
	// too-much-refused: too many events or bytes in one append are refused whole, saying the limit
	// refused-whole: one bad event refuses the whole append
	// cancelled-append: a context cancelled before the append stores nothing
	// command-once: a command that comes twice takes effect once and gets the first result
	// command-once-at-once: a command takes effect once when it comes from many callers at once
	// command-reused: a command that took effect on another stream of the topic is a CommandReusedError
	// command-of-topic: the same command ID in another topic is another command
	// commands-apart: two commands, and events without a command, are not compared
	// command-refused: a command that was refused is not remembered
	// command-forgotten: a command is remembered as long as its events say, and takes effect again after that
	// batch-stored: a batch is stored in the order of its writes, one behind the other, whoever writes
	// batch-conflict: a write at another version, also one that only checks it, is a conflict of the whole batch
	// batch-whole: a batch is seen whole or not at all
	// batch-refused: a batch that can not be, or is too large, is refused whole with a typed error
	// batch-condition: a batch is stored if no event breaks its conditions, and else told which does
	// condition-one-winner: of writers under the condition that there is no other one wins
	// batch-command: a command that comes twice takes effect once over a batch, and gets the first result
	// batch-command-reused: a command that took effect on other streams is a CommandReusedError
	// empty-log: an empty log has its head at the beginning and one live mark
	// cold-ends: a cold read ends at the head it saw, whatever is appended while it runs
	// cold-prefix: a cold read among writers is a prefix of the log
	// read-bounds: a read goes from one place to another
	// read-matches: a read delivers what one of its matches selects, once
	// read-tags: a read delivers what carries all the tags of one of its matches
	// nothing-selected: a filter that selects nothing still gets a live mark at the head
	// past-head: a read from past the head is refused
	// whole-instance: a read of one instance is the whole of its stream
	// read-marks: every block has a mark, marks never go back, and the last is at the end
	// emit-fails: an error of emit stops the read and comes back
	// read-cancelled: a cancelled context ends a read with its error
	// reader-may-write: a reader may use the log while it handles a block
	// follow-new: a follower gets history, a live mark, and then what is new
	// follow-live: the first live mark comes at once, whether or not anything was selected
	// follow-marks: appends that are not selected still move the mark
	// follow-endless: a follower has no end place
	// seam: whenever a follower begins, it sees every event once and in order
	// many-followers: every one of many followers sees everything
	// slow-follower: a slow follower loses nothing and delays no writer
	// follow-cancelled: cancelling the context ends a follower that waits, with its error
	// follow-cancelled-busy: cancelling the context ends a follower that is busy, with its error
	// follow-emit-fails: an error of emit ends a follower at a live event
	// refused-unseen: an append that was refused is never seen
	// never-saved: a consumer that was never saved has no place
	// place-forward: a consumer's place only moves forward
	// place-within: a consumer's place does not pass the head
	// places-apart: consumers do not see one another's places
	// consumer-names: a name that can not be is refused with a typed error
	// one-runner: a consumer has one runner at a time
	// one-claim-wins: of many who claim a consumer at once one gets it
	// logs-apart: two logs do not share their consumers
	// checkpoint-together: a checkpoint moves the place and the state together
	// checkpoint-refused: a checkpoint that is refused changes nothing
	// state-forgotten: a nil value forgets the key, and an empty one does not
	// state-order: states come in the order of their keys, those with the prefix
	// state-emit-fails: an error of emit stops the states and comes back
	// states-apart: what consumers remember is kept apart, whatever their names and keys
	// state-copies: what a caller does to a value before or after changes nothing
	// many-changes: a checkpoint of many changes is all there
	// truncated-told: a read that begins with removed events hands over none and says so
	// truncated-rest: what is left reads as before, and positions and versions go on
	// truncated-instances: an instance reads whole or not at all
	// truncated-commands: a command is forgotten with its first event, and no other is
	// truncated-consumers: consumers keep their places and states
	// truncated-places: a place past the head is refused, and one before the cut changes nothing
	// truncated-meanwhile: a reader that is behind the cut when it comes is told
	// truncated-for-good: what was removed stays removed when the log is opened again
	// closed-calls: a closed log answers every call with ErrClosed
	// closed-again: closing again does nothing
	// closed-followers: closing ends followers, those that wait and those that are busy
	// closed-among-writers: what was acknowledged before the log was closed among writers is a prefix of what it holds
	// reopen-events: events are there after the log was closed and opened again
	// reopen-goes-on: after reopening, positions and versions go on and times do not go back
	// reopen-commands: commands that took effect are remembered
	// reopen-forgotten: after reopening, commands are remembered as long as their events say
	// reopen-consumers: places and state are there, and nobody holds a claim
	// reopen-empty: an empty log can be opened again
	// any-history: any history of calls gives what a list and three maps give
	// concurrent-history: any history of concurrent calls is one that calls in a row could have given
}
