package testkit

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/thaw-go/thaw/stream"
	"github.com/thaw-go/thaw/testkit/internal/value"
	"github.com/thaw-go/thaw/testkit/marble"
)

// compare fails unless the wanted came of the command.
func (o *Outcome[C, E, S]) compare(w wanted, value func(*stream.Event[E]) any) {
	o.t.Helper()
	want, got := o.want(w, value), o.got(value)
	if len(compare(want, got)) == 0 {
		return
	}
	names := &marble.Names{}
	got, want = o.named(names, got), o.named(names, want)
	o.report(nil, want, got, names)
}

// compareState fails unless the state is the wanted one, or is matched.
func (o *Outcome[C, E, S]) compareState(want any) {
	o.t.Helper()
	stream := o.got(payload[E])
	at := stream.End - specTick
	lane := func(v any) marble.Lane {
		return marble.Lane{Name: "state", End: stream.End, Points: []marble.Point{
			{Kind: marble.Subscribe}, {At: at, Kind: marble.Event, Value: v},
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
	differences := compare(want, got)
	text := marble.Report(specTick, around, want, got, differences)
	headline, details, _ := strings.Cut(text, "\n")
	o.t.Errorf("%s: %s\n%s%s", o.at, headline, details, legendText(o.legend(names)))
	leaveTrace(o.t, o.at, o.Trace())
}

// fail reports what no two lanes show.
func (o *Outcome[C, E, S]) fail(what, details string) {
	o.t.Helper()
	headline, more, _ := strings.Cut(what, "\n")
	o.t.Errorf("%s: %s\n%s%s", o.at, headline, o.story(), strings.TrimRight(more+details, "\n"))
	leaveTrace(o.t, o.at, o.Trace())
}

// story is what happened, as far as it got.
func (o *Outcome[C, E, S]) story() string { return indent(o.Trace().Text()) + "\n" }

func legendText(list []marble.Name) string {
	var b strings.Builder
	for _, n := range list {
		fmt.Fprintf(&b, "  %s  %s\n", n.Letter, n.Text)
	}
	return strings.TrimRight(b.String(), "\n")
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

func indent(s string) string {
	return "    " + strings.ReplaceAll(strings.TrimRight(s, "\n"), "\n", "\n    ")
}
