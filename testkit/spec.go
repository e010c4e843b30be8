package testkit

import (
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/thaw-go/thaw/aggregate"
	"github.com/thaw-go/thaw/stream"
	"github.com/thaw-go/thaw/testkit/internal/value"
)

// Spec is what a decider has been told has happened. It is immutable, so one
// may be the beginning of several others. [For] makes one.
type Spec[C, E, S any] struct {
	t       testing.TB
	decider aggregate.Decider[C, E, S]
	given   []E
	asked   *atomic.Bool // a When has followed
}

// For begins a specification of a decider:
//
//	testkit.For(t, user).Given(EmailSet{"a"}).When(SetEmail{"b"}).Then(EmailSet{"b"})
//
// The test fails if no When follows.
func For[C, E, S any](t testing.TB, d aggregate.Decider[C, E, S]) Spec[C, E, S] {
	t.Helper()
	return begin(t, d, caller())
}

func begin[C, E, S any](t testing.TB, d aggregate.Decider[C, E, S], line string) Spec[C, E, S] {
	s := Spec[C, E, S]{t: t, decider: d, asked: new(atomic.Bool)}
	t.Cleanup(func() {
		if !s.asked.Load() && !t.Failed() {
			t.Errorf("%s: For without a When: nothing was tested", line)
		}
	})
	return s
}

// Given adds events to what has happened, in order. They are stored and read
// back before the decider sees them.
func (s Spec[C, E, S]) Given(events ...E) Spec[C, E, S] {
	s.given = append(s.given[:len(s.given):len(s.given)], events...)
	return s
}

// When asks the decider for its decision about a command. The test fails if no
// Then follows.
func (s Spec[C, E, S]) When(command C) *Outcome[C, E, S] {
	s.t.Helper()
	return s.when(command, caller())
}

func (s Spec[C, E, S]) when(command C, line string) *Outcome[C, E, S] {
	s.asked.Store(true)
	o := &Outcome[C, E, S]{t: s.t, decider: s.decider, given: s.given, command: command, line: line}
	o.t.Cleanup(func() {
		if !o.asserted && !o.t.Failed() {
			o.t.Errorf("%s: When without a Then: nothing was tested\n%s", o.line, o.story())
		}
	})
	o.fault = o.decide()
	return o
}

// Outcome is what a decider has made of a command. Its Then methods compare;
// several may be chained, and each reports its own failure.
type Outcome[C, E, S any] struct {
	t        testing.TB
	decider  aggregate.Decider[C, E, S]
	given    []E
	command  C
	line     string // where When was called
	asserted bool

	events []E   // what was decided, as it is read back
	err    error // what Decide returned
	state  S     // after what was given and what was decided
	fault  error // why there is no outcome; reported once
}

// Then says that exactly these events are decided, in this order.
func (o *Outcome[C, E, S]) Then(events ...E) *Outcome[C, E, S] {
	o.t.Helper()
	switch {
	case !o.ready():
	case len(events) == 0:
		o.fail("Then without events: say ThenNothing")
	case o.err != nil:
		o.fail("the command was refused, but events were wanted\n" + o.sides(events, nil) + refusal(o.err))
	default:
		o.compareEvents(events)
	}
	return o
}

// ThenNothing says that the command is accepted and no event is decided.
func (o *Outcome[C, E, S]) ThenNothing() *Outcome[C, E, S] {
	o.t.Helper()
	switch {
	case !o.ready():
	case o.err != nil:
		o.fail("the command was refused, but nothing was to happen\n" + refusal(o.err))
	case len(o.events) > 0:
		o.fail("events were decided, but nothing was to happen\n" + o.sides(nil, o.events))
	}
	return o
}

// ThenError says that the command is refused with this error, in the sense of
// errors.Is.
func (o *Outcome[C, E, S]) ThenError(want error) *Outcome[C, E, S] {
	o.t.Helper()
	switch {
	case !o.ready():
	case want == nil:
		o.fail("ThenError(nil): say Then or ThenNothing")
	case o.err == nil:
		o.fail(fmt.Sprintf("the command was accepted, but an error was wanted\n  want error  %v\n", want) + o.sides(nil, o.events))
	case !errors.Is(o.err, want):
		o.fail(fmt.Sprintf("the command was refused with another error\n  want error  %v\n  got error   %v  (%T)", want, o.err, o.err))
	}
	return o
}

// ThenState says what the state is after the given and the decided events. A
// refused command leaves the state as it was.
func (o *Outcome[C, E, S]) ThenState(want S) *Outcome[C, E, S] {
	o.t.Helper()
	if !o.ready() {
		return o
	}
	if diff := value.Difference(want, o.state); diff != "" {
		o.fail("the state is another\n" + columns([]row{{mark: differs, want: value.Show(want), got: value.Show(o.state)}}) + "\n  difference (- want, + got):\n" + indent(diff))
	}
	return o
}

// ready notes that an assertion was made and reports, once, why there is
// nothing to compare.
func (o *Outcome[C, E, S]) ready() bool {
	o.t.Helper()
	first := !o.asserted
	o.asserted = true
	if o.fault != nil && first {
		o.fail(o.fault.Error())
	}
	return o.fault == nil
}

// decide folds what was given, asks for the decision and folds that. The error
// says why that was not possible.
func (o *Outcome[C, E, S]) decide() error {
	d := o.decider
	if d.Topic == nil || d.Decide == nil || d.Evolve == nil {
		return errors.New("the decider needs a Topic, a Decide and an Evolve")
	}
	if d.Initial != nil {
		if err := guard("Initial", func() { o.state = d.Initial() }); err != nil {
			return err
		}
	}
	if _, err := o.fold("given", o.given); err != nil {
		return err
	}
	var decided []E
	err := guard("Decide", func() { decided, o.err = d.Decide(o.state, o.command) })
	if err != nil || o.err != nil {
		return err
	}
	o.events, err = o.fold("decided", decided)
	return err
}

// fold brings the state past the events and returns them as they are read back.
func (o *Outcome[C, E, S]) fold(which string, events []E) ([]E, error) {
	var list []E
	for i, e := range events {
		stored, err := throughTopic(o.decider.Topic, e, i)
		if err != nil {
			return nil, fmt.Errorf("%s event %d can not be stored: %w", which, i+1, err)
		}
		if err := guard("Evolve", func() { o.state = o.decider.Evolve(o.state, stored) }); err != nil {
			return nil, err
		}
		list = append(list, stored)
	}
	return list, nil
}

// guard calls a user's function; the error names its panic.
func guard(stage string, f func()) error {
	err := contained(stage, f)
	var panicked *stream.PanicError
	if !errors.As(err, &panicked) {
		return err
	}
	return fmt.Errorf("%s panicked: %v\n%s", stage, panicked.Value, indent(culprit(string(panicked.Stack))))
}

func contained(stage string, f func()) (err error) {
	in := true
	defer stream.Contain(stage, &in, &err)
	f()
	in = false
	return nil
}

// culprit is the part of a stack that says where the panic was.
func culprit(stack string) string {
	lines := strings.Split(stack, "\n")
	for i, line := range lines {
		if strings.HasPrefix(line, "panic(") && i+2 < len(lines) {
			lines = lines[i+2:]
			break
		}
	}
	return strings.Join(lines[:min(4, len(lines))], "\n")
}

// throughTopic stores a payload and reads it back. The error shows what would
// not come back.
func throughTopic[E any](topic *stream.Topic[E], data E, i int) (E, error) {
	var back stream.Event[E]
	rec, err := topic.Encode(data)
	if err != nil {
		return data, err
	}
	rec.Stream.Key, rec.Position, rec.Version = "spec", stream.Position(i+1), stream.Version(i+1)
	if err := topic.Decode(&rec, &back); err != nil {
		return data, err
	}
	if diff := value.Difference(data, back.Data); diff != "" {
		return data, fmt.Errorf("%s does not come back whole\n  difference (- as it was, + as it comes back):\n%s", rec.Type, indent(diff))
	}
	return back.Data, nil
}

// caller is the file and line of the test that called into this package.
func caller() string {
	pcs := make([]uintptr, 16)
	frames := runtime.CallersFrames(pcs[:runtime.Callers(2, pcs)])
	for {
		f, more := frames.Next()
		if !strings.HasPrefix(f.Function, packagePath+".") || !more {
			return fmt.Sprintf("%s:%d", f.File[strings.LastIndex(f.File, "/")+1:], f.Line)
		}
	}
}

const packagePath = "github.com/thaw-go/thaw/testkit"
