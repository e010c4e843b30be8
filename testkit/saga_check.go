package testkit

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/thaw-go/thaw/aggregate"
	"github.com/thaw-go/thaw/testkit/internal/value"
	"github.com/thaw-go/thaw/testkit/marble"
)

// wishes is what the saga wanted, in order, of all scenes.
func (p *sagaPlay[E, S]) wishes() (list []wish) {
	for _, t := range p.turns {
		for _, e := range t.effects {
			list = append(list, wish{e, t.at, t.scene})
		}
	}
	return list
}

// effects is what the saga wanted of the scenes that no Then has spoken of.
func (p *sagaPlay[E, S]) effects() []wish { return unspoken(p.wishes(), p.script.from) }

func unspoken(list []wish, from int) []wish {
	i := slices.IndexFunc(list, func(w wish) bool { return w.scene >= from })
	if i < 0 {
		return nil
	}
	return list[i:]
}

// compareEffects fails the test unless the saga wanted these effects, and its run
// ended with that error.
func (p *sagaPlay[E, S]) compareEffects(line string, want []aggregate.Effect, with error) {
	p.script.t.Helper()
	all := p.wishes()
	got := unspoken(all, p.script.from)
	c := newChart(p.stage, p.records, wishPoints(all[:len(all)-len(got)]), allAsked(want), wishPoints(got))
	if f := p.stage.failure(p.script.from); f != nil {
		c.got.Points = append(c.got.Points, marble.Point{At: f.at, Kind: marble.Failed, Value: f.err})
	}
	if with != nil {
		at := c.last
		if f := p.stage.failure(p.script.from); f != nil {
			at = f.at
		}
		c.want.Points = append(c.want.Points, marble.Point{At: at, Kind: marble.Failed, Value: with})
	}
	c.report(p.script.t, line, p.script.name())
}

// compareLog fails the test unless these events were appended.
func (p *sagaPlay[E, S]) compareLog(line string, happenings []Happening) {
	p.script.t.Helper()
	compareAppended(p.script.t, p.stage, p.records, p.script.from, happenings, line, p.script.name())
}

// compareState fails the test unless an instance has this state.
func (p *sagaPlay[E, S]) compareState(line, instance string, want S) {
	p.script.t.Helper()
	text, known := p.states[instance]
	if !known {
		p.fail(line, fmt.Sprintf("there is no instance %q, want its state; there are: %s", instance, strings.Join(slices.Sorted(maps.Keys(p.states)), ", ")))
		return
	}
	var got S
	if err := json.Unmarshal(text, &got); err != nil {
		p.fail(line, fmt.Sprintf("read the state of %q: %v", instance, err))
		return
	}
	if diff := value.Difference(want, got); diff != "" {
		p.fail(line, fmt.Sprintf("the state of %q is another\n  difference (- want, + got):\n%s", instance, indent(diff)))
	}
}

// proves fails the test unless a run with a crash came to the same as p, without.
func (p *sagaPlay[E, S]) proves(c *sagaPlay[E, S], line string) bool {
	t := p.script.t
	t.Helper()
	where := fmt.Sprintf("%s, %s", p.script.name(), p.stage.crashPlace(c.crashAt))
	if c.fault != nil {
		c.failAs(line, where, c.fault.Error())
		return false
	}
	all := len(p.stage.scenes)
	for _, side := range []struct {
		what      string
		want, got []marble.Point
	}{
		{"", wishPoints(p.delivered), wishPoints(c.delivered)},
		{"", wishPoints(p.wishes()), wishPoints(c.wishes())},
		{", in the log", p.stage.appended(p.records, 0, all), c.stage.appended(c.records, 0, all)},
	} {
		if x := newChart(c.stage, c.records, nil, pointValues(side.want), side.got); x.report(t, line, where+side.what) {
			return false
		}
	}
	was, is := p.stage.failure(p.script.from), c.stage.failure(p.script.from)
	switch {
	case was == nil && is != nil:
		c.failAs(line, where, fmt.Sprintf("its run fails: %v", is.err))
	case was != nil && is == nil:
		c.failAs(line, where, fmt.Sprintf("its run does not fail any more: without the crash it fails with %v", was.err))
	default:
		return p.sameStates(c, line, where)
	}
	return false
}

// sameStates fails the test unless all instances are in the same states as in p.
func (p *sagaPlay[E, S]) sameStates(c *sagaPlay[E, S], line, where string) bool {
	p.script.t.Helper()
	for _, instance := range slices.Sorted(maps.Keys(p.states)) {
		var was, is S
		if err := errors.Join(json.Unmarshal(p.states[instance], &was), json.Unmarshal(c.states[instance], &is)); err != nil {
			c.failAs(line, where, fmt.Sprintf("read the state of %q: %v", instance, err))
			return false
		}
		if diff := value.Difference(was, is); diff != "" {
			c.failAs(line, where, fmt.Sprintf("the state of %q is another than without the crash\n  difference (- without, + with it):\n%s", instance, indent(diff)))
			return false
		}
	}
	return true
}

func wishPoints(list []wish) (points []marble.Point) {
	for _, w := range list {
		points = append(points, marble.Point{At: w.at, Kind: marble.Event, Value: asked(w.effect)})
	}
	return points
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
