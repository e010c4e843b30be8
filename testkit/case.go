package testkit

import (
	"testing"
	"time"

	"github.com/thaw-go/thaw/aggregate"
	"github.com/thaw-go/thaw/stream"
	"github.com/thaw-go/thaw/testkit/marble"
)

// Case is one line of a table: a specification of an aggregate as data. At least
// one of the fields from Then on is set.
type Case[C, E, S any] struct {
	Name      string        // the claim
	Given     []E           // what has happened
	WhenTime  time.Duration // how much time passes then; see [Spec.WhenTime]
	Meanwhile []E           // what another writer appends between load and append; see [Spec.Meanwhile]
	When      C             // what is asked
	Twice     bool          // twice under one ID; see [Spec.WhenTwice]

	Then       []E              // exactly these events are decided
	ThenLike   []marble.Matcher // events that are matched by these are decided
	Nothing    bool             // accepted, and no event is decided
	Error      error            // refused with this, in the sense of errors.Is
	ErrorAs    any              // refused with an error of the type this points to, in the sense of errors.As
	State      *S               // what the state is afterwards; nil: not compared
	StateWhere func(S) bool     // what holds of the state afterwards; nil: not asked
	Version    stream.Version   // what the version is afterwards; 0: not compared
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
	line := place{text: caller()}
	if len(cases) == 0 {
		tell(t, "%s: ForEach without a case: nothing was tested", line)
	}
	for _, c := range cases {
		t.Run(c.Name, func(t *testing.T) {
			t.Helper()
			c.test(t, ofDecider(d), line)
		})
	}
}

func (c Case[C, E, S]) test(t testing.TB, build func(stream.Store) *aggregate.Repository[C, E, S], at place) {
	t.Helper()
	s := begin(t, build, at)
	s.steps = []specStep[C, E]{{given: c.Given}, {wait: c.WhenTime}}
	s.meanwhile = c.Meanwhile
	o := s.when(specCommand[C, E]{Command: aggregate.Command[C]{Data: c.When}, twice: c.Twice}, at)
	c.assert(o)
}

// assert says of an outcome what the case says.
func (c Case[C, E, S]) assert(o *Outcome[C, E, S]) {
	o.t.Helper()
	if c.Then != nil {
		o.Then(c.Then...)
	}
	if c.ThenLike != nil {
		o.ThenLike(c.ThenLike...)
	}
	if c.Nothing {
		o.ThenNothing()
	}
	if c.Error != nil {
		o.ThenError(c.Error)
	}
	if c.ErrorAs != nil {
		o.ThenErrorAs(c.ErrorAs)
	}
	if c.State != nil {
		o.ThenState(*c.State)
	}
	if c.StateWhere != nil {
		o.ThenStateWhere("as the case says", c.StateWhere)
	}
	if c.Version != 0 {
		o.ThenVersion(c.Version)
	}
}
