package marble

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
)

// wide is how many columns of a diagram are shown at most.
const wide = 100

// signs are the tokens of the kinds that are no events.
var signs = [...]rune{Subscribe: '^', CaughtUp: '~', Complete: '|', Failed: '#', Unsubscribe: '!', Checkpoint: '*', Crash: '%'}

// kindOf is what a sign stands for, 0 if it is none.
func kindOf(r rune) Kind {
	if i := slices.Index(signs[:], r); i > 0 && r != 0 {
		return Kind(i)
	}
	return 0
}

// Text is the lane in one line, as short as can be: [Parse] with the same tick
// makes the same lane of it, without its name, values and notes. If points are
// closer to one another than a tick, the text uses a shorter one and begins with
// it: "10us: ab". A tick of 0 is a millisecond.
func (l Lane) Text(tick time.Duration) string {
	tick = or(tick)
	l = l.ordered()
	var b strings.Builder
	if fine := fit(tick, l); fine != tick {
		fmt.Fprintf(&b, "%s: ", single(fine))
		tick = fine
	}
	clock := l.start()
	for points := range l.instants() {
		at := points[0].At
		gap(&b, at-clock, tick)
		b.WriteString(token(points))
		clock = at + tick
	}
	gap(&b, l.end(tick)-clock, tick)
	return strings.TrimSpace(b.String())
}

// manyTicks become a jump.
const manyTicks = 10

func gap(b *strings.Builder, d, tick time.Duration) {
	switch {
	case d <= 0:
	case d%tick == 0 && d/tick < manyTicks:
		b.WriteString(strings.Repeat("-", int(d/tick)))
	default:
		b.WriteString(" " + jump(d) + " ")
	}
}

// jump is a time as a lane has it: 1h30m.
func jump(d time.Duration) string {
	var b strings.Builder
	for _, u := range slices.Backward(units) {
		if n := d / u.time; n > 0 {
			fmt.Fprintf(&b, "%d%s", n, u.name)
			d %= u.time
		}
	}
	return b.String()
}

// single is a time in one unit.
func single(d time.Duration) string {
	for _, u := range slices.Backward(units) {
		if d%u.time == 0 {
			return fmt.Sprintf("%d%s", d/u.time, u.name)
		}
	}
	return fmt.Sprintf("%dns", d)
}

// token is what happened in one instant.
func token(points []Point) string {
	var parts []string
	for i := 0; i < len(points); {
		n := together(points[i:])
		var b strings.Builder
		for _, p := range points[i : i+n] {
			b.WriteString(p.sign())
		}
		if n > 1 {
			parts = append(parts, "["+b.String()+"]")
		} else {
			parts = append(parts, b.String())
		}
		i += n
	}
	if len(parts) == 1 {
		return parts[0]
	}
	return "(" + strings.Join(parts, "") + ")"
}

// together counts the points that were appended with the first one.
func together(points []Point) int {
	n := 1
	if first := points[0]; first.Kind == Event && first.Append != 0 {
		for n < len(points) && points[n].Kind == Event && points[n].Append == first.Append {
			n++
		}
	}
	return n
}

// sign is the point without what was appended with it. What has no letter is
// shown by a sign that can not be read back.
func (p Point) sign() string {
	if p.Kind != Event {
		if int(p.Kind) < len(signs) && signs[p.Kind] != 0 {
			return string(signs[p.Kind])
		}
		return "?"
	}
	name := p.Name
	if !isLetter(name) {
		name = "?"
	}
	if p.Again {
		name += "'"
	}
	return name
}

// ordered is the lane with its points in order of time, and with no time that
// one can not calculate with.
func (l Lane) ordered() Lane {
	byTime := func(a, b Point) int { return cmp.Compare(a.At, b.At) }
	l.End = bounded(l.End)
	far := func(p Point) bool { return p.At != bounded(p.At) }
	if slices.IsSortedFunc(l.Points, byTime) && !slices.ContainsFunc(l.Points, far) {
		return l
	}
	l.Points = slices.Clone(l.Points)
	for i := range l.Points {
		l.Points[i].At = bounded(l.Points[i].At)
	}
	slices.SortStableFunc(l.Points, byTime)
	return l
}

func bounded(at time.Duration) time.Duration { return max(-longestTime, min(longestTime, at)) }

// start is when the lane begins: at zero, or with what happened before.
func (l Lane) start() time.Duration {
	if len(l.Points) > 0 {
		return min(0, l.Points[0].At)
	}
	return 0
}

// end is when the lane ends: not before its last token does.
func (l Lane) end(tick time.Duration) time.Duration {
	if len(l.Points) > 0 {
		return max(l.End, l.Points[len(l.Points)-1].At+tick)
	}
	return max(0, l.End)
}

// instants are the points of the lane, those of one instant together.
func (l Lane) instants() func(yield func([]Point) bool) {
	return func(yield func([]Point) bool) {
		for i := 0; i < len(l.Points); {
			n := i
			for n < len(l.Points) && l.Points[n].At == l.Points[i].At {
				n++
			}
			if !yield(l.Points[i:n]) {
				return
			}
			i = n
		}
	}
}

// fit is the tick with which the lanes can be written one above the other: the
// given one, or if things happen closer to one another, the longest one that
// divides all that lies between them.
func fit(tick time.Duration, lanes ...Lane) time.Duration {
	var times []time.Duration
	for _, l := range lanes {
		for _, p := range l.Points {
			times = append(times, p.At)
		}
		times = append(times, l.start(), l.end(tick))
	}
	slices.Sort(times)
	times = slices.Compact(times)
	fits, divisor := true, tick
	for i := 1; i < len(times); i++ {
		between := times[i] - times[i-1]
		fits = fits && between >= tick
		for a := between; a != 0; {
			divisor, a = a, divisor%a
		}
	}
	if fits {
		return tick
	}
	return divisor
}
