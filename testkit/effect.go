package testkit

import (
	"fmt"
	"time"

	"github.com/thaw-go/thaw/aggregate"
	"github.com/thaw-go/thaw/stream"
	"github.com/thaw-go/thaw/testkit/internal/value"
	"github.com/thaw-go/thaw/testkit/marble"
)

// sent, timed and the others are effects as specifications compare and show them.
type (
	sent struct {
		To      stream.ID
		Command any
	}
	timed struct {
		Timer string
		Wait  time.Duration
	}
	dated struct {
		Timer string
		Due   time.Time
	}
	untimed     struct{ Timer string }
	stepped     struct{ Step string }
	compensated struct{}
	completed   struct{}
)

func (s sent) String() string      { return fmt.Sprintf("send %s to %s", value.Show(s.Command), s.To) }
func (s timed) String() string     { return aggregate.After(s.Wait, s.Timer).String() }
func (s dated) String() string     { return aggregate.At(s.Due, s.Timer).String() }
func (s untimed) String() string   { return aggregate.Cancel(s.Timer).String() }
func (s stepped) String() string   { return aggregate.Did(s.Step).String() }
func (compensated) String() string { return aggregate.Compensate().String() }
func (completed) String() string   { return aggregate.Done().String() }

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
		if !e.Due.IsZero() {
			return dated{e.Timer, e.Due.UTC()}
		}
		return timed{e.Timer, e.Wait}
	case aggregate.CancelTimer:
		return untimed{e.Timer}
	case aggregate.RecordStep:
		return stepped{e.Step}
	case aggregate.UndoSteps:
		return compensated{}
	case aggregate.CompleteInstance:
		return completed{}
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
