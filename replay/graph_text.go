package replay

import (
	"encoding/json"
	"fmt"
	"strings"
)

// maxIndent is how far the tree text goes to the right; what is deeper is counted.
const maxIndent = 100

// name is a node in the text: "orders/7 3 PAID".
func (n *node) name() string {
	text := fmt.Sprintf("%s %d %s", n.Stream, n.Version, n.Type)
	if n.lost {
		text += " (its cause is not here)"
	}
	return text
}

// Tree is the graph as text, what was caused below what caused it; events that one
// command brought about together stand below a line that says so:
//
//	orders/7 1 PLACED
//	├─ payments/7 1 TAKEN
//	└─ together
//	   ├─ stock/pen 4 RESERVED
//	   └─ stock/ink 2 RESERVED
func (g *Graph) Tree() string {
	t := &tree{}
	for _, root := range g.roots {
		if len(root) == 1 {
			t.node(root[0], "", "", 0)
			continue
		}
		t.line("together")
		t.together(root, "", 0)
	}
	return t.b.String()
}

type tree struct{ b strings.Builder }

func (t *tree) line(text string) { t.b.WriteString(text + "\n") }

// node writes an event and what it caused: its own line after first, the others after
// rest.
func (t *tree) node(n *node, first, rest string, depth int) {
	t.line(first + n.name())
	if depth >= maxIndent && len(n.effects) > 0 {
		t.line(rest + fmt.Sprintf("└─ … and %d more", count(n)))
		return
	}
	for i, effects := range n.effects {
		branch, below := branches(i, len(n.effects))
		if len(effects) == 1 {
			t.node(effects[0], rest+branch, rest+below, depth+1)
			continue
		}
		t.line(rest + branch + "together")
		t.together(effects, rest+below, depth+1)
	}
}

func (t *tree) together(list group, rest string, depth int) {
	for i, n := range list {
		branch, below := branches(i, len(list))
		t.node(n, rest+branch, rest+below, depth+1)
	}
}

// branches are what stands before one of some lines, and before what is below it.
func branches(i, of int) (branch, below string) {
	if i == of-1 {
		return "└─ ", "   "
	}
	return "├─ ", "│  "
}

// count is how many events came of one, by whatever way.
func count(from *node) (total int) {
	for stack := []*node{from}; len(stack) > 0; {
		n := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		for _, effects := range n.effects {
			total += len(effects)
			stack = append(stack, effects...)
		}
	}
	return total
}

// DOT is the graph for Graphviz. Events that one command brought about together are
// in one box.
func (g *Graph) DOT() string {
	var b strings.Builder
	b.WriteString("digraph story {\n  rankdir=LR; node [shape=box];\n")
	g.byCommand(func(command int, list group) {
		indent := "  "
		if len(list) > 1 {
			fmt.Fprintf(&b, "  subgraph cluster_%d {\n", command)
			indent = "    "
		}
		for _, n := range list {
			fmt.Fprintf(&b, "%se%d [label=%s];\n", indent, n.n, quoteDOT(n.name()))
		}
		if len(list) > 1 {
			b.WriteString("  }\n")
		}
	})
	for _, n := range g.nodes {
		if n.cause != nil {
			fmt.Fprintf(&b, "  e%d -> e%d;\n", n.cause.n, n.n)
		}
	}
	b.WriteString("}\n")
	return b.String()
}

// byCommand goes through the nodes in order, those of one command together.
func (g *Graph) byCommand(do func(command int, list group)) {
	for i := 0; i < len(g.nodes); {
		end := i + 1
		for end < len(g.nodes) && g.nodes[end].command == g.nodes[i].command {
			end++
		}
		do(g.nodes[i].command, group(g.nodes[i:end]))
		i = end
	}
}

var dotEscapes = strings.NewReplacer(`\`, `\\`, `"`, `\"`)

func quoteDOT(s string) string { return `"` + dotEscapes.Replace(s) + `"` }

// Mermaid is the graph as Mermaid's flowchart. Events that one command brought about
// together are in one box.
func (g *Graph) Mermaid() string {
	var b strings.Builder
	b.WriteString("flowchart LR\n")
	g.byCommand(func(command int, list group) {
		indent := "  "
		if len(list) > 1 {
			fmt.Fprintf(&b, "  subgraph c%d [together]\n", command)
			indent = "    "
		}
		for _, n := range list {
			fmt.Fprintf(&b, "%se%d[\"%s\"]\n", indent, n.n, escapeMermaid(n.name()))
		}
		if len(list) > 1 {
			b.WriteString("  end\n")
		}
	})
	for _, n := range g.nodes {
		if n.cause != nil {
			fmt.Fprintf(&b, "  e%d --> e%d\n", n.cause.n, n.n)
		}
	}
	return b.String()
}

// mermaidEscapes are what Mermaid would take for its own, as it wants them written.
var mermaidEscapes = strings.NewReplacer("#", "#35;", `"`, "#quot;", "&", "#amp;", "<", "#lt;", ">", "#gt;", "`", "#96;", `\`, "#92;", "%", "#37;", ";", "#59;")

func escapeMermaid(s string) string { return mermaidEscapes.Replace(s) }

// jsonNode is an event in the graph's JSON.
type jsonNode struct {
	Stream  string `json:"stream"`
	Version uint64 `json:"version"`
	Type    string `json:"type"`
	Command int    `json:"command"`         // the same for what one command brought about
	Cause   *int   `json:"cause,omitempty"` // which event of the list it was caused by
	Lost    bool   `json:"lost,omitempty"`  // its cause is not here
}

// MarshalJSON is the graph as a list of events, causes before what they caused. Each
// has its stream, version and type, the number of its command, and the place in the
// list of its cause, if that is there.
func (g *Graph) MarshalJSON() ([]byte, error) {
	list := make([]jsonNode, len(g.nodes))
	for i, n := range g.nodes {
		list[i] = jsonNode{Stream: n.Stream.String(), Version: uint64(n.Version), Type: n.Type, Command: n.command, Lost: n.lost}
		if n.cause != nil {
			list[i].Cause = &n.cause.n
		}
	}
	return json.Marshal(map[string]any{"events": list})
}
