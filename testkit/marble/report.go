package marble

import (
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// What a report shows at most.
const (
	mostDifferences = 5  // besides the first
	mostLetters     = 20 // in its legend
	widestText      = 80 // characters of one value
)

// Report is what a person reads of a lane that is not as it was wanted: where
// and how it differs first; the lanes, one above the other, with a caret under
// the first wrong tick; how the value there differs; further differences; and
// what the letters stand for. around are lanes that help to understand it, such
// as the log's. It begins with the wanted lane's name, so that the place of the
// specification can be put in front.
//
// Letters that the names do not have are explained by their values. If things
// happened closer to one another than a tick, the diagram has a shorter one, and
// the report says so. Of a wide diagram only what is around the caret is shown.
func Report(tick time.Duration, around []Lane, want, got Lane, differences []Difference, names ...Name) string {
	title := want.Name
	want.Name, got.Name = "want", "got"
	g := newGrid(tick, append(slices.Clone(around), want, got)...)
	var b strings.Builder
	if title != "" {
		b.WriteString(title + ": ")
	}
	caret := -1
	if len(differences) > 0 {
		first := differences[0]
		fmt.Fprintf(&b, "%s: %s\n", ticks(first.At, tick), first.Text)
		caret = g.find(first.At)
	} else {
		b.WriteString("as wanted\n")
	}
	from, to := g.around(max(0, caret))
	g.write(&b, from, to, caret)
	if g.tick != or(tick) {
		fmt.Fprintf(&b, "  one token is %s: less than the tick of %s, in which more than one thing happened\n", jump(g.tick), jump(or(tick)))
	}
	if len(differences) > 0 {
		writeValues(&b, differences[0].Values)
		writeFurther(&b, tick, differences[1:])
	}
	writeLegend(&b, legend([]Lane{want, got}, names, g.letters(len(around), from, to)))
	return strings.TrimRight(b.String(), "\n")
}

func writeValues(b *strings.Builder, values string) {
	if values == "" {
		return
	}
	b.WriteString("  difference (- want, + got):\n")
	for line := range strings.Lines(strings.TrimRight(values, "\n")) {
		b.WriteString(strings.TrimRight("    "+line, "\n") + "\n")
	}
}

func writeFurther(b *strings.Builder, tick time.Duration, differences []Difference) {
	for _, d := range differences[:min(len(differences), mostDifferences)] {
		fmt.Fprintf(b, "  %s: %s\n", ticks(d.At, tick), d.Text)
	}
	writeMore(b, len(differences)-mostDifferences, "difference")
}

// letters are those in the columns from, to of the lanes from lane on.
func (g *grid) letters(lane, from, to int) map[string]bool {
	used := map[string]bool{}
	for _, cells := range g.cells[lane:] {
		for _, c := range cells[from:to] {
			for _, r := range c {
				used[string(r)] = true
			}
		}
	}
	return used
}

// legend says what the used letters stand for: as the names have it, else by
// the values of the lanes.
func legend(lanes []Lane, names []Name, used map[string]bool) (list []Name) {
	known := map[string]bool{}
	for _, n := range names {
		if used[n.Letter] && !known[n.Letter] {
			known[n.Letter] = true
			list = append(list, n)
		}
	}
	for _, l := range lanes {
		for _, p := range l.Points {
			if p.Kind == Event && used[p.Name] && !known[p.Name] && p.Value != nil {
				known[p.Name] = true
				list = append(list, Name{p.Name, show(p.Value)})
			}
		}
	}
	slices.SortStableFunc(list, func(a, b Name) int { return strings.Compare(a.Letter, b.Letter) })
	return list
}

func writeLegend(b *strings.Builder, list []Name) {
	for _, n := range list[:min(len(list), mostLetters)] {
		fmt.Fprintf(b, "  %s  %s\n", n.Letter, clip(n.Text))
	}
	writeMore(b, len(list)-mostLetters, "letter")
}

func writeMore(b *strings.Builder, more int, of string) {
	switch {
	case more == 1:
		fmt.Fprintf(b, "  … and 1 more %s\n", of)
	case more > 1:
		fmt.Fprintf(b, "  … and %d more %ss\n", more, of)
	}
}

// oneLine is a text without anything that would break a line.
func oneLine(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == '\u2028' || r == '\u2029' {
			return ' '
		}
		return r
	}, s)
}

// clip is a text in one line, not too wide.
func clip(s string) string {
	s = oneLine(s)
	if utf8.RuneCountInString(s) <= widestText {
		return s
	}
	return string([]rune(s)[:widestText-1]) + "…"
}
