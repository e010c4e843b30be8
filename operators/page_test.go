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
	"regexp"
	"slices"
	"strings"
	"testing"

	diffs "github.com/google/go-cmp/cmp"
)

//go:generate go test -run ^TestPageOfOperators$ . -args -update-page

var updatePage = flag.Bool("update-page", false, "write docs/operators.md anew from the doc comments")

const page = "../docs/operators.md"

// families are the page's parts, in order, with the files that they consist of:
// "time" is time_delay.go, too. A file that none names is a part of its own,
// behind them.
var families = []struct {
	title string
	files []string
}{
	{"Create", []string{"create"}},
	{"Transform", []string{"transform", "flatten", "ends", "notification"}},
	{"Select", []string{"select", "take", "skip", "until", "distinct"}},
	{"Combine", []string{"combine"}},
	{"Time", []string{"time", "buffer"}},
	{"Failure", []string{"failure"}},
	{"Sharing", []string{"share"}},
	{"Boundaries", []string{"boundary", "parallel"}},
	{"Groups", []string{"group", "keyed"}},
	{"Windows", []string{"window"}},
	{"Joins", []string{"join"}},
	{"Terminals", []string{"terminals"}},
	{"Views", []string{"view"}},
}

// familyOf is the part of the page that a file belongs to, and where it comes.
func familyOf(file string) (title string, place int) {
	noun, _, _ := strings.Cut(file, "_")
	for i, f := range families {
		if j := slices.Index(f.files, noun); j >= 0 {
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

// entry is what the page has of one exported function, or of one type that
// observables are handed to.
type entry struct {
	name     string
	doc      string
	file     string // without its ending
	at       token.Pos
	operator bool // it makes an observable, and so has the form that all have
	takes    bool // its first parameter is one
	examples []*doc.Example
}

// entriesOf are the operators, the terminals and the types with a method that
// takes or makes an observable, in the order of the page.
func entriesOf(p *doc.Package, fset *token.FileSet) (list []entry) {
	file := func(n ast.Node) string { return strings.TrimSuffix(fset.Position(n.Pos()).Filename, ".go") }
	funcs := p.Funcs
	for _, typ := range p.Types {
		funcs = slices.Concat(funcs, typ.Funcs)
		if slices.ContainsFunc(typ.Methods, observes) {
			list = append(list, entry{name: typ.Name, doc: typ.Doc, file: file(typ.Methods[0].Decl), at: typ.Methods[0].Decl.Pos(), examples: typ.Examples})
		}
	}
	for _, f := range funcs {
		if !observes(f) {
			continue
		}
		params := f.Decl.Type.Params
		list = append(list, entry{
			name: f.Name, doc: f.Doc, file: file(f.Decl), at: f.Decl.Pos(), examples: f.Examples,
			operator: anyObservable(f.Decl.Type.Results),
			takes:    len(params.List) > 0 && observable(params.List[0].Type),
		})
	}
	slices.SortFunc(list, func(a, b entry) int {
		_, x := familyOf(a.file)
		_, y := familyOf(b.file)
		return cmp.Or(x-y, strings.Compare(a.file, b.file), int(a.at-b.at))
	})
	return list
}

func observes(f *doc.Func) bool {
	return anyObservable(f.Decl.Type.Params) || anyObservable(f.Decl.Type.Results)
}

func anyObservable(list *ast.FieldList) bool {
	return list != nil && slices.ContainsFunc(list.List, func(f *ast.Field) bool { return observable(f.Type) })
}

// observable reports whether a type is one of package stream's, or several.
func observable(e ast.Expr) bool {
	switch e := e.(type) {
	case *ast.Ellipsis:
		return observable(e.Elt)
	case *ast.ArrayType:
		return observable(e.Elt)
	case *ast.IndexListExpr:
		return observable(e.X)
	case *ast.IndexExpr:
		return observable(e.X)
	case *ast.SelectorExpr:
		return e.Sel.Name == "Observable" || e.Sel.Name == "Source"
	}
	return false
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
	list := entriesOf(p, fset)
	if len(list) < 30 {
		t.Fatalf("found only %d operators", len(list))
	}
	for _, e := range list {
		for _, problem := range unsaid(e) {
			t.Errorf("%s: %s", e.name, problem)
		}
		if e.operator && e.takes && !tested[e.name] {
			t.Errorf("%s is in no table of operators to be tested", e.name)
		}
	}
}

var labels = []string{"Errors", "Back-pressure", "State", "Goroutines"}

// unsaid is what the documentation of an operator leaves out.
func unsaid(e entry) (problems []string) {
	if !slices.ContainsFunc(e.examples, func(x *doc.Example) bool { return x.Output != "" || x.EmptyOutput }) {
		problems = append(problems, "there is no example whose output is checked")
	}
	if !e.operator {
		return problems
	}
	after := 0
	for _, what := range append([]string{"\n\n\t"}, labels...) {
		if what != "\n\n\t" {
			what = "\n" + what + ": "
		}
		at := strings.Index(e.doc[after:], what)
		if at < 0 {
			problems = append(problems, fmt.Sprintf("its doc has no %q, or not in its place", strings.Trim(what, "\n")))
			continue
		}
		after += at
	}
	return problems
}

// TestWhatIsUnsaidIsSeen shows the rule an operator that keeps it and ones that
// do not.
func TestWhatIsUnsaidIsSeen(t *testing.T) {
	whole := entry{
		doc:      "F does.\n\n\tin   a-|\n\nErrors: none.\nBack-pressure: none.\nState: none.\nGoroutines: none.\n",
		operator: true, examples: []*doc.Example{{Output: "1"}},
	}
	for claim, c := range map[string]struct {
		broken string
		change func(*entry)
	}{
		"a whole one":                        {"", func(*entry) {}},
		"one without a diagram":              {"\"\\t\"", func(e *entry) { e.doc = strings.Replace(e.doc, "\tin   a-|\n\n", "", 1) }},
		"one that does not tell its state":   {"State", func(e *entry) { e.doc = strings.Replace(e.doc, "State: none.\n", "", 1) }},
		"one that tells its errors last":     {"Errors", func(e *entry) { e.doc = strings.Replace(e.doc, "Errors: none.\n", "", 1) }},
		"one without an example":             {"example", func(e *entry) { e.examples = nil }},
		"one whose example checks nothing":   {"example", func(e *entry) { e.examples = []*doc.Example{{}} }},
		"a terminal, which has fewer things": {"", func(e *entry) { e.doc, e.operator = "F does.", false }},
	} {
		t.Run(claim, func(t *testing.T) {
			e := whole
			c.change(&e)
			got := strings.Join(unsaid(e), "; ")
			if c.broken == "" && got != "" || !strings.Contains(got, c.broken) {
				t.Errorf("got %q, want a complaint about %q", got, c.broken)
			}
		})
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

const pageHead = `# Operators

Generated from the doc comments, by 'go generate ./operators'. Each name leads to the whole comment, and
behind each is its source. *State* is what an operator remembers from one item to the next: behind one that
remembers nothing a durable consumer may resume. What has no diagram is a terminal, which runs a pipeline
and returns a value, or a type. What reads a log is in package 'replay'; 'stream' has 'From', 'Union',
'Only', 'Chunks' and the doors to rxgo. Those who know RxJS find its names in [rxjs.md](rxjs.md).
`

func writePage(p *doc.Package, fset *token.FileSet) string {
	var b strings.Builder
	b.WriteString(strings.ReplaceAll(pageHead, "'", "`"))
	family := ""
	for _, e := range entriesOf(p, fset) {
		if title, _ := familyOf(e.file); title != family {
			family = title
			fmt.Fprintf(&b, "\n## %s\n", title)
		}
		fmt.Fprintf(&b, "\n**[%s](https://pkg.go.dev/github.com/thaw-go/thaw/operators#%s)** %s ([%s.go](../operators/%s.go))\n",
			e.name, e.name, strings.TrimPrefix(p.Synopsis(e.doc), e.name+" "), e.file, e.file)
		if diagram := diagramOf(e.doc); diagram != "" {
			fmt.Fprintf(&b, "\n```\n%s```\n", diagram)
		}
		if state := lineOf(e.doc, "State"); state != "" {
			fmt.Fprintf(&b, "\n*State:* %s\n", state)
		}
	}
	return b.String()
}

// lineOf is what a comment says under one of the labels, in one line.
func lineOf(text, label string) string {
	_, after, found := strings.Cut(text, "\n"+label+": ")
	if !found {
		return ""
	}
	for _, next := range labels {
		after, _, _ = strings.Cut(after, "\n"+next+": ")
	}
	after, _, _ = strings.Cut(after, "\n\n")
	return docLink.ReplaceAllString(strings.Join(strings.Fields(after), " "), "`$1`")
}

// docLink is a link in a doc comment.
var docLink = regexp.MustCompile(`\[(\*?[A-Za-z.]+)\]`)

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
