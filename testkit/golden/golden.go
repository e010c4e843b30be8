package golden

import (
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/thaw-go/thaw/testkit/marble"
)

const flagName = "update"

// Another package of the test binary may have defined it before.
var _ = func() bool {
	if flag.Lookup(flagName) == nil {
		flag.Bool(flagName, false, "write the golden files instead of comparing with them")
	}
	return true
}()

// updating reports whether files are to be written.
func updating() bool {
	f := flag.Lookup(flagName)
	return f != nil && f.Value.String() == "true"
}

// Check fails the test unless the trace is the one in testdata: its text in
// name.marble, its picture in name.svg. With -update it writes both.
func Check(t testing.TB, name string, trace marble.Trace) {
	t.Helper()
	check(t, name+".marble", trace.Text())
	check(t, name+".svg", string(trace.SVG()))
}

// Text fails the test unless the text is the one in testdata/name. With -update
// it writes it.
func Text(t testing.TB, name, got string) {
	t.Helper()
	check(t, name, got)
}

func check(t testing.TB, name, got string) {
	t.Helper()
	if !filepath.IsLocal(name) {
		t.Errorf("golden: %q is not the name of a file below testdata", name)
		return
	}
	path := filepath.Join("testdata", filepath.FromSlash(name))
	got = unix(got)
	if updating() {
		if err := write(path, got); err != nil {
			t.Errorf("golden: %v", err)
		}
		return
	}
	data, err := os.ReadFile(path)
	switch want := unix(string(data)); {
	case errors.Is(err, fs.ErrNotExist):
		t.Errorf("golden: there is no %s yet: look at what it would be, and if it is right, run the test with -update to write it\n%s", filepath.ToSlash(path), excerpt(got))
	case err != nil:
		t.Errorf("golden: %v", err)
	case want != got:
		t.Errorf("golden: %s is another one (- want, + got); if it is right now, run the test with -update\n%s", filepath.ToSlash(path), difference(want, got))
	}
}

// unix is text without the carriage returns of a checkout.
func unix(s string) string { return strings.ReplaceAll(s, "\r\n", "\n") }

// write leaves a file alone that has the content already, so that its time does
// not change.
func write(path, content string) error {
	if data, err := os.ReadFile(path); err == nil && string(data) == content {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.WriteFile(path, []byte(content), 0o644)
}

// What is shown at most.
const (
	mostLines = 40
	widest    = 200 // characters of a line
)

func excerpt(text string) string {
	return shown("  ", lines(text))
}

func lines(text string) []string { return strings.Split(strings.TrimSuffix(text, "\n"), "\n") }

// shown is some lines, each behind a mark.
func shown(mark string, list []string) string {
	var b strings.Builder
	for i, line := range list {
		if i == mostLines {
			fmt.Fprintf(&b, "%s… and %d more lines\n", mark, len(list)-i)
			break
		}
		if runes := []rune(line); len(runes) > widest {
			line = string(runes[:widest]) + "…"
		}
		b.WriteString(strings.TrimRight(mark+line, " ") + "\n")
	}
	return b.String()
}

// difference is what lies between the lines that are the same at the beginning
// and at the end, with two of those around it.
func difference(want, got string) string {
	w, g := lines(want), lines(got)
	if strings.Join(w, "\n") == strings.Join(g, "\n") {
		return "  only in the line break at its end\n"
	}
	from := 0
	for from < min(len(w), len(g)) && w[from] == g[from] {
		from++
	}
	wEnd, gEnd := len(w), len(g)
	for wEnd > from && gEnd > from && w[wEnd-1] == g[gEnd-1] {
		wEnd, gEnd = wEnd-1, gEnd-1
	}
	const around = 2
	return fmt.Sprintf("  line %d:\n", from+1) +
		shown("    ", w[max(0, from-around):from]) +
		shown("  - ", w[from:wEnd]) +
		shown("  + ", g[from:gEnd]) +
		shown("    ", w[wEnd:min(len(w), wEnd+around)])
}
