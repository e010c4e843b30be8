package testkit

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"testing"
	"testing/synctest"
	"time"

	"github.com/thaw-go/thaw/operators"
	"github.com/thaw-go/thaw/stream"
	"github.com/thaw-go/thaw/testkit/internal/value"
	"github.com/thaw-go/thaw/testkit/marble"
)

// viewTick is what a token takes in the diagram of a view.
const viewTick = time.Millisecond

// viewRun is one playing of a specification.
type viewRun[T, S any] struct {
	ViewSpec[T, S]
	ask     func(S) any // what is asked at each tick
	names   *marble.Names
	letters []viewLetter
	world   *world
	ticks   []time.Duration // of the records, by position
	log     marble.Lane
	asked   []viewAnswer
	runs    []*viewProcess[T, S] // what ran live, one after each crash
	all     []stream.Record      // all that happened
	again   *viewProcess[T, S]   // rebuilt from the same log
	then    viewAnswer           // as of the past that is asked about
	begins  bool                 // the view runs
	broken  error                // why the script could not be played
	parted  *parting             // the first way in which the view is not a function of its events
}

// viewAnswer is what a view answers at a tick: a copy, or why its run ended.
type viewAnswer struct {
	at    time.Duration
	value any
	err   error
}

// play plays the specification in a bubble.
func (s ViewSpec[T, S]) play(names *marble.Names, ask func(S) any) *viewRun[T, S] {
	r := &viewRun[T, S]{ViewSpec: s, ask: ask, names: names, log: marble.Lane{Name: "log"}}
	inOwnBubble(s.t, func(t *testing.T) {
		w, err := newWorld(t, s.medium)
		if err != nil {
			r.broken = err
			return
		}
		r.world = w
		err = r.perform()
		if failed := w.ground.close(); err == nil && failed != nil {
			err = fmt.Errorf("close the log: %w", failed)
		}
		if err == nil {
			err = errors.Join(r.check(), r.askPast())
		}
		r.broken = err
	})
	return r
}

// perform plays the script on the log.
func (r *viewRun[T, S]) perform() error {
	defer r.stop()
	var history time.Duration
	for _, s := range r.steps {
		if s.before {
			history += viewTick
		}
	}
	r.world.began = r.world.began.Add(history)
	at := -history
	for _, s := range r.steps {
		if !s.before && !r.begins {
			if err := r.begin(); err != nil {
				return err
			}
			at = viewTick
		}
		if err := r.step(s, at); err != nil {
			return err
		}
		if at += s.wait; s.wait == 0 {
			at += viewTick
		}
	}
	if !r.begins {
		if err := r.begin(); err != nil {
			return err
		}
	}
	r.log.End = r.asked[len(r.asked)-1].at + viewTick
	return r.keep()
}

// begin begins the view's first run, at zero.
func (r *viewRun[T, S]) begin() error {
	r.begins = true
	time.Sleep(time.Until(r.world.began))
	r.log.Points = append(r.log.Points, marble.Point{Kind: marble.Subscribe})
	if err := r.live("live"); err != nil {
		return err
	}
	return r.rest(0)
}

// step does one thing at its tick.
func (r *viewRun[T, S]) step(s viewStep, at time.Duration) error {
	switch {
	case s.wait > 0:
		time.Sleep(time.Until(r.world.began.Add(at + s.wait - viewTick)))
		return r.rest(at + s.wait - viewTick)
	case s.crash:
		time.Sleep(time.Until(r.world.began.Add(at)))
		r.log.Points = append(r.log.Points, marble.Point{At: at, Kind: marble.Crash})
		if err := r.crash(); err != nil {
			return err
		}
		return r.rest(at)
	}
	time.Sleep(time.Until(r.world.began.Add(at)))
	stored, err := r.world.append(s.happening)
	if err != nil {
		return err
	}
	for _, rec := range stored {
		p := marble.Point{At: at, Kind: marble.Event, Value: asStored(&rec), Note: fmt.Sprintf("position %d", rec.Position)}
		p.Name = r.names.Of(p.Value, fmt.Sprint(p.Value))
		if len(stored) > 1 {
			p.Append = int(stored[0].Position)
		}
		r.log.Points = append(r.log.Points, p)
		r.ticks = append(r.ticks, at)
	}
	if s.before {
		return nil
	}
	return r.rest(at)
}

// crash kills the process: the log opens again, and the view is run anew.
func (r *viewRun[T, S]) crash() error {
	r.world.crash()
	r.stop()
	r.runs[len(r.runs)-1].seen.cut = true
	if err := r.world.reopen(); err != nil {
		return err
	}
	return r.live("after the crash")
}

func (r *viewRun[T, S]) live(name string) error {
	p, err := r.start(name, r.world.log, nil)
	if err == nil {
		r.runs = append(r.runs, p)
	}
	return err
}

// rest waits until the view has come to rest and asks it.
func (r *viewRun[T, S]) rest(at time.Duration) error {
	synctest.Wait()
	p := r.runs[len(r.runs)-1]
	answer := viewAnswer{at: at, err: p.ended()}
	if answer.err == nil {
		head, err := r.world.raw.Head(context.Background())
		if err != nil {
			return err
		}
		if m := p.view.Mark(); !m.Live || !m.At.Reached(head) {
			return fmt.Errorf("the view has come to rest at position %s of a log that ends at %s: what would wake it?", m.At, head)
		}
		if err := guard("the question", func() {
			p.view.Read(func(s S) { answer.value = value.Copy(r.ask(s)) })
		}); err != nil {
			return err
		}
	}
	r.asked = append(r.asked, answer)
	return nil
}

// stop ends the live run.
func (r *viewRun[T, S]) stop() {
	if len(r.runs) > 0 {
		r.runs[len(r.runs)-1].stop()
	}
}

// viewProcess is one run of a fresh view, watched.
type viewProcess[T, S any] struct {
	view   *operators.View[T, S]
	seen   viewing
	like   *viewing // of the states only those are taken that are not as they are there
	cancel context.CancelFunc
	done   chan struct{}
	err    error
}

// viewing is what a view was handed and what it made of it.
type viewing struct {
	name    string
	initial any               // the state of no events
	items   []any             // as they are once the reducer has had them
	states  []viewState       // after them
	final   any               // after the last one
	places  []stream.Position // of the items in the log, if they were noted
	cut     bool              // by a crash: there was more to come
	err     error
}

// viewState is a copy of the state after an item, if it was taken.
type viewState struct {
	taken bool
	value any
}

// looked reports whether the state after an item is compared: of the first ones
// after each, later on less and less often.
func looked(item int) bool {
	every := 1
	for item/every >= 64 {
		every *= 2
	}
	return item%every == 0
}

// fresh makes a run of a view that has not begun.
func (r *viewRun[T, S]) fresh(name string) (*viewProcess[T, S], error) {
	p := &viewProcess[T, S]{seen: viewing{name: name}, done: make(chan struct{})}
	err := guard("the view's initial state", func() { p.view = r.view.Fresh() })
	return p, err
}

// start runs a fresh view over a log until stop is called.
func (r *viewRun[T, S]) start(name string, log stream.Log, like *viewing) (*viewProcess[T, S], error) {
	p, err := r.fresh(name)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	p.cancel, p.like = cancel, like
	go func() { // stopped by cancel, waited for in stop
		defer close(p.done)
		p.err = p.run(ctx, r.source, log, nil)
	}()
	return p, nil
}

// run runs the view here. A nil error means that its source has ended.
func (p *viewProcess[T, S]) run(ctx context.Context, source func(stream.Log) stream.Observable[stream.ColdHot, T], log stream.Log, place func() stream.Position) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = &stream.PanicError{Stage: "the view's source", Value: v, Stack: debug.Stack()}
		}
	}()
	o := stream.Through(source(log), func(run stream.Run[T]) stream.Run[T] {
		return func(ctx context.Context, emit func(T) error) error {
			p.look(func(s any) { p.seen.initial = s })
			return run(ctx, func(item T) error {
				if err := emit(item); err != nil {
					return err
				}
				p.saw(item, place)
				return nil
			})
		}
	})
	return p.view.Run(ctx, o)
}

// saw notes what the view has made of an item.
func (p *viewProcess[T, S]) saw(item T, place func() stream.Position) {
	n := len(p.seen.items)
	p.seen.items = append(p.seen.items, item)
	p.seen.states = append(p.seen.states, viewState{})
	if looked(n) && !p.isLike(n) {
		p.look(func(s any) { p.seen.states[n] = viewState{true, s} })
	}
	if place != nil {
		p.seen.places = append(p.seen.places, place())
	}
}

// isLike reports whether the state after an item is as it is known to be.
func (p *viewProcess[T, S]) isLike(item int) (is bool) {
	if p.like == nil || item >= len(p.like.states) {
		return false
	}
	p.view.Read(func(s S) { is = value.Equal(p.like.states[item].value, s) })
	return is
}

// look copies the state.
func (p *viewProcess[T, S]) look(f func(any)) {
	p.view.Read(func(s S) { f(value.Copy(s)) })
}

// ended is why the run has ended; nil while it goes on.
func (p *viewProcess[T, S]) ended() error {
	select {
	case <-p.done:
		if p.err == nil {
			return errViewSource
		}
		return p.err
	default:
		return nil
	}
}

var errViewSource = errors.New("the view's source has ended, as a source of history and everything new never does")

// stop ends the run, waits for it, and notes what came of it. A source that does
// not heed its context is a deadlock, of which the bubble of the test tells.
func (p *viewProcess[T, S]) stop() {
	if p.cancel == nil {
		return
	}
	if p.ended() != nil {
		p.seen.err = p.err
	}
	p.cancel()
	p.cancel = nil
	<-p.done
	p.finish()
}

func (p *viewProcess[T, S]) finish() { p.look(func(s any) { p.seen.final = s }) }
