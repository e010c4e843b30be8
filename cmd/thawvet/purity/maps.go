package purity

import (
	"go/ast"
	"go/token"
	"go/types"
	"strings"
)

// ranges judges a loop: over a channel, or over a map in an order that shows.
func (s *scanner) ranges(n *ast.RangeStmt) {
	for _, to := range []ast.Expr{n.Key, n.Value} {
		if to != nil && n.Tok == token.ASSIGN {
			s.write(to)
		}
	}
	switch typeOf(s.checker, n.X).(type) {
	case *types.Chan:
		s.add(n, true, "receives from a channel")
	case *types.Map:
		if to := s.ordered(n); to != nil && !s.sorted(to, n.End()) {
			s.add(n, false, "depends on the order of a map: it fills %s from it, and does not sort it", to.Name())
		}
	}
}

// ordered is the slice or the text that a loop makes longer with each item; nil if
// there is none.
func (s *scanner) ordered(n *ast.RangeStmt) (to types.Object) {
	ast.Inspect(n.Body, func(inner ast.Node) bool {
		a, ok := inner.(*ast.AssignStmt)
		if !ok || len(a.Lhs) != 1 || len(a.Rhs) != 1 || to != nil {
			return true
		}
		name, ok := a.Lhs[0].(*ast.Ident)
		if !ok {
			return true
		}
		v := s.pass.TypesInfo.Uses[name]
		if v == nil || v.Pos() >= n.Pos() && v.Pos() < n.End() {
			return true // it begins anew with each item
		}
		switch call, ok := a.Rhs[0].(*ast.CallExpr); {
		case ok && a.Tok == token.ASSIGN && isBuiltin(s.pass.TypesInfo, call, "append"):
			to = v
		case a.Tok == token.ADD_ASSIGN && isText(v.Type()):
			to = v
		}
		return true
	})
	return to
}

func isBuiltin(info *types.Info, call *ast.CallExpr, name string) bool {
	fun, ok := ast.Unparen(call.Fun).(*ast.Ident)
	if !ok {
		return false
	}
	b, ok := info.Uses[fun].(*types.Builtin)
	return ok && b.Name() == name
}

func isText(t types.Type) bool {
	b, ok := t.Underlying().(*types.Basic)
	return ok && b.Info()&types.IsString != 0
}

// sorted reports whether a variable is given to something that sorts, after a place.
func (s *scanner) sorted(v types.Object, after token.Pos) (found bool) {
	ast.Inspect(s.root, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok || call.Pos() < after || len(call.Args) == 0 {
			return true
		}
		f, ok := s.object(call.Fun).(*types.Func)
		if !ok || !strings.Contains(strings.ToLower(called(f)), "sort") {
			return true
		}
		for _, argument := range call.Args {
			ast.Inspect(argument, func(n ast.Node) bool {
				if name, ok := n.(*ast.Ident); ok && s.pass.TypesInfo.Uses[name] == v {
					found = true
				}
				return true
			})
		}
		return true
	})
	return found
}
