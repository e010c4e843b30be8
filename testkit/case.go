package testkit

import (
	"testing"

	"github.com/thaw-go/thaw/aggregate"
)

// Case is one line of a table: a specification of a decider as data. At least
// one of Then, Nothing, Error and State is set.
type Case[C, E, S any] struct {
	Name    string // the claim
	Given   []E    // what has happened
	When    C      // what is asked
	Then    []E    // exactly these events are decided
	Nothing bool   // accepted, and no event is decided
	Error   error  // refused with this, in the sense of errors.Is
	State   *S     // what the state is afterwards; nil: not compared
}

// ForEach tests a decider with each case in a subtest of its own, as [For] does
// with one:
//
//	testkit.ForEach(t, user, []testkit.Case[SetEmail, EmailSet, []string]{
//		{Name: "a first email is set", When: SetEmail{"a"}, Then: []EmailSet{{"a"}}},
//		{Name: "a previous one is refused", Given: []EmailSet{{"a"}}, When: SetEmail{"a"}, Error: errReused},
//	})
func ForEach[C, E, S any](t *testing.T, d aggregate.Decider[C, E, S], cases []Case[C, E, S]) {
	t.Helper()
	line := caller()
	for _, c := range cases {
		t.Run(c.Name, func(t *testing.T) {
			t.Helper()
			c.test(t, d, line)
		})
	}
}

func (c Case[C, E, S]) test(t testing.TB, d aggregate.Decider[C, E, S], line string) {
	t.Helper()
	o := begin(t, d, line).Given(c.Given...).when(c.When, line)
	if len(c.Then) > 0 {
		o.Then(c.Then...)
	}
	if c.Nothing {
		o.ThenNothing()
	}
	if c.Error != nil {
		o.ThenError(c.Error)
	}
	if c.State != nil {
		o.ThenState(*c.State)
	}
}
