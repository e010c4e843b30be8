package testkit

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/thaw-go/thaw/stream"
	"github.com/thaw-go/thaw/testkit/internal/value"
	"github.com/thaw-go/thaw/testkit/marble"
)

// chart is what was wanted and what came, below the log.
type chart struct {
	around    []marble.Lane
	want, got marble.Lane
	last      time.Duration // where what was wanted last stands
	names     marble.Names
	values    []chartValue
}

// chartValue is what a letter stands for.
type chartValue struct {
	value  any
	letter string
}

// newChart lays out what came, and above it what was wanted, which says no times:
// what is the same stands at the same place. What came before is on both sides.
func newChart(s *stage, records []stream.Record, before []marble.Point, want []any, got []marble.Point) *chart {
	c := &chart{around: []marble.Lane{s.lane(records)}, last: s.until}
	if s.world.crashAt > 0 {
		c.around = append(c.around, marble.Lane{Name: "run", Points: []marble.Point{
			{Kind: marble.Subscribe}, {At: s.crashed, Kind: marble.Crash}, {At: s.crashed, Kind: marble.Subscribe},
		}})
	}
	c.got.Points = append(append(c.got.Points, before...), got...)
	c.want.Points = append(c.want.Points, before...)
	places := placed(want, got, c.last)
	for i, v := range want {
		c.last = places[i]
		c.want.Points = append(c.want.Points, marble.Point{At: c.last, Kind: marble.Event, Value: v})
	}
	return c
}

// placed is where each wanted value stands: with what it is the same as, so that
// as many as possible are in order, or with what came in its place; what did not
// come stands at the end.
func placed(want []any, got []marble.Point, end time.Duration) []time.Duration {
	places := make([]time.Duration, len(want))
	if reordered(want, got) {
		for i := range want {
			places[i] = got[i].At
		}
		return places
	}
	common := make([][]int, len(want)+1) // how many pairs want[i:] and got[j:] have
	for i := range common {
		common[i] = make([]int, len(got)+1)
	}
	for i := len(want) - 1; i >= 0; i-- {
		for j := len(got) - 1; j >= 0; j-- {
			common[i][j] = max(common[i+1][j], common[i][j+1])
			if sameAs(want[i], got[j].Value) {
				common[i][j] = max(common[i][j], common[i+1][j+1]+1)
			}
		}
	}
	for i, j := 0, 0; i < len(want); {
		places[i] = end
		if j < len(got) {
			places[i] = got[j].At
		}
		switch {
		case j == len(got):
			i++
		case sameAs(want[i], got[j].Value), common[i+1][j+1] == common[i][j]: // the same, or in its place
			i, j = i+1, j+1
		case common[i+1][j] == common[i][j]:
			i++
		default:
			j++
		}
	}
	return places
}

// reordered reports whether the same came in whatever order.
func reordered(want []any, got []marble.Point) bool {
	if len(want) != len(got) {
		return false
	}
	left := slices.Clone(got)
	for _, v := range want {
		i := slices.IndexFunc(left, func(p marble.Point) bool { return sameAs(v, p.Value) })
		if i < 0 {
			return false
		}
		left = slices.Delete(left, i, i+1)
	}
	return true
}

func sameAs(want, got any) bool {
	if m, ok := want.(marble.Matcher); ok {
		return m.Match(got) == nil
	}
	return value.Equal(want, got)
}

// report fails the test if what came is not what was wanted, and says whether it
// did.
func (c *chart) report(t *testing.T, line, title string) bool {
	t.Helper()
	differences := compare(c.want, c.got)
	if len(differences) == 0 {
		return false
	}
	c.name()
	differences = compare(c.want, c.got) // now with the names
	c.want.Name = title
	text := marble.Report(stageTick, c.around, c.want, c.got, differences, c.names.Legend()...)
	tell(t, "%s: %s%s", line, text, c.rest(text))
	leave(t, line, stageTick, c.around, c.want, c.got, c.names.Legend())
	return true
}

// name gives everything its letter: events small ones, effects capitals.
func (c *chart) name() {
	end := c.around[0].End
	lanes := []*marble.Lane{}
	for i := range c.around {
		lanes = append(lanes, &c.around[i])
	}
	for _, l := range append(lanes, &c.want, &c.got) {
		l.End = end
		for i := range l.Points {
			if p := &l.Points[i]; p.Kind == marble.Event {
				p.Name = c.letter(p.Value)
			}
		}
	}
}

func (c *chart) letter(v any) string {
	for _, known := range c.values {
		if value.Equal(known.value, v) {
			return known.letter
		}
	}
	letter := ""
	if _, event := v.(logEntry); event {
		letter = c.names.Of(v, textOf(v))
	} else {
		letter = c.capital(v)
	}
	c.values = append(c.values, chartValue{v, letter})
	return letter
}

// capital is a letter that is free: A, B and so on, and then any.
func (c *chart) capital(v any) string {
	for r := 'A'; r <= 'Z'; r++ {
		letter := string(r)
		if !slices.ContainsFunc(c.values, func(known chartValue) bool { return known.letter == letter }) {
			c.names.Set(letter, v, textOf(v))
			return letter
		}
	}
	return c.names.Of(v, textOf(v))
}

// trace is what came, below the log.
func (c *chart) trace(name string, ended *failure) marble.Trace {
	if ended != nil {
		c.got.Points = append(c.got.Points, marble.Point{At: ended.at, Kind: marble.Failed, Value: ended.err})
	}
	c.name()
	c.got.Name = name
	return marble.Trace{Tick: stageTick, Lanes: append(c.around, c.got), Names: c.names.Legend()}
}

// rest is what the legend does not say yet: the letters of the log.
func (c *chart) rest(text string) string {
	var b strings.Builder
	for _, n := range c.names.Legend() {
		if line := fmt.Sprintf("\n  %s  ", n.Letter); !strings.Contains(text, line) {
			b.WriteString(line + n.Text)
		}
	}
	return b.String()
}

func pointValues(points []marble.Point) (list []any) {
	for _, p := range points {
		list = append(list, p.Value)
	}
	return list
}

// story reports what is no difference between lanes, above what happened.
func (c *chart) story(t *testing.T, line, title, what, came string, ended *failure) {
	t.Helper()
	end := ""
	if ended != nil {
		end = fmt.Sprintf("\n  #  %v", ended.err)
	}
	trace := c.trace(came, ended)
	tell(t, "%s: %s: %s\n%s%s", line, title, strings.TrimRight(what, "\n"), shifted(trace.Text()), end)
	trace.Title = title
	leaveTrace(t, line, trace)
}

// compareAppended fails the test unless the process appended these events from a
// scene on.
func compareAppended(t *testing.T, s *stage, records []stream.Record, from int, happenings []Happening, line, title string) {
	t.Helper()
	want, err := loggedOf(happenings)
	if err != nil {
		tell(t, "%s: %s: ThenHappened: %v", line, title, err)
		return
	}
	before, got := s.appended(records, 0, from), s.appended(records, from, len(s.scenes))
	newChart(s, records, before, want, got).report(t, line, title+", in the log")
}

// shifted is a diagram below a sentence, without empty lines.
func shifted(text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		if strings.TrimSpace(line) != "" {
			b.WriteString("  " + line)
		}
	}
	return strings.TrimRight(b.String(), "\n")
}
