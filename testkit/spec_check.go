package testkit

import (
	"errors"
	"fmt"
	"reflect"
	"strings"

	"github.com/thaw-go/thaw/stream"
	"github.com/thaw-go/thaw/testkit/internal/value"
)

// examine looks at what the last command did, whatever the test then asks: what
// was stored comes back whole and says what caused it, what was returned is what
// was stored, and deciding and folding again leads to the same.
func (r *specRun[C, E, S]) examine() error {
	c, call := r.spec.steps[len(r.spec.steps)-1].command, r.calls[0]
	if !call.again {
		decided, err := r.decide(c)
		if err != nil {
			return err
		}
		if err := r.stable(decided); err != nil {
			return err
		}
		if err := r.caused(c); err != nil {
			return err
		}
	}
	for _, call := range r.calls {
		if err := r.returned(call); err != nil {
			return err
		}
	}
	return r.replay(call)
}

// own is what the last command has stored the first time.
func (r *specRun[C, E, S]) own() []specEvent[E] {
	c := r.spec.steps[len(r.spec.steps)-1].command
	begin := r.before + len(c.meanwhile)
	return r.events[begin:max(begin, r.calls[0].end)]
}

// decide asks for the decision once more: about what it is compared with, and to
// see whether all of it comes back out of a log. The error says what does not.
func (r *specRun[C, E, S]) decide(c *specCommand[C, E]) ([]E, error) {
	state, err := r.fold(r.events[:min(len(r.events), r.before+len(c.meanwhile))])
	if err != nil {
		return nil, err
	}
	var decided []E
	var refused error
	if err := guard("Decide", func() { decided, refused = r.decider.Decide(state, c.Data) }); err != nil {
		return nil, err
	}
	if r.spec.guarded && len(r.calls) > 0 && refused == nil && r.calls[0].refused != nil {
		return nil, nil // a rule did
	}
	if len(r.calls) > 0 && (refused == nil) != (r.calls[0].refused == nil) {
		return nil, errUnstable
	}
	if refused != nil {
		return nil, nil
	}
	for i := range decided {
		if decided[i], err = throughTopic(r.decider.Topic, decided[i], i); err != nil {
			return nil, fmt.Errorf("decided event %d can not be stored: %w", i+1, err)
		}
	}
	return decided, nil
}

var errUnstable = errors.New("asked twice about the same command in the same state, Decide decided otherwise: it must depend on its arguments alone")

// stable says that the same was decided twice.
func (r *specRun[C, E, S]) stable(decided []E) error {
	own := r.own()
	if len(own) != len(decided) {
		return errUnstable
	}
	for i, e := range own {
		if e.event == nil {
			return fmt.Errorf("decided event %d was stored as %s, which the topic passes over", i+1, e.rec.Type)
		}
		if diff := difference(decided[i], e.event.Data); diff != "" {
			return fmt.Errorf("%w\n  event %d, difference (- the second time, + the first time):\n%s", errUnstable, i+1, indent(diff))
		}
	}
	return nil
}

// caused says that every event says what led to it.
func (r *specRun[C, E, S]) caused(c *specCommand[C, E]) error {
	story := c.CausedBy.Correlation
	if story.IsZero() {
		story = c.ID
	}
	seen := map[stream.EventID]bool{}
	for i, e := range r.own() {
		h := e.rec.Header
		for _, is := range []struct {
			field     string
			want, got stream.EventID
		}{
			{"Command", c.ID, h.Command},
			{"Correlation", story, h.Correlation},
			{"CausedBy", c.CausedBy.Event, h.CausedBy},
		} {
			if is.want != is.got {
				return fmt.Errorf("decided event %d does not say what led to it: want %s %s, got %s", i+1, is.field, is.want, is.got)
			}
		}
		if h.ID.IsZero() || seen[h.ID] {
			return fmt.Errorf("decided event %d has no ID of its own: got %s", i+1, h.ID)
		}
		seen[h.ID] = true
	}
	return nil
}

// returned says that what the repository returned is what the log has.
func (r *specRun[C, E, S]) returned(call specCall[E, S]) error {
	for i, e := range call.result.Events {
		at := int(e.Version) - 1
		if at < 0 || at >= len(r.events) || r.events[at].event == nil {
			return fmt.Errorf("the repository returned an event %d of version %d, which the log does not have", i+1, e.Version)
		}
		have := r.events[at].event
		if e.ID != have.ID || difference(have.Data, e.Data) != "" {
			return fmt.Errorf("the repository returned something else than the log has at version %d:\n  log       %s\n  returned  %s",
				e.Version, showEvent(r.decider.Topic, have.Data), showEvent(r.decider.Topic, e.Data))
		}
	}
	if own := r.own(); call.end == r.calls[0].end && !call.again && len(call.result.Events) != len(own) {
		return fmt.Errorf("the repository returned %d events, but the command has stored %d", len(call.result.Events), len(own))
	}
	return nil
}

// replay sets the state, and says that it is the same when history is folded
// again.
func (r *specRun[C, E, S]) replay(call specCall[E, S]) error {
	n := len(r.events)
	if call.refused == nil {
		n = min(n, int(call.result.Version))
	}
	replayed, err := r.fold(r.events[:n])
	r.state = replayed
	if err != nil || call.refused != nil {
		return err
	}
	r.state = call.result.State
	diff := difference(replayed, r.state)
	if diff == "" || value.Difference(replayed, replayed) != "" { // such as a function, which equals nothing
		return nil
	}
	return fmt.Errorf("the state is another when history is folded again: Decide and Evolve must depend on their arguments alone, and Decide must not change them\n  difference (- replayed, + live):\n%s", indent(diff))
}

// fold is the state after the events.
func (r *specRun[C, E, S]) fold(events []specEvent[E]) (state S, err error) {
	if r.decider.Initial != nil {
		if err := guard("Initial", func() { state = r.decider.Initial() }); err != nil {
			return state, err
		}
	}
	err = guard("Evolve", func() {
		for _, e := range events {
			if e.event != nil {
				state = r.decider.Evolve(state, e.event.Data)
			}
		}
	})
	return state, err
}

// difference is value.Difference, at once for what is plainly the same.
func difference(want, got any) string {
	if reflect.DeepEqual(want, got) {
		return ""
	}
	return value.Difference(want, got)
}

// guard calls a user's function; the error names its panic.
func guard(stage string, f func()) error {
	err := contained(stage, f)
	var panicked *stream.PanicError
	if errors.As(err, &panicked) {
		return panicText(panicked)
	}
	return err
}

func contained(stage string, f func()) (err error) {
	in := true
	defer stream.Contain(stage, &in, &err)
	f()
	in = false
	return nil
}

func panicText(p *stream.PanicError) error {
	return fmt.Errorf("%s panicked: %v\n%s", p.Stage, p.Value, indent(culprit(string(p.Stack))))
}

// culprit is the part of a stack that says where the panic was.
func culprit(stack string) string {
	lines := strings.Split(stack, "\n")
	for i, line := range lines {
		if strings.HasPrefix(line, "panic(") && i+2 < len(lines) {
			lines = lines[i+2:]
			break
		}
	}
	return strings.Join(lines[:min(4, len(lines))], "\n")
}

// throughTopic stores a payload and reads it back. The error shows what would
// not come back.
func throughTopic[E any](topic *stream.Topic[E], data E, i int) (E, error) {
	rec, err := encode(topic, data)
	if err != nil {
		return data, err
	}
	rec.Stream.Key, rec.Position, rec.Version = specKey, stream.Position(i+1), stream.Version(i+1)
	return comesBack(topic, &rec, data)
}

// comesBack reads a record and compares it with what it was made of.
func comesBack[E any](topic *stream.Topic[E], rec *stream.Record, data E) (E, error) {
	var back stream.Event[E]
	if err := topic.Decode(rec, &back); err != nil {
		return data, err
	}
	if diff := difference(data, back.Data); diff != "" {
		return data, fmt.Errorf("%s does not come back whole\n  difference (- as it was, + as it comes back):\n%s", rec.Type, indent(diff))
	}
	return back.Data, nil
}
