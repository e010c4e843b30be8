package testkit

import (
	"bytes"
	"encoding/json"
	"fmt"
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
