package operators

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// rxNames are the operators and creation functions that RxJS 7.8 exports.
const rxNames = `animationFrames bindCallback bindNodeCallback combineLatest concat connectable defer empty forkJoin from
fromEvent fromEventPattern generate iif interval merge never of onErrorResumeNext pairs partition race range throwError
timer using zip scheduled EMPTY NEVER lastValueFrom firstValueFrom audit auditTime buffer bufferCount bufferTime
bufferToggle bufferWhen catchError combineAll combineLatestAll combineLatestWith concatAll concatMap concatMapTo
concatWith connect count debounce debounceTime defaultIfEmpty delay delayWhen dematerialize distinct distinctUntilChanged
distinctUntilKeyChanged elementAt endWith every exhaust exhaustAll exhaustMap expand filter finalize find findIndex first
groupBy ignoreElements isEmpty last map mapTo materialize max mergeAll flatMap mergeMap mergeMapTo mergeScan mergeWith
min multicast observeOn onErrorResumeNextWith pairwise pluck publish publishBehavior publishLast publishReplay raceWith
reduce repeat repeatWhen retry retryWhen refCount sample sampleTime scan sequenceEqual share shareReplay single skip
skipLast skipUntil skipWhile startWith subscribeOn switchAll switchMap switchMapTo switchScan take takeLast takeUntil
takeWhile tap throttle throttleTime throwIfEmpty timeInterval timeout timeoutWith timestamp toArray window windowCount
windowTime windowToggle windowWhen withLatestFrom zipAll zipWith`

var (
	rxRow   = regexp.MustCompile("(?m)^\\| `([A-Za-z]+)` \\| ([^|\n]*) \\| ([^|\n]*)\\|$")
	rxName  = regexp.MustCompile("`((?:[a-z]+\\.)?[A-Z][A-Za-z]*)(?:\\([^`]*\\))?`")
	rxThere = regexp.MustCompile("`([A-Z][A-Za-z]*)(?:\\([^`]*\\))?`")
)

// exportedBy are the names that a package exports, and its fields: the page says
// `Flush`.
func exportedBy(t *testing.T, dir string) map[string]bool {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no sources in %s: %v", dir, err)
	}
	names := map[string]bool{}
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(f, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.FuncDecl:
				if n.Recv == nil {
					names[n.Name.Name] = true
				}
				return false
			case *ast.TypeSpec:
				names[n.Name.Name] = true
			case *ast.ValueSpec:
				for _, name := range n.Names {
					names[name.Name] = true
				}
			case *ast.Field:
				for _, name := range n.Names {
					names[name.Name] = true
				}
			}
			return true
		})
	}
	return names
}

// TestThoseWhoKnowRxJSFindEveryName: every name of RxJS's has a row; what the rows
// name of Thaw's exists; and every operator of Thaw's stands on the page.
//
// Breaks when: the row of windowToggle is left out, Merge is renamed, or an
// operator is added that the page does not name.
func TestThoseWhoKnowRxJSFindEveryName(t *testing.T) {
	text, err := os.ReadFile("../docs/rxjs.md")
	if err != nil {
		t.Fatal(err)
	}
	exported := map[string]map[string]bool{"": exportedBy(t, ".")}
	for _, name := range []string{"stream", "replay"} {
		exported[name] = exportedBy(t, "../"+name)
	}
	exported[""]["Run"] = true // the observable's
	exported["cmp"], exported["iter"] = map[string]bool{"Compare": true}, map[string]bool{"Seq": true}
	exported["maps"], exported["time"] = map[string]bool{"All": true}, map[string]bool{"Now": true}
	rows := map[string]bool{}
	for _, row := range rxRow.FindAllStringSubmatch(string(text), -1) {
		if rows[row[1]] {
			t.Errorf("%s has two rows", row[1])
		}
		rows[row[1]] = true
		if row[2] == "–" && row[3] == "" {
			t.Errorf("%s: the page does not say why it is not here", row[1])
		}
		for _, m := range rxName.FindAllStringSubmatch(row[2]+" "+row[3], -1) {
			from, name, found := strings.Cut(m[1], ".")
			if !found {
				from, name = "", m[1]
			}
			if !exported[from][name] {
				t.Errorf("%s: there is no %s", row[1], m[1])
			}
		}
	}
	for _, name := range strings.Fields(rxNames) {
		if !rows[name] {
			t.Errorf("%s has no row", name)
		}
		delete(rows, name)
	}
	for name := range rows {
		if name != "forEach" {
			t.Errorf("RxJS exports no %s", name)
		}
	}
	there := map[string]bool{}
	for _, m := range rxThere.FindAllStringSubmatch(string(text), -1) {
		there[m[1]] = true
	}
	p, fset := documented(t)
	for _, e := range entriesOf(p, fset) {
		if !there[e.name] && e.name != "SignalOf" {
			t.Errorf("the page does not name %s", e.name)
		}
	}
}

// TestFewCasesDiffer: at most ten of RxJS's cases stand on the page as otherwise
// here, each once and with the reason.
func TestFewCasesDiffer(t *testing.T) {
	text, err := os.ReadFile("../docs/rxjs.md")
	if err != nil {
		t.Fatal(err)
	}
	_, cases, _ := strings.Cut(string(text), "## Cases that differ")
	differ, ties, found := strings.Cut(cases, "## Ties")
	if !found {
		t.Fatal("the page has no list of ties behind that of cases that differ")
	}
	if n := len(rxListed.FindAllString(differ, -1)); n > 10 {
		t.Errorf("%d cases differ, more than 10", n)
	}
	seen := map[string]bool{}
	for line := range strings.Lines(differ + ties) {
		m := rxListed.FindStringSubmatch(line)
		if m == nil {
			continue
		}
		if reason := strings.Trim(strings.TrimPrefix(line, m[0]), " |\n"); reason == "" || seen[m[1]] {
			t.Errorf("%s is listed twice, or without a reason", m[1])
		}
		seen[m[1]] = true
	}
}
