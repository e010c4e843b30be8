package testkit_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestThePageShowsWhatRuns compares the blocks of docs/testing.md with what they
// are copied from: Go with the tests of this directory, failures with the golden
// files.
func TestThePageShowsWhatRuns(t *testing.T) {
	page, err := os.ReadFile("../docs/testing.md")
	if err != nil {
		t.Fatal(err)
	}
	sources, failures := concatenated(t, "*_test.go"), concatenated(t, "testdata/failures/*.txt")
	blocks := 0
	for _, part := range strings.Split(strings.ReplaceAll(string(page), "\r\n", "\n"), "\n```")[1:] {
		language, block, _ := strings.Cut(part, "\n")
		switch {
		case language == "go" && !strings.Contains(sources, block+"\n"):
			t.Errorf("the page shows Go that no test has:\n%s", block)
		case language == "text" && strings.Contains(block, "_test.go:") && !strings.Contains(failures, block+"\n"):
			t.Errorf("the page shows a failure that no golden file has:\n%s", block)
		case language == "go" || language == "text":
			blocks++
		}
	}
	if blocks < 12 {
		t.Errorf("got %d blocks, want at least 12: was the page read rightly?", blocks)
	}
}

// concatenated is all files of a pattern, one behind the other.
func concatenated(t *testing.T, pattern string) string {
	t.Helper()
	names, err := filepath.Glob(pattern)
	if err != nil {
		t.Fatal(err)
	}
	var all strings.Builder
	for _, name := range names {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		all.WriteString(strings.ReplaceAll(string(data), "\r\n", "\n"))
	}
	return all.String()
}
