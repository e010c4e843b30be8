package testkit_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"testing"

	"github.com/thaw-go/thaw/aggregate"
	"github.com/thaw-go/thaw/stream"
	"github.com/thaw-go/thaw/testkit"
)

type (
	emailSet struct{ Email string }
	nameSet  struct {
		Name   string
		Titles []string
		secret string // unexported: never stored
	}
	unstored struct {
		Shown  string
		Hidden string `json:"-"`
	}
	stranger struct{}
)

var people = stream.NewTopicWith("people", stream.Catalogue[any]{
	"EMAIL_SET": emailSet{}, "NAME_SET": nameSet{}, "UNSTORED": unstored{},
}, stream.TopicOptions[any]{Upcasters: map[string][]stream.Upcaster{"EMAIL_SET": {renameMail}}})

var (
	errTaken = errors.New("taken")
	errOther = errors.New("other")
)

// smallError is an error that has a type.
type smallError struct{ Min int }

func (e *smallError) Error() string { return fmt.Sprintf("less than %d", e.Min) }

// told decides whatever its command says.
type told struct {
	events []any
	err    error
	panics any
}

var teller = aggregate.New(people,
	func(_ int, c told) ([]any, error) {
		if c.panics != nil {
			panic(c.panics)
		}
		return c.events, c.err
	},
	func(n int, e any) int {
		if e == (emailSet{"explode"}) {
			panic("evolve exploded")
		}
		return n + 1
	})

// renameMail brings EMAIL_SET from schema 1, which said Mail, to schema 2.
func renameMail(data []byte) ([]byte, error) {
	var old struct{ Mail string }
	if err := json.Unmarshal(data, &old); err != nil {
		return nil, err
	}
	return json.Marshal(emailSet{old.Mail})
}

func decided(events ...any) told { return told{events: events} }
func refused(err error) told     { return told{err: err} }

var (
	a = emailSet{"a"}
	b = emailSet{"b"}
	n = nameSet{Name: "n", Titles: []string{"Dr"}}
)

func isA(e emailSet) bool { return e == a }

func TestSpecPasses(t *testing.T) {
	var small *smallError
	wrapped := fmt.Errorf("x: %w", errTaken)
	for claim, test := range map[string]func(spec){
		"the wanted events":                   func(s spec) { s.When(decided(a, n, a)).Then(a, n, a) },
		"nothing":                             func(s spec) { s.Given(a).When(decided()).ThenNothing() },
		"the wanted error":                    func(s spec) { s.When(refused(errTaken)).ThenError(errTaken) },
		"the wanted error, wrapped":           func(s spec) { s.When(refused(wrapped)).ThenError(errTaken) },
		"an error of the wanted type":         func(s spec) { s.When(refused(&smallError{7})).ThenErrorAs(&small) },
		"state after given and decided":       func(s spec) { s.Given(a, b).When(decided(n)).ThenState(3) },
		"state after a refusal":               func(s spec) { s.Given(a, b).When(refused(errTaken)).ThenState(2).ThenError(errTaken) },
		"what holds of the state":             func(s spec) { s.Given(a).When(decided(n)).ThenStateWhere("even", func(n int) bool { return n%2 == 0 }) },
		"version after given and decided":     func(s spec) { s.Given(a, b).When(decided(n, n)).ThenVersion(4) },
		"version after a refusal":             func(s spec) { s.Given(a, b).When(refused(errTaken)).ThenError(errTaken).ThenVersion(2) },
		"assertions in a chain":               func(s spec) { s.Given(a).When(decided(b)).Then(b).ThenState(2) },
		"an empty slice that comes back nil":  func(s spec) { s.When(decided(nameSet{Titles: []string{}})).Then(nameSet{}) },
		"one beginning, two specifications":   func(s spec) { s = s.Given(a); s.Given(b).When(decided(n)).ThenState(3); s.When(decided()).ThenState(1) },
		"a beginning that is told in two":     func(s spec) { s.Given(a).Given(b).When(decided()).ThenState(2) },
		"an error, and the state it leaves":   func(s spec) { s.When(refused(errTaken)).ThenError(errTaken).ThenState(0) },
		"a repeated event, given and decided": func(s spec) { s.Given(a, a).When(decided(a, a)).Then(a, a).ThenState(4) },
		"events that are like something": func(s spec) {
			s.When(decided(a, n, b)).ThenLike(testkit.Where("a", isA), testkit.OfType[nameSet](), testkit.Exactly(b))
		},
		"one command after another": func(s spec) {
			s.Given(a).When(decided(b)).Then(b).When(refused(errTaken)).ThenError(errTaken).Given(n).When(decided(a)).Then(a).ThenState(4)
		},
		"one outcome, two continuations": func(s spec) {
			o := s.When(decided(a)).Then(a)
			o.When(decided(b)).Then(b).ThenVersion(2)
			o.When(decided(n)).Then(n).ThenVersion(2)
		},
		"an event in an old schema": func(s spec) { s.GivenStored("EMAIL_SET", 1, `{"Mail":"a"}`).When(decided()).ThenState(1) },
	} {
		t.Run(claim, func(t *testing.T) {
			if got := report(t, test); len(got) != 0 {
				t.Errorf("got %q, want no failure", got)
			}
		})
	}
	if small == nil || small.Min != 7 {
		t.Errorf("ThenErrorAs: got %v, want the error in its target", small)
	}
}

func TestSpecReportsAnUnfinishedDecider(t *testing.T) {
	got := recorded(t, func(t testing.TB) {
		testkit.For(t, aggregate.Decider[told, any, int]{}).When(told{}).ThenNothing()
	})
	wantOne(t, got, "needs a decider with a Topic")
}

func TestFailuresOfOneChainAreAllReported(t *testing.T) {
	got := report(t, func(s spec) { s.Given(a).When(decided(b)).Then(a).ThenState(9) })
	if len(got) != 2 {
		t.Errorf("got %d failures %q, want one for the events and one for the state", len(got), got)
	}
}

func TestTheTraceOfASpecificationThatPasses(t *testing.T) {
	trace := testkit.For(t, teller).Given(a, b).When(decided(n, a)).Then(n, a).Trace()
	want := `  people/spec  a b ^ [ca]

  a  EMAIL_SET {"Email":"a"}
  b  EMAIL_SET {"Email":"b"}
  c  NAME_SET {"Name":"n","Titles":["Dr"]}
`
	if got := trace.Text(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestTheTraceSaysWhatWasStored(t *testing.T) {
	o := testkit.For(t, card).GivenStored("TOPPED_UP", 1, `{"Amount": 5}`).When(IssueCard{"ann"}).Then(CardIssued{"ann"})
	want := `  cards/spec  a ^ b

  a  TOPPED_UP {"Cents":500}  stored in schema 1: {"Amount": 5}
  b  ISSUED {"Owner":"ann"}
`
	if got := o.Trace().Text(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// Breaks when: read decodes what the topic passes over.
func TestEventsThatATopicPassesOver(t *testing.T) {
	d := user
	d.Topic = stream.NewTopicWith("users", stream.Catalogue[EmailSet]{"EMAIL_SET": {}}, stream.TopicOptions[EmailSet]{Unknown: stream.SkipUnknown})
	o := testkit.For(t, d).GivenStored("AGE_SET", 1, `{"Age":7}`).When(SetEmail{"a"}).Then(EmailSet{"a"}).ThenVersion(2)
	want := `  users/spec  a ^ b

  a  AGE_SET {"Age":7}  (the topic passes over it)
  b  EMAIL_SET {"Email":"a"}
`
	if got := o.Trace().Text(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestABeginningMayBeSharedByParallelTests(t *testing.T) {
	s := testkit.For(t, user).Given(EmailSet{"a"})
	for _, email := range []string{"b", "c", "d", "e"} {
		t.Run(email, func(t *testing.T) {
			t.Parallel()
			s.Given(EmailSet{"x"}).When(SetEmail{email}).Then(EmailSet{email}).ThenState([]string{"a", "x", email})
		})
	}
}
