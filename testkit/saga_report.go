package testkit

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/thaw-go/thaw/aggregate"
	"github.com/thaw-go/thaw/stream"
	"github.com/thaw-go/thaw/testkit/internal/value"
	"github.com/thaw-go/thaw/testkit/marble"
)

// sent, timed and untimed are effects as specifications compare and show them.
type (
	sent struct {
		To      stream.ID
		Command any
	}
	timed struct {
		Timer string
		Wait  time.Duration
	}
	untimed struct{ Timer string }
)

func (s sent) String() string    { return fmt.Sprintf("send %s to %s", value.Show(s.Command), s.To) }
func (s timed) String() string   { return aggregate.After(s.Wait, s.Timer).String() }
func (s untimed) String() string { return aggregate.Cancel(s.Timer).String() }

// Sent is, for a Then, the effect that gives an instance of a topic any command
// that a matcher accepts, such as [OfType] or [Where]:
//
//	Then(testkit.Sent(invoices, "1", testkit.OfType[Issue]()))
func Sent[E any](topic *stream.Topic[E], key string, command marble.Matcher) aggregate.Effect {
	return aggregate.Effect{Kind: aggregate.SendCommand, Topic: topic.Name(), Key: key, Command: command}
}

// sentAny is a command that a matcher accepts.
type sentAny struct {
	to      stream.ID
	command marble.Matcher
}

func (s sentAny) String() string { return fmt.Sprintf("send %s to %s", textOf(s.command), s.to) }

// Match says why an effect is not the wanted one.
func (s sentAny) Match(got any) error {
	effect, ok := got.(sent)
	switch {
	case !ok:
		return fmt.Errorf("no command, but %s", textOf(got))
	case effect.To != s.to:
		return fmt.Errorf("to %s, not to %s", effect.To, s.to)
	}
	return s.command.Match(effect.Command)
}

// asked is what is compared of an effect.
func asked(e aggregate.Effect) any {
	switch e.Kind {
	case aggregate.SendCommand:
		if m, ok := e.Command.(marble.Matcher); ok {
			return sentAny{stream.ID{Topic: e.Topic, Key: e.Key}, m}
		}
		return sent{stream.ID{Topic: e.Topic, Key: e.Key}, e.Command}
	case aggregate.SetTimer:
		return timed{e.Timer, e.Wait}
	case aggregate.CancelTimer:
		return untimed{e.Timer}
	}
	return e
}

func allAsked(effects []aggregate.Effect) (list []any) {
	for _, e := range effects {
		list = append(list, asked(e))
	}
	return list
}

// effectText is an effect in words, for legends.
func effectText(e aggregate.Effect) string { return textOf(asked(e)) }

// logEntry is an event of a log as specifications compare and show it.
type logEntry struct {
	Stream stream.ID
	Type   string
	Data   any // as its JSON has it, or else its bytes as text
}

func logged(r stream.Record) logEntry {
	e := logEntry{Stream: r.Stream, Type: r.Type}
	d := json.NewDecoder(bytes.NewReader(r.Data))
	d.UseNumber() // a float64 takes some whole numbers for one another
	if !json.Valid(r.Data) || d.Decode(&e.Data) != nil {
		e.Data = string(r.Data)
	}
	return e
}

// loggedOf are the events of happenings.
func loggedOf(happenings []Happening) (list []any, err error) {
	for _, h := range happenings {
		if h.err != nil {
			return nil, h.err
		}
		for _, r := range h.records {
			r.Stream = h.id
			list = append(list, logged(r))
		}
	}
	return list, nil
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
	if s, ok := v.(fmt.Stringer); ok {
		return s.String()
	}
	return value.Show(v)
}

func wishPoints(list []wish) (points []marble.Point) {
	for _, w := range list {
		points = append(points, marble.Point{At: w.at, Kind: marble.Event, Value: asked(w.effect)})
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

// fail reports what is no difference between lanes.
func (p *sagaPlay[E, S]) fail(line, what string) {
	p.script.t.Helper()
	p.failAs(line, p.script.name(), what)
}

func (p *sagaPlay[E, S]) failAs(line, title, what string) {
	p.script.t.Helper()
	if p.stage == nil {
		tell(p.script.t, "%s: %s: %s", line, title, what)
		return
	}
	c := newChart(p.stage, p.records, nil, nil, wishPoints(p.wishes()))
	c.story(p.script.t, line, title, what, "wanted", p.stage.failure(p.script.from))
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
