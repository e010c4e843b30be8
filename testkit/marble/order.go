package marble

import (
	"fmt"
	"strings"
	"time"
)

// swaps finds pairs of events each of which came when the other was wanted. Of
// such a pair the later is mapped to itself, the earlier to the later.
func (c *comparison) swaps() map[*mark]*mark {
	type shift struct{ want, got time.Duration }
	early := map[shift]*mark{}
	for i := range c.want {
		if w := &c.want[i]; w.mate != nil && w.mate.At < w.At && w.Kind == Event {
			early[shift{w.At, w.mate.At}] = w
		}
	}
	found := map[*mark]*mark{}
	for i := range c.want {
		w := &c.want[i]
		if w.mate == nil || w.mate.At <= w.At || w.Kind != Event {
			continue
		}
		back := shift{w.mate.At, w.At}
		if other := early[back]; other != nil {
			found[w], found[other] = other, other
			delete(early, back)
		}
	}
	return found
}

// order finds the instants in which the right things came in another order.
func (c *comparison) order() (found []Difference) {
	for from := 0; from < len(c.want); {
		to := from
		for to < len(c.want) && c.want[to].At == c.want[from].At {
			to++
		}
		if d, ok := c.instantOrder(c.want[from:to]); !ok {
			found = append(found, d)
		}
		from = to
	}
	return found
}

// shownInOrder is how many points of an instant the words about their order show.
const shownInOrder = 12

func (c *comparison) instantOrder(want []mark) (Difference, bool) {
	var wanted []*mark // that came in this instant
	for i := range want {
		if m := want[i].mate; m != nil && m.At == want[i].At {
			wanted = append(wanted, &want[i])
		}
	}
	// Mates point into got, which is one slice: their order is that of the got lane.
	came := make([]*mark, 0, len(wanted))
	for i := range c.gotAt(want[0].At) {
		if g := &c.got[i]; g.mate != nil && g.mate.At == g.At {
			came = append(came, g.mate)
		}
	}
	first := 0
	for first < len(wanted) && wanted[first] == came[first] {
		first++
	}
	if first == len(wanted) {
		return Difference{}, true
	}
	from := max(0, first-2)
	text := fmt.Sprintf("%s came before %s: wanted %s, came %s", came[first].called(), wanted[first].called(), excerpt(wanted, from), excerpt(came, from))
	return Difference{At: want[0].At, Text: text}, false
}

// gotAt yields the places of what came at one time.
func (c *comparison) gotAt(at time.Duration) func(yield func(int) bool) {
	return func(yield func(int) bool) {
		i := c.firstAt(at)
		for i < len(c.got) && c.got[i].At == at && yield(i) {
			i++
		}
	}
}

func (c *comparison) firstAt(at time.Duration) int {
	low, high := 0, len(c.got)
	for low < high {
		if middle := (low + high) / 2; c.got[middle].At < at {
			low = middle + 1
		} else {
			high = middle
		}
	}
	return low
}

// excerpt is some points of an instant, as a lane has them.
func excerpt(list []*mark, from int) string {
	var b strings.Builder
	if from > 0 {
		b.WriteString("…")
	}
	for i := from; i < min(len(list), from+shownInOrder); i++ {
		b.WriteString(list[i].sign())
	}
	if len(list) > from+shownInOrder {
		b.WriteString("…")
	}
	return b.String()
}
