package quickstart_test

import (
	"os"
	"strings"
	"testing"
)

// TestTheReadmeShowsCodeThatRuns compares the README's Go blocks with the files
// that they are copied from.
func TestTheReadmeShowsCodeThatRuns(t *testing.T) {
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks := strings.Split(string(readme), "```go\n")[1:]
	sources := []string{"quickstart_test.go", "../user/user_test.go"}
	if len(blocks) != len(sources) {
		t.Fatalf("the README has %d blocks of Go, expected one from each of %v", len(blocks), sources)
	}
	for i, name := range sources {
		source, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		block, _, _ := strings.Cut(blocks[i], "```")
		for line := range strings.Lines(block) {
			line = strings.TrimSpace(line)
			if !strings.Contains(string(source), line) {
				t.Errorf("the README shows a line that is not in %s:\n%s", name, line)
			}
		}
		if strings.Count(block, "\n") < 5 {
			t.Errorf("the README's block from %s is %q: too short to show anything", name, block)
		}
	}
}
