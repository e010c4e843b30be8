package testkit_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"
)

// lie is a specification that says what is not so: it must fail.
type lie struct {
	claim string             // what is wrong
	tell  func(t *testing.T) // the specification
	says  []string           // what its failure must say
}

// toldIn, in the environment, is the test whose lies this process tells.
const toldIn = "THAW_TEST_LIES"

// saidAt is how a failure names the line of its specification.
var saidAt = regexp.MustCompile(`\b\w+_test\.go:\d+: `)

// refute checks that each lie fails and says what it must, with the line of its
// specification. They are told in a process of their own, all in one, as what
// needs a *testing.T can only fail for real. The test that calls it calls it
// once, and does nothing before that it would not do twice. It returns what each
// lie was answered, by its claim.
func refute(t *testing.T, lies ...lie) map[string]string {
	t.Helper()
	if os.Getenv(toldIn) == t.Name() {
		for i, l := range lies {
			t.Run(fmt.Sprint(i), l.tell)
		}
		t.FailNow()
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	process := exec.CommandContext(ctx, os.Args[0], "-test.run", "^"+t.Name()+"$", "-test.v", "-test.count", "1")
	process.Env = append(os.Environ(), toldIn+"="+t.Name())
	out, err := process.CombinedOutput()
	if err == nil {
		t.Errorf("a process that tells lies must fail; it said\n%s", out)
	}
	said, failed := answers(t.Name()+"/", string(out))
	answered := map[string]string{}
	for i, l := range lies {
		answered[l.claim] = said[fmt.Sprint(i)]
		t.Run(l.claim, func(t *testing.T) {
			l.check(t, said[fmt.Sprint(i)], failed[fmt.Sprint(i)])
		})
	}
	if t.Failed() && strings.Contains(string(out), "\npanic: ") {
		t.Errorf("the process that told the lies panicked; it said\n%s", out)
	}
	return answered
}

func (l lie) check(t *testing.T, said string, failed bool) {
	switch {
	case !failed:
		t.Errorf("it passed, or did not end; it said\n%s", said)
	case !saidAt.MatchString(said):
		t.Errorf("the line of the specification is not in\n%s", said)
	case len(l.says) == 0:
		t.Error("nothing is said of what it must say")
	}
	for _, want := range l.says {
		if failed && !strings.Contains(said, want) {
			t.Errorf("%q is not in\n%s", want, said)
		}
	}
}

// answers takes the output of a test apart: what each subtest has said, and
// which have failed.
func answers(prefix, out string) (said map[string]string, failed map[string]bool) {
	said, failed = map[string]string{}, map[string]bool{}
	now := ""
	for line := range strings.Lines(out) {
		trimmed := strings.TrimSpace(line)
		switch {
		case strings.HasPrefix(line, "=== "):
			fields := strings.Fields(line)
			now, _ = strings.CutPrefix(fields[len(fields)-1], prefix)
		case strings.HasPrefix(trimmed, "--- FAIL: "+prefix):
			name, _, _ := strings.Cut(strings.TrimPrefix(trimmed, "--- FAIL: "+prefix), " ")
			failed[name] = true
			now = ""
		case strings.HasPrefix(trimmed, "--- "):
			now = ""
		default:
			said[now] += line
		}
	}
	return said, failed
}

// Breaks when: what one lie says is taken for another's, or a pass for a failure.
func TestLiesAreFoundOut(t *testing.T) {
	got := refute(t,
		lie{"one", func(t *testing.T) { t.Error("a_test.go:1: one is wrong") }, []string{"one is wrong"}},
		lie{"another", func(t *testing.T) { t.Error("a_test.go:2: another is wrong\nin two lines") }, []string{"another", "in two lines"}},
	)
	if strings.Contains(got["one"], "another") || !strings.Contains(got["one"], "one is wrong") {
		t.Errorf("one was answered %q", got["one"])
	}
	out := "=== RUN   TestX\n=== RUN   TestX/0\n    x.go:1: a_test.go:7: one\n        more\n=== RUN   TestX/1\n=== NAME  TestX/0\n    late\n" +
		"--- FAIL: TestX (0.00s)\n    --- FAIL: TestX/0 (0.00s)\n    --- PASS: TestX/1 (0.00s)\nFAIL\n"
	said, failed := answers("TestX/", out)
	if want := "    x.go:1: a_test.go:7: one\n        more\n    late\n"; said["0"] != want || said["1"] != "" {
		t.Errorf("got %q, want %q said by the first and nothing by the second", said, want)
	}
	if !failed["0"] || failed["1"] {
		t.Errorf("got %v, want the first failed and the second passed", failed)
	}
}
