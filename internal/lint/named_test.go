package lint

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	testInProse = regexp.MustCompile(`(-run \S*)?\b(?:Test|Fuzz)[A-Z]\w*\w`)
	// ofOthers are named beside ours.
	ofOthers   = map[string]bool{"TestScheduler": true}
	testInCode = regexp.MustCompile(`(?m)^func ((?:Test|Fuzz|Benchmark)[A-Z]\w*)\(`)
)

// TestEveryTestThatADocumentNamesExists: a promise is worth the test that proves it,
// so the documents name them, and may not name one that was renamed or never was.
//
// Breaks when: a test that a document names is renamed.
func TestEveryTestThatADocumentNamesExists(t *testing.T) {
	root := filepath.Join("..", "..")
	tests := testsOf(t, root)
	pages := []string{filepath.Join(root, "README.md")}
	_ = filepath.WalkDir(filepath.Join(root, "docs"), func(path string, _ fs.DirEntry, err error) error {
		if err == nil && strings.HasSuffix(path, ".md") {
			pages = append(pages, path)
		}
		return err
	})
	named := 0
	for _, page := range pages {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range testInProse.FindAllString(string(text), -1) {
			named++
			if strings.HasPrefix(name, "-run ") || ofOthers[name] { // an expression, or RxJS's
				continue
			}
			if !tests[name] {
				t.Errorf("%s names %s, and there is no such test", page, name)
			}
		}
	}
	if len(tests) < 500 || named < 50 {
		t.Errorf("%d tests are there and %d are named: too few for this to have looked at all of them", len(tests), named)
	}
}

// testsOf are the tests of all modules, by name.
func testsOf(t *testing.T, root string) map[string]bool {
	t.Helper()
	tests := map[string]bool{}
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") {
			return err
		}
		text, err := os.ReadFile(path)
		for _, m := range testInCode.FindAllStringSubmatch(string(text), -1) {
			tests[m[1]] = true // also what suites are: testkit.TestLog
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return tests
}
