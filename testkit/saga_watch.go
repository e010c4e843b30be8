package testkit

import (
	"fmt"

	"github.com/thaw-go/thaw/aggregate"
	"github.com/thaw-go/thaw/stream"
)

// watched is the saga with eyes on all its functions. It has one worker, so that
// there is one order to compare; and nothing to migrate, as its log begins empty.
func (p *sagaPlay[E, S]) watched() aggregate.Saga[E, kept[S]] {
	saga := p.script.saga
	w := aggregate.Saga[E, kept[S]]{
		Name: saga.Name, Time: saga.Time, Starts: saga.Starts, Version: saga.Version,
		Attempts: saga.Attempts, Wait: saga.Wait, MaxWait: saga.MaxWait, Park: saga.Park,
		MaxEffects: saga.MaxEffects, MaxDepth: saga.MaxDepth,
	}
	if saga.Correlate != nil {
		w.Correlate = func(e *stream.Event[E]) string {
			if e.Position != 0 && e.Position <= p.stage.history {
				p.wrong("the saga was given history: event %d of %s, %s, happened before it came online", e.Position, e.Stream, e.Type)
			}
			return saga.Correlate(e)
		}
	}
	if saga.React != nil {
		w.React = func(s kept[S], e *stream.Event[E]) (kept[S], []aggregate.Effect) {
			if s.Turn == 0 {
				s.Instance, s.Born = saga.Correlate(e), e.Position
			}
			what := fmt.Sprintf("React to event %d of %s, %s", e.Position, e.Stream, e.Type)
			return p.turn(s, what, func(state S) (S, []aggregate.Effect) { return saga.React(state, e) })
		}
	}
	if saga.Expire != nil {
		w.Expire = func(s kept[S], timer string) (kept[S], []aggregate.Effect) {
			what := fmt.Sprintf("Expire of timer %q of %q", timer, s.Instance)
			return p.turn(s, what, func(state S) (S, []aggregate.Effect) { return saga.Expire(state, timer) })
		}
	}
	if saga.Refused != nil {
		w.Refused = func(s kept[S], r aggregate.Refusal) (kept[S], []aggregate.Effect) {
			what := fmt.Sprintf("Refused of %q, %s", s.Instance, effectText(r.Effect))
			return p.turn(s, what, func(state S) (S, []aggregate.Effect) { return saga.Refused(state, r) })
		}
	}
	if saga.Undo != nil {
		w.Undo = func(s kept[S], step string) (kept[S], []aggregate.Effect) {
			what := fmt.Sprintf("Undo of step %q of %q", step, s.Instance)
			return p.turn(s, what, func(state S) (S, []aggregate.Effect) { return saga.Undo(state, step) })
		}
	}
	return w
}
