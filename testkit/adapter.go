package testkit

import (
	"errors"
	"fmt"
	"testing"

	"github.com/thaw-go/thaw/aggregate"
	"github.com/thaw-go/thaw/stream"
	"github.com/thaw-go/thaw/testkit/internal/value"
	"github.com/thaw-go/thaw/testkit/marble"
)

// AdapterSpec is what an event adapter's world is before anything happens.
// [ForAdapter] makes one; a When follows.
type AdapterSpec[E any] struct{ script *adapterScript[E] }

// AdapterOutcome is what an event adapter has made of what happened. Its Then
// methods compare; several may be chained, each reports its own failure, and more
// may happen then.
type AdapterOutcome[E any] struct{ script *adapterScript[E] }

// adapterScript is a specification as far as it has been told.
type adapterScript[E any] struct {
	t       *testing.T
	line    string
	adapter func(stream.Store) aggregate.Adapter[E]
	source  func(stream.Log) stream.Source[stream.Hot, E]
	medium  Medium
	given   []Happening
	scenes  []adapterScene
	rules   []adapterRule
	from    int // the first scene that no Then has spoken of; 0 is the start
	said    map[string]bool
	parked  []aggregate.Parked // what was parked when they began
	played  *adapterPlay[E]    // what they lead to; nil if that is not known
}

// adapterScene is one step of a script: an event happens, or what is parked is
// tried again or given up.
type adapterScene struct {
	line    string
	happens *Happening
	retry   *stream.ID
	discard *stream.ID
}

// adapterRule lets calls of Do fail.
type adapterRule struct {
	line  string
	scene int // from which one on
	n     int
	err   error
	of    []stream.ID // empty: of all
}

// ForAdapter begins a specification of an event adapter over a hot source; a
// source of another kind does not compile. The adapter is made anew whenever the
// process is started, over the log that the script runs on.
//
//	testkit.ForAdapter(t, mailer, func(log stream.Log) stream.Source[stream.Hot, EmailSet] { return replay.Hot(log, emails) }).
//		Failing(2, errBusy).
//		When(testkit.Happened(emails, "ann", EmailSet{"ann@new"})).
//		Then(testkit.Happened(emails, "ann", EmailSet{"ann@new"}))
//
// It is a script in virtual time, in which the waits between attempts pass at
// once. Each part of it, from one Then to the next, is played again and again,
// with a crash right before and right after every step that outlives one: a
// stored cursor, a checkpoint, an append, and Do itself. The log is then opened
// again and the adapter started anew, and every event must have been done, in
// order, at most one of them twice and that under the same ID; what is parked,
// and what Do has appended to the log, must be the same as without the crash. On
// disk the crashes are a sample of these. What Do has done elsewhere is not seen.
//
// The test fails if no When follows, if something that was done or parked is not
// spoken of, or if the adapter is given what was Given.
func ForAdapter[E any](t *testing.T, adapter func(stream.Store) aggregate.Adapter[E], source func(stream.Log) stream.Source[stream.Hot, E]) *AdapterSpec[E] {
	t.Helper()
	s := &adapterScript[E]{t: t, line: caller(), adapter: adapter, source: source}
	t.Cleanup(s.close)
	return &AdapterSpec[E]{s}
}

// Given says what has happened before the adapter came online for the first time.
func (s *AdapterSpec[E]) Given(history ...Happening) *AdapterSpec[E] {
	s.script.given = append(s.script.given, history...)
	return s
}

// On says what kind of log the script runs on; without it the environment
// variable THAW_TESTKIT_LOG says so, and the default is [InMemory].
func (s *AdapterSpec[E]) On(m Medium) *AdapterSpec[E] {
	s.script.medium = m
	return s
}

// Failing says that from now on the first n calls of Do for each event fail, or
// all of them if n is negative: for events of these instances or, if there are
// none, of all. Do itself is not called then. The latest that speaks of an event
// holds; 0 takes an earlier one back. Otherwise at least one call must come to that.
func (s *AdapterSpec[E]) Failing(n int, with error, of ...stream.ID) *AdapterSpec[E] {
	s.script.failing(n, with, of)
	return s
}

// When says what happens once the adapter is online: one append after the other,
// each of which is handled, with all its attempts, before the next. The test
// fails if no Then follows.
func (s *AdapterSpec[E]) When(happenings ...Happening) *AdapterOutcome[E] {
	s.script.t.Helper()
	return s.script.when(happenings)
}

// Failing is as [AdapterSpec.Failing].
func (o *AdapterOutcome[E]) Failing(n int, with error, of ...stream.ID) *AdapterOutcome[E] {
	o.script.failing(n, with, of)
	return o
}

// When goes on: see [AdapterSpec.When].
func (o *AdapterOutcome[E]) When(happenings ...Happening) *AdapterOutcome[E] {
	o.script.t.Helper()
	return o.script.when(happenings)
}

// WhenRetried tries what an instance has parked again, as
// [aggregate.AdapterRunner] does. Something must be parked.
func (o *AdapterOutcome[E]) WhenRetried(id stream.ID) *AdapterOutcome[E] {
	o.script.t.Helper()
	return o.script.next(adapterScene{line: caller(), retry: &id})
}

// WhenDiscarded gives up what an instance has parked. Something must be parked.
func (o *AdapterOutcome[E]) WhenDiscarded(id stream.ID) *AdapterOutcome[E] {
	o.script.t.Helper()
	return o.script.next(adapterScene{line: caller(), discard: &id})
}

// Then says that exactly these events were done since the last Then, in this
// order: Do returned without an error.
func (o *AdapterOutcome[E]) Then(done ...Happening) *AdapterOutcome[E] {
	o.script.t.Helper()
	return o.say("done", func(p *adapterPlay[E], line string) {
		o.script.t.Helper()
		if len(done) == 0 {
			p.fail(line, "Then without events: say ThenNothing")
			return
		}
		p.compareDone(line, done)
	})
}

// ThenNothing says that no event was done since the last Then.
func (o *AdapterOutcome[E]) ThenNothing() *AdapterOutcome[E] {
	o.script.t.Helper()
	return o.say("done", func(p *adapterPlay[E], line string) {
		o.script.t.Helper()
		p.compareDone(line, nil)
	})
}

// ThenAttempts says how often Do was called since the last Then, the calls that
// were made to fail included.
func (o *AdapterOutcome[E]) ThenAttempts(want int) *AdapterOutcome[E] {
	o.script.t.Helper()
	return o.say("attempts", func(p *adapterPlay[E], line string) {
		o.script.t.Helper()
		if got := len(p.tries(o.script.from)); got != want {
			p.fail(line, fmt.Sprintf("Do was called %s, want %s", often(got), often(want)))
		}
	})
}

// ThenParked says that exactly these events are parked now, by stream and in
// order. A Position or a Since that is zero is not compared.
func (o *AdapterOutcome[E]) ThenParked(want ...aggregate.Parked) *AdapterOutcome[E] {
	o.script.t.Helper()
	return o.say("parked", func(p *adapterPlay[E], line string) {
		o.script.t.Helper()
		p.compareParked(line, want)
	})
}

// ThenHappened says that exactly these events were appended since the last Then,
// in this order, besides those that the script appends: what Do has done to the
// log.
func (o *AdapterOutcome[E]) ThenHappened(happenings ...Happening) *AdapterOutcome[E] {
	o.script.t.Helper()
	return o.say("happened", func(p *adapterPlay[E], line string) {
		o.script.t.Helper()
		p.compareLog(line, happenings)
	})
}

// Trace is what has happened so far, as a diagram: the log, and below it what was
// done.
func (o *AdapterOutcome[E]) Trace() marble.Trace {
	o.script.t.Helper()
	p := o.script.played
	if p == nil {
		p = o.script.play(0)
	}
	if p.stage == nil {
		return marble.Trace{}
	}
	return p.chart(nil, nil, p.done(0)).trace(p.name, p.stage.failure(0))
}

// say plays the script, if it has not been played, and compares; then it crashes
// the adapter wherever that may matter.
func (o *AdapterOutcome[E]) say(what string, compare func(p *adapterPlay[E], line string)) *AdapterOutcome[E] {
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

func (s *adapterScript[E]) failing(n int, with error, of []stream.ID) {
	s.closePart()
	s.rules = append(s.rules, adapterRule{caller(), len(s.scenes) + 1, n, with, of})
}

func (s *adapterScript[E]) when(happenings []Happening) *AdapterOutcome[E] {
	s.t.Helper()
	line := caller()
	if len(happenings) == 0 {
		happenings = []Happening{{err: errors.New("When without anything that happens")}}
	}
	s.closePart()
	for _, h := range happenings {
		s.scenes = append(s.scenes, adapterScene{line: line, happens: &h})
	}
	return &AdapterOutcome[E]{s}
}

func (s *adapterScript[E]) next(scene adapterScene) *AdapterOutcome[E] {
	s.t.Helper()
	s.closePart()
	s.scenes = append(s.scenes, scene)
	return &AdapterOutcome[E]{s}
}

// closePart begins a new part of the script, unless nothing has been said of the
// present one.
func (s *adapterScript[E]) closePart() {
	s.t.Helper()
	if s.played != nil {
		s.unsaid()
		s.from, s.parked = len(s.scenes)+1, s.played.parked
	}
	s.played, s.said = nil, map[string]bool{}
}

// unsaid fails the test if something was done or parked of which nothing was
// said.
func (s *adapterScript[E]) unsaid() {
	s.t.Helper()
	p := s.played
	last := s.scenes[len(s.scenes)-1].line
	switch {
	case p.fault != nil:
	case !s.said["done"] && (len(p.done(s.from)) > 0 || p.stage.failure(s.from) != nil):
		p.fail(last, "no Then speaks of what was done")
	case !s.said["parked"] && value.Difference(parkedAs(s.parked, nil), parkedAs(p.parked, nil)) != "":
		p.fail(last, "no ThenParked speaks of what is parked now:"+parkedText(p.parked))
	}
}

// close fails a test that has tested nothing.
func (s *adapterScript[E]) close() {
	s.t.Helper()
	switch {
	case s.t.Failed():
	case len(s.scenes) == 0:
		tell(s.t, "%s: ForAdapter without a When: nothing was tested", s.line)
	case s.played == nil:
		tell(s.t, "%s: When without a Then: nothing was tested", s.scenes[len(s.scenes)-1].line)
	default:
		s.unsaid()
		for i, r := range s.rules {
			if r.n != 0 && !s.played.used[i] && !s.t.Failed() {
				tell(s.t, "%s: Failing: no call has failed with %v", r.line, r.err)
			}
		}
	}
}

// play plays the script from its beginning.
func (s *adapterScript[E]) play(crashAt int) *adapterPlay[E] {
	p := &adapterPlay[E]{script: s, crashAt: crashAt}
	inOwnBubble(s.t, p.perform)
	return p
}

// prove plays the present part of the script with crashes.
func (s *adapterScript[E]) prove(line string) {
	s.t.Helper()
	for _, at := range s.played.stage.crashes(s.from) {
		if p := s.play(at); !s.played.proves(p, line) {
			return
		}
	}
}

func often(n int) string {
	switch n {
	case 0:
		return "never"
	case 1:
		return "once"
	}
	return fmt.Sprintf("%d times", n)
}
