package testkit_test

import (
	"strings"
	"testing"

	"github.com/thaw-go/thaw/testkit"
	"github.com/thaw-go/thaw/testkit/marble"
)

type tellersCase = testkit.Case[told, any, int]

func isTwo(n int) bool { return n == 2 }

func TestForEach(t *testing.T) {
	two := 2
	testkit.ForEach(t, teller, []tellersCase{
		{Name: "events", Given: []any{a}, When: decided(b), Then: []any{b}, State: &two},
		{Name: "what events are like", Given: []any{a}, When: decided(b), ThenLike: []marble.Matcher{testkit.OfType[emailSet]()}, StateWhere: isTwo, Version: 2},
		{Name: "nothing", When: decided(), Nothing: true},
		{Name: "a refusal", When: refused(errTaken), Error: errTaken},
		{Name: "a refusal of a type", When: refused(&smallError{7}), ErrorAs: new(*smallError)},
		{Name: "twice", When: decided(a, b), Twice: true, Then: []any{a, b}, State: &two},
		{Name: "time passes", WhenTime: 1 << 60, When: decided(a), Then: []any{a}},
		{Name: "another writer", Given: []any{a}, Meanwhile: []any{b}, When: decided(n), Then: []any{n}, Version: 3},
	})
}

// Breaks when: a field of Case is not looked at.
func TestACaseFailsAsASpecificationDoes(t *testing.T) {
	two := 2
	for claim, c := range map[string]tellersCase{
		"wrong events":            {When: decided(a), Then: []any{b}},
		"events of a wrong type":  {When: decided(a), ThenLike: []marble.Matcher{testkit.OfType[nameSet]()}},
		"not nothing":             {When: decided(a), Nothing: true},
		"wrong error":             {When: refused(errOther), Error: errTaken},
		"wrong type of error":     {When: refused(errOther), ErrorAs: new(*smallError)},
		"wrong state":             {When: decided(a), State: &two},
		"not what holds of it":    {When: decided(a), StateWhere: isTwo},
		"wrong version":           {When: decided(a), Version: 2},
		"nobody came between":     {Meanwhile: []any{a}, When: decided(), Nothing: true},
		"no test to pass time in": {WhenTime: 1, When: decided(), Nothing: true},
		"nothing is said":         {When: decided()},
		"no events, in a list":    {When: decided(a), Then: []any{}, Version: 1},
		"no matchers, in a list":  {When: decided(a), ThenLike: []marble.Matcher{}, Version: 1},
		"wrong events, twice":     {When: decided(a), Twice: true, Then: []any{b}},
	} {
		t.Run(claim, func(t *testing.T) {
			got := recorded(t, func(t testing.TB) { c.Test(t, teller) })
			if len(got) != 1 || !strings.HasPrefix(got[0], "table_test.go:1: ") {
				t.Errorf("got %q, want one failure at the table's line", got)
			}
			if c.Twice && !strings.Contains(strings.Join(got, ""), "got   ^ b b'") {
				t.Errorf("got %q, want a command that was given twice", got)
			}
		})
	}
}
