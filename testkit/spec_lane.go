package testkit

import (
	"fmt"
	"time"

	"github.com/thaw-go/thaw/stream"
	"github.com/thaw-go/thaw/testkit/internal/value"
	"github.com/thaw-go/thaw/testkit/marble"
)

// specTick is what a token takes in the lane of a specification, which says in
// what order things happened and not how long they took.
const specTick = time.Millisecond

// wanted is what is to come of a command: events or a refusal.
type wanted struct {
	n       int
	value   func(i int) any // of the i-th event: what it is, or a matcher
	refusal any             // an error or a matcher
}

// payload and withHeader say what of an event is compared.
func payload[E any](e *stream.Event[E]) any    { return e.Data }
func withHeader[E any](e *stream.Event[E]) any { return e }

// pen writes the points of a lane, one behind the other.
type pen struct {
	lane   marble.Lane
	at     time.Duration
	passed time.Duration // how much time the specification had let pass by then
	group  int           // of the last event
}

// event writes an event; those of one group share a tick. Each waits for the
// time that the specification has let pass before it.
func (p *pen) event(v any, group int, passed time.Duration) {
	if p.group != group {
		p.at += specTick + passed - p.passed
		p.group, p.passed = group, passed
	}
	p.lane.Points = append(p.lane.Points, marble.Point{At: p.at, Kind: marble.Event, Append: group, Value: v})
}

func (p *pen) token(kind marble.Kind, v any) {
	p.at += specTick
	p.group = 0
	p.lane.Points = append(p.lane.Points, marble.Point{At: p.at, Kind: kind, Value: v})
}

// again writes events that were returned and not stored.
func (p *pen) again(list ...any) {
	p.at += specTick
	p.group = 0
	for _, v := range list {
		p.lane.Points = append(p.lane.Points, marble.Point{At: p.at, Kind: marble.Event, Again: true, Value: v})
	}
}

// past begins a lane: history up to ^, at which it is zero, and what another
// writer did meanwhile.
func (o *Outcome[C, E, S]) past(value func(*stream.Event[E]) any) *pen {
	r := o.ran
	p := &pen{lane: marble.Lane{Name: r.name()}}
	n := min(r.before, len(r.events))
	for i, e := range r.events[:n] {
		p.event(o.valueOf(e, value), r.groups[i], r.waited[i])
	}
	p.at += r.passed - p.passed
	p.passed = r.passed
	p.token(marble.Subscribe, nil)
	for i := range p.lane.Points {
		p.lane.Points[i].At -= p.at
	}
	p.at = 0
	for i := n; i < min(n+len(o.command.meanwhile), len(r.events)); i++ {
		p.event(o.valueOf(r.events[i], value), r.groups[i], r.passed)
	}
	return p
}

func (o *Outcome[C, E, S]) valueOf(e specEvent[E], value func(*stream.Event[E]) any) any {
	if e.event == nil {
		return stream.Raw{Type: e.rec.Type, Schema: e.rec.Schema, Data: e.rec.Data}
	}
	return value(e.event)
}

// got is the lane of what happened.
func (o *Outcome[C, E, S]) got(value func(*stream.Event[E]) any) marble.Lane {
	r, p := o.ran, o.past(value)
	from := r.before + len(o.command.meanwhile)
	for _, call := range r.calls {
		for i := from; i < min(call.end, len(r.events)); i++ {
			p.event(o.valueOf(r.events[i], value), r.groups[i], r.passed)
		}
		if call.refused != nil {
			p.token(marble.Failed, call.refused)
		}
		if events := call.result.Events; len(events) > 0 && int(events[0].Version) <= from {
			var list []any
			for _, e := range events {
				list = append(list, value(e))
			}
			p.again(list...)
		}
		from = max(from, call.end)
	}
	return p.end()
}

// want is the lane of what was to happen.
func (o *Outcome[C, E, S]) want(w wanted, value func(*stream.Event[E]) any) marble.Lane {
	p := o.past(value)
	list := make([]any, w.n)
	for i := range list {
		list[i] = w.value(i)
	}
	for i, call := range o.ran.calls {
		switch {
		case w.refusal != nil:
			p.token(marble.Failed, w.refusal)
		case w.n == 0:
		case i > 0 || call.again:
			p.again(list...)
		default:
			for _, v := range list {
				p.event(v, len(o.ran.groups)+1, o.ran.passed)
			}
		}
	}
	return p.end()
}

func (p *pen) end() marble.Lane {
	p.lane.End = p.at + specTick
	return p.lane
}

// named gives the events of a lane their letters.
func (o *Outcome[C, E, S]) named(names *marble.Names, lane marble.Lane) marble.Lane {
	for i := range lane.Points {
		p := &lane.Points[i]
		if p.Kind != marble.Event {
			continue
		}
		v := p.Value
		if e, ok := v.(*stream.Event[E]); ok {
			v = e.Data
		}
		p.Name = names.Of(v, o.text(v, i))
	}
	return lane
}

// text is what the legend says of a value that is the i-th point of its lane.
func (o *Outcome[C, E, S]) text(v any, i int) string {
	switch v := v.(type) {
	case marble.Matcher:
		return fmt.Sprint(v)
	case E:
		text := showEvent(o.ran.decider.Topic, v)
		if i >= o.ran.before {
			return text
		}
		rec := o.ran.events[i].rec
		if now := o.ran.decider.Topic.Event(specKey, v).Schema; rec.Schema < now {
			text += fmt.Sprintf("  stored in schema %d: %s", rec.Schema, rec.Data)
		}
		return text
	case stream.Raw:
		return fmt.Sprintf("%s %s  (the topic passes over it)", v.Type, v.Data)
	}
	return value.Show(v)
}

// legend is what the letters stand for, and a refusal.
func (o *Outcome[C, E, S]) legend(names *marble.Names) []marble.Name {
	list := names.Legend()
	for _, call := range o.ran.calls {
		if call.refused != nil {
			return append(list, marble.Name{Letter: "#", Text: fmt.Sprintf("%v  (%T)", call.refused, call.refused)})
		}
	}
	return list
}

// asked is what was asked, in words.
func (o *Outcome[C, E, S]) asked() string {
	text := "when  " + value.Show(o.command.Data)
	if o.command.twice {
		text += ", twice"
	}
	return text
}
