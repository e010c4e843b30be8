package purity

import (
	"fmt"
	"go/ast"
	"go/token"
	"go/types"

	"golang.org/x/tools/go/analysis"
	"golang.org/x/tools/go/analysis/passes/inspect"
	"golang.org/x/tools/go/ast/inspector"
)

// Analyzer reports clocks, randomness, I/O, goroutines, channels and hidden state in
// functions that must depend on their arguments alone.
var Analyzer = &analysis.Analyzer{
	Name:      "thawpure",
	Doc:       "report side effects in functions that Thaw calls again at every replay\n\nDecide, Evolve, Reduce, React and their like must depend on their arguments alone.",
	URL:       "https://github.com/thaw-go/thaw/blob/main/docs/thawvet.md",
	Requires:  []*analysis.Analyzer{inspect.Analyzer},
	FactTypes: []analysis.Fact{new(impure)},
	Run:       run,
}

// impure is the fact that a function of an analysed package has a side effect.
type impure struct {
	What   string // what it does: "calls time.Now"
	Hidden bool   // it is of a kind that another module may well hide: a lock, a cache
	Module string // whose function it is
}

// AFact makes it a fact.
func (*impure) AFact() {}

func (f *impure) String() string { return f.What }

func run(pass *analysis.Pass) (any, error) {
	if standard(pass.Pkg.Path()) {
		return nil, nil // of it there is a list
	}
	c := &checker{
		pass:     pass,
		inspect:  pass.ResultOf[inspect.Analyzer].(*inspector.Inspector),
		bodies:   map[types.Object][]ast.Node{},
		nodes:    map[types.Object]*node{},
		reported: map[string]bool{},
	}
	if pass.Module != nil {
		c.module = pass.Module.Path
	}
	c.collect()
	c.spread()
	for object, n := range c.nodes {
		if f, ok := object.(*types.Func); ok && n.effect != nil {
			pass.ExportObjectFact(f, &impure{What: n.effect.what, Hidden: n.effect.hidden, Module: c.module})
		}
	}
	c.roles()
	return nil, nil
}

type checker struct {
	pass     *analysis.Pass
	inspect  *inspector.Inspector
	module   string                      // whose package this is, if it is known
	bodies   map[types.Object][]ast.Node // what functions, and variables of functions, do
	nodes    map[types.Object]*node
	order    []types.Object // of nodes, as they are in the sources
	reported map[string]bool
}

// node is a function of this package.
type node struct {
	effect *effect // the first that it has; nil: none is known
	calls  []call
}

// effect is something that a function must not do.
type effect struct {
	pos    token.Pos
	what   string // "calls time.Now"
	hidden bool   // see impure
}

// call is where a function of this package is called.
type call struct {
	pos    token.Pos
	callee types.Object
}

// collect finds the functions of the package, and what each does by itself.
func (c *checker) collect() {
	c.inspect.Preorder([]ast.Node{(*ast.FuncDecl)(nil), (*ast.ValueSpec)(nil), (*ast.AssignStmt)(nil)}, func(n ast.Node) {
		switch n := n.(type) {
		case *ast.FuncDecl:
			if n.Body != nil {
				c.body(c.pass.TypesInfo.Defs[n.Name], n)
			}
		case *ast.ValueSpec:
			for i, name := range n.Names {
				if i < len(n.Values) {
					c.bind(name, n.Values[i])
				}
			}
		case *ast.AssignStmt:
			for i, to := range n.Lhs {
				if name, ok := to.(*ast.Ident); ok && len(n.Lhs) == len(n.Rhs) {
					c.bind(name, n.Rhs[i])
				}
			}
		}
	})
	for _, object := range c.order {
		n := &node{}
		for _, body := range c.bodies[object] {
			effects, calls := c.scan(body, false)
			if n.effect == nil && len(effects) > 0 {
				n.effect = &effects[0]
			}
			n.calls = append(n.calls, calls...)
		}
		c.nodes[object] = n
	}
}

func (c *checker) body(object types.Object, body ast.Node) {
	if object == nil {
		return
	}
	if c.bodies[object] == nil {
		c.order = append(c.order, object)
	}
	c.bodies[object] = append(c.bodies[object], body)
}

// bind notes that a variable is a function.
func (c *checker) bind(name *ast.Ident, value ast.Expr) {
	if lit, ok := ast.Unparen(value).(*ast.FuncLit); ok {
		c.body(c.pass.TypesInfo.ObjectOf(name), lit)
	}
}

// spread tells functions what those do that they call, the shortest way first.
func (c *checker) spread() {
	callers := map[types.Object][]types.Object{}
	var queue []types.Object
	for _, object := range c.order {
		for _, call := range c.nodes[object].calls {
			callers[call.callee] = append(callers[call.callee], object)
		}
		if c.nodes[object].effect != nil {
			queue = append(queue, object)
		}
	}
	for len(queue) > 0 {
		callee := queue[0]
		queue = queue[1:]
		for _, caller := range callers[callee] {
			n := c.nodes[caller]
			if n.effect != nil {
				continue
			}
			for _, call := range n.calls {
				if call.callee == callee {
					n.effect = c.through(call)
					break
				}
			}
			queue = append(queue, caller)
		}
	}
}

// through is the effect that a call has; nil if none is known.
func (c *checker) through(call call) *effect {
	n := c.nodes[call.callee]
	if n == nil || n.effect == nil {
		return nil
	}
	what := fmt.Sprintf("calls %s, which %s", called(call.callee), n.effect.what)
	return &effect{pos: call.pos, what: what, hidden: n.effect.hidden}
}

// called is the name of a function in a message: "user.evolve", "time.Now",
// "user.State.add".
func called(object types.Object) string {
	name := object.Name()
	if f, ok := object.(*types.Func); ok {
		if receiver := receiverOf(f); receiver != "" {
			name = receiver + "." + name
		}
	}
	if object.Pkg() == nil {
		return name
	}
	if standard(object.Pkg().Path()) {
		return object.Pkg().Path() + "." + name
	}
	return object.Pkg().Name() + "." + name
}

// receiverOf is the name of the type that a method belongs to; empty if it is none.
func receiverOf(f *types.Func) string {
	receiver := f.Signature().Recv()
	if receiver == nil {
		return ""
	}
	t := receiver.Type()
	if p, ok := t.(*types.Pointer); ok {
		t = p.Elem()
	}
	if named, ok := types.Unalias(t).(*types.Named); ok {
		return named.Obj().Name()
	}
	return ""
}
