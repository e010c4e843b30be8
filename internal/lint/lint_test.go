package lint

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/thaw-go/thaw"

// pkg is one package of the module.
type pkg struct {
	path  string // within the module: "stream/memlog"
	files []*file
	tests []*file
}

func (p *pkg) main() bool { return len(p.files) > 0 && p.files[0].ast.Name.Name == "main" }

// library reports whether users import the package.
func (p *pkg) library() bool {
	return !p.main() && !names([]string{"internal/...", "examples/...", "cmd/..."}, p.path) &&
		!slices.Contains(strings.Split(p.path, "/"), "internal")
}

// file is one source file.
type file struct {
	path string // within the module: "stream/memlog/log.go"
	ast  *ast.File
	fset *token.FileSet
}

func (f *file) at(pos token.Pos) string {
	return fmt.Sprintf("%s:%d", f.path, f.fset.Position(pos).Line)
}

func (f *file) imports() (paths []string) {
	for _, i := range f.ast.Imports {
		if path, err := strconv.Unquote(i.Path.Value); err == nil {
			paths = append(paths, path)
		}
	}
	return paths
}

// lines counts the lines of a file or a function.
func (f *file) lines(from, to token.Pos) int {
	return f.fset.Position(to).Line - f.fset.Position(from).Line + 1
}

// mostLines is how long a file may be: examples are read to the end, and the
// aggregates of the largest one twice.
func mostLines(f *file) int {
	if !strings.HasPrefix(f.path, "examples/") {
		return maxFileLines
	}
	most := maxExampleLines
	if !strings.HasPrefix(f.path, "examples/auction/") {
		return most
	}
	ast.Inspect(f.ast, func(n ast.Node) bool {
		if s, ok := n.(*ast.SelectorExpr); ok {
			if of, ok := s.X.(*ast.Ident); ok && of.Name == "aggregate" && slices.Contains([]string{"New", "Decider"}, s.Sel.Name) {
				most = maxAggregateLines
			}
		}
		return true
	})
	return most
}

func checkSizes(p *pkg) (broken []string) {
	for _, f := range p.files {
		most := mostLines(f)
		if n := f.lines(f.ast.FileStart, f.ast.FileEnd); n > most && longFiles[f.path] == "" {
			broken = append(broken, fmt.Sprintf("%s: %d lines, more than %d", f.path, n, most))
		}
		for _, d := range f.ast.Decls {
			fn, ok := d.(*ast.FuncDecl)
			if !ok {
				continue
			}
			name := p.path + "." + fn.Name.Name
			if n := f.lines(fn.Pos(), fn.End()); n > maxFunctionLines && longFunctions[name] == "" {
				broken = append(broken, fmt.Sprintf("%s: %s has %d lines, more than %d", f.at(fn.Pos()), name, n, maxFunctionLines))
			}
		}
	}
	return broken
}

// parse makes a package of sources by their file names. Every file is read,
// whatever system it is built for.
func parse(path string, sources map[string]any) (*pkg, error) {
	p := &pkg{path: path}
	fset := token.NewFileSet()
	for name, src := range sources {
		disk := name
		if _, ok := src.([]byte); ok {
			disk = filepath.Base(name)
		}
		parsed, err := parser.ParseFile(fset, disk, src, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return nil, err
		}
		f := &file{path: path + "/" + filepath.Base(name), ast: parsed, fset: fset}
		if strings.HasSuffix(name, "_test.go") {
			p.tests = append(p.tests, f)
		} else {
			p.files = append(p.files, f)
		}
	}
	slices.SortFunc(p.files, func(a, b *file) int { return strings.Compare(a.path, b.path) })
	return p, nil
}

// load reads every package of the module around this one.
func load(t *testing.T) (root string, list []*pkg) {
	t.Helper()
	root = strings.TrimSpace(run(t, "", "go", "list", "-m", "-f", "{{.Dir}}", module))
	out := run(t, root, "go", "list", "-e", "-json=Dir,ImportPath,GoFiles,CgoFiles,IgnoredGoFiles,TestGoFiles,XTestGoFiles", "./...")
	for d := json.NewDecoder(strings.NewReader(out)); ; {
		var found struct {
			Dir, ImportPath                                              string
			GoFiles, CgoFiles, IgnoredGoFiles, TestGoFiles, XTestGoFiles []string
		}
		err := d.Decode(&found)
		if errors.Is(err, io.EOF) {
			return root, list
		}
		if err != nil {
			t.Fatal(err)
		}
		sources := map[string]any{}
		for _, name := range slices.Concat(found.GoFiles, found.CgoFiles, found.IgnoredGoFiles, found.TestGoFiles, found.XTestGoFiles) {
			sources[filepath.Join(found.Dir, name)] = nil
		}
		p, err := parse(strings.TrimPrefix(found.ImportPath, module+"/"), sources)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, p)
	}
}

func run(t *testing.T, dir, name string, args ...string) string {
	t.Helper()
	cmd := exec.Command(name, args...)
	var stderr bytes.Buffer
	cmd.Dir, cmd.Stderr = dir, &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v\n%s", cmd, err, &stderr)
	}
	return string(out)
}

func TestHouse(t *testing.T) {
	root, packages := load(t)
	if len(packages) < 4 {
		t.Fatalf("found only %d packages in the module", len(packages))
	}
	for _, r := range rules {
		t.Run(r.claim, func(t *testing.T) {
			for _, p := range packages {
				if len(p.files) == 0 { // only tests, or nothing yet
					continue
				}
				for _, b := range r.check(p) {
					t.Error(b)
				}
			}
		})
	}
	t.Run("the top level holds only what the design lists", func(t *testing.T) {
		git := exec.Command("git", "ls-files")
		git.Dir = root
		out, err := git.Output()
		if err != nil {
			t.Skip("not a git checkout:", err)
		}
		for _, b := range checkTopLevel(strings.Split(strings.TrimSpace(string(out)), "\n")) {
			t.Error(b)
		}
	})
}

// TestRulesFail shows each rule a package that keeps it and one that does not.
func TestRulesFail(t *testing.T) {
	long := strings.Repeat("\n", maxFileLines)
	for _, c := range []struct {
		claim, rule, file, src string
		broken                 string // "": the rule is kept
	}{
		{"stream may import the origin", "imports point down", "stream/a.go", `import _ "github.com/thaw-go/thaw/internal/origin"`, ""},
		{"stream may import nothing else", "imports point down", "stream/a.go", `import _ "github.com/thaw-go/thaw/internal/engine"`, "stream may not import internal/engine"},
		{"siblings are strangers", "imports point down", "operators/a.go", `import _ "github.com/thaw-go/thaw/replay"`, "operators may not import replay"},
		{"engines are strangers, below too", "imports point down", "stream/badgerlog/tail/a.go", `import _ "github.com/thaw-go/thaw/stream/memlog"`, "may not import stream/memlog"},
		{"an engine may import what lies below itself", "imports point down", "stream/badgerlog/a.go", `import _ "github.com/thaw-go/thaw/stream/badgerlog/tail"`, ""},
		{"aggregate may import all of floor 1", "imports point down", "aggregate/a.go", `import _ "github.com/thaw-go/thaw/operators"`, ""},
		{"aggregate may not import the testkit", "imports point down", "aggregate/a.go", `import _ "github.com/thaw-go/thaw/testkit"`, "may not import testkit"},
		{"replay may not import what stands on it", "imports point down", "replay/a.go", `import _ "github.com/thaw-go/thaw/replay/inspect"`, "may not import replay/inspect"},
		{"the testkit may import aggregate", "imports point down", "testkit/a.go", `import _ "github.com/thaw-go/thaw/aggregate"`, ""},
		{"an example may import its own parts", "imports point down", "examples/user/a.go", `import _ "github.com/thaw-go/thaw/examples/user/mail"`, ""},
		{"an example may not import another", "imports point down", "examples/user/a.go", `import _ "github.com/thaw-go/thaw/examples/auction"`, "may not import examples/auction"},
		{"a command may not import the testkit", "imports point down", "cmd/thaw/a.go", `import _ "github.com/thaw-go/thaw/testkit"`, "may not import testkit"},
		{"a package needs a room", "imports point down", "util/a.go", ``, "no room in the house"},
		{"rxgo may enter by its door", "guests stay in their rooms", "stream/rx.go", `import _ "github.com/reactivex/rxgo/v2"`, ""},
		{"rxgo may enter by no other", "guests stay in their rooms", "stream/run.go", `import _ "github.com/reactivex/rxgo/v2"`, "only stream/rx.go"},
		{"badger has one room", "guests stay in their rooms", "aggregate/a.go", `import _ "github.com/dgraph-io/badger/v4"`, "only stream/badgerlog"},
		{"a type needs a comment", "exported names are documented", "stream/a.go", "type T int", "T has no comment"},
		{"a generic type's method needs a comment", "exported names are documented", "stream/a.go", "// T is.\ntype T[A, B any] struct{}\nfunc (t *T[A, B]) M() {}", "M has no comment"},
		{"a program exports nothing", "exported names are documented", "examples/user/a.go", "type T int", ""},
		{"a method of a hidden type does not", "exported names are documented", "stream/a.go", "type t int\nfunc (t) M() {}", ""},
		{"Error does not", "exported names are documented", "stream/a.go", "// T is.\ntype T int\nfunc (T) Error() string { return \"\" }", ""},
		{"a comment begins with the name", "exported names are documented", "stream/a.go", "// Makes one.\nfunc F() {}", "does not begin with its name"},
		{"a comment ends with a full stop", "exported names are documented", "stream/a.go", "// F makes one\nfunc F() {}", "does not end with a full stop"},
		{"a comment may end with a figure", "exported names are documented", "stream/a.go", "// F makes one:\n//\n//\ta-b-|\nfunc F() {}", ""},
		{"a constant needs a comment", "exported names are documented", "stream/a.go", "const (\n\tA = 1\n)", "A has no comment"},
		{"a group's comment is enough", "exported names are documented", "stream/a.go", "// Limits.\nconst (\n\tA = 1\n\tB = 2\n)", ""},
		{"a field needs a comment", "exported names are documented", "stream/a.go", "// T is.\ntype T struct {\n\tA int // what\n\tB int\n}", "T.B has no comment"},
		{"an interface's method needs a comment", "exported names are documented", "stream/a.go", "// T is.\ntype T interface {\n\tM()\n}", "T.M has no comment"},
		{"a library has a doc.go", "every package says what it is", "stream/a.go", "", "no doc.go"},
		{"a doc.go without a comment is none", "every package says what it is", "stream/doc.go", "", "no doc.go with a package comment"},
		{"an internal package has a comment, too", "every package says what it is", "internal/engine/a.go", "", "no package comment"},
		{"a library has an example", "library packages have an example with checked output", "stream/a.go", "", "no Example"},
		{"an internal package needs none", "library packages have an example with checked output", "internal/engine/a.go", "", ""},
		{"a file may be too long", "files and functions fit", "stream/a.go", long, "stream/a.go: 40"},
		{"a file of an example may be half as long", "files and functions fit", "examples/user/a.go", long[:maxExampleLines], "examples/user/a.go: 20"},
		{"an aggregate of the auction even less", "files and functions fit", "examples/auction/a.go", "var x = aggregate.New(a, b, c)" + long[:maxAggregateLines], "more than 120"},
		{"other files of it need not", "files and functions fit", "examples/auction/a.go", long[:maxAggregateLines+10], ""},
		{"a function may be too long", "files and functions fit", "stream/a.go", "func f() {" + long[:maxFunctionLines] + "}", "stream.f has 81 lines"},
		{"both may be just right", "files and functions fit", "stream/a.go", "func f() {" + long[:maxFunctionLines-1] + "}", ""},
	} {
		t.Run(c.claim, func(t *testing.T) {
			header := "package x\n"
			if strings.HasPrefix(c.file, "examples/") {
				header = "package main\n"
			}
			i := slices.IndexFunc(rules, func(r rule) bool { return r.claim == c.rule })
			p, err := parse(path.Dir(c.file), map[string]any{c.file: []byte(header + c.src)})
			if err != nil {
				t.Fatal(err)
			}
			got := rules[i].check(p)
			if c.broken == "" {
				if len(got) > 0 {
					t.Errorf("got %q, want no complaint", got)
				}
				return
			}
			if len(got) != 1 || !strings.Contains(got[0], c.broken) {
				t.Errorf("got %q, want one complaint about %q", got, c.broken)
			}
		})
	}
}

func TestExampleIsSeen(t *testing.T) {
	for output, want := range map[string]int{"// Output: 1\n": 0, "": 1} {
		p, err := parse("stream", map[string]any{
			"stream/a.go":      []byte("package stream"),
			"stream/a_test.go": []byte("package stream\nfunc Example() {\n\tprintln(1)\n\t" + output + "}"),
		})
		if err != nil {
			t.Fatal(err)
		}
		if got := checkExample(p); len(got) != want {
			t.Errorf("with %q: got %q, want %d complaints", output, got, want)
		}
	}
}

func TestTopLevelIsSeen(t *testing.T) {
	got := checkTopLevel([]string{".ci/run", "stream/id.go", "README.md", "misc/notes.md"})
	if len(got) != 1 || !strings.Contains(got[0], "no place for misc") {
		t.Errorf("got %q, want one complaint about misc", got)
	}
}
