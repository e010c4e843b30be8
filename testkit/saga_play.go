package testkit

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/thaw-go/thaw/aggregate"
	"github.com/thaw-go/thaw/stream"
	"github.com/thaw-go/thaw/testkit/internal/value"
)

// sagaPlay is one run of a saga's script, and what was seen of it.
type sagaPlay[E, S any] struct {
	script  *sagaScript[E, S]
	crashAt int
	stage   *stage
	records []stream.Record // the log in the end

	mu        sync.Mutex
	fault     error // why nothing can be compared; the first one
	turns     []*sagaTurn[S]
	index     map[turnID]*sagaTurn[S]
	states    map[string][]byte // of the instances
	ended     map[turnID]bool   // instances that are complete, by their first turns
	taken     map[stream.EventID]aggregate.Effect
	delivered []wish // the commands that were taken down, each once
	used      map[int]bool
}

// kept is a saga's state with what the kit needs to know: whose it is, and how
// many turns led to it. It is stored and lost as the state is, so a turn that is
// taken again after a crash has the number that it had before.
type kept[S any] struct {
	Instance string
	Born     stream.Position // of the event that began it: it may be completed, and begun again
	Turn     int
	State    S
}

// turnID is which turn of which instance.
type turnID struct {
	instance string
	born     stream.Position
	number   int
}

// sagaTurn is one call of React, Expire or Refused.
type sagaTurn[S any] struct {
	what     string // the call, in words
	instance string
	at       time.Duration
	scene    int
	before   []byte // the state
	after    []byte
	effects  []aggregate.Effect
	ask      func(S) (S, []aggregate.Effect)
}

// wish is an effect and when it was wanted.
type wish struct {
	effect aggregate.Effect
	at     time.Duration
	scene  int
}

// wait is how long the kit waits after the script before it asks the saga's
// functions again: nothing that is told from a clock is the same by then.
const wait = 100*24*time.Hour + 7*time.Hour + 11*time.Minute + 13*time.Second + 17*time.Millisecond

// perform plays the script, inside a bubble.
func (p *sagaPlay[E, S]) perform(t *testing.T) {
	p.index, p.ended = map[turnID]*sagaTurn[S]{}, map[turnID]bool{}
	p.states, p.taken, p.used = map[string][]byte{}, map[stream.EventID]aggregate.Effect{}, map[int]bool{}
	stage, err := newStage(t, p.script.medium, p.crashAt)
	if err != nil {
		p.fault = err
		return
	}
	p.stage = stage
	stage.begin = p.begin
	err = p.scenes()
	if p.records == nil {
		p.records, _ = stage.stored()
	}
	stage.curtain()
	if err := errors.Join(err, stage.close()); err != nil {
		p.wrong("%w", err)
	}
	if p.fault == nil && p.crashAt == 0 {
		time.Sleep(wait)
		p.askAgain()
	}
}

// scenes is the script from its beginning to its end.
func (p *sagaPlay[E, S]) scenes() error {
	s := p.stage
	if err := s.given(p.script.given); err != nil {
		return fmt.Errorf("Given: %w", err)
	}
	s.start()
	if err := s.settle(); err != nil {
		return err
	}
	if err := p.online(); err != nil {
		return err
	}
	for _, scene := range p.script.scenes {
		s.next()
		s.start()
		err := error(nil)
		switch {
		case scene.happens != nil:
			err = s.happen(*scene.happens)
		case scene.passes <= 0:
			err = fmt.Errorf("WhenTime(%s): want more than none", scene.passes)
		default:
			err = s.pass(scene.passes)
		}
		if err != nil {
			return err
		}
	}
	records, err := s.stored()
	p.records = records
	return err
}

// online waits until the saga is, or has failed.
func (p *sagaPlay[E, S]) online() error {
	if len(p.stage.failed) > 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute) // of virtual time
	defer cancel()
	if err := p.stage.actor.Online(ctx); err != nil {
		return fmt.Errorf("the saga did not come online: %w", err)
	}
	return nil
}

// wrong notes the first fault.
func (p *sagaPlay[E, S]) wrong(format string, args ...any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.fault == nil {
		p.fault = fmt.Errorf(format, args...)
	}
}

// begin makes the process: the saga, watched, and what executes its commands.
func (p *sagaPlay[E, S]) begin(log Log) stageActor {
	var to []aggregate.Handler
	if p.script.handlers != nil {
		if err := guard("With", func() { to = p.script.handlers(log) }); err != nil {
			p.wrong("%w", err)
		}
	}
	to = append(slices.Clone(to), aggregate.HandleFunc("", p.take))
	var source stream.Source[stream.Hot, E]
	if err := guard("the function that makes the source", func() { source = p.script.source(log) }); err != nil {
		p.wrong("%w", err)
	}
	return p.watched().Runner(source, to...)
}

// turn asks the saga and takes down what it wants.
func (p *sagaPlay[E, S]) turn(s kept[S], what string, ask func(S) (S, []aggregate.Effect)) (kept[S], []aggregate.Effect) {
	s.Turn++
	t := &sagaTurn[S]{what: what, instance: s.Instance, at: p.stage.now(), scene: p.stage.scene(), ask: ask}
	t.before, _ = json.Marshal(s.State) // it was read from JSON
	state, effects := ask(s.State)
	s.State, t.effects = state, slices.Clone(effects)
	var err error
	if t.after, err = wholeState(state); err != nil {
		p.wrong("%s: the state of %q can not be stored: %w", t.what, t.instance, err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	life, id := turnID{s.Instance, s.Born, 1}, turnID{s.Instance, s.Born, s.Turn}
	p.states[t.instance] = t.after
	if p.ended[life] = p.ended[life] || slices.ContainsFunc(effects, func(e aggregate.Effect) bool { return e.Kind == aggregate.CompleteInstance }); p.ended[life] {
		delete(p.states, t.instance)
	}
	if first := p.index[id]; first != nil { // taken again after a crash
		*first = *t
		return s, effects
	}
	p.index[id] = t
	p.turns = append(p.turns, t)
	return s, effects
}

// wholeState is a state as it is stored; it is an error if not all of it comes
// back.
func wholeState[S any](state S) ([]byte, error) {
	text, err := json.Marshal(state)
	if err != nil {
		return nil, err
	}
	var back S
	if err := json.Unmarshal(text, &back); err != nil {
		return text, err
	}
	if diff := value.Difference(state, back); diff != "" {
		return text, fmt.Errorf("it does not come back whole\n  difference (- as it was, + as it comes back):\n%s", indent(diff))
	}
	return text, nil
}

// take takes a command down, once for each ID, unless it is to be refused.
func (p *sagaPlay[E, S]) take(_ context.Context, to stream.ID, c aggregate.Command[any]) error {
	effect := aggregate.Effect{Kind: aggregate.SendCommand, Topic: to.Topic, Key: to.Key, Command: c.Data}
	p.mu.Lock()
	before, known := p.taken[c.ID]
	p.mu.Unlock()
	if known {
		if !value.Equal(before, effect) {
			p.wrong("two commands have the same ID:\n  first  %s\n  then   %s", effectText(before), effectText(effect))
		}
		return nil
	}
	scene := p.stage.scene()
	for i, r := range p.script.rules {
		if scene >= r.scene && value.Equal(r.effect, effect) {
			p.mu.Lock()
			p.used[i] = true
			p.mu.Unlock()
			return &aggregate.RejectedError{Stream: to, Command: fmt.Sprintf("%T", c.Data), Err: r.err}
		}
	}
	p.stage.did("%s", effectText(effect))
	return p.stage.world.step(func() error {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.taken[c.ID] = effect
		p.delivered = append(p.delivered, wish{effect, p.stage.now(), scene})
		return nil
	})
}

// askAgain asks the saga's functions what they were asked in the present part.
func (p *sagaPlay[E, S]) askAgain() {
	for _, t := range p.turns {
		var before S
		if t.scene < p.script.from || json.Unmarshal(t.before, &before) != nil {
			continue
		}
		var effects []aggregate.Effect
		var state S
		if err := guard(t.what, func() { state, effects = t.ask(before) }); err != nil {
			p.wrong("asked again, %w", err)
			return
		}
		const must = "the saga's functions must depend on their arguments alone, not on a clock, chance or what they remember elsewhere"
		if diff := value.Difference(allAsked(t.effects), allAsked(effects)); diff != "" {
			p.wrong("%s, wanted other effects when it was asked again, in the same state: %s\n  difference (- the first time, + again):\n%s", t.what, must, indent(diff))
			return
		}
		var after S
		if json.Unmarshal(t.after, &after) != nil {
			continue
		}
		if diff := value.Difference(after, state); diff != "" {
			p.wrong("%s, led to another state when it was asked again: %s\n  difference (- the first time, + again):\n%s", t.what, must, indent(diff))
			return
		}
	}
}
