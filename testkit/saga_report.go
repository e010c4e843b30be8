package testkit

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/thaw-go/thaw/aggregate"
	"github.com/thaw-go/thaw/stream"
	"github.com/thaw-go/thaw/testkit/internal/value"
	"github.com/thaw-go/thaw/testkit/marble"
)

// effectText is an effect in words, for legends.
func effectText(e aggregate.Effect) string {
	if e.Kind == aggregate.SendCommand {
		return fmt.Sprintf("send %s to %s/%s", value.Show(e.Command), e.Topic, e.Key)
	}
	return e.String()
}

// logEntry is an event of a log as specifications compare and show it.
type logEntry struct {
	Stream stream.ID
	Type   string
	Data   any // as its JSON has it, or else its bytes as text
}

func logged(r stream.Record) logEntry {
	e := logEntry{Stream: r.Stream, Type: r.Type}
	if json.Unmarshal(r.Data, &e.Data) != nil {
		e.Data = string(r.Data)
	}
	return e
}

func (e logEntry) String() string {
	text, err := json.Marshal(e.Data)
	if err != nil {
		return fmt.Sprintf("%s %s %v", e.Stream, e.Type, e.Data)
	}
	return fmt.Sprintf("%s %s %s", e.Stream, e.Type, text)
}

// textOf is what a legend says of a value.
func textOf(v any) string {
	switch v := v.(type) {
	case aggregate.Effect:
		return effectText(v)
	case fmt.Stringer:
		return v.String()
	}
	return value.Show(v)
}

func wishPoints(list []wish) (points []marble.Point) {
	for _, w := range list {
		points = append(points, marble.Point{At: w.at, Kind: marble.Event, Value: w.effect})
	}
	return points
}

func pointValues(points []marble.Point) (list []any) {
	for _, p := range points {
		list = append(list, p.Value)
	}
	return list
}

// chart is what was wanted and what came, below the log.
type chart struct {
	around    []marble.Lane
	want, got marble.Lane
	names     marble.Names
	last      time.Duration // where what was wanted last stands
}

// newChart lays out what came, and above it what was wanted, which says no times:
// what is the same stands at the same place. What came before is on both sides.
func newChart(s *stage, records []stream.Record, before []marble.Point, want []any, got []marble.Point, from int) *chart {
	c := &chart{around: []marble.Lane{s.lane(records)}, last: s.scenes[from].at}
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
// as many as possible are in order, or with what came in its place.
func placed(want []any, got []marble.Point, from time.Duration) []time.Duration {
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
	places := make([]time.Duration, len(want))
	at := from
	for i, j := 0, 0; i < len(want); {
		if j < len(got) {
			at = got[j].At
		}
		places[i] = at
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
	differences := marble.Compare(c.want, c.got)
	if len(differences) == 0 {
		return false
	}
	c.name()
	differences = marble.Compare(c.want, c.got) // now with the names
	c.want.Name = title
	text := marble.Report(stageTick, c.around, c.want, c.got, differences, c.names.Legend()...)
	t.Errorf("%s: %s%s", line, text, c.rest(text))
	return true
}

// name gives everything its letter.
func (c *chart) name() {
	for _, l := range append(c.around[:len(c.around):len(c.around)], c.got, c.want) {
		for i := range l.Points {
			if p := &l.Points[i]; p.Kind == marble.Event {
				p.Name = c.names.Of(p.Value, textOf(p.Value))
			}
		}
	}
	end := c.around[0].End
	for i := range c.around {
		c.around[i].End = end
	}
	c.want.End, c.got.End = end, end
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

// fail reports what is no difference between lanes.
func (p *sagaPlay[E, S]) fail(line, what string) {
	p.script.t.Helper()
	p.failAs(line, p.script.name(), what)
}

func (p *sagaPlay[E, S]) failAs(line, title, what string) {
	p.script.t.Helper()
	text := ""
	if p.stage != nil {
		got := p.wishes()
		c := newChart(p.stage, p.records, nil, nil, wishPoints(got), 0)
		if f := p.failure(); f != nil {
			c.got.Points = append(c.got.Points, marble.Point{At: f.at, Kind: marble.Failed, Value: f.err})
			text = fmt.Sprintf("\n  #  %v", f.err)
		}
		c.name()
		c.got.Name = "wanted"
		trace := marble.Trace{Tick: stageTick, Lanes: append(c.around, c.got), Names: c.names.Legend()}
		text = "\n" + indent2(trace.Text()) + text
	}
	p.script.t.Errorf("%s: %s: %s%s", line, title, strings.TrimRight(what, "\n"), text)
}

func indent2(s string) string {
	return "  " + strings.ReplaceAll(strings.TrimRight(s, "\n"), "\n", "\n  ")
}
