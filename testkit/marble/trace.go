package marble

import "time"

// Kind is what happens at one point of a lane.
type Kind uint8

// The kinds of points, with the tokens that stand for them.
const (
	Event       Kind = iota + 1 // a letter; [ab] is one atomic append, c' a redelivery
	Subscribe                   // ^
	CaughtUp                    // ~
	Complete                    // |
	Failed                      // #
	Unsubscribe                 // !
	Checkpoint                  // *
	Crash                       // %
)

// Point is one thing that happens in a lane.
type Point struct {
	At     time.Duration // since the first ^; negative: before it
	Kind   Kind          // what it is
	Name   string        // Event: its letter
	Again  bool          // Event: it has been delivered before
	Append int           // Event: from 1; events of one lane with the same number were appended together; 0: alone
	Value  any           // Event: what it stands for; Failed: the error; nil if it is not known
	Note   string        // Event: what else a person would want to know, such as its position in the log; not compared
}

// Lane is one line of a diagram: a log, a subscriber, a state.
type Lane struct {
	Name   string        // what a person calls it
	Points []Point       // in order of time; those of one instant in the order in which they happened
	End    time.Duration // how far the lane was watched: behind its last tick
}

// Trace is a whole diagram: what happened, tick by tick and lane by lane.
type Trace struct {
	Title string        // may be empty
	Tick  time.Duration // how long one token takes
	Lanes []Lane        // from top to bottom
	Names []Name        // the legend
}

// Name is one line of a legend: what a letter stands for.
type Name struct {
	Letter string // as in the lanes
	Text   string // for a person to read
}
