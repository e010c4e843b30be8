package testkit

import (
	"errors"
	"testing"
	"time"

	"github.com/thaw-go/thaw/aggregate"
	"github.com/thaw-go/thaw/stream"
	"github.com/thaw-go/thaw/testkit/marble"
)

// SagaSpec is what a saga's world is before anything happens. [ForSaga] makes
// one; a When follows.
type SagaSpec[E, S any] struct{ script *sagaScript[E, S] }

// SagaOutcome is what a saga has made of what happened. Its Then methods compare;
// several may be chained, each reports its own failure, and more may happen then.
type SagaOutcome[E, S any] struct{ script *sagaScript[E, S] }

// sagaScript is a specification as far as it has been told.
type sagaScript[E, S any] struct {
	t        *testing.T
	line     string
	saga     aggregate.Saga[E, S]
	source   func(stream.Log) stream.Source[stream.Hot, E]
	medium   Medium
	given    []Happening
	handlers func(stream.Store) []aggregate.Handler
	scenes   []sagaScene
	rules    []sagaRule
	from     int             // the first scene that no Then has spoken of; 0 is the start
	said     map[string]bool // what has been said of the scenes from there on
	played   *sagaPlay[E, S] // what they lead to; nil if that is not known
}

// sagaScene is one step of a script: an event happens, or time passes.
type sagaScene struct {
	line    string
	happens *Happening
	passes  time.Duration
}

// sagaRule is a refusal that waits for its command.
type sagaRule struct {
	line   string
	scene  int // from which one on
	effect aggregate.Effect
	err    error
}

// ForSaga begins a specification of a saga over a hot source; a source of another
// kind does not compile.
//
//	testkit.ForSaga(t, billing, func(log stream.Log) stream.Source[stream.Hot, LotEvent] { return replay.Hot(log, lots) }).
//		Given(testkit.Happened(lots, "1", Opened{})).
//		When(testkit.Happened(lots, "1", Sold{"ann", 10})).
//		Then(invoice.Send("1", Issue{"ann", 10}), aggregate.After(time.Hour, "remind")).
//		WhenTime(time.Hour).
//		Then(invoice.Send("1", Remind{}))
//
// It is a script in virtual time. Commands are taken down, and not executed
// unless [SagaSpec.With] says by what. Each part of the script, from one Then to
// the next, is played again and again, with a crash right before and right after
// every step that outlives one: a stored cursor, a checkpoint, an append, a
// command's arrival. The log is then opened again and the saga started anew, and
// what took effect, the effects it wanted and its states must be the same as
// without the crash. Its functions are asked again, a hundred days later, about
// everything they were asked, and must answer the same. On disk the crashes are a
// sample of these. What handlers do elsewhere than in the log is not seen.
//
// The test fails if no When follows, if something that happened is not spoken
// of, if the saga sees what was given, or if an event or a state does not come
// back whole from how it is stored.
func ForSaga[E, S any](t *testing.T, saga aggregate.Saga[E, S], source func(stream.Log) stream.Source[stream.Hot, E]) *SagaSpec[E, S] {
	t.Helper()
	s := &sagaScript[E, S]{t: t, line: caller(), saga: saga, source: source}
	t.Cleanup(s.close)
	return &SagaSpec[E, S]{s}
}

// Given says what has happened before the saga came online for the first time.
func (s *SagaSpec[E, S]) Given(history ...Happening) *SagaSpec[E, S] {
	s.script.given = append(s.script.given, history...)
	return s
}

// With says what executes commands, such as repositories over the same log, whose
// events come back through the saga's source. f is called whenever the saga is
// started. Commands for other topics are taken down as without it, so none of the
// handlers may be for every topic.
func (s *SagaSpec[E, S]) With(f func(stream.Store) []aggregate.Handler) *SagaSpec[E, S] {
	s.script.handlers = f
	return s
}

// On says what kind of log the script runs on; without it the environment
// variable THAW_TESTKIT_LOG says so, and the default is [InMemory].
func (s *SagaSpec[E, S]) On(m Medium) *SagaSpec[E, S] {
	s.script.medium = m
	return s
}

// Refusing says that a command is refused from now on: the one of an effect, as a
// Decider's Send makes it, with an error. It must come to that.
func (s *SagaSpec[E, S]) Refusing(command aggregate.Effect, err error) *SagaSpec[E, S] {
	s.script.refuse(command, err)
	return s
}

// When says what happens once the saga is online: one append after the other,
// each of which comes to rest before the next. The test fails if no Then follows.
func (s *SagaSpec[E, S]) When(happenings ...Happening) *SagaOutcome[E, S] {
	s.script.t.Helper()
	return s.script.when(happenings)
}

// WhenTime lets time pass, in which timers by the clock fall due.
func (s *SagaSpec[E, S]) WhenTime(d time.Duration) *SagaOutcome[E, S] {
	s.script.t.Helper()
	return s.script.whenTime(d)
}

// Refusing is as [SagaSpec.Refusing].
func (o *SagaOutcome[E, S]) Refusing(command aggregate.Effect, err error) *SagaOutcome[E, S] {
	o.script.refuse(command, err)
	return o
}

// When goes on: see [SagaSpec.When].
func (o *SagaOutcome[E, S]) When(happenings ...Happening) *SagaOutcome[E, S] {
	o.script.t.Helper()
	return o.script.when(happenings)
}

// WhenTime goes on: see [SagaSpec.WhenTime].
func (o *SagaOutcome[E, S]) WhenTime(d time.Duration) *SagaOutcome[E, S] {
	o.script.t.Helper()
	return o.script.whenTime(d)
}

// Then says that the saga wants exactly these effects, in this order, of what has
// happened since the last Then: commands to instances, timers, and what is done
// about refusals.
func (o *SagaOutcome[E, S]) Then(effects ...aggregate.Effect) *SagaOutcome[E, S] {
	o.script.t.Helper()
	if len(effects) == 0 {
		return o.say("effects", func(p *sagaPlay[E, S], line string) {
			o.script.t.Helper()
			p.fail(line, "Then without effects: say ThenNothing")
		})
	}
	return o.say("effects", func(p *sagaPlay[E, S], line string) {
		o.script.t.Helper()
		p.compareEffects(line, effects, nil)
	})
}

// ThenNothing says that the saga wants nothing of what has happened since the
// last Then.
func (o *SagaOutcome[E, S]) ThenNothing() *SagaOutcome[E, S] {
	o.script.t.Helper()
	return o.say("effects", func(p *sagaPlay[E, S], line string) {
		o.script.t.Helper()
		p.compareEffects(line, nil, nil)
	})
}

// ThenFails says that the saga's run ends with this error, in the sense of
// errors.Is, and that it wanted exactly these effects until then, those of the
// turn that failed included. What happens next starts it again.
func (o *SagaOutcome[E, S]) ThenFails(with error, effects ...aggregate.Effect) *SagaOutcome[E, S] {
	o.script.t.Helper()
	return o.say("effects", func(p *sagaPlay[E, S], line string) {
		o.script.t.Helper()
		if with == nil {
			p.fail(line, "ThenFails(nil): say Then or ThenNothing")
			return
		}
		p.compareEffects(line, effects, with)
	})
}

// ThenState says what the state of an instance of the saga is.
func (o *SagaOutcome[E, S]) ThenState(instance string, want S) *SagaOutcome[E, S] {
	o.script.t.Helper()
	return o.say("state", func(p *sagaPlay[E, S], line string) {
		o.script.t.Helper()
		p.compareState(line, instance, want)
	})
}

// ThenHappened says that exactly these events were appended since the last Then,
// in this order, besides those that the script appends: what the commands came
// to. It may stand in the place of Then, or beside it.
func (o *SagaOutcome[E, S]) ThenHappened(happenings ...Happening) *SagaOutcome[E, S] {
	o.script.t.Helper()
	return o.say("happened", func(p *sagaPlay[E, S], line string) {
		o.script.t.Helper()
		p.compareLog(line, happenings)
	})
}

// Trace is what has happened so far, as a diagram: the log, and below it what the
// saga wanted.
func (o *SagaOutcome[E, S]) Trace() marble.Trace {
	o.script.t.Helper()
	p := o.script.played
	if p == nil {
		p = o.script.play(0)
	}
	if p.stage == nil {
		return marble.Trace{}
	}
	return newChart(p.stage, p.records, nil, nil, wishPoints(p.wishes())).trace(p.script.saga.Name, p.stage.failure(0))
}

// say plays the script, if it has not been played, and compares; then it crashes
// the saga wherever that may matter.
func (o *SagaOutcome[E, S]) say(what string, compare func(p *sagaPlay[E, S], line string)) *SagaOutcome[E, S] {
	s := o.script
	s.t.Helper()
	line := caller()
	first := s.played == nil
	s.said[what] = true
	if first {
		s.played = s.play(0)
		if err := s.played.fault; err != nil {
			s.played.fail(line, err.Error())
		}
	}
	if s.played.fault != nil {
		return o
	}
	failed := s.t.Failed()
	compare(s.played, line)
	if first && (failed || !s.t.Failed()) {
		s.prove(line)
	}
	return o
}

func (s *sagaScript[E, S]) refuse(command aggregate.Effect, err error) {
	s.closePart()
	s.rules = append(s.rules, sagaRule{caller(), len(s.scenes) + 1, command, err})
}

func (s *sagaScript[E, S]) when(happenings []Happening) *SagaOutcome[E, S] {
	s.t.Helper()
	line := caller()
	if len(happenings) == 0 {
		happenings = []Happening{{err: errors.New("When without anything that happens")}}
	}
	s.closePart()
	for _, h := range happenings {
		s.scenes = append(s.scenes, sagaScene{line: line, happens: &h})
	}
	return &SagaOutcome[E, S]{s}
}

func (s *sagaScript[E, S]) whenTime(d time.Duration) *SagaOutcome[E, S] {
	s.t.Helper()
	s.closePart()
	s.scenes = append(s.scenes, sagaScene{line: caller(), passes: d})
	return &SagaOutcome[E, S]{s}
}

// closePart begins a new part of the script, unless nothing has been said of the
// present one.
func (s *sagaScript[E, S]) closePart() {
	s.t.Helper()
	if s.played != nil {
		s.unsaid()
		s.from = len(s.scenes) + 1
	}
	s.played, s.said = nil, map[string]bool{}
}

// unsaid fails the test if effects were wanted of which nothing was said.
func (s *sagaScript[E, S]) unsaid() {
	s.t.Helper()
	p := s.played
	if p.fault != nil || s.said["effects"] || s.said["happened"] && p.stage.failure(s.from) == nil {
		return
	}
	if got := p.effects(); len(got) > 0 || p.stage.failure(s.from) != nil {
		p.fail(s.scenes[len(s.scenes)-1].line, "no Then speaks of what the saga wanted")
	}
}

// close fails a test that has tested nothing.
func (s *sagaScript[E, S]) close() {
	s.t.Helper()
	switch {
	case s.t.Failed():
	case len(s.scenes) == 0:
		tell(s.t, "%s: ForSaga without a When: nothing was tested", s.line)
	case s.played == nil:
		tell(s.t, "%s: When without a Then: nothing was tested", s.scenes[len(s.scenes)-1].line)
	default:
		s.unsaid()
		for i, r := range s.rules {
			if !s.played.used[i] && !s.t.Failed() {
				tell(s.t, "%s: Refusing: it never came to this: %s", r.line, effectText(r.effect))
			}
		}
	}
}

// play plays the script from its beginning.
func (s *sagaScript[E, S]) play(crashAt int) *sagaPlay[E, S] {
	p := &sagaPlay[E, S]{script: s, crashAt: crashAt}
	inOwnBubble(s.t, p.perform)
	return p
}

// prove plays the present part of the script with crashes.
func (s *sagaScript[E, S]) prove(line string) {
	s.t.Helper()
	for _, at := range s.played.stage.crashes(s.from) {
		if p := s.play(at); !s.played.proves(p, line) {
			return
		}
	}
}

func (s *sagaScript[E, S]) name() string {
	if s.saga.Name == "" {
		return "the saga"
	}
	return "saga " + s.saga.Name
}
