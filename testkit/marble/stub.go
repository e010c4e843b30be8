package marble

import "time"

// Parse reads a lane.
func Parse(text string, tick time.Duration) (Lane, error) { panic("todo") }

// Text is the lane in one line: the inverse of Parse.
func (l Lane) Text(tick time.Duration) string { panic("todo") }

// Difference is one way in which a lane is not as it was wanted.
type Difference struct {
	At     time.Duration // the tick to point at
	Text   string        // in words
	Values string        // go-cmp's difference of the one value that is wrong; empty if none is
}

// Compare returns how got differs from want, in order of time; nil if it does not.
func Compare(want, got Lane) []Difference { panic("todo") }

// Report is what a person reads of a lane that is not as it was wanted: around
// are lanes that help to understand it, such as the log's.
func Report(tick time.Duration, around []Lane, want, got Lane, differences []Difference) string {
	panic("todo")
}

// Text is the trace as aligned lanes and a legend.
func (t Trace) Text() string { panic("todo") }

// SVG is the trace as a picture.
func (t Trace) SVG() []byte { panic("todo") }

// JSON is the trace as data.
func (t Trace) JSON() ([]byte, error) { panic("todo") }
