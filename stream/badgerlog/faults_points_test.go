package badgerlog

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// intoStorage are the functions and methods that go into storage: those of the
// database, of the journal and of the file system, and two of this package that
// do nothing else.
var intoStorage = []string{
	"OpenManaged", "NewIterator", "CommitAt", "Set", "Delete", "Flatten", "RunValueLogGC", "getValue", "floorKey", "openBadger",
	"journal.Open", "journal.Append", "journal.Replay", "journal.Begin",
	"openWitness", "file.WriteAt", "openDirectory", "removeAside", "syncDir", "dir.bytes",
	"os.Open", "os.OpenFile", "os.Create", "os.CreateTemp", "os.ReadFile", "os.ReadDir", "os.Remove", "os.Rename", "os.Link", "os.Mkdir", "os.MkdirAll", "os.Stat", "os.Truncate", "os.WriteFile",
}

// reachedThrough are functions that go into storage without asking for a fault:
// their callers have asked, or what they read is made to fail for real.
var reachedThrough = map[string]string{
	"getValue":    "section.get and Log.get ask",
	"floorKey":    "its callers ask",
	"openBadger":  "start asks",
	"openWitness": "start asks",
	"removeAside": "tidy asks",
	"syncDir":     "its callers ask",
	"bytes":       "Stats asks",

	"checkCollectable": "collect asks",
	"unmapPages":       "what fails is left: it costs memory only",

	"openDirectory":  "Open asks",
	"checkIdentity":  "openDirectory calls it",
	"stamp":          "openDirectory calls it",
	"claimDirectory": "openDirectory calls it",
	"checkStamp":     "openDirectory calls it",
	"checkReadable":  "openDirectory calls it",
	"readWitness":    "start asks",
	"makeMark":       "its callers ask",
	"clear":          "what fails leaves a directory that is not opened",
	"fillView":       "a view that can not be made is tested",
	"linkOrCopy":     "fillView calls it",
	"holder":         "openDirectory calls it, and does without",
	"list":           "openDirectory inspects: damaged files test it",
	"checkManifest":  "likewise",
	"checkTable":     "likewise",
	"setAside":       "likewise",
	"held":           "likewise",
	"checkLog":       "likewise",
	"checkLogs":      "likewise",
	"checkFrames":    "likewise",
	"checkDiscard":   "likewise",
	"shield":         "likewise",
	"checkEmptied":   "likewise",
	"collected":      "likewise",
	"size":           "likewise",
	"remove":         "likewise",
	"openLog":        "likewise",
	"checkHeads":     "likewise",
	"checkKeys":      "likewise",
	"mendKeys":       "likewise",

	"findSecrets":    "openDirectory calls it: damaged and missing key files test it",
	"keyFileLost":    "likewise",
	"begun":          "likewise",
	"removeAttempts": "openDirectory calls it, before it writes",
	"copyKeys":       "fillView calls it",
	"openJournal":    "start asks",
}

// A call into storage that no test makes fail is a promise that nobody keeps.
// Breaks when: a function that goes into storage does not ask for a fault, or asks
// for one by a name that is in no list of those that are made to fail.
func TestEveryCallIntoStorageIsMadeToFail(t *testing.T) {
	covered := slices.Concat(every, readCalls, truncateCalls, collectCalls, restoreCalls, keyFileCalls)
	names := map[string]bool{}
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, decl := range file.Decls {
			f, ok := decl.(*ast.FuncDecl)
			if !ok || f.Body == nil {
				continue
			}
			calls := callsOf(f.Body)
			for _, fault := range calls.faults {
				if names[fault] = true; !slices.Contains(covered, fault) {
					t.Errorf("%s: %s asks for the fault %q, which no test injects", name, f.Name.Name, fault)
				}
			}
			if len(calls.storage) > 0 && len(calls.faults) == 0 && reachedThrough[f.Name.Name] == "" {
				t.Errorf("%s: %s calls %v, and no test can make that fail", name, f.Name.Name, calls.storage)
			}
		}
	}
	for _, fault := range covered {
		if !names[fault] {
			t.Errorf("the fault %q is injected, and nothing asks for it", fault)
		}
	}
	t.Logf("%d calls into storage are made to fail", len(names))
}

// called is what a function calls of storage, and which faults it asks for.
type called struct{ storage, faults []string }

func callsOf(body ast.Node) (c called) {
	ast.Inspect(body, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok {
			return true
		}
		name, last := calledName(call.Fun)
		if slices.Contains(intoStorage, name) || slices.Contains(intoStorage, last) {
			c.storage = append(c.storage, name)
		}
		if name == "fault.at" || last == "fault" {
			if text, ok := call.Args[0].(*ast.BasicLit); ok {
				fault, _ := strconv.Unquote(text.Value)
				c.faults = append(c.faults, fault)
			}
		}
		return true
	})
	return c
}

// calledName is the last two names of what is called, and the last.
func calledName(f ast.Expr) (name, last string) {
	switch f := f.(type) {
	case *ast.Ident:
		return f.Name, f.Name
	case *ast.SelectorExpr:
		of, _ := calledName(f.X)
		_, of, _ = strings.Cut("."+of, ".")
		if i := strings.LastIndex(of, "."); i >= 0 {
			of = of[i+1:]
		}
		return of + "." + f.Sel.Name, f.Sel.Name
	}
	return "", ""
}
