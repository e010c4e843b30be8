package testkit

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/thaw-go/thaw/testkit/internal/value"
	"github.com/thaw-go/thaw/testkit/marble"
)

// Then says what the view's state is by now.
func (s ViewSpec[T, S]) Then(want S) ViewSpec[T, S] {
	s.t.Helper()
	return s.then("view", func(state S) any { return state }, marble.Event, want)
}

// Answer says what the view answers to a question by now, as [operators.Ask]
// would. What it is about is the name of its lane.
func Answer[T, S, R any](s ViewSpec[T, S], about string, question func(S) R, want R) ViewSpec[T, S] {
	s.t.Helper()
	if question == nil {
		s = s.wrong("Answer without a question")
	}
	return s.then(about, func(state S) any { return question(state) }, marble.Event, want)
}

// ThenFails says that the view's run has failed in the last step, or when it
// replayed what was given, with this error in the sense of errors.Is.
func (s ViewSpec[T, S]) ThenFails(want error) ViewSpec[T, S] {
	s.t.Helper()
	if want == nil {
		s = s.wrong("ThenFails(nil): say Then")
	}
	return s.then("view", func(state S) any { return state }, marble.Failed, want)
}

// ThenFailsAs is ThenFails with an error of the type that target points to, in
// the sense of errors.As, and sets target to it:
//
//	var broken *stream.DecodeError
//	testkit.ForView(t, count, source).Given(old).ThenFailsAs(&broken)
func (s ViewSpec[T, S]) ThenFailsAs(target any) ViewSpec[T, S] {
	s.t.Helper()
	failure, ok := failureAs(target)
	if !ok {
		s = s.wrong(fmt.Sprintf("ThenFailsAs(%T): want a pointer to a variable of the error's type", target))
	}
	return s.then("view", func(state S) any { return state }, marble.Failed, failure)
}

// Answers says what the view answers at each tick, as a diagram: the first tick
// is when it has caught up with what was given, each append and each crash after
// that is one more. Letters stand for what values says; - means that the answer
// is as it was before, # that the run has failed.
//
//	testkit.Answers(spec.Given(a, b).When(c).When(d), "users", func(n int) int { return n }, "x - y", testkit.Values[int]{"x": 2, "y": 3})
func Answers[T, S, R any](s ViewSpec[T, S], about string, question func(S) R, marbles string, values Values[R]) ViewSpec[T, S] {
	s.t.Helper()
	want, err := marble.Parse(marbles, viewTick)
	names := &marble.Names{}
	switch {
	case s.past.of != "":
		s = s.wrong("Answers are of all ticks, not of one: say Answer after " + s.past.of)
	case question == nil:
		s = s.wrong("Answers without a question")
	case err != nil:
		s = s.wrong(fmt.Sprintf("Answers %s: %v", about, err))
	case len(want.Points) == 0:
		s = s.wrong("Answers " + about + ": a diagram without an answer")
	}
	want.Name = about
	for _, letter := range slices.Sorted(maps.Keys(values)) {
		names.Set(letter, values[letter], value.Show(values[letter]))
	}
	for i, p := range want.Points {
		v, known := values[p.Name]
		switch {
		case p.Kind == marble.Failed:
		case p.Kind != marble.Event || p.Again || p.Append != 0:
			s = s.wrong("Answers " + about + ": " + marbles + ": answers are letters, - and #, nothing else")
		case !known:
			s = s.wrong("Answers " + about + ": no value for the letter " + p.Name)
		default:
			want.Points[i].Value = v
		}
	}
	line := caller()
	s.entry.settle()
	r, ok := s.played(line, names, func(state S) any { return question(state) })
	if ok {
		for letter, v := range values {
			r.letters = append(r.letters, viewLetter{v, letter})
		}
		if want.End > r.log.End {
			tell(s.t, "%s: Answers %s: %s: the diagram is longer than what happened, which takes %d ticks", line, about, marbles, r.log.End/viewTick)
		}
		r.compare(line, want, r.answers(about, want))
		r.report(line)
	}
	return s
}

// then plays the specification and compares what is asked last.
func (s ViewSpec[T, S]) then(about string, ask func(S) any, kind marble.Kind, wanted any) ViewSpec[T, S] {
	s.t.Helper()
	line := caller()
	s.entry.settle()
	r, ok := s.played(line, &marble.Names{}, ask)
	s.past = viewPast{}
	if !ok {
		return s
	}
	last := r.asked[len(r.asked)-1].at
	if r.past.of != "" {
		last = r.then.at
		about += " as of " + r.pastPlace()
	}
	want := marble.Lane{Name: about, End: r.log.End, Points: []marble.Point{{At: last, Kind: kind, Value: wanted}}}
	got := r.answers(about, want)
	if r.past.of != "" {
		got.Points = []marble.Point{r.then.point()}
	}
	before := slices.Clone(got.Points)
	before = slices.DeleteFunc(before, func(p marble.Point) bool { return p.At >= last || p.Kind == marble.Failed })
	want.Points = append(before, want.Points...)
	r.compare(line, want, got)
	r.report(line)
	return s
}

// played plays the specification unless it is not one; false if that did not
// work, which has been reported.
func (s ViewSpec[T, S]) played(line string, names *marble.Names, ask func(S) any) (*viewRun[T, S], bool) {
	s.t.Helper()
	if s.fault != nil {
		tell(s.t, "%s: %v", line, s.fault)
		return nil, false
	}
	r := s.play(names, ask)
	if r.broken != nil {
		tell(s.t, "%s: %v\n%s", line, r.broken, indent(r.trace().Text()))
		return r, false
	}
	return r, true
}

// answers is the lane of what the view has answered: when the answer changed,
// and at the ticks that are asked about.
func (r *viewRun[T, S]) answers(about string, asked marble.Lane) marble.Lane {
	l := marble.Lane{Name: about, End: r.log.End}
	sampled := map[time.Duration]bool{}
	for _, p := range asked.Points {
		sampled[p.At] = true
	}
	for i, a := range r.asked {
		switch {
		case i == 0 || sampled[a.at] && a.err == nil:
		case a.err != nil && r.asked[i-1].err != nil:
			continue
		case a.err == nil && r.asked[i-1].err == nil && value.Equal(a.value, r.asked[i-1].value):
			continue
		}
		l.Points = append(l.Points, a.point())
	}
	return l
}

func (a viewAnswer) point() marble.Point {
	if a.err != nil {
		return marble.Point{At: a.at, Kind: marble.Failed, Value: a.err}
	}
	return marble.Point{At: a.at, Kind: marble.Event, Value: a.value}
}

// pastPlace says as of where is asked.
func (r *viewRun[T, S]) pastPlace() string {
	if r.past.timed {
		return "+" + r.past.after.String()
	}
	return fmt.Sprintf("position %d", r.past.position)
}
