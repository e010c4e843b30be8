package testkit

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/thaw-go/thaw/operators"
	"github.com/thaw-go/thaw/stream"
)

// ViewSpec is what a view has been told has happened, and when. It is immutable:
// one may be the beginning of several others, and each Then plays the whole of it
// on a log of its own. [ForView] makes one.
type ViewSpec[T, S any] struct {
	t      *testing.T
	view   *operators.View[T, S]
	source func(stream.Log) stream.Observable[stream.ColdHot, T]
	medium Medium
	steps  []viewStep
	past   viewPast
	fault  error // in how the specification is written
	ledger *ledger
	entry  *entry // is settled by what follows
}

// viewStep is one thing that happens while the specification is played.
type viewStep struct {
	happening Happening
	before    bool          // the view runs: history
	crash     bool          // instead
	wait      time.Duration // instead
}

// viewPast is a place in the log that a view is asked about; its zero value is
// now.
type viewPast struct {
	of       string // in words
	position stream.Position
	after    time.Duration
	timed    bool
}

// ForView begins a specification of a view over a source, which the kit subscribes
// to on a log of its own:
//
//	testkit.ForView(t, count, func(log stream.Log) stream.Observable[stream.ColdHot, *stream.Event[EmailSet]] {
//		return replay.ColdHot(log, users)
//	}).
//		Given(testkit.Happened(users, "ann", EmailSet{"a"})).Then(1).
//		When(testkit.Happened(users, "bob", EmailSet{"b"})).Then(2)
//
// What is given is history when the view's run begins, and what comes with a When
// is live. The view itself is not run: the kit runs fresh ones of its reducer, so
// that one and the same may be a variable of the package and be tested by
// parallel tests.
//
// Each Then, whatever it asks, also fails the test if the view depends on
// anything but the events: if it is not the same when it is rebuilt from all
// history, a second time, a year later, or with history cut from what is live at
// other places (at each if there are few events, else at some); if the source
// delivers something else the next time, or the reducer changes an event or keeps
// it in the state. The test fails if no Then follows.
func ForView[T, S any](t *testing.T, view *operators.View[T, S], source func(stream.Log) stream.Observable[stream.ColdHot, T]) ViewSpec[T, S] {
	t.Helper()
	s := ViewSpec[T, S]{t: t, view: view, source: containedSource(source), ledger: openLedger(t)}
	if view == nil || source == nil {
		s.fault = errors.New("ForView needs a view and a source")
	}
	s.entry = s.ledger.add(here(), "ForView without a Then: nothing was tested")
	return s
}

// containedSource makes a panic of the function an error of what it returns.
func containedSource[T any](source func(stream.Log) stream.Observable[stream.ColdHot, T]) func(stream.Log) stream.Observable[stream.ColdHot, T] {
	return func(log stream.Log) (o stream.Observable[stream.ColdHot, T]) {
		if err := contained("the view's source", func() { o = source(log) }); err != nil {
			return stream.New[stream.ColdHot](nil, func(stream.Subscription) stream.Run[T] {
				return func(context.Context, func(T) error) error { return err }
			})
		}
		return o
	}
}

// On says which kind of log the specification is played on; without it the
// environment variable THAW_TESTKIT_LOG says so, and the default is [InMemory].
func (s ViewSpec[T, S]) On(m Medium) ViewSpec[T, S] {
	s.medium = m
	return s
}

// Given adds to what has happened before the view's run begins. Each append is
// one tick of the diagram.
func (s ViewSpec[T, S]) Given(happened ...Happening) ViewSpec[T, S] {
	if s.isLive() {
		s = s.wrong("Given after a When: what is given happens before the view runs")
	}
	return s.happened("Given", true, happened)
}

// When adds to what happens while the view runs. Each append is one tick of the
// diagram, after which the view comes to rest.
func (s ViewSpec[T, S]) When(happened ...Happening) ViewSpec[T, S] {
	return s.happened("When", false, happened)
}

// WhenCrash kills the process in which the view runs. Its log is opened again,
// the view is rebuilt, and must be as it was.
func (s ViewSpec[T, S]) WhenCrash() ViewSpec[T, S] {
	return s.with("WhenCrash", viewStep{crash: true})
}

// WhenTime lets time pass. It takes none of the test's.
func (s ViewSpec[T, S]) WhenTime(d time.Duration) ViewSpec[T, S] {
	if d <= 0 {
		s = s.wrong("WhenTime(" + d.String() + "): want more than none")
	}
	return s.with("WhenTime", viewStep{wait: d})
}

// AsOf asks the next Then about the view as it was after an event: what
// [operators.View.Fold] makes of the log up to its position. As positions have no
// gaps, that is as of so many events; 0 is the beginning.
func (s ViewSpec[T, S]) AsOf(position stream.Position) ViewSpec[T, S] {
	return s.asOf(viewPast{of: "AsOf", position: position})
}

// AsOfTime is AsOf for all that had been appended so long after the view's run
// began, up to and including that instant; what was given happened before that,
// a tick of a millisecond apart.
func (s ViewSpec[T, S]) AsOfTime(after time.Duration) ViewSpec[T, S] {
	return s.asOf(viewPast{of: "AsOfTime", after: after, timed: true})
}

func (s ViewSpec[T, S]) asOf(p viewPast) ViewSpec[T, S] {
	s = s.with(p.of)
	s.past = p
	return s
}

func (s ViewSpec[T, S]) happened(what string, before bool, list []Happening) ViewSpec[T, S] {
	if len(list) == 0 {
		s = s.wrong(what + " without anything that happened")
	}
	var steps []viewStep
	for _, h := range list {
		if h.err != nil {
			s = s.wrong(what + ": " + h.err.Error())
		}
		steps = append(steps, viewStep{happening: h, before: before})
	}
	return s.with(what, steps...)
}

// with is the specification with more steps, which something must follow.
func (s ViewSpec[T, S]) with(what string, steps ...viewStep) ViewSpec[T, S] {
	if s.past.of != "" {
		s = s.wrong(what + " after " + s.past.of + ": ask a Then first")
	}
	s.past = viewPast{}
	s.entry.settle()
	s.entry = s.ledger.add(here(), what+" without a Then: nothing was tested")
	s.steps = append(s.steps[:len(s.steps):len(s.steps)], steps...)
	return s
}

func (s ViewSpec[T, S]) wrong(how string) ViewSpec[T, S] {
	if s.fault == nil {
		s.fault = errors.New(how)
	}
	return s
}

// isLive reports whether the view runs by now.
func (s ViewSpec[T, S]) isLive() bool {
	return len(s.steps) > 0 && !s.steps[len(s.steps)-1].before
}
