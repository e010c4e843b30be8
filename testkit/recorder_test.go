package testkit_test

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/thaw-go/thaw/testkit"
)

// recorder is a testing.TB that keeps what is reported.
type recorder struct {
	testing.TB // nil if the test has no log on disk
	artifacts  string
	messages   []string
	cleanups   []func()
}

func (r *recorder) Helper()          {}
func (r *recorder) Failed() bool     { return len(r.messages) > 0 }
func (r *recorder) Cleanup(f func()) { r.cleanups = append(r.cleanups, f) }
func (r *recorder) Errorf(format string, args ...any) {
	r.messages = append(r.messages, fmt.Sprintf(format, args...))
}

// ArtifactDir panics as it does in many a testing.TB of a person's own.
func (r *recorder) ArtifactDir() string {
	if r.artifacts == "" {
		panic("no artifacts here")
	}
	return r.artifacts
}

func (r *recorder) finish() {
	for i := len(r.cleanups) - 1; i >= 0; i-- {
		r.cleanups[i]()
	}
}

type spec = testkit.Spec[told, any, int]

// report runs a specification of the teller as a test of its own and returns
// what it reports.
func report(t testing.TB, test func(spec)) []string {
	return recorded(t, func(t testing.TB) { test(testkit.For(t, teller)) })
}

func recorded(t testing.TB, test func(testing.TB)) []string {
	r := &recorder{TB: t}
	test(r)
	r.finish()
	return r.messages
}

// wantOne fails unless there was one message, which says all of this and where
// the specification is.
func wantOne(t *testing.T, got []string, says ...string) {
	t.Helper()
	if len(got) != 1 {
		t.Fatalf("got %d failures %q, want one", len(got), got)
	}
	for _, want := range append(says, "_test.go:") {
		if !strings.Contains(got[0], want) {
			t.Errorf("the message does not say %q:\n%s", want, got[0])
		}
	}
}

// child runs a test of this package in a process of its own, with an environment
// variable set, and returns its output and whether it passed.
func child(t *testing.T, test, variable string) (string, bool) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run", "^"+test+"$", "-test.v")
	cmd.Env = append(os.Environ(), variable+"=1")
	out, err := cmd.CombinedOutput()
	return string(out), err == nil
}
