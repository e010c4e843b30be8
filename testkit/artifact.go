package testkit

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/thaw-go/thaw/testkit/marble"
)

// leaveTrace leaves the trace of a failed specification among its test's
// artifacts, as a picture and as data, under the specification's line. A
// testing.TB that has no place for artifacts gets none.
func leaveTrace(t testing.TB, at string, trace marble.Trace) {
	t.Helper()
	dir, ok := artifactDir(t)
	if !ok {
		return
	}
	name := unused(dir, strings.ReplaceAll(at, ":", "-"))
	data, err := trace.JSON()
	if err != nil {
		tell(t, "%s: the trace can not be written down: %v", at, err)
		return
	}
	for ending, content := range map[string][]byte{".svg": trace.SVG(), ".json": data} {
		if err := os.WriteFile(filepath.Join(dir, name+ending), content, 0o666); err != nil {
			tell(t, "%s: leave the trace among the artifacts: %v", at, err)
		}
	}
}

// leave is leaveTrace for lanes that were reported.
func leave(t testing.TB, line string, tick time.Duration, around []marble.Lane, want, got marble.Lane, names []marble.Name) {
	t.Helper()
	want.Name, got.Name = "want", "got"
	lanes := append(slices.Clone(around), want, got)
	leaveTrace(t, line, marble.Trace{Title: line, Tick: tick, Lanes: lanes, Names: names})
}

// unused is a name under which the directory has no trace yet.
func unused(dir, base string) string {
	name := base
	for n := 2; ; n++ {
		if _, err := os.Lstat(filepath.Join(dir, name+".json")); err != nil {
			return name
		}
		name = fmt.Sprintf("%s-%d", base, n)
	}
}

// artifactDir is the test's; false if its testing.TB, such as one of a test of
// this kit, has none and panics.
func artifactDir(t testing.TB) (dir string, ok bool) {
	defer func() { ok = recover() == nil && dir != "" }()
	return t.ArtifactDir(), true
}
