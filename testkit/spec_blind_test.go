package testkit_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/thaw-go/thaw/testkit"
)

// The tables of wrong outcomes are worth something only if a kit that compares
// nothing does not pass them.
func TestAKitThatComparesNothingDoesNotPassItsTests(t *testing.T) {
	out, passed := child(t, "TestSpecFails", testkit.BlindVariable)
	if passed {
		t.Fatalf("TestSpecFails passed with a comparer that finds no difference:\n%s", out)
	}
	// Only these do not go through the comparer.
	others := map[string]bool{"the version is another": true, "version after a refusal": true}
	for _, table := range []map[string]wrong{wrongEvents, wrongRest} {
		for claim := range table {
			name := strings.ReplaceAll(claim, " ", "_")
			if !others[claim] && !strings.Contains(out, "--- FAIL: TestSpecFails/"+name+" ") {
				t.Errorf("%q passed with a comparer that finds no difference", claim)
			}
		}
	}
}

// Breaks when: a failure leaves nothing, or the second overwrites the first.
func TestAFailureLeavesItsTraceAmongTheArtifacts(t *testing.T) {
	r := &recorder{TB: t, artifacts: t.TempDir()}
	testkit.For(r, teller).Given(a).When(decided(b)).Then(n).ThenState(9)
	if r.finish(); len(r.messages) != 2 {
		t.Fatalf("got %q, want two failures", r.messages)
	}
	for kind, begins := range map[string]string{"svg": "<svg", "json": "{"} {
		names, err := filepath.Glob(filepath.Join(r.artifacts, "spec_blind_test.go-*."+kind))
		if err != nil || len(names) != 2 {
			t.Fatalf("got %v (error %v), want two of %s", names, err, kind)
		}
		for _, name := range names {
			data, err := os.ReadFile(name)
			if err != nil || !bytes.HasPrefix(data, []byte(begins)) {
				t.Errorf("%s: got %.40q (error %v), want it to begin with %q", name, data, err, begins)
			}
			if kind == "json" && !json.Valid(data) {
				t.Errorf("%s: got %s, want JSON", name, data)
			}
			for _, want := range []string{"people/spec", "want", "got"} {
				if !bytes.Contains(data, []byte(want)) {
					t.Errorf("%s: got %s, want it to say %q", name, data, want)
				}
			}
		}
	}
}

// Breaks when: leaveTrace lets the panic of a testing.TB without artifacts pass.
func TestAFailureWithoutAPlaceForArtifacts(t *testing.T) {
	wantOne(t, report(t, func(s spec) { s.When(decided(a)).Then(b) }), "in the place of")
}

// What passes in the test's own process must fail with a *testing.T, too.
func TestAFailingSpecificationFailsItsTest(t *testing.T) {
	const variable = "THAW_TESTKIT_FAILS"
	if os.Getenv(variable) != "" {
		testkit.For(t, teller).Given(a).WhenTime(1000).When(decided(b)).Then(n)
		return
	}
	out, passed := child(t, t.Name(), variable)
	for _, want := range []string{"--- FAIL: " + t.Name(), "spec_blind_test.go:", "want  a 1us ^ b", "got   a 1us ^ c"} {
		if passed || !strings.Contains(out, want) {
			t.Errorf("passed: %v, want a failure that says %q:\n%s", passed, want, out)
		}
	}
}
