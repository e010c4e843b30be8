package marble

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Mermaid is the trace as text of a Mermaid sequence diagram, for pages that
// draw those: a participant for each lane; what happens in the first lane is a
// note, and events in the others are arrows from it, broken ones if they are
// delivered again.
func (t Trace) Mermaid() string {
	var b strings.Builder
	b.WriteString("sequenceDiagram\n")
	if t.Title != "" {
		fmt.Fprintf(&b, "    title %s\n", mermaidText(t.Title))
	}
	type step struct {
		at   time.Duration
		text string
	}
	var steps []step
	for i, l := range t.Lanes {
		fmt.Fprintf(&b, "    participant L%d as %s\n", i+1, mermaidText(cmp.Or(l.Name, "lane")))
		for points := range l.ordered().instants() {
			for rest := points; len(rest) > 0; {
				n := together(rest)
				steps = append(steps, step{rest[0].At, mermaidStep(i+1, rest[:n])})
				rest = rest[n:]
			}
		}
	}
	slices.SortStableFunc(steps, func(a, b step) int { return cmp.Compare(a.at, b.at) })
	for _, s := range steps {
		fmt.Fprintf(&b, "    %s\n", s.text)
	}
	return b.String()
}

// mermaidStep is one point, or events that were appended together.
func mermaidStep(lane int, points []Point) string {
	first := points[0]
	text := mermaidText(fmt.Sprintf("%s %s", after(first.At), token(points)))
	switch {
	case first.Kind != Event:
		return fmt.Sprintf("Note over L%d: %s %s", lane, text, first.Kind)
	case lane == 1:
		return fmt.Sprintf("Note over L1: %s", text)
	case first.Again:
		return fmt.Sprintf("L1-->>L%d: %s", lane, text)
	}
	return fmt.Sprintf("L1->>L%d: %s", lane, text)
}

// mermaidText is text without what means something to Mermaid.
func mermaidText(s string) string {
	return strings.NewReplacer("#", "#35;", ";", "#59;", "<", "#lt;", ">", "#gt;").Replace(oneLine(s))
}
