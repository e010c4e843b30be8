package replay

import (
	"cmp"
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/thaw-go/thaw/stream"
)

// FlowKind is a kind of events: a type of a topic, so many causes away from a command
// that came from outside. The zero value is outside.
type FlowKind struct {
	Topic string // whose events they are
	Type  string // the stored name
	Hop   uint32 // how many events led to them, one caused by the other
}

// String is the kind in a word, "orders/PLACED@0". The hop keeps what returns to a
// type apart, so that loops can be drawn.
func (k FlowKind) String() string {
	if k == (FlowKind{}) {
		return "outside"
	}
	return fmt.Sprintf("%s/%s@%d", k.Topic, k.Type, k.Hop)
}

// Flow says how often events of one kind caused events of another.
type Flow struct {
	From  FlowKind // the causes; outside for commands that no event led to
	To    FlowKind // what they caused
	Count uint64   // how many events of the second kind
}

// FlowTotals are the flows of a whole log, in order.
type FlowTotals []Flow

// Flows counts what caused what in the whole log, by type and hop: what a Sankey
// diagram of the system is drawn from. It reads the log twice and keeps some 60 bytes
// for each event that caused others, beside what it returns. What was caused by an
// event that the log has no more counts as from outside. It returns the log's errors.
func Flows(ctx context.Context, log stream.Log) (FlowTotals, error) {
	f := &flows{heads: map[stream.EventID]int32{}, numbers: map[FlowKind]uint32{}, counts: map[[2]FlowKind]uint64{}}
	head, err := everything(ctx, log, func(rec *stream.Record) error {
		f.effect(rec)
		return nil
	})
	if err == nil {
		err = upTo(ctx, log, head, func(rec *stream.Record) error {
			f.cause(rec)
			return nil
		})
	}
	if err != nil {
		return nil, fmt.Errorf("replay: count what caused what: %w", err)
	}
	return f.totals(), nil
}

// flows counts in two passes: the first notes, by the ID of the cause, what kinds it
// caused; the second meets the causes.
type flows struct {
	heads   map[stream.EventID]int32 // where a cause's list begins in notes
	notes   []note
	kinds   []FlowKind // without hops, by number
	numbers map[FlowKind]uint32
	counts  map[[2]FlowKind]uint64
}

// note is how many events of a kind one event caused; notes of one cause are a list.
type note struct {
	next        int32 // -1: the last
	kind, count uint32
}

func (f *flows) number(topic, typ string) uint32 {
	kind := FlowKind{Topic: topic, Type: typ}
	n, ok := f.numbers[kind]
	if !ok {
		n = uint32(len(f.kinds))
		f.numbers[kind] = n
		f.kinds = append(f.kinds, kind)
	}
	return n
}

func (f *flows) effect(rec *stream.Record) {
	if rec.CausedBy.IsZero() {
		f.counts[[2]FlowKind{{}, {rec.Stream.Topic, rec.Type, 0}}]++
		return
	}
	kind := f.number(rec.Stream.Topic, rec.Type)
	head, ok := f.heads[rec.CausedBy]
	if !ok {
		head = -1
	}
	for i := head; i >= 0; i = f.notes[i].next {
		if f.notes[i].kind == kind {
			f.notes[i].count++
			return
		}
	}
	f.heads[rec.CausedBy] = int32(len(f.notes))
	f.notes = append(f.notes, note{next: head, kind: kind, count: 1})
}

func (f *flows) cause(rec *stream.Record) {
	from := FlowKind{rec.Stream.Topic, rec.Type, rec.Depth}
	f.caused(rec.ID, from, rec.Depth+1)
}

// caused counts what an event has caused, and forgets it.
func (f *flows) caused(id stream.EventID, from FlowKind, hop uint32) {
	head, ok := f.heads[id]
	if !ok {
		return
	}
	delete(f.heads, id)
	for i := head; i >= 0; i = f.notes[i].next {
		to := f.kinds[f.notes[i].kind]
		to.Hop = hop
		f.counts[[2]FlowKind{from, to}] += uint64(f.notes[i].count)
	}
}

func (f *flows) totals() FlowTotals {
	for id := range f.heads {
		f.caused(id, FlowKind{}, 0) // their causes are not in the log
	}
	list := make(FlowTotals, 0, len(f.counts))
	for pair, count := range f.counts {
		list = append(list, Flow{From: pair[0], To: pair[1], Count: count})
	}
	slices.SortFunc(list, func(a, b Flow) int { return cmp.Or(byKind(a.From, b.From), byKind(a.To, b.To)) })
	return list
}

func byKind(a, b FlowKind) int {
	return cmp.Or(cmp.Compare(a.Hop, b.Hop), cmp.Compare(a.Topic, b.Topic), cmp.Compare(a.Type, b.Type))
}

// String is a line for each flow.
func (f FlowTotals) String() string {
	var b strings.Builder
	for _, flow := range f {
		fmt.Fprintf(&b, "%s -> %s %d\n", flow.From, flow.To, flow.Count)
	}
	return b.String()
}

// Mermaid is the flows as Mermaid's sankey-beta.
func (f FlowTotals) Mermaid() string {
	var b strings.Builder
	b.WriteString("sankey-beta\n\n")
	w := csv.NewWriter(&b)
	for _, flow := range f {
		_ = w.Write([]string{flow.From.String(), flow.To.String(), fmt.Sprint(flow.Count)}) // a strings.Builder takes everything
	}
	w.Flush()
	return b.String()
}

// DOT is the flows for Graphviz, the thicker the more.
func (f FlowTotals) DOT() string {
	var b strings.Builder
	b.WriteString("digraph flows {\n  rankdir=LR; node [shape=box];\n")
	most := uint64(1)
	for _, flow := range f {
		most = max(most, flow.Count)
	}
	for _, flow := range f {
		width := 1 + 9*float64(flow.Count)/float64(most)
		fmt.Fprintf(&b, "  %s -> %s [label=%d, penwidth=%.1f];\n", quoteDOT(flow.From.String()), quoteDOT(flow.To.String()), flow.Count, width)
	}
	b.WriteString("}\n")
	return b.String()
}

// jsonFlow is a flow in JSON.
type jsonFlow struct {
	From  string `json:"from"`
	To    string `json:"to"`
	Count uint64 `json:"count"`
}

// MarshalJSON is a list of flows, each with its two kinds as [FlowKind.String] writes
// them, and its count.
func (f FlowTotals) MarshalJSON() ([]byte, error) {
	list := make([]jsonFlow, len(f))
	for i, flow := range f {
		list[i] = jsonFlow{flow.From.String(), flow.To.String(), flow.Count}
	}
	return json.Marshal(list)
}
