package testkit

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/thaw-go/thaw/stream"
	"github.com/thaw-go/thaw/testkit/internal/value"
	"github.com/thaw-go/thaw/testkit/marble"
)

// Trace is what happened, as a diagram: the log, and below it the view's state
// at each tick.
func (s ViewSpec[T, S]) Trace() marble.Trace {
	s.t.Helper()
	r, ok := s.played(caller(), &marble.Names{}, func(state S) any { return state })
	if !ok {
		return marble.Trace{}
	}
	return r.trace()
}

// trace is the diagram of a run, as far as it came.
func (r *viewRun[T, S]) trace() marble.Trace {
	t := marble.Trace{Tick: viewTick, Lanes: []marble.Lane{r.log}}
	if len(r.asked) > 0 {
		lane := r.answers("view", marble.Lane{})
		r.name(&lane)
		t.Lanes = append(t.Lanes, lane)
	}
	t.Names = r.names.Legend()
	return t
}

// name gives the answers of lanes letters: A, B and so on, as the log's events
// have the small ones, unless the test has chosen others.
func (r *viewRun[T, S]) name(lanes ...*marble.Lane) {
	for _, l := range lanes {
		for i := range l.Points {
			if p := &l.Points[i]; p.Kind == marble.Event {
				p.Name = r.letter(p.Value)
			}
		}
	}
}

func (r *viewRun[T, S]) letter(v any) string {
	for _, known := range r.letters {
		if value.Equal(known.value, v) {
			return known.letter
		}
	}
	taken := map[string]bool{}
	for _, n := range r.names.Legend() {
		taken[n.Letter] = true
	}
	for c := 'A'; c <= 'Z'; c++ {
		if letter := string(c); !taken[letter] {
			r.names.Set(letter, v, value.Show(v))
			r.letters = append(r.letters, viewLetter{v, letter})
			return letter
		}
	}
	return r.names.Of(v, value.Show(v))
}

// viewLetter is what an answer is called.
type viewLetter struct {
	value  any
	letter string
}

// compare fails the test unless what the view answered is what was wanted.
func (r *viewRun[T, S]) compare(line string, want, got marble.Lane) {
	r.t.Helper()
	r.name(&got, &want)
	differences := compare(want, got)
	if len(differences) == 0 {
		return
	}
	isFailure := func(p marble.Point) bool { return p.Kind == marble.Failed }
	if i := slices.IndexFunc(got.Points, isFailure); i >= 0 && !slices.ContainsFunc(want.Points, isFailure) {
		p := got.Points[i] // all that differs comes of it
		differences = []marble.Difference{{At: p.At, Text: fmt.Sprintf("the view's run has failed: %v", p.Value)}}
	}
	r.fail(line, want, got, differences)
}

// report fails the test if the view depends on more than the events.
func (r *viewRun[T, S]) report(line string) {
	r.t.Helper()
	p := r.parted
	if p == nil {
		return
	}
	first := r.log.Points[0].At
	at := first
	if p.item >= 0 && p.item < len(p.places) {
		at = r.ticks[p.places[p.item]-1]
	}
	want, got := r.states(p, p.want), r.states(p, p.got)
	want.Name = "view"
	r.name(&want, &got)
	r.fail(line, want, got, []marble.Difference{{At: at, Text: p.text, Values: p.values}})
}

// states is the lane of the states that a run of the view went through.
func (r *viewRun[T, S]) states(p *parting, v *viewing) marble.Lane {
	l := marble.Lane{Name: v.name, End: r.log.End}
	if p.item < 0 {
		l.Points = append(l.Points, marble.Point{At: r.log.Points[0].At, Kind: marble.Event, Value: v.initial})
	}
	at := time.Duration(0)
	for i, state := range v.states[:min(len(v.states), len(p.places))] {
		at = r.ticks[p.places[i]-1]
		switch {
		case i == len(v.states)-1:
			state = viewState{true, v.final}
		case !state.taken && looked(i): // it is as it was on the other side
			state = p.want.states[i]
		}
		if state.taken {
			l.Points = append(l.Points, marble.Point{At: at, Kind: marble.Event, Value: state.value})
		}
	}
	if v.err != nil {
		l.Points = append(l.Points, marble.Point{At: at, Kind: marble.Failed, Value: v.err})
	}
	return l
}

// fail reports two lanes that differ below the log's, and what the letters stand
// for.
func (r *viewRun[T, S]) fail(line string, want, got marble.Lane, differences []marble.Difference) {
	r.t.Helper()
	text := marble.Report(viewTick, []marble.Lane{r.log}, want, got, differences, r.answerNames()...)
	var b strings.Builder
	for _, p := range r.log.Points[:min(len(r.log.Points), mostLogLetters)] {
		if p.Kind == marble.Event {
			fmt.Fprintf(&b, "\n  %s  %s", p.Name, p.Value)
		}
	}
	tell(r.t, "%s: %s%s", line, text, b.String())
	leave(r.t, line, viewTick, []marble.Lane{r.log}, want, got, r.answerNames())
}

// answerNames is the legend of the answers.
func (r *viewRun[T, S]) answerNames() (list []marble.Name) {
	for _, l := range r.letters {
		list = append(list, marble.Name{Letter: l.letter, Text: value.Show(l.value)})
	}
	return list
}

// mostLogLetters is how many letters of the log a failure explains.
const mostLogLetters = 20

// storedEvent is an event of the log as a diagram compares and shows it.
type storedEvent struct {
	position stream.Position
	text     string
}

func (e storedEvent) String() string { return e.text }

func asStored(rec *stream.Record) storedEvent {
	data := string(rec.Data)
	if !json.Valid(rec.Data) {
		data = fmt.Sprintf("%q", rec.Data)
	}
	return storedEvent{rec.Position, strings.TrimSpace(fmt.Sprintf("%s %s %s", rec.Stream, rec.Type, data))}
}
