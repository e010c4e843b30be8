package testkit

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/thaw-go/thaw/stream"
	"github.com/thaw-go/thaw/stream/memlog"
)

// In this package's own tests the seam is tried less often: they run the suite many
// times.
func init() { seamSubscriptions = 60 }

// onMemory is an engine in memory that does some things its own way.
func onMemory(change func(*faulty), without map[Rule]string) Engine {
	return Engine{Without: without, Open: func(testing.TB, string) Log {
		f := newFaulty(memlog.New())
		change(f)
		return f
	}}
}

// Breaks when: a promise's test compares positions that it did not count through
// the log's own events, or a place in a gap is taken for one behind it.
func TestALogWithGapsKeepsEverythingElse(t *testing.T) {
	TestLog(t, onMemory(sparse, map[Rule]string{DensePositions: "other topics' events lie between"}))
}

// Breaks when: the view without gaps is not handed on when the log is opened again.
func TestADurableLogWithGapsKeepsEverythingElse(t *testing.T) {
	r := newRun(t, broken{make: sparse, disk: true, always: true}.engine())
	r.lacks[DensePositions] = "other topics' events lie between"
	for _, c := range chapters {
		if c.name == "reopen" || c.name == "truncate" {
			t.Run(string(c.name), func(t *testing.T) { r.chapter(t, c) })
		}
	}
}

// Breaks when: one of the tests that are not about states calls Checkpoint.
func TestALogWithoutStatesKeepsEverythingElse(t *testing.T) {
	TestLog(t, onMemory(func(f *faulty) {
		f.checkpoint = func(context.Context, string, stream.Cursor, []stream.Change) error { return errors.ErrUnsupported }
		f.state = func(context.Context, string, string) ([]byte, bool, error) { return nil, false, errors.ErrUnsupported }
		f.states = func(context.Context, string, string, func(string, []byte) error) error { return errors.ErrUnsupported }
	}, map[Rule]string{"state": "it keeps offsets and nothing else"}))
}

// Breaks when: one of the tests that are not about versions expects one.
func TestALogWithoutCompareAndAppendKeepsEverythingElse(t *testing.T) {
	TestLog(t, onMemory(func(f *faulty) {
		f.onAppend(func(next appendFunc) appendFunc {
			return func(ctx context.Context, id stream.ID, expected stream.Version, list []stream.Record) ([]stream.Record, error) {
				if expected != stream.AnyVersion {
					return nil, errors.ErrUnsupported
				}
				return next(ctx, id, expected, list)
			}
		})
	}, map[Rule]string{ExpectedVersion: "whoever writes last wins"}))
}

// Breaks when: one of the tests that are not about commands sends one twice.
func TestALogWithoutCommandsKeepsEverythingElse(t *testing.T) {
	TestLog(t, onMemory(func(f *faulty) {
		f.onAppend(func(next appendFunc) appendFunc {
			return func(ctx context.Context, id stream.ID, expected stream.Version, list []stream.Record) ([]stream.Record, error) {
				if len(list) == 0 || list[0].Command.IsZero() {
					return next(ctx, id, expected, list)
				}
				first, again := slices.Clone(list), slices.Clone(list)
				for i := range first {
					first[i].Command = stream.EventID{}
				}
				stored, err := next(ctx, id, expected, first)
				for i := range stored {
					stored[i].Command = again[i].Command
				}
				return stored, err
			}
		})
		f.onReads(func(r *stream.Record) {
			if r.Type == "NAMED" { // the one whose header is compared
				r.Command = r.Correlation
			}
		})
	}, map[Rule]string{"command": "it remembers the last two minutes only", "headers": "the command is not stored"}))
}

var outcome = regexp.MustCompile(`(?m)^\s*--- (\w+): TestDeclared/(\S+) `)

// declared runs the suite in a child process over a memlog that is declared to
// do without these rules, and returns its output.
func declared(t *testing.T, rules string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestDeclared$/^(append|truncate)$", "-test.v", "-test.count=1")
	cmd.Env = append(os.Environ(), childVariable+"="+rules)
	out, _ := cmd.CombinedOutput() // what it says is compared
	return string(out)
}

func TestDeclared(t *testing.T) {
	rules := os.Getenv(childVariable)
	if rules == "" {
		t.Skip("run by the tests about declarations")
	}
	without := map[Rule]string{}
	for _, rule := range strings.Split(rules, ",") {
		name, why, _ := strings.Cut(rule, "=")
		without[Rule(name)] = why
	}
	TestLog(t, onMemory(func(*faulty) {}, without))
}

// Breaks when: a declared rule is left out without a word, what rests on it is
// asked all the same, or a rule that is kept is not told.
func TestADeclaredRuleIsSkippedWithItsReason(t *testing.T) {
	out := declared(t, "expected-version=whoever writes last wins,truncate=nothing is ever removed")
	want := map[string]string{
		"append/dense-positions":         "PASS",
		"append/expected-version":        "SKIP",
		"append/conflict-stores-nothing": "SKIP",
		"append/one-winner":              "SKIP",
		"append/whole-appends":           "PASS",
		"truncate/truncated-rest":        "SKIP",
	}
	for _, m := range outcome.FindAllStringSubmatch(out, -1) {
		if result, ok := want[m[2]]; ok && result != m[1] {
			t.Errorf("%s: got %s, want %s", m[2], m[1], result)
		}
		delete(want, m[2])
	}
	if len(want) > 0 {
		t.Errorf("nothing is said about %v\n%s", want, out)
	}
	for _, text := range []string{
		"not given by this log: whoever writes last wins",
		"not asked, as it rests on expected-version: whoever writes last wins",
		"declared to do without expected-version (whoever writes last wins), but it kept it",
		"not given by this log: nothing is ever removed",
	} {
		if !strings.Contains(out, text) {
			t.Errorf("it is not said that %q\n%s", text, out)
		}
	}
}

// Breaks when: newRun does not look names up.
func TestADeclarationMustNameARuleAndAReason(t *testing.T) {
	out := declared(t, "dense-position=a typing error,commit-order=")
	for _, text := range []string{
		`--- FAIL: TestDeclared`,
		`there is no rule and no chapter "dense-position"`,
		`"commit-order" needs a reason`,
	} {
		if !strings.Contains(out, text) {
			t.Errorf("it is not said that %q\n%s", text, out)
		}
	}
}

func TestNamesOfRulesAreUnique(t *testing.T) {
	seen := map[Rule]bool{}
	for _, c := range chapters {
		if seen[c.name] {
			t.Errorf("%s is named twice", c.name)
		}
		seen[c.name] = true
	}
	for _, rule := range Rules() {
		if seen[rule] {
			t.Errorf("%s is named twice", rule)
		}
		if !regexp.MustCompile(`^[a-z]+(-[a-z]+)*$`).MatchString(string(rule)) || rule.Claim() == "" {
			t.Errorf("%q is no name, or promises nothing", rule)
		}
		seen[rule] = true
	}
	for base, list := range rests {
		for _, rule := range append(list, base) {
			if rule.Claim() == "" {
				t.Errorf("rests: there is no rule %q", rule)
			}
		}
	}
}
