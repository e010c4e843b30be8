package testkit

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/thaw-go/thaw/aggregate"
	"github.com/thaw-go/thaw/stream"
	"github.com/thaw-go/thaw/testkit/internal/value"
	"github.com/thaw-go/thaw/testkit/marble"
)

// tries are the calls of Do from a scene on.
func (p *adapterPlay[E]) tries(from int) []doing {
	i := slices.IndexFunc(p.attempts, func(a doing) bool { return a.scene >= from })
	if i < 0 {
		return nil
	}
	return p.attempts[i:]
}

// done are those of them without an error.
func (p *adapterPlay[E]) done(from int) []doing {
	return slices.DeleteFunc(slices.Clone(p.tries(from)), func(a doing) bool { return a.err != nil })
}

// points are attempts as they are drawn.
func (p *adapterPlay[E]) points(list []doing) (points []marble.Point) {
	for _, a := range list {
		points = append(points, marble.Point{At: a.at, Kind: marble.Event, Value: p.event(a.position), Note: fmt.Sprintf("position %d", a.position)})
	}
	return points
}

// event is what the log has at a position.
func (p *adapterPlay[E]) event(at stream.Position) any {
	for _, r := range p.records {
		if r.Position == at {
			return logged(r)
		}
	}
	return fmt.Sprintf("event %d, which the log does not have", at)
}

// chart is what was done, below the log and, if some failed, below all attempts.
func (p *adapterPlay[E]) chart(before []doing, want []any, got []doing) *chart {
	c := newChart(p.stage, p.records, p.points(before), want, p.points(got))
	if slices.ContainsFunc(p.attempts, func(a doing) bool { return a.err != nil }) {
		c.around = append(c.around, marble.Lane{Name: "tried", Points: p.points(p.attempts)})
	}
	return c
}

// compareDone fails the test unless these events were done.
func (p *adapterPlay[E]) compareDone(line string, happenings []Happening) {
	p.script.t.Helper()
	want, err := loggedOf(happenings)
	if err != nil {
		p.fail(line, err.Error())
		return
	}
	all, got := p.done(0), p.done(p.script.from)
	c := p.chart(all[:len(all)-len(got)], want, got)
	if f := p.stage.failure(p.script.from); f != nil {
		c.got.Points = append(c.got.Points, marble.Point{At: f.at, Kind: marble.Failed, Value: f.err})
	}
	c.report(p.script.t, line, p.title())
}

// compareLog fails the test unless these events were appended.
func (p *adapterPlay[E]) compareLog(line string, happenings []Happening) {
	p.script.t.Helper()
	compareAppended(p.script.t, p.stage, p.records, p.script.from, happenings, line, p.title())
}

// compareParked fails the test unless these events are parked.
func (p *adapterPlay[E]) compareParked(line string, want []aggregate.Parked) {
	p.script.t.Helper()
	got := parkedAs(p.parked, want)
	if diff := value.Difference(slices.Clone(want), got); diff != "" {
		p.fail(line, fmt.Sprintf("other events are parked\n  difference (- want, + got):\n%s", indent(diff)))
	}
}

// parkedAs leaves out what is not compared.
func parkedAs(list, want []aggregate.Parked) []aggregate.Parked {
	list = slices.Clone(list)
	for i := range list {
		if i >= len(want) || want[i].Position == 0 {
			list[i].Position = 0
		}
		if i >= len(want) || want[i].Since.IsZero() {
			list[i].Since = time.Time{}
		}
	}
	return list
}

// parkedPlaces says which events are parked, whatever was said of them.
func parkedPlaces(list []aggregate.Parked) (places []string) {
	for _, e := range list {
		places = append(places, fmt.Sprintf("event %d of %s, %s", e.Position, e.Stream, e.Type))
	}
	return places
}

func parkedText(list []aggregate.Parked) string {
	if len(list) == 0 {
		return " nothing"
	}
	var b strings.Builder
	for _, e := range list {
		fmt.Fprintf(&b, "\n  event %d of %s, %s: %s (%d attempts)", e.Position, e.Stream, e.Type, e.Err, e.Attempts)
	}
	return b.String()
}

// proves fails the test unless a run with a crash came to the same as p, without,
// but for one event that may be done twice.
func (p *adapterPlay[E]) proves(c *adapterPlay[E], line string) bool {
	t := p.script.t
	t.Helper()
	where := fmt.Sprintf("%s, %s", p.title(), p.stage.crashPlace(c.crashAt))
	was, is := p.stage.failure(0), c.stage.failure(0)
	switch {
	case c.fault != nil:
		c.failAs(line, where, c.fault.Error())
		return false
	case was == nil && is != nil:
		c.failAs(line, where, fmt.Sprintf("its run fails: %v", is.err))
		return false
	case !onceButOne(p.done(0), c.done(0)):
		x := c.chart(nil, pointValues(p.points(p.done(0))), c.done(0))
		if x.report(t, line, where+": more than one event was done again, or one not at all") {
			return false
		}
	}
	all := len(p.stage.scenes)
	x := newChart(c.stage, c.records, nil, pointValues(p.stage.appended(p.records, 0, all)), c.stage.appended(c.records, 0, all))
	if x.report(t, line, where+", in the log") {
		return false
	}
	if diff := value.Difference(parkedPlaces(p.parked), parkedPlaces(c.parked)); diff != "" {
		c.failAs(line, where, fmt.Sprintf("other events are parked than without the crash\n  difference (- without, + with it):\n%s", indent(diff)))
		return false
	}
	return true
}

// onceButOne reports whether the same was done in the same order, with at most
// one event again.
func onceButOne(want, got []doing) bool {
	same := func(a, b doing) bool { return a.position == b.position }
	if slices.EqualFunc(want, got, same) {
		return true
	}
	seen := map[stream.Position]bool{}
	for i, a := range got {
		if seen[a.position] && slices.EqualFunc(want, slices.Delete(slices.Clone(got), i, i+1), same) {
			return true
		}
		seen[a.position] = true
	}
	return false
}

func (p *adapterPlay[E]) title() string {
	if p.name == "" {
		return "the adapter"
	}
	return "adapter " + p.name
}

// fail reports what is no difference between lanes.
func (p *adapterPlay[E]) fail(line, what string) {
	p.script.t.Helper()
	p.failAs(line, p.title(), what)
}

func (p *adapterPlay[E]) failAs(line, title, what string) {
	p.script.t.Helper()
	if p.stage == nil {
		tell(p.script.t, "%s: %s: %s", line, title, what)
		return
	}
	p.chart(nil, nil, p.done(0)).story(p.script.t, line, title, what, "done", p.stage.failure(p.script.from))
}
