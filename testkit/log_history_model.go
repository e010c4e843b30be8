package testkit

import (
	"cmp"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"time"

	"github.com/anishathalye/porcupine"
	"github.com/thaw-go/thaw/stream"
)

// whole is the log as the acknowledged appends say it must be: since an append
// returns its positions, these fix the order, and the model's state is no more
// than how far the log had come.
type whole struct {
	records []stream.Record
	takes   map[string]stream.Position // by topic and command: its last event
}

// check returns how the history breaks a promise; nil if it does not.
func (h *history) check() error {
	slices.SortFunc(h.calls, func(a, b *call) int { return cmp.Compare(a.began, b.began) })
	w, err := assemble(h.calls)
	if err != nil {
		return err
	}
	for _, c := range h.calls {
		if err := w.checkContent(c); err != nil {
			return err
		}
	}
	if err := linearize(w.model(), h.calls, func(c *call) bool { return c.kind != "cursor" && c.kind != "state" }); err != nil {
		return err
	}
	for _, name := range modelConsumers {
		if err := linearize(consumerModel, h.calls, func(c *call) bool { return c.consumer == name }); err != nil {
			return err
		}
	}
	return nil
}

// stored reports whether the append stored what it sent, rather than getting
// what its command had led to before.
func (c *call) stored() bool {
	return c.kind == "append" && len(c.got) > 0 && string(c.got[0].Data) == string(c.sent[0].Data)
}

func assemble(calls []*call) (*whole, error) {
	w := &whole{takes: map[string]stream.Position{}}
	var appends []*call
	for _, c := range calls {
		if c.stored() {
			appends = append(appends, c)
		}
	}
	slices.SortFunc(appends, func(a, b *call) int { return cmp.Compare(a.got[0].Position, b.got[0].Position) })
	versions := map[stream.ID]stream.Version{}
	for _, c := range appends {
		if name := c.id.Topic + " " + c.command.String(); !c.command.IsZero() {
			if w.takes[name] != 0 {
				return nil, fmt.Errorf("a command takes effect once: %s took effect twice, the second time in %s", c.command, c)
			}
			w.takes[name] = c.got[len(c.got)-1].Position
		}
		for _, r := range c.got {
			if want := stream.Position(len(w.records) + 1); r.Position != want {
				return nil, noOwner(calls, c, want)
			}
			versions[r.Stream]++
			if r.Version != versions[r.Stream] {
				return nil, fmt.Errorf("versions are dense: %s: got version %d at position %d, want %d", c, r.Version, r.Position, versions[r.Stream])
			}
			w.records = append(w.records, r)
		}
	}
	return w, nil
}

// noOwner is the error for a position that no append returned, in front of one
// that next did: somebody may have seen it all the same.
func noOwner(calls []*call, next *call, want stream.Position) error {
	for _, c := range calls {
		for i := range c.got {
			if c.kind != "append" && c.got[i].Position == want {
				return fmt.Errorf("only what was acknowledged is seen: %s, among them %q at position %d, which nobody was told was stored", c, c.got[i].Data, want)
			}
		}
	}
	return fmt.Errorf("positions are dense: %s, want position %d next", next, want)
}

// checkContent compares what a read was handed with what was acknowledged, and a
// repeated command's result with the first.
func (w *whole) checkContent(c *call) error {
	from, to := c.from, c.at
	switch {
	case c.kind == "append" && len(c.got) > 0:
		from, to = c.got[0].Position-1, c.got[len(c.got)-1].Position
	case c.kind != "read" && c.kind != "saw":
		return nil
	}
	if c.kind == "read" && c.id.Topic != "" && to <= stream.Position(len(w.records)) {
		return w.checkInstance(c)
	}
	for i, p := 0, from+1; p <= to || i < len(c.got); i, p = i+1, p+1 {
		switch {
		case p > stream.Position(len(w.records)):
			return fmt.Errorf("only what was acknowledged is seen: %s, but nobody was told that position %d was stored", c, p)
		case i >= len(c.got) || c.got[i].Position != p:
			return fmt.Errorf("every event is seen once, in order: %s, but without the event at position %d", c, p)
		case !reflect.DeepEqual(c.got[i], w.records[p-1]):
			return fmt.Errorf("an event is seen as it was acknowledged: %s, but position %d holds %q there, want %q", c, p, c.got[i].Data, w.records[p-1].Data)
		}
	}
	return nil
}

// checkInstance is checkContent for a read of one instance.
func (w *whole) checkInstance(c *call) error {
	var want []stream.Record
	for _, r := range w.records[min(c.from, c.at):c.at] {
		if r.Stream == c.id {
			want = append(want, r)
		}
	}
	if !reflect.DeepEqual(c.got, want) {
		return fmt.Errorf("every event is seen once, in order: %s at %v, want %s's at %v", c, positions(c.got), c.id, positions(want))
	}
	return nil
}

func (w *whole) version(id stream.ID, head stream.Position) (v stream.Version) {
	for i := range w.records[:head] {
		if w.records[i].Stream == id {
			v++
		}
	}
	return v
}

func (w *whole) model() porcupine.Model {
	return porcupine.Model{
		Init: func() any { return stream.Position(0) },
		Step: func(state, input, _ any) (bool, any) {
			head, c := state.(stream.Position), input.(*call)
			if c.stored() {
				return w.mayStore(c, head), c.got[len(c.got)-1].Position
			}
			return w.mayAnswer(c, head), head
		},
		DescribeOperation: func(input, _ any) string { return input.(*call).String() },
		DescribeState:     func(state any) string { return fmt.Sprintf("head %d", state) },
	}
}

func (w *whole) mayStore(c *call, head stream.Position) bool {
	return c.got[0].Position == head+1 && (c.expected == stream.AnyVersion || c.expected == w.version(c.id, head))
}

// mayAnswer reports whether a call that changes nothing may come out as it did
// while the log ends at head.
func (w *whole) mayAnswer(c *call, head stream.Position) bool {
	took := w.takes[c.id.Topic+" "+c.command.String()]
	effective := took != 0 && took <= head
	var conflict *stream.ConflictError
	var backwards *stream.BackwardsError
	switch c.kind {
	case "append":
		if errors.As(c.err, &conflict) {
			actual := w.version(c.id, head)
			return !effective && conflict.Actual == actual && c.expected != actual && c.expected != stream.AnyVersion
		}
		return effective && (w.records[took-1].Stream == c.id) == (c.err == nil)
	case "read", "head":
		return c.at == head
	case "live":
		return c.at >= head
	case "save":
		if errors.As(c.err, &backwards) {
			return backwards.Head.Position(0) == head
		}
	}
	return c.at <= head // saw, save
}

// savedPlace is what a consumer has saved.
type savedPlace struct {
	at    stream.Position
	value string
	known bool
}

var consumerModel = porcupine.Model{
	Init: func() any { return savedPlace{} },
	Step: func(state, input, _ any) (bool, any) {
		now, c := state.(savedPlace), input.(*call)
		var backwards *stream.BackwardsError
		switch {
		case c.kind == "cursor":
			return c.known == now.known && c.at == now.at, now
		case c.kind == "state":
			return c.known == now.known && c.value == now.value, now
		case errors.As(c.err, &backwards):
			past := c.at > backwards.Head.Position(0)
			return backwards.Saved.Position(0) == now.at && (past || c.at < now.at), now
		}
		return c.at >= now.at, savedPlace{c.at, c.value, true}
	},
	DescribeOperation: func(input, _ any) string { return input.(*call).String() },
	DescribeState:     func(state any) string { return fmt.Sprintf("%+v", state) },
}

// linearize returns an error if the selected calls have no order that the model
// allows, and names the first call that fits nowhere.
func linearize(m porcupine.Model, calls []*call, selected func(*call) bool) error {
	var ops []porcupine.Operation
	for _, c := range calls {
		if selected(c) {
			ops = append(ops, porcupine.Operation{ClientId: c.caller, Input: c, Output: c, Call: c.began, Return: c.ended})
		}
	}
	result, info := porcupine.CheckOperationsVerbose(m, ops, time.Minute)
	switch result {
	case porcupine.Ok:
		return nil
	case porcupine.Unknown:
		return errors.New("no verdict on the history within a minute")
	}
	return misfit(m, calls, selected, info)
}

// misfit says which call fits nowhere behind the longest order that the model
// allows.
func misfit(m porcupine.Model, calls []*call, selected func(*call) bool, info porcupine.LinearizationInfo) error {
	var longest []porcupine.Operation
	for _, partition := range info.PartialLinearizationsOperations() {
		for _, list := range partition {
			if len(list) > len(longest) {
				longest = list
			}
		}
	}
	placed, state := map[*call]bool{}, m.Init()
	for _, op := range longest {
		placed[op.Input.(*call)] = true
		_, state = m.Step(state, op.Input, op.Output)
	}
	var first *call
	for _, c := range calls {
		if !selected(c) || placed[c] {
			continue
		}
		if fits, _ := m.Step(state, c, c); !fits && c.stored() && state == c.got[0].Position-1 {
			first = c // only this append may come next, and it may not
			break
		}
		if first == nil || c.ended < first.ended {
			first = c
		}
	}
	return fmt.Errorf("%s: %s, which fits nowhere behind the %d calls that can be put in order (%s then)", first.promise(), first, len(longest), m.DescribeState(state))
}

// promise names what a call breaks that fits nowhere.
func (c *call) promise() string {
	switch {
	case c.stored():
		return "an append is stored at the version that it expects, in the order of commits"
	case c.kind == "append":
		return "an append is refused, or answered with its command's first result, only for what is there"
	case c.kind == "read" || c.kind == "head":
		return "a read sees all that was acknowledged before it began, and nothing later than its end"
	case c.kind == "saw" || c.kind == "live":
		return "a subscription sees what is stored, and is live when it has what was there"
	}
	return "a consumer's place and state are the last that were saved, and only move forward"
}

func (c *call) String() string {
	who := fmt.Sprintf("caller %d, ticks %d to %d: ", c.caller, c.began, c.ended)
	switch c.kind {
	case "append":
		return who + fmt.Sprintf("append of %d to %s expecting %d, command %s: stored at %v, error %v", len(c.sent), c.id, c.expected, c.command, positions(c.got), c.err)
	case "save", "cursor", "state":
		return who + fmt.Sprintf("%s of consumer %s: place %d, value %q, error %v", c.kind, c.consumer, c.at, c.value, c.err)
	}
	return who + fmt.Sprintf("%s from %d came to %d with %d events", c.kind, c.from, c.at, len(c.got))
}
