package testkit

import "slices"

// Rule is the stable name of one promise that a log makes, such as
// "dense-positions". [Rules] lists them all; the name of a chapter, such as
// "state", stands for all the rules in it.
type Rule string

// The rules that others rest on. An engine that declares one of them as not
// given is still tested for everything else, in a way that does not need it.
const (
	DensePositions     Rule = "dense-positions"     // else there may be gaps, such as other topics' events
	CommitOrder        Rule = "commit-order"        // else an append may land in front of one that returned before it began
	ExpectedVersion    Rule = "expected-version"    // else every append is at stream.AnyVersion
	CommandOnce        Rule = "command-once"        // else no append has a command
	CheckpointTogether Rule = "checkpoint-together" // else consumers keep their places alone
)

// rests says which rules mean nothing without another one.
var rests = map[Rule][]Rule{
	ExpectedVersion:    {"conflict-stores-nothing", "one-winner", "refused-unseen", "command-refused", "batch-conflict"},
	CommandOnce:        {"command-once-at-once", "command-reused", "command-of-topic", "commands-apart", "command-refused", "reopen-commands", "truncated-commands", "command-forgotten", "reopen-forgotten", "batch-command", "batch-command-reused"},
	CheckpointTogether: {"checkpoint-refused", "state-forgotten", "state-order", "state-emit-fails", "states-apart", "state-copies", "many-changes"},
	CommitOrder:        {"concurrent-history"},
}

// promise is one thing that an engine always does.
type promise struct {
	rule  Rule
	claim string
	check func(*subject)
}

// chapter is a group of promises about one thing.
type chapter struct {
	name     Rule
	promises []promise
}

// chapters are all that [TestLog] asks. The names are for ever: engines and
// reports of failures use them.
var chapters = []chapter{
	{"append", []promise{
		{DensePositions, "positions are dense from 1, whoever writes", densePositions},
		{CommitOrder, "positions follow the order of commits, whoever writes", commitOrder},
		{"dense-versions", "versions are dense in each stream, whoever writes", denseVersions},
		{ExpectedVersion, "an append at the version that is there is stored", expectedVersion},
		{"conflict-stores-nothing", "an append at another version is a conflict and stores nothing", conflicts},
		{"one-winner", "of writers who expect the same version one wins", oneWinner},
		{"whole-appends", "an append is seen whole or not at all", wholeAppends},
	}},
	{"stored", []promise{
		{"headers", "the log sets shard, position, stream, version and time, and keeps the rest", headers},
		{"event-ids", "a missing event ID is made up and a given one kept", eventIDs},
		{"headers-kept", "tags, depth, and how long a command is remembered come back as they were stored", headersKept},
		{"byte-exact", "payloads, metadata and names come back byte for byte", byteExact},
		{"callers-slices", "what a caller does to its slices after the append changes nothing", callersSlices},
		{"times-forward", "times never go back", times},
		{"limits-reached", "what is as large as the limits allow is stored", atTheLimits},
	}},
	{"refusal", []promise{
		{"invalid-refused", "names and payloads that can not be are refused with an InvalidError and nothing is stored", invalidAppends},
		{"too-large-refused", "names, payloads and metadata over their limits are refused with a TooLargeError and nothing is stored", tooLargeAppends},
		{"too-much-refused", "too many events or bytes in one append are refused whole, saying the limit", tooMuchAtOnce},
		{"refused-whole", "one bad event refuses the whole append", oneBadEvent},
		{"cancelled-append", "a context cancelled before the append stores nothing", cancelledAppend},
	}},
	{"command", []promise{
		{CommandOnce, "a command that comes twice takes effect once and gets the first result", commandTwice},
		{"command-once-at-once", "a command takes effect once when it comes from many callers at once", commandAtOnce},
		{"command-reused", "a command that took effect on another stream of the topic is a CommandReusedError", commandReused},
		{"command-of-topic", "the same command ID in another topic is another command", commandInAnotherTopic},
		{"commands-apart", "two commands, and events without a command, are not compared", commandsApart},
		{"command-refused", "a command that was refused is not remembered", commandRefused},
		{"command-forgotten", "a command is remembered as long as its events say, and takes effect again after that", commandForgotten},
	}},
	{"batch", []promise{
		{"batch-stored", "a batch is stored in the order of its writes, one behind the other, whoever writes", batchStored},
		{"batch-conflict", "a write at another version, also one that only checks it, is a conflict of the whole batch", batchConflict},
		{"batch-whole", "a batch is seen whole or not at all", batchWhole},
		{"batch-refused", "a batch that can not be, or is too large, is refused whole with a typed error", batchRefused},
		{"batch-condition", "a batch is stored if no event breaks its conditions, and else told which does", batchCondition},
		{"condition-one-winner", "of writers under the condition that there is no other one wins", conditionOneWinner},
		{"batch-command", "a command that comes twice takes effect once over a batch, and gets the first result", batchCommandTwice},
		{"batch-command-reused", "a command that took effect on other streams is a CommandReusedError", batchCommandReused},
	}},
	{"read", []promise{
		{"empty-log", "an empty log has its head at the beginning and one live mark", emptyLog},
		{"cold-ends", "a cold read ends at the head it saw, whatever is appended while it runs", coldEnds},
		{"cold-prefix", "a cold read among writers is a prefix of the log", coldAmongWriters},
		{"read-bounds", "a read goes from one place to another", readBounds},
		{"read-matches", "a read delivers what one of its matches selects, once", readMatches},
		{"read-tags", "a read delivers what carries all the tags of one of its matches", tagsRead},
		{"nothing-selected", "a filter that selects nothing still gets a live mark at the head", nothingSelected},
		{"past-head", "a read from past the head is refused", pastHead},
		{"whole-instance", "a read of one instance is the whole of its stream", instances},
		{"read-marks", "every block has a mark, marks never go back, and the last is at the end", readMarks},
		{"emit-fails", "an error of emit stops the read and comes back", emitFails},
		{"read-cancelled", "a cancelled context ends a read with its error", readCancelled},
		{"reader-may-write", "a reader may use the log while it handles a block", reentrant},
	}},
	{"follow", []promise{
		{"follow-new", "a follower gets history, a live mark, and then what is new", followNew},
		{"follow-live", "the first live mark comes at once, whether or not anything was selected", followLive},
		{"follow-marks", "appends that are not selected still move the mark", followMarks},
		{"follow-endless", "a follower has no end place", followIgnoresTo},
		{"seam", "whenever a follower begins, it sees every event once and in order", seam},
		{"many-followers", "every one of many followers sees everything", manyFollowers},
		{"slow-follower", "a slow follower loses nothing and delays no writer", slowFollower},
		{"follow-cancelled", "cancelling the context ends a follower that waits, with its error", followCancelled},
		{"follow-cancelled-busy", "cancelling the context ends a follower that is busy, with its error", followCancelledBusy},
		{"follow-emit-fails", "an error of emit ends a follower at a live event", followEmitFails},
		{"refused-unseen", "an append that was refused is never seen", followRefused},
	}},
	{"consumer", []promise{
		{"never-saved", "a consumer that was never saved has no place", neverSaved},
		{"place-forward", "a consumer's place only moves forward", forwardOnly},
		{"place-within", "a consumer's place does not pass the head", notPastHead},
		{"places-apart", "consumers do not see one another's places", placesApart},
		{"consumer-names", "a name that can not be is refused with a typed error", consumerNames},
		{"one-runner", "a consumer has one runner at a time", oneRunner},
		{"one-claim-wins", "of many who claim a consumer at once one gets it", claimAtOnce},
		{"logs-apart", "two logs do not share their consumers", logsApart},
	}},
	{"state", []promise{
		{CheckpointTogether, "a checkpoint moves the place and the state together", checkpointTogether},
		{"checkpoint-refused", "a checkpoint that is refused changes nothing", checkpointRefused},
		{"state-forgotten", "a nil value forgets the key, and an empty one does not", stateForgotten},
		{"state-order", "states come in the order of their keys, those with the prefix", stateOrder},
		{"state-emit-fails", "an error of emit stops the states and comes back", stateEmitFails},
		{"states-apart", "what consumers remember is kept apart, whatever their names and keys", statesApart},
		{"state-copies", "what a caller does to a value before or after changes nothing", stateCopies},
		{"many-changes", "a checkpoint of many changes is all there", manyChanges},
	}},
	{"truncate", []promise{
		{"truncated-told", "a read that begins with removed events hands over none and says so", truncatedReads},
		{"truncated-rest", "what is left reads as before, and positions and versions go on", truncatedRest},
		{"truncated-instances", "an instance reads whole or not at all", truncatedInstances},
		{"truncated-commands", "a command is forgotten with its first event, and no other is", truncatedCommands},
		{"truncated-consumers", "consumers keep their places and states", truncatedConsumers},
		{"truncated-places", "a place past the head is refused, and one before the cut changes nothing", truncatedPlaces},
		{"truncated-meanwhile", "a reader that is behind the cut when it comes is told", truncatedMeanwhile},
		{"truncated-for-good", "what was removed stays removed when the log is opened again", truncatedReopened},
	}},
	{"close", []promise{
		{"closed-calls", "a closed log answers every call with ErrClosed", closedCalls},
		{"closed-again", "closing again does nothing", closedAgain},
		{"closed-followers", "closing ends followers, those that wait and those that are busy", closedFollowers},
		{"closed-among-writers", "what was acknowledged before the log was closed among writers is a prefix of what it holds", closedAmongWriters},
	}},
	{"reopen", []promise{
		{"reopen-events", "events are there after the log was closed and opened again", durableEvents},
		{"reopen-goes-on", "after reopening, positions and versions go on and times do not go back", durableDense},
		{"reopen-commands", "commands that took effect are remembered", durableCommands},
		{"reopen-forgotten", "after reopening, commands are remembered as long as their events say", forgottenReopened},
		{"reopen-consumers", "places and state are there, and nobody holds a claim", durableConsumers},
		{"reopen-empty", "an empty log can be opened again", func(s *subject) { s.reopen(); s.holds(nil) }},
	}},
	{"history", []promise{
		{"any-history", "any history of calls gives what a list and three maps give", randomHistories},
		{"concurrent-history", "any history of concurrent calls is one that calls in a row could have given", concurrentHistories},
	}},
}

// Rules returns the rules in the order in which [TestLog] tests them.
func Rules() []Rule {
	var list []Rule
	for _, c := range chapters {
		for _, p := range c.promises {
			list = append(list, p.rule)
		}
	}
	return list
}

// Claim is what the rule promises, in words; empty if there is no such rule.
func (r Rule) Claim() string {
	for _, c := range chapters {
		for _, p := range c.promises {
			if p.rule == r {
				return p.claim
			}
		}
	}
	return ""
}

// stated returns the rules that a name stands for: itself, or those of a
// chapter; none if there is no such name.
func (r Rule) stated() []Rule {
	var list []Rule
	for _, c := range chapters {
		for _, p := range c.promises {
			if p.rule == r || c.name == r {
				list = append(list, p.rule)
			}
		}
	}
	return list
}

// isBase reports whether other rules are tested differently, or not at all, where
// this one is not given.
func (r Rule) isBase() bool { return r == DensePositions || len(rests[r]) > 0 }

// basis is the rule that r means nothing without; empty if it stands alone.
func (r Rule) basis(lacks func(Rule) bool) Rule {
	for base, list := range rests {
		if lacks(base) && slices.Contains(list, r) {
			return base
		}
	}
	return ""
}
