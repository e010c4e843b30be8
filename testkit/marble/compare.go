package marble

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/thaw-go/thaw/testkit/internal/value"
)

// Matcher, as the Value of a wanted point, is asked instead of being compared.
type Matcher interface {
	// Match returns in words why got is not what is wanted, nil if it is.
	Match(got any) error
}

// Difference is one way in which a lane is not as it was wanted.
type Difference struct {
	At     time.Duration // the tick to point at
	Text   string        // in words
	Values string        // go-cmp's difference of the one value that is wrong; empty if none is
}

// Compare returns how got differs from want, in order of time; nil if it does
// not. The lanes are the same if the same happens in the same order at the same
// times: events of the same value, for the first time or again, and every other
// kind of point. A failure is the wanted one in the sense of [errors.Is], or if
// no error is wanted by its value. Events whose value is not known on one side
// are compared by their letters. Letters are not compared otherwise, nor what
// was appended together, notes, and the ends and names of the lanes.
//
// It never panics: what panics while it compares is a difference that says so.
func Compare(want, got Lane) []Difference {
	want, got = want.ordered(), got.ordered()
	c := &comparison{want: marked(want), got: marked(got)}
	if c.same() {
		return nil
	}
	c.pair()
	found := c.describe()
	if len(found) == 0 { // the same happens at the same times, and yet: never hide it
		found = []Difference{{At: c.want[c.first].At, Text: "something else was wanted"}}
	}
	slices.SortStableFunc(found, func(a, b Difference) int { return cmp.Compare(a.At, b.At) })
	return found
}

// mark is a point of a lane with what Compare found out about it.
type mark struct {
	Point
	class int   // points with the same class have the same value
	over  bool  // it came when the lane had ended
	mate  *mark // what it is on the other side
	rank  int   // among those of its instant
	nth   int   // among those of its class, from 1
}

func marked(l Lane) []mark {
	list := make([]mark, len(l.Points))
	over := false
	for i, p := range l.Points {
		if p.Kind == Crash || p.Kind == Subscribe {
			over = false
		}
		list[i] = mark{Point: p, over: over}
		if p.Kind == Complete || p.Kind == Failed {
			over = true
		}
	}
	return list
}

// comparison is of two lanes.
type comparison struct {
	want, got []mark
	first     int // how many points are the same on both sides before the first that is not

	wanted, came map[int][]time.Duration // when the values of each class are on each side
}

// same compares point by point.
func (c *comparison) same() bool {
	for c.first < min(len(c.want), len(c.got)) && identical(c.want[c.first].Point, c.got[c.first].Point) {
		c.join(&c.want[c.first], &c.got[c.first])
		c.first++
	}
	return c.first == len(c.want) && c.first == len(c.got)
}

func (c *comparison) join(w, g *mark) { w.mate, g.mate = g, w }

// identical reports whether got is what is wanted, when it is wanted.
func identical(want, got Point) bool {
	return want.At == got.At && want.Kind == got.Kind && want.Again == got.Again && mismatch(want, got) == nil
}

// mismatch says why got does not have the wanted value; nil if it does.
func mismatch(want, got Point) (err error) {
	if want.Kind != Event && want.Kind != Failed {
		return nil
	}
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("comparing them panicked: %v", p)
		}
	}()
	if m, ok := want.Value.(Matcher); ok {
		return m.Match(got.Value)
	}
	if want.Kind == Failed {
		return wrongError(want.Value, got.Value)
	}
	if want.Value == nil || got.Value == nil {
		if want.Name != got.Name {
			return errDiffers
		}
		return nil
	}
	if !value.Equal(want.Value, got.Value) {
		return errDiffers
	}
	return nil
}

var errDiffers = errors.New("another value")

func wrongError(want, got any) error {
	wanted, isError := want.(error)
	failed, _ := got.(error)
	switch {
	case want == nil, isError && errors.Is(failed, wanted):
		return nil
	case !isError && value.Equal(want, got):
		return nil
	}
	return errDiffers
}
