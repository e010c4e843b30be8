package purity

import (
	"fmt"
	"go/ast"
	"go/token"
	"go/types"
	"strings"
)

const thaw = "github.com/thaw-go/thaw/"

// fields are the functions among the fields of Thaw's types that must be pure.
var fields = map[string]bool{
	"Initial": true, "Decide": true, "Evolve": true, "Clone": true, // of an aggregate
	"Correlate": true, "Starts": true, "React": true, "Expire": true, "Refused": true, "Undo": true, "Time": true, "Migrate": true, // of a saga
	"Keys": true, "Reduce": true, "Gone": true, "Indexes": true, // of a view
	"Key": true, "Of": true, "Left": true, "Right": true, // of operators
	"Tags": true, "Fallback": true, "As": true, // of a topic
}

// arguments are the functions of Thaw that are given such functions, and what those
// become, by the name of the parameter.
var arguments = map[string]map[string]string{
	"aggregate.New":      {"decide": "Decide", "evolve": "Evolve"},
	"aggregate.NewRule":  {"of": "Of", "evolve": "Evolve", "judge": "Judge"},
	"operators.NewView":  {"initial": "Initial", "reduce": "Reduce"},
	"operators.Reduce":   {"f": "Reduce"},
	"operators.ReduceBy": {"f": "Reduce"},
	"operators.Scan":     {"f": "Reduce"},
	"operators.ScanBy":   {"f": "Reduce"},
	"operators.Window":   {"f": "Reduce"},
	"operators.Session":  {"f": "Reduce"},
}

// roles finds the functions that must be pure, and reports what they do.
func (c *checker) roles() {
	kinds := []ast.Node{(*ast.CompositeLit)(nil), (*ast.CallExpr)(nil), (*ast.AssignStmt)(nil)}
	c.inspect.Preorder(kinds, func(n ast.Node) {
		switch n := n.(type) {
		case *ast.CompositeLit:
			c.literal(n)
		case *ast.CallExpr:
			c.call(n)
		case *ast.AssignStmt:
			for i, to := range n.Lhs {
				if s, ok := ast.Unparen(to).(*ast.SelectorExpr); ok && len(n.Lhs) == len(n.Rhs) {
					c.field(c.pass.TypesInfo.TypeOf(s.X), s.Sel.Name, n.Rhs[i])
				}
			}
		}
	})
}

func (c *checker) literal(lit *ast.CompositeLit) {
	t := c.pass.TypesInfo.TypeOf(lit)
	if t == nil {
		return
	}
	for i, element := range lit.Elts {
		pair, keyed := element.(*ast.KeyValueExpr)
		value := element
		if keyed {
			value = pair.Value
		}
		switch u := t.Underlying().(type) {
		case *types.Struct:
			if name, ok := fieldName(u, pair, i); ok {
				c.field(t, name, value)
			}
		case *types.Slice:
			c.upcaster(u.Elem(), value)
		case *types.Array:
			c.upcaster(u.Elem(), value)
		case *types.Map:
			c.upcaster(u.Elem(), value)
		}
	}
}

func fieldName(s *types.Struct, pair *ast.KeyValueExpr, i int) (string, bool) {
	if pair == nil {
		return s.Field(i).Name(), true
	}
	name, ok := pair.Key.(*ast.Ident)
	if !ok {
		return "", false
	}
	return name.Name, true
}

// field judges what a field of a type is given, if the type is Thaw's.
func (c *checker) field(of types.Type, name string, value ast.Expr) {
	owner := ours(of)
	if owner == "" || !fields[name] {
		return
	}
	switch t := typeOf(c, value).(type) {
	case *types.Signature:
		if !takesContext(t) {
			c.judge(name, owner, value)
		}
	case *types.Map: // of functions by name
		lit, ok := ast.Unparen(value).(*ast.CompositeLit)
		if _, functions := t.Elem().Underlying().(*types.Signature); !ok || !functions {
			return
		}
		for _, element := range lit.Elts {
			if pair, ok := element.(*ast.KeyValueExpr); ok {
				c.judge(name, owner, pair.Value)
			}
		}
	}
}

func (c *checker) upcaster(of types.Type, value ast.Expr) {
	if ours(of) == "stream.Upcaster" {
		c.judge("an upcaster", "stream.Upcaster", value)
	}
}

func (c *checker) call(n *ast.CallExpr) {
	f, ok := c.object(n.Fun).(*types.Func)
	if !ok || f.Pkg() == nil || !strings.HasPrefix(f.Pkg().Path(), thaw) {
		return
	}
	roles := arguments[f.Pkg().Name()+"."+f.Name()]
	params := f.Signature().Params()
	for i, argument := range n.Args {
		if i < params.Len() && roles[params.At(i).Name()] != "" {
			c.judge(roles[params.At(i).Name()], f.Pkg().Name()+"."+f.Name(), argument)
		}
	}
}

// ours is the name of a type of Thaw's, "aggregate.Saga"; empty if it is another's.
func ours(t types.Type) string {
	if t == nil {
		return ""
	}
	if p, ok := t.Underlying().(*types.Pointer); ok {
		t = p.Elem()
	}
	named, ok := types.Unalias(t).(*types.Named)
	if !ok || named.Obj().Pkg() == nil || !strings.HasPrefix(named.Obj().Pkg().Path(), thaw) {
		return ""
	}
	return named.Obj().Pkg().Name() + "." + named.Obj().Name()
}

func typeOf(c *checker, e ast.Expr) types.Type {
	if t := c.pass.TypesInfo.TypeOf(e); t != nil {
		return t.Underlying()
	}
	return nil
}

func takesContext(s *types.Signature) bool {
	for v := range s.Params().Variables() {
		if isContext(v.Type()) {
			return true
		}
	}
	return false
}

func isContext(t types.Type) bool {
	named, ok := types.Unalias(t).(*types.Named)
	return ok && named.Obj().Pkg() != nil && named.Obj().Pkg().Path() == "context" && named.Obj().Name() == "Context"
}

// judge reports what the function does that becomes a role of an owner.
func (c *checker) judge(role, owner string, value ast.Expr) {
	value = ast.Unparen(value)
	if lit, ok := value.(*ast.FuncLit); ok {
		effects, calls := c.scan(lit, true)
		c.report(role, owner, effects, calls)
		return
	}
	object := c.object(value)
	if call, ok := value.(*ast.CallExpr); ok { // what it returns is within it
		if c.pass.TypesInfo.Types[call.Fun].IsType() && len(call.Args) == 1 {
			c.judge(role, owner, call.Args[0]) // a conversion
			return
		}
		object = c.object(call.Fun)
	}
	if object == nil {
		return
	}
	bodies := c.bodies[object]
	for _, body := range bodies {
		effects, calls := c.scan(body, false)
		c.report(role, called(object), effects, calls)
	}
	if f, ok := object.(*types.Func); ok && len(bodies) == 0 {
		if e := c.foreign(f, value.Pos(), "is"); e != nil {
			c.report(role, owner, []effect{*e}, nil)
		}
	}
}

func (c *checker) report(role, of string, effects []effect, calls []call) {
	for _, call := range calls {
		if e := c.through(call); e != nil {
			effects = append(effects, *e)
		}
	}
	for _, e := range effects {
		c.say(e.pos, fmt.Sprintf("%s of %s %s: it must depend on its arguments alone", role, of, e.what))
	}
}

// say reports a thing once, also if two roles share a function.
func (c *checker) say(pos token.Pos, message string) {
	if key := fmt.Sprint(pos, message); !c.reported[key] {
		c.reported[key] = true
		c.pass.Reportf(pos, "%s", message)
	}
}

// object is the function or the variable that an expression names; nil if it names
// none.
func (c *checker) object(e ast.Expr) types.Object {
	switch e := ast.Unparen(e).(type) {
	case *ast.Ident:
		return origin(c.pass.TypesInfo.Uses[e])
	case *ast.SelectorExpr:
		return origin(c.pass.TypesInfo.Uses[e.Sel])
	case *ast.IndexExpr:
		return c.object(e.X)
	case *ast.IndexListExpr:
		return c.object(e.X)
	}
	return nil
}

// origin is the generic function that an instance was made of.
func origin(object types.Object) types.Object {
	switch o := object.(type) {
	case *types.Func:
		return o.Origin()
	case *types.Var:
		return o.Origin()
	}
	return nil
}
