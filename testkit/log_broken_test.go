package testkit

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/thaw-go/thaw/stream/badgerlog"
	"github.com/thaw-go/thaw/stream/memlog"
)

// broken is an engine that keeps every promise but one.
type broken struct {
	rule   Rule
	fault  string        // what it does wrong
	make   func(*faulty) // makes it do so
	disk   bool          // it is a badgerlog that does so once it has been opened again; else a memlog
	always bool          // it does so from the beginning
}

// brokenEngines has one for each rule.
var brokenEngines = slices.Concat(brokenAppends, brokenCommands, brokenReads, brokenFollowers, brokenConsumers, brokenLifetimes, brokenBatches)

// catchAll are the rules that compare whole histories: whatever is broken, they
// may see it, too.
var catchAll = []Rule{"any-history", "concurrent-history"}

// brokenVariable says how much TestBrokenEngine asks of each engine, in the child
// process in which it fails: only the chapter of the rule that is broken, or
// everything, to see that nothing else is reported. Where it is not set, the
// former is done; the long run sets the latter.
const brokenVariable = "THAW_TESTKIT_BROKEN"

const (
	ownChapter = "chapter"
	allRules   = "all"
)

// engine is the broken engine. What a log on disk has in its directory is
// there when it is opened again.
func (b broken) engine() Engine {
	return Engine{Durable: b.disk, Open: func(t testing.TB, dir string) Log {
		if !b.disk {
			f := newFaulty(memlog.New())
			b.make(f)
			return f
		}
		there, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		log, err := badgerlog.Open(dir, badgerlog.Options{Durability: badgerlog.Unsynced, MinFree: -1})
		if err != nil {
			t.Fatal(err)
		}
		f := newFaulty(log)
		if b.always || len(there) > 0 {
			b.make(f)
		}
		return f
	}}
}

func TestBrokenEngine(t *testing.T) {
	asked := os.Getenv(brokenVariable)
	if asked == "" || os.Getenv(childVariable) == "" {
		t.Skip("run by TestTheSuiteNamesTheBrokenRule, as it fails")
	}
	patience = 30 * time.Second
	for i, b := range slices.Concat(brokenEngines, brokenSeams) {
		t.Run(fmt.Sprintf("%d:%s", i, b.rule), func(t *testing.T) {
			t.Parallel()
			r := newRun(t, b.engine())
			for _, c := range chapters {
				own := slices.ContainsFunc(c.promises, func(p promise) bool { return p.rule == b.rule })
				slow := b.disk && c.name != "reopen" && c.name != "truncate"
				if own || asked == allRules && !slow {
					t.Run(string(c.name), func(t *testing.T) { r.chapter(t, c) })
				}
			}
		})
	}
}

// childVariable says that this is the child process.
const childVariable = "THAW_TESTKIT_CHILD"

var failedRule = regexp.MustCompile(`(?m)^\s*--- FAIL: TestBrokenEngine/(\d+):[^/\s]+/[^/\s]+/([^/\s]+) `)

// TestTheSuiteNamesTheBrokenRule is the acceptance test of [TestLog]: for every
// rule there is an engine that breaks it and no other, and exactly this rule is
// reported.
// Breaks when: a promise's check compares nothing, or one promise is tested by
// the test of another.
func TestTheSuiteNamesTheBrokenRule(t *testing.T) {
	asked := os.Getenv(brokenVariable)
	if asked == "" {
		asked = ownChapter
	}
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestBrokenEngine$", "-test.v", "-test.count=1")
	cmd.Env = append(os.Environ(), brokenVariable+"="+asked, childVariable+"=1", "THAW_HISTORIES=4", "THAW_SEED=1")
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Run(); cmd.ProcessState == nil || cmd.ProcessState.ExitCode() != 1 {
		t.Fatalf("the broken engines' tests ended with %v, want them to fail\n%s", err, out.Bytes())
	}
	failed := map[string][]Rule{}
	for _, m := range failedRule.FindAllStringSubmatch(out.String(), -1) {
		failed[m[1]] = append(failed[m[1]], Rule(m[2]))
	}
	for i, b := range slices.Concat(brokenEngines, brokenSeams) {
		t.Run(fmt.Sprintf("%s: %s", b.rule, b.fault), func(t *testing.T) {
			var others []Rule
			reported := failed[fmt.Sprint(i)]
			for _, rule := range reported {
				if rule != b.rule && !slices.Contains(catchAll, rule) {
					others = append(others, rule)
				}
			}
			if !slices.Contains(reported, b.rule) {
				t.Errorf("the rule was not reported as broken; reported were %q", reported)
			}
			if len(others) > 0 {
				t.Errorf("reported as broken were also %q", others)
			}
			if want := "broken rule " + string(b.rule) + ": " + b.rule.Claim(); !strings.Contains(out.String(), want) {
				t.Errorf("no failure says %q", want)
			}
		})
	}
	if t.Failed() {
		t.Logf("%s", out.Bytes())
	}
}

func TestEveryRuleHasABrokenEngine(t *testing.T) {
	var have []Rule
	for _, b := range brokenEngines {
		have = append(have, b.rule)
	}
	for _, rule := range Rules() {
		if !slices.Contains(have, rule) {
			t.Errorf("no engine breaks %s", rule)
		}
	}
	if len(have) != len(Rules()) {
		t.Errorf("there are %d broken engines and %d rules", len(have), len(Rules()))
	}
}
