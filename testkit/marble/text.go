package marble

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// Text is the trace as lanes one above the other on one axis of time, and a
// legend: what the package's documentation begins with. Long stretches in which
// nothing happens in any lane are jumps. If things happen closer to one another
// than a tick, the lanes have a shorter one, and the text says so. Each of its
// lanes can be parsed with that tick.
func (t Trace) Text() string {
	var b strings.Builder
	if t.Title != "" {
		b.WriteString(oneLine(t.Title) + "\n")
	}
	g := newGrid(t.Tick, t.Lanes...)
	g.write(&b, 0, len(g.columns), -1)
	list := t.legend()
	if len(list) > 0 || g.tick != or(0) {
		b.WriteString("\n")
	}
	width := 0
	for _, n := range list {
		width = max(width, utf8.RuneCountInString(n.Letter))
	}
	for _, n := range list {
		fmt.Fprintf(&b, "  %s  %s\n", pad(n.Letter, width), oneLine(n.Text))
	}
	if g.tick != or(0) {
		fmt.Fprintf(&b, "  one token is %s\n", jump(g.tick))
	}
	return b.String()
}

// legend is the trace's names, and letters that have a value but no name.
func (t Trace) legend() []Name {
	used := map[string]bool{}
	for _, n := range t.Names {
		used[n.Letter] = true
	}
	for _, l := range t.Lanes {
		for _, p := range l.Points {
			used[p.Name] = true
		}
	}
	return legend(t.Lanes, t.Names, used)
}
