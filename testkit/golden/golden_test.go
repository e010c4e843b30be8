package golden_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/thaw-go/thaw/testkit/golden"
	"github.com/thaw-go/thaw/testkit/marble"
)

// recorder is a test that remembers what it reported.
type recorder struct {
	testing.TB
	failures []string
}

func (*recorder) Helper() {}

func (r *recorder) Errorf(format string, args ...any) {
	r.failures = append(r.failures, fmt.Sprintf(format, args...))
}

// reports runs a check and returns what it reports.
func reports(check func(testing.TB)) string {
	r := &recorder{}
	check(r)
	return strings.Join(r.failures, "\n")
}

// update runs a check with -update. Tests that use it are not parallel: the flag
// is the test binary's.
func update(t *testing.T, check func(testing.TB)) {
	t.Helper()
	set := func(to string) {
		if err := flag.Set("update", to); err != nil {
			t.Fatal(err)
		}
	}
	was := flag.Lookup("update").Value.String()
	set("true")
	defer set(was)
	if got := reports(check); got != "" {
		t.Fatal(got)
	}
}

// elsewhere lets the test have a testdata directory of its own, and compare.
func elsewhere(t *testing.T) {
	t.Helper()
	t.Chdir(t.TempDir())
	was := flag.Lookup("update").Value.String()
	if err := flag.Set("update", "false"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = flag.Set("update", was) }) // it could be set before
}

func lane(t testing.TB, name, text string) marble.Lane {
	t.Helper()
	l, err := marble.Parse(text, time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	l.Name = name
	return l
}

func trace(t testing.TB, out string) marble.Trace {
	return marble.Trace{Title: "Cold and hot", Lanes: []marble.Lane{lane(t, "log", "ab^-c|"), lane(t, "out", out)}}
}

func TestTheDiagramIsTheFile(t *testing.T) {
	golden.Check(t, "sources", trace(t, "(ab~)-c|"))
}

// Breaks when: a missing file passes.
func TestAMissingFileFails(t *testing.T) {
	elsewhere(t)
	got := reports(func(tb testing.TB) { golden.Check(tb, "lesson", trace(t, "--c|")) })
	for _, part := range []string{"there is no testdata/lesson.marble yet", "there is no testdata/lesson.svg yet", "-update", "  Cold and hot\n    log  a b ^ - c |\n"} {
		if !strings.Contains(got, part) {
			t.Errorf("%q is missing in\n%s", part, got)
		}
	}
	if _, err := os.Stat("testdata"); err == nil {
		t.Error("something was written")
	}
}

func TestUpdateWritesWhatIsThenTheSame(t *testing.T) {
	elsewhere(t)
	check := func(tb testing.TB) { golden.Check(tb, "lessons/first", trace(t, "--c|")) }
	update(t, check)
	if got := reports(check); got != "" {
		t.Errorf("right after it was written:\n%s", got)
	}
	for _, ext := range []string{".marble", ".svg"} {
		if _, err := os.Stat(filepath.Join("testdata", "lessons", "first"+ext)); err != nil {
			t.Error(err)
		}
	}
	got := reports(func(tb testing.TB) { golden.Check(tb, "lessons/first", trace(t, "--d|")) })
	for _, part := range []string{
		"testdata/lessons/first.marble is another one", "testdata/lessons/first.svg is another one",
		"  line 3:\n    Cold and hot\n      log  a b ^ - c |\n  -   out      - - c |\n  +   out      - - d |\n",
	} {
		if !strings.Contains(got, part) {
			t.Errorf("%q is missing in\n%s", part, got)
		}
	}
}

// Breaks when: carriage returns are compared, or written.
func TestLineEndingsOfACheckoutDoNotMatter(t *testing.T) {
	elsewhere(t)
	if err := os.MkdirAll("testdata", 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile("testdata/text", []byte("a\r\nb\r\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if got := reports(func(tb testing.TB) { golden.Text(tb, "text", "a\nb\n") }); got != "" {
		t.Error(got)
	}
	update(t, func(tb testing.TB) { golden.Text(tb, "text", "a\r\nc\n") })
	if data, err := os.ReadFile("testdata/text"); err != nil || string(data) != "a\nc\n" {
		t.Errorf("got %q, %v", data, err)
	}
}

func TestDifferencesAreShownLineByLine(t *testing.T) {
	elsewhere(t)
	many := strings.Repeat("same\n", 100)
	update(t, func(tb testing.TB) { golden.Text(tb, "text", many+"old\n"+many) })
	update(t, func(tb testing.TB) { golden.Text(tb, "short", "a\n") })
	update(t, func(tb testing.TB) { golden.Text(tb, "wide", strings.Repeat("a", 1000)) })
	for _, c := range []struct{ name, text, want string }{
		{"text", many + "new\n" + many, "  line 101:\n    same\n    same\n  - old\n  + new\n    same\n    same\n"},
		{"text", many + many, "  line 101:\n    same\n    same\n  - old\n    same\n    same\n"},
		{"text", many, "… and 61 more lines"},
		{"short", "a", "only in the line break at its end"},
		{"short", "a\nb\n", "  line 2:\n    a\n  + b\n"},
		{"wide", "b", strings.Repeat("a", 200) + "…\n  + b"},
	} {
		got := reports(func(tb testing.TB) { golden.Text(tb, c.name, c.text) })
		if !strings.Contains(got, c.want) || len(got) > 3000 {
			t.Errorf("%q is missing in\n%s", c.want, got)
		}
	}
}

func TestFilesStayInTestdata(t *testing.T) {
	elsewhere(t)
	for _, name := range []string{"../escaped", "/escaped", ""} {
		if got := reports(func(tb testing.TB) { golden.Text(tb, name, "x") }); !strings.Contains(got, "is not the name of a file") {
			t.Errorf("%q: got %q", name, got)
		}
	}
}
