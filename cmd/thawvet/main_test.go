package main

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// shop is a program with an aggregate that looks at the clock.
const shop = `package main

import (
	"time"

	"github.com/thaw-go/thaw/aggregate"
	"github.com/thaw-go/thaw/stream"
)

type Opened struct{ At time.Time }

var Shop = aggregate.New(stream.NewTopic("shops", stream.Catalogue[Opened]{"OPENED": {}}), decide, evolve)

func decide(at time.Time, _ struct{}) ([]Opened, error) { return []Opened{{at}}, nil }

func evolve(time.Time, Opened) time.Time { return today() }

func today() time.Time { return time.Now() }

func main() {}
`

const said = "Evolve of main.evolve calls main.today, which calls time.Now: it must depend on its arguments alone"

// program builds this one.
func program(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "thawvet")
	if runtime.GOOS == "windows" {
		path += ".exe"
	}
	if out, err := exec.Command("go", "build", "-o", path, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return path
}

// module is a module with the shop, over the Thaw beside this one.
func module(t *testing.T) string {
	t.Helper()
	root, err := filepath.Abs(filepath.Join("..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	mod, err := os.ReadFile(filepath.Join(root, "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	sum, err := os.ReadFile(filepath.Join(root, "go.sum"))
	if err != nil {
		t.Fatal(err)
	}
	const line = "module github.com/thaw-go/thaw\n"
	text := strings.ReplaceAll(string(mod), "\r\n", "\n")
	if !strings.HasPrefix(text, line) {
		t.Fatalf("the module begins otherwise: %.60q", text)
	}
	text = "module shop\n" + strings.TrimPrefix(text, line) + "\nrequire github.com/thaw-go/thaw v0.0.0\n\nreplace github.com/thaw-go/thaw => " + root + "\n"
	for name, content := range map[string]string{"go.mod": text, "go.sum": string(sum), "main.go": shop} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// Breaks when: the types of Thaw are looked for under another path than the real one.
func TestItRunsByItselfAndUnderGoVet(t *testing.T) {
	tool, dir := program(t), module(t)
	for claim, args := range map[string][]string{
		"by itself":    {tool, "./..."},
		"under go vet": {"go", "vet", "-vettool=" + tool, "./..."},
	} {
		t.Run(claim, func(t *testing.T) {
			cmd := exec.Command(args[0], args[1:]...)
			cmd.Dir, cmd.Env = dir, append(os.Environ(), "GOWORK=off")
			out, err := cmd.CombinedOutput()
			var exit *exec.ExitError
			if !errors.As(err, &exit) || !strings.Contains(string(out), said) {
				t.Errorf("got %v and\n%swant %q", err, out, said)
			}
		})
	}
}
