package marble

import (
	"sort"
	"time"

	"github.com/thaw-go/thaw/testkit/internal/value"
)

// mostAsked bounds how many values a wanted point that must be asked is shown.
const mostAsked = 64

// mostAlike bounds how many values of the same hash one is compared with: the
// values of types that compare themselves have one hash. Behind it equal values
// may have several classes, and the words are the poorer for it.
const mostAlike = 256

// asked is the class of wanted points that are not compared by value: they are
// asked, one value at a time. firstClass comes behind those of the kinds.
const (
	asked      = -1
	firstClass = 16
)

// pair finds out for every point of one side what it is on the other: the same
// at the same time, the same at another time, or another value in its place. It
// needs memory and time in proportion to the lanes only.
func (c *comparison) pair() {
	c.classify()
	type key struct {
		at    time.Duration
		class int
		again bool
	}
	match(c, func(m *mark) key { return key{m.At, m.class, m.Again} })
	c.ask(true)
	match(c, func(m *mark) key { return key{0, m.class, m.Again} })
	c.ask(false)
	c.pairEnds()
	c.pairInPlace()
}

// classify finds the class of every point.
func (c *comparison) classify() {
	n := classes{unknown: map[string]bool{}, letters: map[string]int{}, hashes: map[uint64][]int{}}
	for _, side := range [][]mark{c.want, c.got} {
		for _, m := range side {
			if m.Kind == Event && m.Value == nil {
				n.unknown[m.Name] = true
			}
		}
	}
	count := func(side []mark) map[int][]time.Duration {
		when := map[int][]time.Duration{}
		for i := range side {
			m := &side[i]
			m.class = n.of(m)
			when[m.class] = append(when[m.class], m.At)
			m.nth = len(when[m.class])
		}
		return when
	}
	c.wanted, c.came = count(c.want), count(c.got)
}

// classes numbers values.
type classes struct {
	unknown map[string]bool  // letters of events without a value
	letters map[string]int   // their classes
	hashes  map[uint64][]int // the classes of values, by their hashes
	samples []any            // a value of each class
}

func (n *classes) of(m *mark) int {
	_, matcher := m.Value.(Matcher)
	switch {
	case m.Kind == Failed || matcher:
		return asked
	case m.Kind != Event:
		return int(m.Kind)
	case n.unknown[m.Name]:
		if n.letters[m.Name] == 0 {
			n.letters[m.Name] = n.next(nil)
		}
		return n.letters[m.Name]
	}
	h := value.Hash(m.Value)
	known := n.hashes[h]
	for _, class := range known[:min(len(known), mostAlike)] {
		if value.Equal(n.samples[class-firstClass], m.Value) {
			return class
		}
	}
	class := n.next(m.Value)
	n.hashes[h] = append(n.hashes[h], class)
	return class
}

func (n *classes) next(v any) int {
	n.samples = append(n.samples, v)
	return firstClass + len(n.samples) - 1
}

// match joins the points that have no mate yet and the same key, in order.
func match[K comparable](c *comparison, key func(*mark) K) {
	waiting := map[K][]*mark{}
	for _, g := range free(c.got) {
		if g.class != asked {
			waiting[key(g)] = append(waiting[key(g)], g)
		}
	}
	for _, w := range free(c.want) {
		if w.class == asked {
			continue
		}
		if list := waiting[key(w)]; len(list) > 0 {
			c.join(w, list[0])
			waiting[key(w)] = list[1:]
		}
	}
}

// free are the points without a mate.
func free(side []mark) []*mark {
	var list []*mark
	for i := range side {
		if side[i].mate == nil {
			list = append(list, &side[i])
		}
	}
	return list
}

// ask joins wanted points that are not compared by value with the first that is
// what they want, at the same time or at any.
func (c *comparison) ask(sameTime bool) {
	candidates := free(c.got)
	for _, w := range free(c.want) {
		if w.class != asked {
			continue
		}
		list := candidates
		if sameTime {
			list = list[sort.Search(len(list), func(i int) bool { return list[i].At >= w.At }):]
		}
		left := mostAsked
		for _, g := range list {
			if left == 0 || sameTime && g.At > w.At {
				break
			}
			if g.mate != nil || g.Kind != w.Kind || g.Again != w.Again {
				continue
			}
			left--
			if mismatch(w.Point, g.Point) == nil {
				c.join(w, g)
				break
			}
		}
	}
}

// pairEnds joins completions and failures of another kind or error.
func (c *comparison) pairEnds() {
	ends := func(side []mark) (list []*mark) {
		for _, m := range free(side) {
			if m.Kind == Complete || m.Kind == Failed {
				list = append(list, m)
			}
		}
		return list
	}
	wanted := ends(c.want)
	for i, g := range ends(c.got) {
		if i < len(wanted) {
			c.join(wanted[i], g)
		}
	}
}

// pairInPlace joins events of other values that stand between the same others of
// an instant.
func (c *comparison) pairInPlace() {
	rank(c.want)
	rank(c.got)
	type place struct {
		at   time.Duration
		rank int
	}
	waiting := map[place][]*mark{}
	for _, g := range free(c.got) {
		if g.Kind == Event {
			waiting[place{g.At, g.rank}] = append(waiting[place{g.At, g.rank}], g)
		}
	}
	for _, w := range free(c.want) {
		at := place{w.At, w.rank}
		if list := waiting[at]; w.Kind == Event && len(list) > 0 {
			c.join(w, list[0])
			waiting[at] = list[1:]
		}
	}
}

// rank counts for each point those before it in its instant that have a mate
// there.
func rank(side []mark) {
	n := 0
	for i := range side {
		if i > 0 && side[i].At != side[i-1].At {
			n = 0
		}
		side[i].rank = n
		if m := side[i].mate; m != nil && m.At == side[i].At {
			n++
		}
	}
}
