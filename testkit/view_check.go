package testkit

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"testing/synctest"
	"time"

	"github.com/thaw-go/thaw/stream"
	"github.com/thaw-go/thaw/testkit/internal/value"
)

// parting is where a view turned out to depend on more than the events.
type parting struct {
	text      string // in words
	item      int    // after this one; -1: before the first
	values    string // how they differ
	want, got *viewing
	places    []stream.Position
}

// aYear passes between a view's life and its rebuilding, so that a reducer that
// looks at the clock is found out: rather more than a year, and at another time
// of day.
const aYear = 400*24*time.Hour + 7*time.Hour + 11*time.Minute + 13*time.Second

// everyCut is up to how many events history is cut off at each place; beyond
// that, at someCuts of them.
const everyCut, someCuts = 24, 8

// keep copies what the log holds and rebuilds the view from it.
func (r *viewRun[T, S]) keep() (err error) {
	r.stop()
	if r.all, err = recorded(r.world.raw); err != nil {
		return err
	}
	r.again, err = r.rebuild("rebuilt", r.world.log, nil)
	return err
}

// rebuild runs a fresh view until it has caught up.
func (r *viewRun[T, S]) rebuild(name string, log stream.Log, place func() stream.Position) (*viewProcess[T, S], error) {
	p, err := r.fresh(name)
	if err != nil {
		return nil, err
	}
	p.seen.err = p.run(context.Background(), func(log stream.Log) stream.Observable[stream.ColdHot, T] {
		return untilLive[stream.ColdHot](r.source(log))
	}, log, place)
	p.finish()
	return p, nil
}

// check looks for what the view depends on besides the events. The log is closed
// by now: nothing is left that a year would take long for.
func (r *viewRun[T, S]) check() error {
	time.Sleep(aYear)
	single := &reel{records: r.all, single: true, shown: len(r.all)}
	reference, err := r.rebuild("rebuilt a year later", single, single.handing)
	if err != nil {
		return err
	}
	for _, live := range append(r.runs, r.again) {
		if r.differ(live, reference, &reference.seen) {
			return nil
		}
	}
	for i, k := range cuts(len(r.all)) {
		if i == 0 {
			time.Sleep(time.Second)
		}
		seam := &reel{records: r.all, shown: k}
		p, err := r.start(fmt.Sprintf("with %d of %d events as history", k, len(r.all)), seam, &reference.seen)
		if err != nil {
			return err
		}
		synctest.Wait()
		seam.show(len(r.all))
		synctest.Wait()
		p.stop()
		if r.differ(reference, p, &reference.seen) {
			return nil
		}
	}
	return r.checkEvents(reference)
}

// cuts are the places at which history is cut off from what is live.
func cuts(n int) (list []int) {
	parts := n
	if n > everyCut {
		parts = someCuts
	}
	for i := range parts + 1 {
		list = append(list, i*n/max(1, parts))
	}
	return list
}

// differ notes the first place at which two runs of the view part.
func (r *viewRun[T, S]) differ(want, got *viewProcess[T, S], reference *viewing) bool {
	item, values, what := part(&want.seen, &got.seen)
	if what == "" {
		return false
	}
	p := &parting{item: item, values: values, want: &want.seen, got: &got.seen, places: reference.places}
	p.text = fmt.Sprintf("%s and %s, the view is not the same: %s %s", want.seen.name, got.seen.name, r.after(item, p.places), what)
	if r.fickle() {
		p.text += "; its source does not deliver the same again"
	}
	r.parted = p
	return true
}

// part returns after which item two runs part, and in what.
func part(want, got *viewing) (item int, values, what string) {
	const differ = "the states differ"
	began := len(want.items) > 0 || want.err == nil || got.err == nil
	if d := value.Difference(want.initial, got.initial); d != "" && began {
		return -1, d, differ
	}
	n := min(len(want.items), len(got.items))
	for i := range n {
		if !want.states[i].taken || !got.states[i].taken {
			continue
		}
		if d := value.Difference(want.states[i].value, got.states[i].value); d != "" {
			return i, d, differ
		}
	}
	switch {
	case want.cut && len(want.items) <= len(got.items):
		return 0, "", ""
	case len(want.items) != len(got.items):
		return n - 1, "", fmt.Sprintf("the one is handed %d items, the other %d", len(want.items), len(got.items))
	case (want.err == nil) != (got.err == nil):
		return n - 1, "", fmt.Sprintf("the one ends with the error %v, the other with %v", want.err, got.err)
	}
	if d := value.Difference(want.final, got.final); d != "" {
		return n - 1, d, differ
	}
	return 0, "", ""
}

// fickle reports whether the source delivers something else when it is
// subscribed to again.
func (r *viewRun[T, S]) fickle() bool {
	first, err1 := r.collect()
	second, err2 := r.collect()
	return value.Difference(first, second) != "" || (err1 == nil) != (err2 == nil)
}

// collect returns what the source delivers, which no reducer has seen.
func (r *viewRun[T, S]) collect() (items []any, err error) {
	all := &reel{records: r.all, shown: len(r.all)}
	err = untilLive[stream.Cold](r.source(all)).Run(context.Background(), func(item T) error {
		items = append(items, item)
		return nil
	})
	return items, err
}

// checkEvents looks for events that the reducer changed, or keeps in the state.
// An item of another type may be the view's own.
func (r *viewRun[T, S]) checkEvents(p *viewProcess[T, S]) error {
	if !isEventType(reflect.TypeFor[T]()) {
		return nil
	}
	untouched, _ := r.collect() // which fails as the runs did
	for i := range min(len(p.seen.items), len(untouched)) {
		if d := value.Difference(untouched[i], p.seen.items[i]); d != "" {
			r.parted = &parting{item: i, values: d, want: &p.seen, got: &p.seen, places: p.seen.places,
				text: "the reducer has changed an event, which others read too: " + r.after(i, p.seen.places) + " it is another"}
			return nil
		}
	}
	var held []bool
	p.view.Read(func(s S) { held = value.Holds(s, p.seen.items) })
	for i, is := range held {
		if is {
			r.parted = &parting{item: i, want: &p.seen, got: &p.seen, places: p.seen.places,
				text: "the state keeps an event, and with it all that was read together with it, in memory: " + r.after(i, p.seen.places) + " copy what is needed"}
			return nil
		}
	}
	return nil
}

// after says in words after which item something was found.
func (r *viewRun[T, S]) after(item int, places []stream.Position) string {
	switch {
	case item < 0:
		return "before the first event"
	case item >= len(places) || int(places[item]) > len(r.all):
		return fmt.Sprintf("after item %d", item+1)
	}
	rec := &r.all[places[item]-1]
	return fmt.Sprintf("after position %d (%s)", rec.Position, asStored(rec))
}

// askPast asks about the past.
func (r *viewRun[T, S]) askPast() error {
	if r.past.of == "" {
		return nil
	}
	position := int(r.past.position)
	if r.past.timed {
		position = 0
		for position < len(r.all) && !r.all[position].Time.After(r.world.began.Add(r.past.after)) {
			position++
		}
	}
	if position > len(r.all) {
		return fmt.Errorf("AsOf(%d): the log ends at position %d", position, len(r.all))
	}
	if position > 0 {
		r.then.at = r.ticks[position-1]
	} else {
		r.then.at = r.log.Points[0].At
	}
	p, err := r.fresh("then")
	if err != nil {
		return err
	}
	var state S
	then := &reel{records: r.all, shown: position}
	if state, r.then.err = p.view.Fold(context.Background(), untilLive[stream.Cold](r.source(then))); r.then.err != nil {
		return nil
	}
	return guard("the question", func() { r.then.value = value.Copy(r.ask(state)) })
}

// untilLive is a cold+hot observable up to where it has caught up.
func untilLive[K stream.Kind, T any](o stream.Observable[stream.ColdHot, T]) stream.Observable[K, T] {
	return stream.New[K](nil, func(sub stream.Subscription) stream.Run[T] {
		return func(ctx context.Context, emit func(T) error) error {
			err := o.Subscribe(ctx, stream.Subscription{Mark: func(m stream.Mark) error {
				if sub.Mark != nil {
					if err := sub.Mark(m); err != nil {
						return err
					}
				}
				if m.Live {
					return errCaughtUp
				}
				return nil
			}}, emit)
			if errors.Is(err, errCaughtUp) {
				return nil
			}
			return err
		}
	})
}

var errCaughtUp = errors.New("testkit: the view has caught up")
