package testkit

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/thaw-go/thaw/aggregate"
	"github.com/thaw-go/thaw/stream"
)

// Spec is what one instance of an aggregate has gone through. It is immutable:
// one may be the beginning of several others, and each When plays the whole of
// it on a log of its own. [For] and [ForRepository] make one.
type Spec[C, E, S any] struct {
	t         testing.TB
	build     func(stream.Store) *aggregate.Repository[C, E, S]
	medium    Medium
	steps     []specStep[C, E]
	meanwhile []E  // for the next When
	guarded   bool // rules may refuse what Decide does not
	ledger    *ledger
	entry     *entry // is settled by what follows
}

// specStep is one thing that the instance goes through: time passes, events were
// stored, or a command was given.
type specStep[C, E any] struct {
	wait      time.Duration
	given     []E
	elsewhere []Happening
	stored    *stream.Record
	command   *specCommand[C, E]
}

// specCommand is a command with what happens around it.
type specCommand[C, E any] struct {
	aggregate.Command[C]
	meanwhile []E
	twice     bool
}

// For begins a specification of a decider, on a repository over a log:
//
//	testkit.For(t, user).Given(EmailSet{"a"}).When(SetEmail{"b"}).Then(EmailSet{"b"})
//
// The test fails if no When follows.
func For[C, E, S any](t testing.TB, d aggregate.Decider[C, E, S]) Spec[C, E, S] {
	t.Helper()
	return begin(t, ofDecider(d), here())
}

// ForRepository begins a specification of a repository as the program itself
// makes it, over the log that it is handed: what lies between the repository and
// the log is tested too. It is For in all else; the log is a new one for each
// When.
func ForRepository[C, E, S any](t testing.TB, build func(stream.Store) *aggregate.Repository[C, E, S]) Spec[C, E, S] {
	t.Helper()
	return begin(t, build, here())
}

func ofDecider[C, E, S any](d aggregate.Decider[C, E, S]) func(stream.Store) *aggregate.Repository[C, E, S] {
	return func(store stream.Store) *aggregate.Repository[C, E, S] {
		return aggregate.NewRepositoryWith(store, d, aggregate.Options{Keys: Keys()})
	}
}

func begin[C, E, S any](t testing.TB, build func(stream.Store) *aggregate.Repository[C, E, S], at place) Spec[C, E, S] {
	l := openLedger(t)
	return Spec[C, E, S]{t: t, build: build, ledger: l, entry: l.add(at, "For without a When: nothing was tested")}
}

// On says which kind of log the specification runs on; without it the
// environment variable THAW_TESTKIT_LOG says so, and the default is [InMemory].
func (s Spec[C, E, S]) On(m Medium) Spec[C, E, S] {
	s.medium = m
	return s
}

// Given adds events to what has happened, in order. They are stored and read
// back before the aggregate sees them; a field that would be lost fails the test.
// Like every part of a specification it must be followed by a When.
func (s Spec[C, E, S]) Given(events ...E) Spec[C, E, S] {
	return s.with(specStep[C, E]{given: events}, here(), "Given")
}

// GivenStored adds an event as an earlier program has stored it: under its
// stored name, in the schema of that time, as bytes. The topic's upcasters bring
// it to today's shape.
func (s Spec[C, E, S]) GivenStored(typ string, schema uint32, data string) Spec[C, E, S] {
	rec := &stream.Record{Header: stream.Header{Type: typ, Schema: schema}, Data: []byte(data)}
	return s.with(specStep[C, E]{stored: rec}, here(), "GivenStored")
}

// WhenTime lets time pass: what is stored next has a later Time. The
// specification then runs in a bubble of testing/synctest, where a year takes no
// longer than a second, and needs a *testing.T.
func (s Spec[C, E, S]) WhenTime(d time.Duration) Spec[C, E, S] {
	return s.with(specStep[C, E]{wait: d}, here(), "WhenTime")
}

// Meanwhile lets another writer append events while the next command is being
// decided, between load and append. The append meets a conflict, and the command
// has to be decided anew over these events. The test fails if it is not, also
// because its first decision was to append nothing.
func (s Spec[C, E, S]) Meanwhile(events ...E) Spec[C, E, S] {
	next := s.with(specStep[C, E]{}, here(), "Meanwhile")
	next.meanwhile = append(next.meanwhile[:len(next.meanwhile):len(next.meanwhile)], events...)
	return next
}

// with is the specification with one more step, which something must follow.
func (s Spec[C, E, S]) with(step specStep[C, E], at place, what string) Spec[C, E, S] {
	s.entry.settle()
	s.entry = s.ledger.add(at, what+" without a When: nothing was tested")
	s.steps = append(s.steps[:len(s.steps):len(s.steps)], step)
	return s
}

// When gives the instance a command. The test fails if no Then follows. What
// comes of it is history for the next When:
//
//	testkit.For(t, user).When(SetEmail{"a"}).Then(EmailSet{"a"}).When(SetEmail{"a"}).ThenError(errReused)
func (s Spec[C, E, S]) When(command C) *Outcome[C, E, S] {
	s.t.Helper()
	return s.when(specCommand[C, E]{Command: aggregate.Command[C]{Data: command}}, here())
}

// WhenTwice gives the instance the same command twice, under one ID: what it does
// happens once, and the second time returns what the first has stored. A refused
// command is refused twice.
func (s Spec[C, E, S]) WhenTwice(command C) *Outcome[C, E, S] {
	s.t.Helper()
	return s.when(specCommand[C, E]{Command: aggregate.Command[C]{Data: command}, twice: true}, here())
}

// WhenCommand gives the instance a command with an ID or a cause of its own. An
// ID that has taken effect before must return what it did then and store nothing.
// Key stays empty: a specification has one instance.
func (s Spec[C, E, S]) WhenCommand(command aggregate.Command[C]) *Outcome[C, E, S] {
	s.t.Helper()
	return s.when(specCommand[C, E]{Command: command}, here())
}

func (s Spec[C, E, S]) when(command specCommand[C, E], at place) *Outcome[C, E, S] {
	s.t.Helper()
	s.entry.settle()
	command.meanwhile, s.meanwhile = s.meanwhile, nil
	if command.ID.IsZero() {
		command.ID = stream.DeriveID(specOrigin, "command", len(s.steps))
	}
	s.steps = append(s.steps[:len(s.steps):len(s.steps)], specStep[C, E]{command: &command})
	o := &Outcome[C, E, S]{Spec: s, at: at, command: &command}
	o.ran = s.play()
	o.entry = s.ledger.add(at, "When without a Then: nothing was tested")
	o.entry.story = o.story
	if o.ran.fault == nil && o.ran.calls[0].refused != nil {
		o.refusal = s.ledger.add(at, "the command was refused, and no Then speaks of that")
		o.refusal.story = o.story
	}
	return o
}

// specOrigin is what the IDs of a specification derive from: the same each time
// that it is played.
var specOrigin = stream.DeriveID(stream.EventID{}, "testkit", 0)

// play plays the specification to its end, in a bubble if time passes.
func (s Spec[C, E, S]) play() *specRun[C, E, S] {
	passes, r := false, &specRun[C, E, S]{spec: s}
	for _, step := range s.steps {
		passes = passes || step.wait > 0
		if step.wait < 0 {
			r.fault = fmt.Errorf("WhenTime(%s): time does not go back", step.wait)
			return r
		}
	}
	if !passes {
		r.play()
		return r
	}
	t, ok := s.t.(*testing.T)
	if !ok {
		r.fault = errNoBubble(s.t)
		return r
	}
	inBubble(t, r.play)
	return r
}

var errNotBuilt = errors.New("the repository needs a decider with a Topic, a Decide and an Evolve")
