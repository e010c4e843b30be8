package testkit

import (
	"encoding/json"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/thaw-go/thaw/stream"
	"github.com/thaw-go/thaw/testkit/internal/value"
)

// fail reports a failure as a person reads it: where, what, the story, and what
// differs.
func (o *Outcome[C, E, S]) fail(what string) {
	o.t.Helper()
	headline, details, _ := strings.Cut(what, "\n")
	o.t.Errorf("%s: %s\n%s%s", o.line, headline, o.story(), strings.TrimRight(details, "\n"))
}

// story is what was given and what was asked.
func (o *Outcome[C, E, S]) story() string {
	var b strings.Builder
	label := "given"
	for _, e := range o.given {
		fmt.Fprintf(&b, "  %-5s  %s\n", label, showEvent(o.decider.Topic, e))
		label = ""
	}
	if len(o.given) == 0 {
		fmt.Fprintf(&b, "  %-5s  nothing\n", label)
	}
	fmt.Fprintf(&b, "  %-5s  %s\n", "when", value.Show(o.command))
	return b.String()
}

// compareEvents fails unless the decided events are the wanted ones.
func (o *Outcome[C, E, S]) compareEvents(want []E) {
	o.t.Helper()
	pairs := align(want, o.events, func(a, b E) bool { return value.Difference(a, b) == "" })
	var diffs strings.Builder
	same := true
	for _, p := range pairs {
		same = same && p.same
		if !p.same && p.want >= 0 && p.got >= 0 {
			fmt.Fprintf(&diffs, "  event %d, difference (- want, + got):\n%s\n", p.want+1, indent(value.Difference(want[p.want], o.events[p.got])))
		}
	}
	if !same {
		o.fail("other events were decided\n" + o.sides(want, o.events) + diffs.String())
	}
}

// sides is the wanted and the decided events, side by side.
func (o *Outcome[C, E, S]) sides(want, got []E) string {
	var rows []row
	for _, p := range align(want, got, func(a, b E) bool { return value.Difference(a, b) == "" }) {
		r := row{mark: differs}
		if p.same {
			r.mark = " "
		}
		if p.want >= 0 {
			r.want = showEvent(o.decider.Topic, want[p.want])
		} else {
			r.mark = extra
		}
		if p.got >= 0 {
			r.got = showEvent(o.decider.Topic, got[p.got])
		} else {
			r.mark = missing
		}
		rows = append(rows, r)
	}
	return columns(rows)
}

// Marks of a row.
const (
	differs = "≠"
	extra   = "+"
	missing = "-"
)

// row is one line of two columns.
type row struct{ mark, want, got string }

// widest is how many characters of a column are shown; the difference below
// shows the rest.
const widest = 60

// columns lays out rows side by side.
func columns(rows []row) string {
	width := len("want")
	for i := range rows {
		rows[i].want, rows[i].got = clip(rows[i].want), clip(rows[i].got)
		width = max(width, utf8.RuneCountInString(rows[i].want))
	}
	var b strings.Builder
	line := func(mark, l, r string) {
		pad := strings.Repeat(" ", width-utf8.RuneCountInString(l))
		b.WriteString(strings.TrimRight("  "+mark+" "+l+pad+"  | "+r, " ") + "\n")
	}
	line(" ", "want", "got")
	for _, r := range rows {
		line(r.mark, r.want, r.got)
	}
	return b.String()
}

func clip(s string) string {
	if utf8.RuneCountInString(s) <= widest {
		return s
	}
	return string([]rune(s)[:widest-1]) + "…"
}

// pair is what stands beside what; -1 is nothing.
type pair struct {
	want, got int
	same      bool
}

// align puts equal elements beside one another, as many as can be in order, and
// what is between them side by side.
func align[T any](want, got []T, equal func(T, T) bool) []pair {
	common := inCommon(want, got, equal)
	var pairs []pair
	i, j := 0, 0
	for w, g := 0, 0; ; {
		switch {
		case w == len(want) || g == len(got):
			return append(pairs, between(i, len(want), j, len(got))...)
		case equal(want[w], got[g]):
			pairs = append(pairs, between(i, w, j, g)...)
			pairs = append(pairs, pair{want: w, got: g, same: true})
			w, g = w+1, g+1
			i, j = w, g
		case common[w+1][g] >= common[w][g+1]:
			w++
		default:
			g++
		}
	}
}

// inCommon says at [i][j] how many of want[i:] and got[j:] can be put in pairs.
func inCommon[T any](want, got []T, equal func(T, T) bool) [][]int {
	common := make([][]int, len(want)+1)
	for i := range common {
		common[i] = make([]int, len(got)+1)
	}
	for i := len(want) - 1; i >= 0; i-- {
		for j := len(got) - 1; j >= 0; j-- {
			common[i][j] = max(common[i+1][j], common[i][j+1])
			if equal(want[i], got[j]) {
				common[i][j] = common[i+1][j+1] + 1
			}
		}
	}
	return common
}

// between puts want[w:wantEnd] and got[g:gotEnd] side by side.
func between(w, wantEnd, g, gotEnd int) []pair {
	var pairs []pair
	for w < wantEnd || g < gotEnd {
		p := pair{want: -1, got: -1}
		if w < wantEnd {
			p.want = w
			w++
		}
		if g < gotEnd {
			p.got = g
			g++
		}
		pairs = append(pairs, p)
	}
	return pairs
}

// showEvent is an event as it is stored, if it can be.
func showEvent[E any](topic *stream.Topic[E], e E) string {
	if topic == nil {
		return value.Show(e)
	}
	rec, err := topic.Encode(e)
	if err != nil || !json.Valid(rec.Data) {
		return strings.TrimSpace(rec.Type + " " + value.Show(e))
	}
	return rec.Type + " " + string(rec.Data)
}

func refusal(err error) string { return fmt.Sprintf("  got error  %v  (%T)\n", err, err) }

func indent(s string) string {
	return "    " + strings.ReplaceAll(strings.TrimRight(s, "\n"), "\n", "\n    ")
}
