package property

import (
	"context"
	"errors"
	"fmt"

	"github.com/thaw-go/thaw/aggregate"
	"github.com/thaw-go/thaw/stream"
	"github.com/thaw-go/thaw/stream/memlog"
	"github.com/thaw-go/thaw/testkit"
	"github.com/thaw-go/thaw/testkit/internal/value"
	"pgregory.net/rapid"
)

// trial is one sequence of commands on a log of its own.
type trial[C, E, S any] struct {
	t          *rapid.T
	decider    aggregate.Decider[C, E, S]
	invariants []func(S) error
	log        *memlog.Log
	repository *aggregate.Repository[C, E, S] // on the log, with rivals
	rivals     *aggregate.Repository[C, E, S] // on the log
	live       map[string]S                   // each instance's state as it was returned, copied

	step    step[C]         // the one that is being taken
	before  []stream.Record // the instance's history then
	rival   *C              // still to come in between
	decided []E             // what Decide decided last, copied
	ended   bool            // all commands were given
	unequal error           // Decide decided differently about the same
}

func newTrial[C, E, S any](t *rapid.T, d aggregate.Decider[C, E, S], invariants []func(S) error) *trial[C, E, S] {
	tr := &trial[C, E, S]{t: t, decider: d, invariants: invariants, log: memlog.New(), live: map[string]S{}}
	watched := d
	watched.Decide = tr.decide
	tr.rivals = aggregate.NewRepository(tr.log, watched)
	tr.repository = aggregate.NewRepository(testkit.Intercept(tr.log, tr.overtake), watched)
	return tr
}

// decide notes what was decided, and whether it would be again.
func (tr *trial[C, E, S]) decide(state S, c C) ([]E, error) {
	same, command := copied(state), copied(c)
	events, err := tr.decider.Decide(state, c)
	tr.decided = nil
	for _, e := range events {
		tr.decided = append(tr.decided, copied(e))
	}
	again, failed := tr.decider.Decide(same, command)
	switch {
	case tr.unequal != nil:
	case (err == nil) != (failed == nil), err == nil && !value.Equal(tr.decided, again):
		tr.unequal = fmt.Errorf("  once   %s\n  again  %s", outcome(tr.decided, err), outcome(again, failed))
	}
	return events, err
}

func outcome[E any](events []E, err error) string {
	if err != nil {
		return "error: " + err.Error()
	}
	return value.Show(events)
}

// overtake lets the rival write before the writer does.
func (tr *trial[C, E, S]) overtake(ctx context.Context, op *testkit.Op, do func(context.Context) error) error {
	if op.Kind != testkit.OpAppend || tr.rival == nil {
		return do(ctx)
	}
	command := *tr.rival
	tr.rival = nil
	own := tr.decided
	result, err := tr.rivals.Execute(ctx, tr.step.Key, command)
	tr.decided = own
	var rejected *aggregate.RejectedError
	switch {
	case errors.As(err, &rejected):
	case err != nil:
		return err
	default:
		tr.keep(result)
	}
	return do(ctx)
}

func (tr *trial[C, E, S]) keep(result aggregate.Result[E, S]) {
	tr.live[tr.step.Key] = copied(result.State)
}

// take gives an instance a command and checks what has come of it.
func (tr *trial[C, E, S]) take(s step[C]) {
	tr.step, tr.rival, tr.unequal = s, s.Rival, nil
	tr.before = tr.history(s.Key)
	command := aggregate.Command[C]{ID: stream.NewID(), Key: s.Key, Data: copied(s.Command)}
	result, err := tr.repository.Handle(tr.t.Context(), command)
	var rejected *aggregate.RejectedError
	switch {
	case errors.As(err, &rejected):
		tr.decided = nil
		tr.checkStored(command.ID, nil)
	case err != nil:
		tr.failed(err)
	default:
		tr.keep(result)
		tr.checkStored(command.ID, result.Events)
		tr.checkAgain(command, result)
	}
	if tr.unequal != nil {
		tr.fail("Decide decides differently about the same state and command, so it depends on something else or changes what it is given", tr.unequal.Error())
	}
	if !value.Equal(s.Command, command.Data) {
		tr.fail("the command was changed", value.Difference(s.Command, command.Data))
	}
	tr.checkReplay(s.Key)
	for _, invariant := range tr.invariants {
		if state, known := tr.live[s.Key]; known {
			if err := invariant(copied(state)); err != nil {
				tr.fail("an invariant is broken: "+err.Error(), "  state  "+value.Show(state))
			}
		}
	}
}

// end checks every instance once more, now that the others have gone on.
func (tr *trial[C, E, S]) end() {
	tr.ended = true
	for _, key := range keys {
		tr.step, tr.before = step[C]{Key: key}, tr.history(key)
		tr.checkReplay(key)
	}
}

// history is what the log holds of an instance.
func (tr *trial[C, E, S]) history(key string) (list []stream.Record) {
	tr.t.Helper()
	q := stream.Query{Match: []stream.Match{{Topic: tr.decider.Topic.Name(), Key: key}}}
	err := tr.log.Read(tr.t.Context(), q, func(block []stream.Record, _ stream.Mark) error {
		for i := range block {
			list = append(list, copied(block[i])) // valid only now
		}
		return nil
	})
	if err != nil {
		tr.t.Fatalf("reading the history of %s: %v", key, err)
	}
	return list
}

// checkStored fails unless the log has what it had, densely, and of the command
// exactly these events, as they were decided.
func (tr *trial[C, E, S]) checkStored(command stream.EventID, events []*stream.Event[E]) {
	after := tr.history(tr.step.Key)
	own := 0
	for i := range after {
		if after[i].Version != stream.Version(i+1) {
			tr.fail(fmt.Sprintf("event %d has version %d", i+1, after[i].Version), "")
		}
		if i < len(tr.before) && after[i].ID != tr.before[i].ID {
			tr.fail(fmt.Sprintf("event %d of what was there is lost", i+1), "")
		}
		if after[i].Command == command {
			own++
		}
	}
	if len(after) < len(tr.before) {
		tr.fail("events of what was there are lost", "")
	}
	if own != len(events) {
		tr.fail(fmt.Sprintf("%d events of the command are stored, want %d", own, len(events)), "")
	}
	if len(events) != len(tr.decided) {
		tr.fail(fmt.Sprintf("%d events are stored, but %d were decided", len(events), len(tr.decided)), "")
	}
	for i, e := range events {
		if !value.Equal(tr.decided[i], e.Data) {
			tr.fail(fmt.Sprintf("event %d does not come back from the log as it was decided", i+1), "  difference (- as it was, + as it comes back):\n"+indent(value.Difference(tr.decided[i], e.Data)))
		}
	}
}

// checkAgain sends a command again that has had an effect.
func (tr *trial[C, E, S]) checkAgain(command aggregate.Command[C], first aggregate.Result[E, S]) {
	if !tr.step.Again || len(first.Events) == 0 {
		return
	}
	stored := len(tr.history(tr.step.Key))
	again, err := tr.repository.Handle(tr.t.Context(), command)
	switch {
	case err != nil:
		tr.fail("the same command again failed: "+err.Error(), "")
	case len(tr.history(tr.step.Key)) != stored || len(again.Events) != len(first.Events) || again.Version != first.Version:
		tr.fail("the same command again took effect again", "")
	case !value.Equal(tr.live[tr.step.Key], again.State):
		tr.fail("the same command again returned another state, so replayed is not live", "  difference (- live, + again):\n"+indent(value.Difference(tr.live[tr.step.Key], again.State)))
	}
}

// checkReplay folds an instance's history anew and compares the state with the
// one that was returned last.
func (tr *trial[C, E, S]) checkReplay(key string) {
	replayed, err := tr.fold(tr.history(key))
	if err != nil {
		tr.failed(err)
	}
	if live, known := tr.live[key]; known && !value.Equal(live, replayed) {
		tr.fail(fmt.Sprintf("replayed is not live: the state of %q, folded anew from its history, is another", key),
			"  difference (- live, + replayed):\n"+indent(value.Difference(live, replayed)))
	}
}

// fold makes the state out of a history; a panic is its error.
func (tr *trial[C, E, S]) fold(history []stream.Record) (state S, err error) {
	in := true
	defer stream.Contain("Evolve", &in, &err)
	state = initial(tr.decider)
	for i := range history {
		var e stream.Event[E]
		if err := tr.decider.Topic.Decode(&history[i], &e); err != nil {
			return state, err
		}
		state = tr.decider.Evolve(state, e.Data)
	}
	in = false
	return state, nil
}

// copied shares nothing with v.
func copied[T any](v T) T {
	if c, ok := value.Copy(v).(T); ok {
		return c
	}
	return v // a nil interface
}
