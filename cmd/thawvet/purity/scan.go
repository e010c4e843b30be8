package purity

import (
	"fmt"
	"go/ast"
	"go/token"
	"go/types"
)

// scan finds what a function does by itself, with the functions that are written in it,
// and which functions of the package it calls. shared: what it remembers outside is
// shared by all its calls, as it is called more than once.
func (c *checker) scan(root ast.Node, shared bool) ([]effect, []call) {
	s := &scanner{checker: c, root: root, shared: shared, called: map[*ast.Ident]bool{}}
	ast.Inspect(root, s.visit)
	return s.effects, s.calls
}

type scanner struct {
	*checker
	root    ast.Node
	shared  bool
	called  map[*ast.Ident]bool // names that stand where a function is called
	effects []effect
	calls   []call
}

func (s *scanner) add(at ast.Node, hidden bool, format string, args ...any) {
	s.effects = append(s.effects, effect{pos: at.Pos(), what: fmt.Sprintf(format, args...), hidden: hidden})
}

func (s *scanner) visit(n ast.Node) bool {
	switch n := n.(type) {
	case *ast.GoStmt:
		s.add(n, false, "starts a goroutine")
	case *ast.SendStmt:
		s.add(n, true, "sends on a channel")
	case *ast.SelectStmt:
		s.add(n, true, "selects among channels")
		return false
	case *ast.UnaryExpr:
		if n.Op == token.ARROW {
			s.add(n, true, "receives from a channel")
		}
	case *ast.RangeStmt:
		s.ranges(n)
	case *ast.AssignStmt:
		if n.Tok != token.DEFINE {
			for _, to := range n.Lhs {
				s.write(to)
			}
		}
	case *ast.IncDecStmt:
		s.write(n.X)
	case *ast.CallExpr:
		s.call(n)
	case *ast.Ident:
		s.use(n)
	}
	return true
}

// write judges what is assigned to.
func (s *scanner) write(to ast.Expr) {
	name := rootOf(s.pass.TypesInfo, to)
	if name == nil {
		return
	}
	v, ok := s.pass.TypesInfo.Uses[name].(*types.Var)
	if !ok || v.Pkg() == nil {
		return
	}
	if v.Parent() == v.Pkg().Scope() {
		s.add(to, true, "writes to the variable %s", called(v))
	} else if s.shared && (v.Pos() < s.root.Pos() || v.Pos() >= s.root.End()) {
		s.add(to, true, "writes to %s, which all its calls share", v.Name())
	}
}

// rootOf is the variable that an expression is a part of, or hangs on.
func rootOf(info *types.Info, e ast.Expr) *ast.Ident {
	for {
		switch x := e.(type) {
		case *ast.Ident:
			return x
		case *ast.ParenExpr:
			e = x.X
		case *ast.StarExpr:
			e = x.X
		case *ast.IndexExpr:
			e = x.X
		case *ast.SliceExpr:
			e = x.X
		case *ast.SelectorExpr:
			if from, ok := x.X.(*ast.Ident); ok {
				if _, ok := info.Uses[from].(*types.PkgName); ok {
					return x.Sel
				}
			}
			e = x.X
		default:
			return nil
		}
	}
}

func (s *scanner) call(n *ast.CallExpr) {
	fun := ast.Unparen(n.Fun)
	switch x := fun.(type) {
	case *ast.IndexExpr:
		fun = ast.Unparen(x.X)
	case *ast.IndexListExpr:
		fun = ast.Unparen(x.X)
	}
	var name *ast.Ident
	switch x := fun.(type) {
	case *ast.Ident:
		name = x
	case *ast.SelectorExpr:
		name = x.Sel
	default:
		return
	}
	s.called[name] = true
	switch object := s.pass.TypesInfo.Uses[name].(type) {
	case *types.Builtin:
		s.builtin(n, object.Name())
	case *types.Func:
		if prints(object) && len(n.Args) > 0 && inMemory(s.pass.TypesInfo.TypeOf(n.Args[0])) {
			s.called[name] = false // and is judged no more
			return
		}
		if refused(object) == "" {
			s.contexts(n, called(object))
		}
	case *types.Var:
		s.contexts(n, object.Name())
	}
}

func (s *scanner) builtin(n *ast.CallExpr, name string) {
	switch name {
	case "close":
		s.add(n, true, "closes a channel")
	case "print", "println":
		s.add(n, false, "calls %s", name)
	case "delete", "clear", "copy":
		s.write(n.Args[0])
	}
}

// contexts judges a call that hands on a context: whoever takes one may wait, or ask
// somebody else.
func (s *scanner) contexts(n *ast.CallExpr, to string) {
	for _, argument := range n.Args {
		if t := s.pass.TypesInfo.TypeOf(argument); t != nil && isContext(t) {
			s.add(n, false, "gives a context to %s", to)
			return
		}
	}
}

// use judges a name, whether it is called or not.
func (s *scanner) use(name *ast.Ident) {
	verb := "uses"
	if calls, known := s.called[name]; known && !calls {
		return
	} else if calls {
		verb = "calls"
	}
	switch object := origin(s.pass.TypesInfo.Uses[name]).(type) {
	case *types.Func:
		if e := s.foreign(object, name.Pos(), verb); e != nil {
			s.effects = append(s.effects, *e)
		} else if object.Pkg() == s.pass.Pkg {
			s.calls = append(s.calls, call{name.Pos(), object})
		}
	case *types.Var:
		if what := refused(object); what != "" {
			s.add(name, false, "uses %s", what)
		} else if at := s.bodies[object]; at != nil && !s.within(at) {
			s.calls = append(s.calls, call{name.Pos(), object})
		}
	}
}

// within reports whether all bodies are in what is scanned already.
func (s *scanner) within(bodies []ast.Node) bool {
	for _, b := range bodies {
		if b.Pos() < s.root.Pos() || b.End() > s.root.End() {
			return false
		}
	}
	return true
}

// foreign is the effect of a function that is refused, or of another package and known
// to have one.
func (c *checker) foreign(f *types.Func, pos token.Pos, verb string) *effect {
	if what := refused(f); what != "" {
		return &effect{pos: pos, what: verb + " " + what, hidden: hides(f)}
	}
	var fact impure
	if f.Pkg() == nil || f.Pkg() == c.pass.Pkg || !c.pass.ImportObjectFact(f, &fact) {
		return nil
	}
	if fact.Hidden && (fact.Module != c.module || library(f.Pkg().Path())) {
		return nil
	}
	return &effect{pos: pos, what: fmt.Sprintf("%s %s, which %s", verb, called(f), fact.What), hidden: fact.Hidden}
}
