package testkit

import (
	"fmt"

	"github.com/thaw-go/thaw/stream"
	"github.com/thaw-go/thaw/testkit/marble"
)

// Outcome is what an aggregate has made of a command. Its Then methods compare;
// several may be chained, and each reports its own failure. It is a [Spec] too:
// what was given and decided so far is history for what follows.
//
// Whatever is asked, a test fails if an event that was decided does not say
// which command, cause and story led to it, if the repository returned something
// else than the log has, and if deciding or folding again leads elsewhere; and if
// the command is refused and no Then says so.
type Outcome[C, E, S any] struct {
	Spec[C, E, S]
	at      place // where When was called
	command *specCommand[C, E]
	ran     *specRun[C, E, S]
	refusal *entry // is settled by a Then that says what came of the command; nil if it was accepted
	once    bool   // what the command did happened once; asked for by the first Then
}

// Then says that exactly these events are decided, in this order.
func (o *Outcome[C, E, S]) Then(events ...E) *Outcome[C, E, S] {
	o.t.Helper()
	switch {
	case !o.ready():
	case len(events) == 0:
		o.fail("Then without events: say ThenNothing")
	default:
		o.speak(wanted{n: len(events), value: func(i int) any { return events[i] }}, payload[E])
	}
	return o
}

// ThenLike says what the decided events are like, one matcher for each, in this
// order: see [Exactly], [OfType] and [Where].
func (o *Outcome[C, E, S]) ThenLike(events ...marble.Matcher) *Outcome[C, E, S] {
	o.t.Helper()
	switch {
	case !o.ready():
	case len(events) == 0:
		o.fail("ThenLike without events: say ThenNothing")
	default:
		o.speak(wanted{n: len(events), value: func(i int) any { return events[i] }}, withHeader[E])
	}
	return o
}

// ThenNothing says that the command is accepted and no event is decided.
func (o *Outcome[C, E, S]) ThenNothing() *Outcome[C, E, S] {
	o.t.Helper()
	if o.ready() {
		o.speak(wanted{}, payload[E])
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
	default:
		o.speak(wanted{refusal: want}, payload[E])
	}
	return o
}

// ThenErrorAs says that the command is refused with an error of the type that
// target points to, in the sense of errors.As, and sets target to it:
//
//	var small *TooSmallError
//	testkit.For(t, account).When(Pay{1}).ThenErrorAs(&small)
func (o *Outcome[C, E, S]) ThenErrorAs(target any) *Outcome[C, E, S] {
	o.t.Helper()
	switch m, ok := failureAs(target); {
	case !o.ready():
	case !ok:
		o.fail(fmt.Sprintf("ThenErrorAs(%T): want a pointer to a variable of the error's type, which is not nil", target))
	default:
		o.speak(wanted{refusal: m}, payload[E])
	}
	return o
}

// ThenState says what the state is after what has happened. A refused command
// leaves the state as it was.
func (o *Outcome[C, E, S]) ThenState(want S) *Outcome[C, E, S] {
	o.t.Helper()
	if o.ready() {
		o.compareState(want)
	}
	return o
}

// ThenStateWhere says in words what holds of the state, and finds out whether it
// does.
func (o *Outcome[C, E, S]) ThenStateWhere(what string, holds func(S) bool) *Outcome[C, E, S] {
	o.t.Helper()
	if o.ready() {
		o.compareState(Where(what, holds))
	}
	return o
}

// ThenVersion says what the instance's version is after the command: the number
// of its events.
func (o *Outcome[C, E, S]) ThenVersion(want stream.Version) *Outcome[C, E, S] {
	o.t.Helper()
	if !o.ready() {
		return o
	}
	got := stream.Version(len(o.ran.events))
	if call := o.ran.calls[0]; call.refused == nil {
		got = call.result.Version
	}
	if got != want {
		o.fail(fmt.Sprintf("the version is another: want %d, got %d", want, got))
	}
	return o
}

// Trace is what happened, as a diagram: history, ^, and what the command did.
func (o *Outcome[C, E, S]) Trace() marble.Trace {
	names := &marble.Names{}
	lane := o.named(names, o.got(payload[E]))
	return marble.Trace{Tick: specTick, Lanes: []marble.Lane{lane}, Names: o.legend(names)}
}

// speak says what came of the command.
func (o *Outcome[C, E, S]) speak(w wanted, value func(*stream.Event[E]) any) {
	o.t.Helper()
	if o.refusal != nil {
		o.refusal.settle()
	}
	for i := range w.n {
		if w.value(i) == nil { // it would be compared with nothing
			o.fail(fmt.Sprintf("wanted event %d is nil", i+1))
			return
		}
	}
	o.compare(w, value)
}

// ready notes that an assertion was made and reports, once, why there is
// nothing to compare.
func (o *Outcome[C, E, S]) ready() bool {
	o.t.Helper()
	first := o.entry.settle()
	switch {
	case o.ran.fault == nil:
		if first {
			o.once = o.happensOnce()
		}
		return o.once
	case first && !(o.ran.early && o.t.Failed()): // an earlier command has said the same
		o.fail(o.ran.fault.Error())
	}
	return false
}

// happensOnce fails unless a command that was given again did nothing more, and
// returned what it had done.
func (o *Outcome[C, E, S]) happensOnce() bool {
	o.t.Helper()
	first := o.ran.calls[0]
	if len(o.ran.calls) == 1 && !first.again {
		return true
	}
	var did []any
	for _, e := range o.ran.events[:first.end] {
		if e.rec.Command == o.command.ID && e.event != nil {
			did = append(did, e.event.Data)
		}
	}
	w := wanted{n: len(did), value: func(i int) any { return did[i] }}
	if first.refused != nil {
		w.refusal = sameRefusal{first.refused}
	}
	return o.compare(w, payload[E])
}
