package lint

import (
	"fmt"
	"slices"
	"strings"
)

// rule is one thing that holds for every package of the module. check returns
// what breaks it, each as a sentence that begins with the place.
type rule struct {
	claim string
	check func(*pkg) []string
}

var rules = []rule{
	{"imports point down", checkFloors},
	{"guests stay in their rooms", checkGuests},
	{"exported names are documented", checkDocs},
	{"every package says what it is", checkPackageDoc},
	{"library packages have an example with checked output", checkExample},
	{"files and functions fit", checkSizes},
}

// room says what the packages it names may import of this module. "x/..." is x
// and all below it; "~" is the importer's own tree: examples/user/... for
// examples/user/mail. The first room that names a package holds it.
type room struct {
	packages []string
	may      []string
}

var (
	floor0   = []string{"stream", "internal/origin", "internal/engine"}
	siblings = []string{"replay", "operators", "stream/badgerlog", "stream/memlog", "stream/badgertables", "stream/memtables", "stream/keyring"}
	below2   = slices.Concat(floor0, siblings)
	below3   = slices.Concat(below2, []string{"aggregate"})
	below4   = slices.Concat(below3, []string{"testkit/...", "replay/inspect/..."})
)

var house = []room{
	{packages: []string{"internal/origin"}},
	{packages: []string{"stream"}, may: []string{"internal/origin"}},
	{packages: []string{"internal/engine"}, may: []string{"stream"}},
	{packages: []string{"internal/lint", "internal/nocompile", "internal/journal"}},
	{packages: []string{"replay/inspect/..."}, may: slices.Concat(below3, []string{"replay/inspect/..."})},
	{packages: []string{"stream/badgerlog/..."}, may: slices.Concat(floor0, []string{"internal/journal", "stream/badgerlog/..."})},
	{packages: []string{"stream/memlog", "stream/memtables", "stream/badgertables", "stream/keyring", "replay", "operators"}, may: floor0},
	{packages: []string{"aggregate"}, may: below2},
	{packages: []string{"testkit/..."}, may: slices.Concat(below3, []string{"testkit/..."})},
	{packages: []string{"examples/..."}, may: slices.Concat(below4, []string{"~"})},
	{packages: []string{"cmd/..."}, may: slices.Concat(below3, []string{"replay/inspect/...", "~"})},
}

// guest is a dependency that only some may import: whole trees, or single files.
type guest struct {
	module string
	in     []string
}

var guests = []guest{
	{"github.com/reactivex/rxgo", []string{"stream/rx.go", "stream/rx_chunks.go", "stream/rx_guard.go", "stream/rx_operators.go", "stream/rx_singles.go", "examples/..."}},
	{"github.com/cenkalti/backoff/v4", []string{"stream/rx_operators.go"}}, // rxgo's own
	{"github.com/dgraph-io/badger", []string{"stream/badgerlog/...", "stream/badgertables/..."}},
	{"github.com/hashicorp/golang-lru", []string{"aggregate/..."}},
	{"github.com/tidwall/btree", []string{"stream/memtables/..."}},
}

// What may be longer than the rest, and why. Empty is best.
const (
	maxFileLines      = 400
	maxExampleLines   = 200 // of a file of an example
	maxAggregateLines = 120 // of one with an aggregate
	maxFunctionLines  = 80
)

var (
	longFiles     = map[string]string{}
	longFunctions = map[string]string{}
)

// undocumented methods are known to every reader of Go.
var undocumented = []string{"Error"}

// topLevel is what the top of the repository may hold, besides dotfiles.
var topLevel = []string{
	"aggregate", "cmd", "docs", "examples", "internal", "operators", "replay", "stream", "testkit",
	"LICENSE", "README.md", "go.mod", "go.sum", "go.work", "go.work.sum",
}

func checkFloors(p *pkg) (broken []string) {
	i := slices.IndexFunc(house, func(r room) bool { return names(r.packages, p.path) })
	if i < 0 {
		return []string{p.path + ": no room in the house names this package"}
	}
	for _, f := range p.files {
		for _, imported := range f.imports() {
			inside, ours := strings.CutPrefix(imported, module+"/")
			if !ours {
				continue
			}
			own := slices.Contains(house[i].may, "~") && under(inside, tree(p.path))
			if !own && !names(house[i].may, inside) {
				broken = append(broken, fmt.Sprintf("%s: %s may not import %s", f.path, p.path, inside))
			}
		}
	}
	return broken
}

func checkGuests(p *pkg) (broken []string) {
	for _, f := range p.files {
		for _, imported := range f.imports() {
			for _, g := range guests {
				if under(imported, g.module) && !names(g.in, f.path) {
					broken = append(broken, fmt.Sprintf("%s: only %s may import %s", f.path, strings.Join(g.in, ", "), g.module))
				}
			}
		}
	}
	return broken
}

// checkTopLevel takes the repository's files by their slash-separated paths.
func checkTopLevel(files []string) (broken []string) {
	for _, f := range files {
		name, _, _ := strings.Cut(f, "/")
		if name != "" && name[0] != '.' && !slices.Contains(topLevel, name) {
			broken = append(broken, f+": the top level has no place for "+name)
		}
	}
	return broken
}

// names reports whether one of the patterns is or covers the path.
func names(patterns []string, path string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool {
		root, whole := strings.CutSuffix(p, "/...")
		return path == p || whole && under(path, root)
	})
}

func under(path, root string) bool { return path == root || strings.HasPrefix(path, root+"/") }

// tree is the example or command that a path belongs to: its first two elements.
func tree(path string) string {
	parts := strings.SplitN(path, "/", 3)
	return strings.Join(parts[:min(2, len(parts))], "/")
}
