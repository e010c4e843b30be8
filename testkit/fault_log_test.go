package testkit

import (
	"slices"
	"strings"
	"testing"

	"github.com/thaw-go/thaw/stream"
	"github.com/thaw-go/thaw/stream/memlog"
)

// Breaks when: Twice does an operation once, or a tape takes an event again.
func TestFaultsThatNoEngineMayHaveAreReported(t *testing.T) {
	never := stream.ErrNoMarks // an error that no log returns
	for _, c := range []struct {
		name  string
		fault func() Around
		rule  Rule
		says  string
	}{
		{"a block that is handed over twice", func() Around { return Twice(On(OpBlock).Nth(2)) }, "follow-new", "events come in order, and once"},
		{"a block that is never handed over", func() Around { return Fail(nil, On(OpBlock).Nth(2)) }, "read-bounds", "without a mark at its end"},
		{"an append that is stored twice", func() Around { return Twice(On(OpAppend)) }, DensePositions, "there is a gap"},
		{"an append that is stored and fails", func() Around { return FailAfter(never, On(OpAppend).Nth(2)) }, "whole-instance", never.Error()},
		{"a place that is not saved", func() Around { return Fail(nil, On(OpSaveCursor).Nth(3)) }, "place-forward", "want 7"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRun(t, Engine{Open: func(testing.TB, string) Log { return Intercept(memlog.New(), c.fault()) }})
			failure := attempt(t, func(t testing.TB) { r.try(t, c.rule.promise(), false, patience) })
			if !strings.Contains(failure, "broken rule "+string(c.rule)) || !strings.Contains(failure, c.says) {
				t.Errorf("%s: got the failure %q, want one that says %q", c.rule, failure, c.says)
			}
		})
	}
}

// promise is what the rule promises.
func (r Rule) promise() promise {
	for _, c := range chapters {
		if i := slices.IndexFunc(c.promises, func(p promise) bool { return p.rule == r }); i >= 0 {
			return c.promises[i]
		}
	}
	return promise{}
}
