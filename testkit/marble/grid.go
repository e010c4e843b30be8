package marble

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// grid is lanes one above the other, on one axis of time.
type grid struct {
	tick    time.Duration
	names   []string
	columns []column
	cells   [][]string // of each lane, one for each column; empty where the lane is not
	widths  []int      // of the columns
}

// column is a stretch of time: one tick, or a jump in which nothing happens.
type column struct {
	from, to time.Duration
	jump     bool
}

// newGrid lays out lanes. Its tick is shorter than the given one if things
// happen closer to one another.
func newGrid(tick time.Duration, lanes ...Lane) *grid {
	lanes = slices.Clone(lanes)
	for i := range lanes {
		lanes[i] = lanes[i].ordered()
	}
	g := &grid{tick: fit(or(tick), lanes...)}
	g.columns = columns(g.tick, lanes)
	g.widths = make([]int, len(g.columns))
	for _, l := range lanes {
		cells := g.row(l)
		for i, c := range cells {
			g.widths[i] = max(g.widths[i], utf8.RuneCountInString(c))
		}
		g.names, g.cells = append(g.names, l.Name), append(g.cells, cells)
	}
	return g
}

// columns cuts the time of all lanes at every point, beginning and end.
func columns(tick time.Duration, lanes []Lane) []column {
	var cuts []time.Duration
	happens := map[time.Duration]bool{}
	for _, l := range lanes {
		cuts = append(cuts, l.start(), l.end(tick))
		for _, p := range l.Points {
			happens[p.At] = true
			cuts = append(cuts, p.At, p.At+tick)
		}
	}
	slices.Sort(cuts)
	cuts = slices.Compact(cuts)
	var all []column
	for i := 1; i < len(cuts); i++ {
		from, to := cuts[i-1], cuts[i]
		if happens[from] {
			all = append(all, column{from, to, false})
			continue
		}
		if d := to - from; d%tick != 0 || d/tick >= manyTicks {
			all = append(all, column{from, to, true})
			continue
		}
		for ; from < to; from += tick {
			all = append(all, column{from, from + tick, false})
		}
	}
	return all
}

// row is what stands in each column of a lane.
func (g *grid) row(l Lane) []string {
	tokens := map[time.Duration]string{}
	for points := range l.instants() {
		tokens[points[0].At] = token(points)
	}
	cells := make([]string, len(g.columns))
	for i, c := range g.columns {
		switch text, ok := tokens[c.from]; {
		case c.from < l.start() || c.from >= l.end(g.tick):
		case c.jump:
			cells[i] = jump(c.to - c.from)
		case ok:
			cells[i] = text
		default:
			cells[i] = "-"
		}
	}
	return cells
}

// find is the column of a time; the last one if it is behind all.
func (g *grid) find(at time.Duration) int {
	i, found := slices.BinarySearchFunc(g.columns, at, func(c column, at time.Duration) int { return cmp.Compare(c.from, at) })
	if !found {
		i--
	}
	return max(0, min(i, len(g.columns)-1))
}

// around is the columns that can be shown at once and have i in their middle.
func (g *grid) around(i int) (from, to int) {
	if len(g.columns) == 0 {
		return 0, 0
	}
	from, to = i, i+1
	width := g.widths[i]
	for grown := true; grown; {
		grown = false
		if to < len(g.columns) && width+1+g.widths[to] <= wide {
			width += 1 + g.widths[to]
			to++
			grown = true
		}
		if from > 0 && width+1+g.widths[from-1] <= wide {
			from--
			width += 1 + g.widths[from]
			grown = true
		}
	}
	return from, to
}

// write writes the columns from, to of all lanes, and a caret under one of them
// unless it is negative.
func (g *grid) write(b *strings.Builder, from, to, caret int) {
	width := 0
	for _, n := range g.names {
		width = max(width, utf8.RuneCountInString(n))
	}
	lines := make([]string, len(g.names)+1)
	for i, name := range g.names {
		lines[i] = "  " + pad(name, width) + "  "
	}
	lines[len(g.names)] = strings.Repeat(" ", width+4)
	all := func(text string) {
		for i := range lines {
			lines[i] += text
		}
	}
	if from > 0 {
		all("… ")
		lines[len(g.names)] = strings.Repeat(" ", width+6)
	}
	for c := from; c < to; c++ {
		for lane := range g.names {
			lines[lane] += pad(g.cells[lane][c], g.widths[c]) + " "
		}
		mark := ""
		if c == caret {
			mark = "^"
		}
		lines[len(g.names)] += pad(mark, g.widths[c]) + " "
	}
	if to < len(g.columns) {
		all("…")
	}
	for i, l := range lines {
		if i == len(g.names) {
			if caret < 0 {
				break
			}
			l = strings.TrimSuffix(l, "…")
		}
		b.WriteString(strings.TrimRight(l, " ") + "\n")
	}
}

func pad(s string, width int) string {
	return s + strings.Repeat(" ", max(0, width-utf8.RuneCountInString(s)))
}

// ticks says when something is, as a person reads it.
func ticks(at, tick time.Duration) string {
	if at%or(tick) != 0 {
		return after(at)
	}
	return fmt.Sprintf("tick %d (%s)", at/or(tick), after(at))
}

// after is a time since zero: +5ms.
func after(at time.Duration) string {
	if at < 0 {
		return "-" + jump(-at)
	}
	if at == 0 {
		return "+0s"
	}
	return "+" + jump(at)
}
