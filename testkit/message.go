package testkit

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/thaw-go/thaw/stream"
	"github.com/thaw-go/thaw/testkit/internal/value"
	"github.com/thaw-go/thaw/testkit/marble"
)

// compare fails unless the wanted came of the command, and reports whether it
// did.
func (o *Outcome[C, E, S]) compare(w wanted, value func(*stream.Event[E]) any) bool {
	o.t.Helper()
	want, got := o.want(w, value), o.got(value)
	if len(compare(want, got)) == 0 {
		return true
	}
	for i := range want.Points { // what is matched has the letter of what matches it
		if m, ok := want.Points[i].Value.(marble.Matcher); ok && i < len(got.Points) && m.Match(got.Points[i].Value) == nil {
			want.Points[i].Value = got.Points[i].Value
		}
	}
	names := &marble.Names{}
	want, got = o.named(names, want), o.named(names, got)
	want.Name += ": " + o.verdict(w)
	o.report(nil, want, got, names)
	return false
}

// verdict is what is wrong, in a word: the lanes show the rest.
func (o *Outcome[C, E, S]) verdict(w wanted) string {
	calls := o.ran.calls
	refused := calls[0].refused != nil
	switch {
	case refused && w.refusal == nil:
		return "the command was refused"
	case !refused && w.refusal != nil:
		return "the command was accepted"
	case refused:
		return "the command was refused for another reason"
	case calls[0].again && calls[0].end > o.ran.before, len(calls) > 1 && calls[1].end > calls[0].end:
		return "the command took effect twice"
	case w.n == 0:
		return "something was decided"
	}
	return "something else was decided"
}

// compareState fails unless the state is the wanted one, or is matched.
func (o *Outcome[C, E, S]) compareState(want any) {
	o.t.Helper()
	stream := o.got(payload[E])
	at := max(specTick, stream.End-specTick)
	stream.End = at + specTick
	lane := func(v any) marble.Lane {
		name := "" // values are compared, but for a nil of an interface type, which is none
		if v == nil {
			name = "nil"
		}
		return marble.Lane{Name: o.ran.name() + ": the state is another", End: stream.End, Points: []marble.Point{
			{Kind: marble.Subscribe}, {At: at, Kind: marble.Event, Name: name, Value: v},
		}}
	}
	wanted, got := lane(want), lane(o.ran.state)
	if len(compare(wanted, got)) == 0 {
		return
	}
	names := &marble.Names{}
	stream = o.named(names, stream)
	wanted.Points[1].Name = names.Of(want, showState(want))
	got.Points[1].Name = names.Of(o.ran.state, showState(o.ran.state))
	o.report([]marble.Lane{stream}, wanted, got, names)
}

func showState(v any) string {
	if s, ok := v.(marble.Matcher); ok {
		return fmt.Sprint(s)
	}
	return value.Show(v)
}

// compare is the kit's one comparer.
var compare = marble.Compare

// report fails the test over two lanes that differ.
func (o *Outcome[C, E, S]) report(around []marble.Lane, want, got marble.Lane, names *marble.Names) {
	o.t.Helper()
	legend := o.legend(names)
	text := marble.Report(specTick, around, want, got, compare(want, got), legend...)
	for _, n := range legend {
		if !uses(n.Letter, want, got) && uses(n.Letter, around...) {
			text += fmt.Sprintf("\n  %s  %s", n.Letter, n.Text)
		}
	}
	tell(o.t, "%s: %s\n  %s", o.at, text, o.asked())
	title := want.Name
	want.Name, got.Name = "want", "got"
	leaveTrace(o.t, o.at.String(), marble.Trace{Title: title, Tick: specTick, Lanes: append(around, want, got), Names: legend})
}

func uses(letter string, lanes ...marble.Lane) bool {
	for _, l := range lanes {
		for _, p := range l.Points {
			if p.Name == letter || p.Kind == marble.Failed && letter == "#" {
				return true
			}
		}
	}
	return false
}

// fail reports what no two lanes show.
func (o *Outcome[C, E, S]) fail(what string) {
	o.t.Helper()
	headline, more, _ := strings.Cut(what, "\n")
	tell(o.t, "%s: %s\n%s", o.at, headline, strings.TrimRight(o.story()+more, "\n"))
	leaveTrace(o.t, o.at.String(), o.Trace())
}

// story is what happened, as far as it got.
func (o *Outcome[C, E, S]) story() string {
	lanes, legend, _ := strings.Cut(o.Trace().Text(), "\n\n")
	return strings.TrimRight(lanes+"\n"+legend, "\n") + "\n  " + o.asked() + "\n"
}

// showEvent is an event as it is stored, if it can be.
func showEvent[E any](topic *stream.Topic[E], e E) string {
	if topic == nil {
		return value.Show(e)
	}
	rec, err := encode(topic, e)
	if err != nil || !json.Valid(rec.Data) {
		return strings.TrimSpace(rec.Type + " " + value.Show(e))
	}
	return rec.Type + " " + showSealed(string(rec.Data))
}

func indent(s string) string {
	return "    " + strings.ReplaceAll(strings.TrimRight(s, "\n"), "\n", "\n    ")
}
