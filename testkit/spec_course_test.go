package testkit_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/thaw-go/thaw/aggregate"
	"github.com/thaw-go/thaw/replay"
	"github.com/thaw-go/thaw/stream"
	"github.com/thaw-go/thaw/testkit"
	"github.com/thaw-go/thaw/testkit/marble"
)

// Breaks when: with appends where another specification has its steps.
func TestOneBeginningServesSeveral(t *testing.T) {
	s := testkit.For(t, user)
	for _, past := range []string{"a", "b", "c", "d", "e"} { // somewhere a slice has room for one more
		s = s.Given(EmailSet{past})
		left, right := s.Given(EmailSet{"left"}), s.Given(EmailSet{"right"})
		left.When(SetEmail{"right"}).Then(EmailSet{"right"})
		right.When(SetEmail{"left"}).Then(EmailSet{"left"})
		between, alone := s.Meanwhile(EmailSet{"x"}), s
		between.When(SetEmail{"y"}).Then(EmailSet{"y"}).When(SetEmail{"z"}).Then(EmailSet{"z"})
		alone.When(SetEmail{"x"}).Then(EmailSet{"x"})
	}
}

func TestASpecificationHasOneInstance(t *testing.T) {
	got := recorded(t, func(t testing.TB) {
		testkit.For(t, user).WhenCommand(aggregate.Command[SetEmail]{Key: "ann", Data: SetEmail{"a"}}).Then(EmailSet{"a"})
	})
	wantOne(t, got, `names the instance "ann"`)
}

func TestAnotherWriterComesBetween(t *testing.T) {
	t.Run("and the command is decided over its events", func(t *testing.T) {
		testkit.For(t, user).Given(EmailSet{"a"}).Meanwhile(EmailSet{"b"}).When(SetEmail{"c"}).
			Then(EmailSet{"c"}).ThenState([]string{"a", "b", "c"})
	})
	t.Run("which may have it refused", func(t *testing.T) {
		testkit.For(t, user).Meanwhile(EmailSet{"b"}).Meanwhile(EmailSet{"c"}).When(SetEmail{"c"}).
			ThenError(errReused).ThenState([]string{"b", "c"})
	})
	t.Run("for one command only", func(t *testing.T) {
		testkit.For(t, user).Meanwhile(EmailSet{"a"}).When(SetEmail{"b"}).Then(EmailSet{"b"}).
			When(SetEmail{"c"}).Then(EmailSet{"c"}).ThenVersion(3)
	})
	t.Run("and is drawn right of ^", func(t *testing.T) {
		got := recorded(t, func(t testing.TB) {
			testkit.For(t, user).Given(EmailSet{"a"}).Meanwhile(EmailSet{"b"}, EmailSet{"c"}).When(SetEmail{"d"}).Then(EmailSet{"e"})
		})
		wantOne(t, got, "want  a ^ b c d", "got   a ^ b c e")
	})
}

// Breaks when: play says that rivals that were never appended came between.
func TestAnotherWriterWhoDoesNotComeBetweenFails(t *testing.T) {
	for claim, c := range map[string]struct {
		test func(userSpec)
		says string
	}{
		"the command is refused at once": {func(s userSpec) {
			s.Given(EmailSet{"a"}).Meanwhile(EmailSet{"b"}).When(SetEmail{"a"}).ThenError(errReused)
		}, "no other writer came between"},
		"the command has taken effect before": {func(s userSpec) {
			c := aggregate.Command[SetEmail]{ID: stream.NewID(), Data: SetEmail{"a"}}
			s.WhenCommand(c).Then(EmailSet{"a"}).Meanwhile(EmailSet{"b"}).WhenCommand(c).Then(EmailSet{"a"})
		}, "no other writer came between"},
	} {
		t.Run(claim, func(t *testing.T) {
			wantOne(t, recorded(t, func(t testing.TB) { c.test(testkit.For(t, user)) }), c.says)
		})
	}
	got := report(t, func(s spec) { s.Meanwhile(unstored{"s", "h"}).When(decided(a)).Then(a) })
	wantOne(t, got, "event 1 of the other writer can not be stored", "UNSTORED")
}

func TestTheSameCommandAgain(t *testing.T) {
	t.Run("at once", func(t *testing.T) {
		testkit.For(t, user).WhenTwice(SetEmail{"a"}).Then(EmailSet{"a"}).ThenState([]string{"a"}).ThenVersion(1)
	})
	t.Run("when it leads to nothing", func(t *testing.T) {
		testkit.For(t, teller).Given(a).WhenTwice(decided()).ThenNothing().ThenVersion(1)
	})
	t.Run("when it is refused", func(t *testing.T) {
		testkit.For(t, user).Given(EmailSet{"a"}).WhenTwice(SetEmail{"a"}).ThenError(errReused)
	})
	t.Run("when each refusal is an error of its own", func(t *testing.T) {
		testkit.For(t, card).Given(CardIssued{"ann"}).WhenTwice(RedeemCard{1}).ThenErrorAs(new(*ShortError))
	})
	t.Run("when the state has moved on: what was stored first is returned, and the state right after it", func(t *testing.T) {
		c := aggregate.Command[SetEmail]{ID: stream.NewID(), Data: SetEmail{"a"}}
		o := testkit.For(t, user).
			WhenCommand(c).Then(EmailSet{"a"}).
			When(SetEmail{"b"}).Then(EmailSet{"b"}).
			WhenCommand(c).Then(EmailSet{"a"}).ThenState([]string{"a"}).ThenVersion(1)
		if lane := strings.Split(o.Trace().Text(), "\n")[0]; lane != "  users/spec  a b ^ a'" {
			t.Errorf("got the lane %q, want the first event delivered again", lane)
		}
	})
	t.Run("and it is not what was wanted", func(t *testing.T) {
		got := recorded(t, func(t testing.TB) { testkit.For(t, user).WhenTwice(SetEmail{"a"}).Then(EmailSet{"b"}) })
		wantOne(t, got, "want  ^ a a'", "got   ^ b b'")
	})
}

// Breaks when: a decision is not asked for again, or the live state is not
// compared with the replayed one.
func TestADeciderThatDoesNotDependOnItsArgumentsAloneFails(t *testing.T) {
	var calls int
	for claim, c := range map[string]struct {
		decide func([]string, SetEmail) ([]EmailSet, error)
		evolve func([]string, EmailSet) []string
		says   string
	}{
		"it decides otherwise": {func([]string, SetEmail) ([]EmailSet, error) {
			calls++
			return []EmailSet{{strings.Repeat("x", calls)}}, nil
		}, user.Evolve, "decided otherwise"},
		"it decides more": {func([]string, SetEmail) ([]EmailSet, error) {
			calls++
			return slices.Repeat([]EmailSet{{"a"}}, calls), nil
		}, user.Evolve, "decided otherwise"},
		"it refuses now and then": {func([]string, SetEmail) ([]EmailSet, error) {
			if calls++; calls%2 == 0 {
				return nil, errReused
			}
			return []EmailSet{{"a"}}, nil
		}, user.Evolve, "decided otherwise"},
		"it refuses, or has nothing to do": {func([]string, SetEmail) ([]EmailSet, error) {
			if calls++; calls%2 == 0 {
				return nil, nil
			}
			return nil, errReused
		}, user.Evolve, "decided otherwise"},
		"it changes the state": {func(past []string, c SetEmail) ([]EmailSet, error) {
			past[0] = "changed"
			return []EmailSet{{"a"}}, nil
		}, user.Evolve, "the state is another when history is folded again"},
		"it folds otherwise": {user.Decide, func(past []string, e EmailSet) []string {
			calls++
			return append(past, strings.Repeat("x", calls))
		}, "the state is another when history is folded again"},
	} {
		t.Run(claim, func(t *testing.T) {
			calls = 0
			d := aggregate.New(user.Topic, c.decide, c.evolve)
			got := recorded(t, func(t testing.TB) {
				testkit.For(t, d).Given(EmailSet{"given"}).When(SetEmail{"a"}).ThenVersion(2)
			})
			wantOne(t, got, c.says)
		})
	}
}

// at is a matcher of the time at which an event was stored.
func storedAt(when time.Time) marble.Matcher {
	return testkit.Where(when.String(), func(e *stream.Event[EmailSet]) bool { return e.Time.Equal(when) })
}

// Time begins at the same moment in every bubble.
var bubbles = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)

func TestTimePasses(t *testing.T) {
	const year = 365 * 24 * time.Hour
	t.Run("before the command", func(t *testing.T) {
		o := testkit.For(t, user).Given(EmailSet{"a"}).WhenTime(year).When(SetEmail{"b"}).
			Then(EmailSet{"b"}).ThenLike(storedAt(bubbles.Add(year)))
		if lane := strings.Split(o.Trace().Text(), "\n")[0]; lane != "  users/spec  a 365d ^ b" {
			t.Errorf("got the lane %q, want one in which a year passes", lane)
		}
	})
	t.Run("in history", func(t *testing.T) {
		o := testkit.For(t, user).Given(EmailSet{"a"}).WhenTime(time.Hour).Given(EmailSet{"b"}).WhenTime(time.Minute).When(SetEmail{"c"}).Then(EmailSet{"c"})
		if lane := strings.Split(o.Trace().Text(), "\n")[0]; lane != "  users/spec  a 1h b 1m ^ c" {
			t.Errorf("got the lane %q, want one in which an hour and a minute pass", lane)
		}
	})
	t.Run("between commands", func(t *testing.T) {
		testkit.For(t, user).WhenTime(year).When(SetEmail{"a"}).Then(EmailSet{"a"}).
			WhenTime(year).When(SetEmail{"b"}).ThenLike(storedAt(bubbles.Add(2 * year)))
	})
	t.Run("in the bubble of the test itself", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			time.Sleep(time.Hour) // virtual time: in a bubble
			testkit.For(t, user).WhenTime(year).When(SetEmail{"a"}).ThenLike(storedAt(bubbles.Add(year + time.Hour)))
		})
	})
	t.Run("not without a *testing.T", func(t *testing.T) {
		got := recorded(t, func(t testing.TB) { testkit.For(t, user).WhenTime(year).When(SetEmail{"a"}).Then(EmailSet{"a"}) })
		wantOne(t, got, "time can not pass in a *testkit_test.recorder: want a *testing.T", "when")
	})
}

// roomy is a test that counts the directories it is asked for.
type roomy struct {
	*testing.T
	rooms int
}

func (r *roomy) TempDir() string {
	r.rooms++
	return r.T.TempDir()
}

func TestTheSpecificationSaysWhatItRunsOn(t *testing.T) {
	for medium, want := range map[testkit.Medium]int{testkit.InMemory: 0, testkit.OnDisk: 1} {
		r := &roomy{T: t}
		testkit.For(r, user).On(medium).Given(EmailSet{"a"}).When(SetEmail{"b"}).Then(EmailSet{"b"})
		if r.rooms != want {
			t.Errorf("%s: got %d directories, want %d", medium, r.rooms, want)
		}
	}
}

func TestALogThatThereIsNotFails(t *testing.T) {
	t.Setenv("THAW_TESTKIT_LOG", "paper")
	wantOne(t, report(t, func(s spec) { s.When(decided(a)).Then(a) }), `THAW_TESTKIT_LOG: got "paper"`)
}

// Whoever does not obey On finds the environment's log, which there is not.
//
// Breaks when: the On of any specification is lost.
func TestEverySpecificationObeysOn(t *testing.T) {
	t.Setenv("THAW_TESTKIT_LOG", "paper")
	hotGates := func(log stream.Log) stream.Source[stream.Hot, visited] { return replay.Hot(log, gates) }
	for _, on := range []testkit.Medium{testkit.InMemory, testkit.OnDisk} {
		testkit.For(t, user).On(on).When(SetEmail{"b"}).Then(EmailSet{"b"})
		testkit.ForView(t, accounts, mailsOf).On(on).Given(set("ann", "a")).Then(listed("a"))
		testkit.ForSaga(t, doorkeeper, hotGates).On(on).When(testkit.Happened(gates, "2", visited{1})).ThenNothing()
		testkit.ForAdapter(t, func(stream.Store) aggregate.Adapter[visited] {
			return aggregate.Adapter[visited]{Name: "bell", Do: func(context.Context, *stream.Event[visited]) error { return nil }}
		}, hotGates).On(on).When(testkit.Happened(gates, "2", visited{1})).Then(testkit.Happened(gates, "2", visited{1}))
		testkit.Marbles(t, func(b *testkit.Board) {
			b.On(on)
			testkit.Events(b, "log", mails, "^ a", letters)
			testkit.Expect(b, "hot", replay.Hot(b.Log(), mails), "- a")
		})
	}
	wantOne(t, recorded(t, func(t testing.TB) { testkit.For(t, user).On("paper").When(SetEmail{"b"}).Then(EmailSet{"b"}) }), `On: got "paper"`)
}

func TestASpecificationOnDisk(t *testing.T) {
	s := testkit.For(t, user).On(testkit.OnDisk).Given(EmailSet{"a"})
	s.Meanwhile(EmailSet{"b"}).WhenTwice(SetEmail{"c"}).Then(EmailSet{"c"}).ThenState([]string{"a", "b", "c"}).
		When(SetEmail{"c"}).ThenError(errReused).ThenVersion(3)
	s.WhenTime(time.Hour).When(SetEmail{"c"}).ThenLike(storedAt(bubbles.Add(time.Hour)))
	testkit.For(t, teller).On(testkit.OnDisk).GivenStored("EMAIL_SET", 1, `{"Mail":"a"}`).When(decided(n)).Then(n).ThenState(2)
}
