package operators

import (
	"cmp"
	"flag"
	"fmt"
	"go/ast"
	"go/doc"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	diffs "github.com/google/go-cmp/cmp"
)

//go:generate go test -run ^TestPageOfOperators$ . -args -update-page

var updatePage = flag.Bool("update-page", false, "write docs/operators.md anew from the doc comments")

const page = "../docs/operators.md"

// families are the page's parts, in order, with the files that they consist of. A
// file that none names is a part of its own, behind them.
var families = []struct {
	title string
	files []string
}{
	{"Create", []string{"create"}},
	{"Transform", []string{"transform", "flatten", "ends", "notification"}},
	{"Select", []string{"select", "take", "skip", "until", "distinct"}},
	{"Combine", []string{"combine", "combine_pairs"}},
	{"Time", []string{"time", "time_delay", "buffer"}},
	{"Failure", []string{"failure"}},
	{"Sharing", []string{"share"}},
	{"Boundaries", []string{"boundary"}},
	{"Groups", []string{"group"}},
	{"Windows", []string{"window"}},
	{"Joins", []string{"join"}},
}

// familyOf is the part of the page that a file belongs to, and where it comes.
func familyOf(file string) (title string, place int) {
	for i, f := range families {
		if j := slices.Index(f.files, file); j >= 0 {
			return f.title, 100*i + j
		}
	}
	return strings.ToUpper(file[:1]) + strings.ReplaceAll(file[1:], "_", " "), 100 * len(families)
}

// documented is this package's documentation, with its examples.
func documented(t *testing.T) (*doc.Package, *token.FileSet) {
	t.Helper()
	names, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	fset := token.NewFileSet()
	var files []*ast.File
	for _, name := range names {
		f, err := parser.ParseFile(fset, name, nil, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, f)
	}
	p, err := doc.NewFromFiles(fset, files, "github.com/thaw-go/thaw/operators")
	if err != nil {
		t.Fatal(err)
	}
	return p, fset
}

// operatorsOf are the functions that make observables, in the order of the page.
func operatorsOf(p *doc.Package, fset *token.FileSet) (list []*doc.Func) {
	for _, f := range p.Funcs {
		results := f.Decl.Type.Results
		if results != nil && len(results.List) == 1 && selects(results.List[0].Type) == "Observable" {
			list = append(list, f)
		}
	}
	slices.SortStableFunc(list, func(a, b *doc.Func) int {
		_, x := familyOf(fileOf(a, fset))
		_, y := familyOf(fileOf(b, fset))
		return cmp.Or(x-y, strings.Compare(fileOf(a, fset), fileOf(b, fset)), int(a.Decl.Pos()-b.Decl.Pos()))
	})
	return list
}

// selects is the name behind the dot of a type's package.
func selects(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.IndexListExpr:
		return selects(e.X)
	case *ast.IndexExpr:
		return selects(e.X)
	case *ast.SelectorExpr:
		return e.Sel.Name
	}
	return ""
}

func fileOf(f *doc.Func, fset *token.FileSet) string {
	return strings.TrimSuffix(fset.Position(f.Decl.Pos()).Filename, ".go")
}

// takesObservable reports whether the function's first parameter is one.
func takesObservable(f *doc.Func) bool {
	params := f.Decl.Type.Params.List
	if len(params) == 0 {
		return false
	}
	first := params[0].Type
	if list, ok := first.(*ast.Ellipsis); ok {
		first = list.Elt
	}
	name := selects(first)
	return name == "Observable" || name == "Source"
}

// TestEveryOperatorTellsTheSameThings: a sentence, a diagram, what of errors,
// back-pressure, state and goroutines, and an example; and it is in the table.
// Breaks when: Map's line on goroutines is left out, or its example.
func TestEveryOperatorTellsTheSameThings(t *testing.T) {
	p, fset := documented(t)
	tested := map[string]bool{"Payloads": true} // by a test of its own: it takes events
	for _, op := range table {
		for _, name := range strings.Split(op.name, " and ") {
			tested[name] = true
		}
	}
	list := operatorsOf(p, fset)
	if len(list) < 30 {
		t.Fatalf("found only %d operators", len(list))
	}
	for _, f := range list {
		after := 0
		for _, label := range []string{"\n\n\t", "\nErrors: ", "\nBack-pressure: ", "\nState: ", "\nGoroutines: "} {
			at := strings.Index(f.Doc[after:], label)
			if at < 0 {
				t.Errorf("%s: its doc has no %q, or not in its place", f.Name, strings.Trim(label, "\n"))
				continue
			}
			after += at
		}
		if len(f.Examples) == 0 {
			t.Errorf("%s has no example", f.Name)
		}
		if takesObservable(f) && !tested[f.Name] {
			t.Errorf("%s is in no table of operators to be tested", f.Name)
		}
	}
}

// TestPageOfOperators: the page says what the doc comments say.
func TestPageOfOperators(t *testing.T) {
	p, fset := documented(t)
	want := writePage(p, fset)
	if *updatePage {
		if err := os.WriteFile(page, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	if diff := diffs.Diff(want, string(got)); diff != "" {
		t.Errorf("docs/operators.md is not what the doc comments say; run go generate ./operators (-want +got)\n%s", diff)
	}
}

func writePage(p *doc.Package, fset *token.FileSet) string {
	var b strings.Builder
	b.WriteString("# Operators\n\nGenerated from the doc comments, by `go generate ./operators`. Each name leads to the whole comment.\n")
	family := ""
	for _, f := range operatorsOf(p, fset) {
		if title, _ := familyOf(fileOf(f, fset)); title != family {
			family = title
			fmt.Fprintf(&b, "\n## %s\n", title)
		}
		fmt.Fprintf(&b, "\n**[%s](https://pkg.go.dev/github.com/thaw-go/thaw/operators#%s)** %s\n",
			f.Name, f.Name, strings.TrimPrefix(p.Synopsis(f.Doc), f.Name+" "))
		if diagram := diagramOf(f.Doc); diagram != "" {
			fmt.Fprintf(&b, "\n```\n%s```\n", diagram)
		}
	}
	return b.String()
}

// diagramOf is the first indented block of a comment.
func diagramOf(text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		inside, indented := strings.CutPrefix(line, "\t")
		switch {
		case indented:
			b.WriteString(inside)
		case b.Len() > 0:
			return b.String()
		}
	}
	return b.String()
}
