package replay

import (
	"cmp"
	"slices"

	"github.com/thaw-go/thaw/stream"
)

// Graph says what caused what in one story. Nothing in what it prints is random or a
// time, and the order is that of streams and versions: the same commands give the same
// bytes, also after a crash in their midst. A Graph is immutable and may be used
// concurrently.
type Graph struct {
	nodes []*node // in the order in which they are shown: causes before what they caused
	roots []group // what came from outside, or whose cause is not here
}

// node is one event of a graph.
type node struct {
	stream.Header
	cause   *node   // nil: it is a root
	lost    bool    // it has a cause, which is not here
	effects []group // the commands that it caused
	n       int     // its place in the graph's order, from 0
	command int     // the same for all events of one command, from 1
}

// group are the events of one command that one event caused, by stream and version.
type group []*node

func byPlace(a, b *node) int {
	return cmp.Or(cmp.Compare(a.Stream.Topic, b.Stream.Topic), cmp.Compare(a.Stream.Key, b.Stream.Key),
		cmp.Compare(a.Version, b.Version), cmp.Compare(a.Shard, b.Shard), cmp.Compare(a.Position, b.Position))
}

// newGraph makes the graph of some events.
func newGraph(events []stream.Header) *Graph {
	nodes := make([]*node, len(events))
	byID := make(map[stream.EventID]*node, len(events))
	for i := range events {
		nodes[i] = &node{Header: events[i]}
		if id := events[i].ID; byID[id] == nil && !id.IsZero() {
			byID[id] = nodes[i]
		}
	}
	for id, n := range parts(nodes, byID) {
		byID[id] = n
	}
	for _, n := range nodes {
		n.cause = byID[n.CausedBy]
		n.lost = n.cause == nil && !n.CausedBy.IsZero()
	}
	slices.SortFunc(nodes, byPlace)
	uncircle(nodes)
	g := &Graph{}
	caused := map[*node][]*node{}
	for _, n := range nodes {
		caused[n.cause] = append(caused[n.cause], n)
	}
	for _, n := range nodes {
		n.effects = groups(caused[n])
	}
	g.roots = groups(caused[nil])
	g.number()
	return g
}

// parts are the IDs of what comes of events whose names were retired: what those
// caused was caused by the stored event. Without a cause that is missing it does
// nothing.
func parts(nodes []*node, byID map[stream.EventID]*node) map[stream.EventID]*node {
	missing := map[stream.EventID]bool{}
	for _, n := range nodes {
		if !n.CausedBy.IsZero() && byID[n.CausedBy] == nil {
			missing[n.CausedBy] = true
		}
	}
	found := map[stream.EventID]*node{}
	for _, n := range nodes {
		for i := 1; i < maxSplit && len(found) < len(missing); i++ {
			if id := stream.DeriveID(n.ID, n.Type, i); missing[id] {
				found[id] = n
			}
		}
	}
	return found
}

// uncircle cuts what events say of one another that can not be: that each led to the
// other. The first of them by stream and version then has no cause here.
func uncircle(nodes []*node) {
	const unseen, here, done = 0, 1, 2
	state := make(map[*node]int, len(nodes))
	for _, n := range nodes {
		var path []*node
		at := n
		for ; at != nil && state[at] == unseen; at = at.cause {
			state[at] = here
			path = append(path, at)
		}
		if at != nil && state[at] == here { // the path has come back to itself
			first := slices.MinFunc(path[slices.Index(path, at):], byPlace)
			first.cause, first.lost = nil, true
		}
		for _, p := range path {
			state[p] = done
		}
	}
}

// groups puts together what one command did; nodes are in order.
func groups(nodes []*node) (list []group) {
	at := map[stream.EventID]int{}
	for _, n := range nodes {
		i, ok := at[n.Command]
		if !ok || n.Command.IsZero() {
			i = len(list)
			list = append(list, nil)
			at[n.Command] = i
		}
		list[i] = append(list[i], n)
	}
	return list
}

// number puts the nodes in order: causes first, and what they caused before what comes
// beside them.
func (g *Graph) number() {
	commands := 0
	stack := slices.Clone(g.roots)
	slices.Reverse(stack)
	for len(stack) > 0 {
		last := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		commands++
		for _, n := range last {
			n.n, n.command = len(g.nodes), commands
			g.nodes = append(g.nodes, n)
		}
		for _, n := range slices.Backward(last) {
			for _, effects := range slices.Backward(n.effects) {
				stack = append(stack, effects)
			}
		}
	}
}

// Events are the headers of the graph's events: causes before what they caused.
func (g *Graph) Events() []stream.Header {
	list := make([]stream.Header, len(g.nodes))
	for i, n := range g.nodes {
		list[i] = n.Header
	}
	return list
}

// Back is the part of the graph that led to an event, which is its last; empty if the
// graph does not have it.
func (g *Graph) Back(event stream.EventID) *Graph {
	var list []stream.Header
	for n := g.find(event); n != nil; n = n.cause {
		list = append(list, n.Header)
	}
	return newGraph(list)
}

// Forward is the part of the graph that came of an event, which is its first; empty if
// the graph does not have it.
func (g *Graph) Forward(event stream.EventID) *Graph {
	from := g.find(event)
	if from == nil {
		return &Graph{}
	}
	list := []stream.Header{from.Header}
	within := map[*node]bool{from: true}
	for _, n := range g.nodes { // causes come first
		if within[n.cause] {
			within[n] = true
			list = append(list, n.Header)
		}
	}
	return newGraph(list)
}

func (g *Graph) find(event stream.EventID) *node {
	for _, n := range g.nodes {
		if n.ID == event {
			return n
		}
	}
	return nil
}
