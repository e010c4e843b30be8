package nocompile

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// Suite is a number of cases that share imports and declarations.
type Suite struct {
	Header string // imports, then declarations; all imports must be used in it
	Cases  []Case // what must not compile
}

// Case is a mistake that the compiler must find.
type Case struct {
	Claim   string   // what can not be done: "a saga on a cold source"
	Wrong   string   // statements with the mistake
	Right   string   // the same without it
	Message []string // what the compiler's message must hold
}

// Check fails the test for each case whose mistake compiles or fails with
// another message, and for each whose right form does not compile. Messages are
// compared with every run of white space as one space.
func Check(t *testing.T, s Suite) {
	t.Helper()
	snippets := map[string]string{}
	for i, c := range s.Cases {
		snippets[wrong(i)], snippets[right(i)] = s.source(c.Wrong), s.source(c.Right)
	}
	messages, err := Compile(t.TempDir(), snippets)
	if err != nil {
		t.Fatal(err)
	}
	for i, c := range s.Cases {
		t.Run(c.Claim, func(t *testing.T) {
			if err := c.judge(messages[wrong(i)], messages[right(i)]); err != nil {
				t.Error(err)
			}
		})
	}
}

func wrong(i int) string { return fmt.Sprintf("wrong%03d", i) }
func right(i int) string { return fmt.Sprintf("right%03d", i) }

func (s Suite) source(statements string) string {
	return "package snippet\n\n" + s.Header + "\n\nfunc snippet() {\n" + statements + "\n}\n"
}

// judge returns what is not as the case claims.
func (c Case) judge(wrong, right string) error {
	if right != "" {
		return fmt.Errorf("the right form does not compile, so the wrong one proves nothing:\n%s", right)
	}
	if wrong == "" {
		return fmt.Errorf("this compiles, but must not:\n%s", c.Wrong)
	}
	if len(c.Message) == 0 {
		return fmt.Errorf("no message is expected of this case; the compiler says:\n%s", wrong)
	}
	flat := strings.Join(strings.Fields(wrong), " ")
	for _, m := range c.Message {
		if !strings.Contains(flat, m) {
			return fmt.Errorf("the compiler does not say %q; it says:\n%s", m, wrong)
		}
	}
	return nil
}

// Compile builds each source as a package of this module and returns what the
// compiler says of it, by the snippet's name; one that compiles says nothing.
// The folder is for files of its own. The error is of the build itself.
func Compile(folder string, snippets map[string]string) (map[string]string, error) {
	here, err := os.Getwd()
	if err != nil {
		return nil, err
	}
	overlay := struct{ Replace map[string]string }{map[string]string{}}
	args := []string{"build", "-json", "-gcflags=-e", "-overlay", filepath.Join(folder, "overlay.json")}
	for name, source := range snippets {
		path := filepath.Join(folder, name+".go")
		if err := os.WriteFile(path, []byte(source), 0o600); err != nil {
			return nil, err
		}
		overlay.Replace[filepath.Join(here, "snippets", name, "snippet.go")] = path
		args = append(args, "./snippets/"+name)
	}
	slices.Sort(args[5:])
	text, err := json.Marshal(overlay)
	if err != nil {
		return nil, err
	}
	if err := os.WriteFile(filepath.Join(folder, "overlay.json"), text, 0o600); err != nil {
		return nil, err
	}
	return build(args, snippets)
}

// build runs the go command and sorts its output by snippet.
func build(args []string, snippets map[string]string) (map[string]string, error) {
	cmd := exec.Command("go", args...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	failed := cmd.Run()
	var exit *exec.ExitError
	if failed != nil && !errors.As(failed, &exit) {
		return nil, failed
	}
	messages := map[string]string{}
	for d := json.NewDecoder(&stdout); ; {
		var line struct{ ImportPath, Action, Output string }
		err := d.Decode(&line)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("nocompile: read the output of go build: %w", err)
		}
		if line.Action != "build-output" || strings.HasPrefix(line.Output, "# ") {
			continue
		}
		name := line.ImportPath[strings.LastIndexByte(line.ImportPath, '/')+1:]
		if _, ours := snippets[name]; !ours {
			return nil, fmt.Errorf("nocompile: %s does not compile: %s", line.ImportPath, line.Output)
		}
		messages[name] += line.Output
	}
	if failed != nil && len(messages) == 0 {
		return nil, fmt.Errorf("nocompile: go build: %w: %s", failed, &stderr)
	}
	return messages, nil
}
