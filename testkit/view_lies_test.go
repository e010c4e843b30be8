package testkit_test

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/thaw-go/thaw/operators"
	"github.com/thaw-go/thaw/replay"
	"github.com/thaw-go/thaw/stream"
	"github.com/thaw-go/thaw/testkit"
)

// account is a state with something of everything.
type account struct {
	Emails []string
	Count  int
	Extra  any
}

// accounts lists e-mails in the order in which they were set; "odd" panics.
var accounts = viewOf(func(s account, e *stream.Event[EmailSet]) account {
	if e.Data.Email == "odd" {
		panic(fmt.Errorf("over %s: %w", e.Data.Email, errOdd))
	}
	s.Emails = append(s.Emails, e.Data.Email)
	s.Count++
	s.Extra = s.Count
	return s
})

type mailSet = *stream.Event[EmailSet]

func viewOf[S any](reduce func(S, mailSet) S) *operators.View[mailSet, S] {
	return operators.NewView("view", func() (s S) { return s }, reduce)
}

func listed(emails ...string) account {
	return account{Emails: emails, Count: len(emails), Extra: len(emails)}
}

func countOf(s account) int { return s.Count }

// abc is a specification of a view in whose log a and b are history and c is
// live.
func abc(t *testing.T) testkit.ViewSpec[mailSet, account] {
	return testkit.ForView(t, accounts, mailsOf).Given(set("ann", "a", "b")).When(set("bob", "c"))
}

// Breaks when: marble.Compare, or the kit's use of it, is turned off; Then
// compares only the first tick; a run that failed is asked all the same.
func TestLiesAboutAViewsStateFail(t *testing.T) {
	lies := []lie{}
	state := func(claim string, want account, says ...string) {
		lies = append(lies, lie{"Then: " + claim, func(t *testing.T) { abc(t).Then(want) }, append(says, "view: tick 1", "log   [ab] ^ c", "B  account{")})
	}
	state("an event dropped", listed("a", "b"), `+ 		"c",`, "- 	Count: 2,")
	state("an event too many", listed("a", "b", "c", "d"), `- 		"d"`)
	state("two events swapped", listed("a", "c", "b"), `- 		"b"`)
	state("an event twice", listed("a", "b", "c", "c"), `- 		"c"`)
	state("a wrong field", account{Emails: []string{"a", "b", "c"}, Count: 4, Extra: 3}, "- 	Count:  4,", "+ 	Count:  3,")
	state("a field of another type", account{Emails: []string{"a", "b", "c"}, Count: 3, Extra: "3"}, `string("3")`, `int(3)`)
	state("a zero value", account{}, "- 	Count:  0,")
	said := refute(t, append(lies,
		lie{"Then: early", func(t *testing.T) {
			testkit.ForView(t, accounts, mailsOf).Given(set("ann", "a")).Then(listed("a", "b")).When(set("ann", "b")).Then(listed("a", "b"))
		}, []string{"view: tick 0", "log   a ^"}},
		lie{"Then: late", func(t *testing.T) {
			abc(t).When(set("ann", "d")).Then(listed("a", "b", "c"))
		}, []string{"view: tick 2", `"d"`}},
		lie{"Then: of a run that failed", func(t *testing.T) { abc(t).When(set("ann", "odd")).Then(listed("a", "b", "c")) }, []string{"tick 2 (+2ms): the view's run has failed", "over odd: odd", "log   [ab] ^ c d", "got        A B #"}},
		lie{"Then: of a run that failed before", func(t *testing.T) {
			abc(t).When(set("ann", "odd")).When(set("ann", "e")).Then(listed("a", "b", "c", "e"))
		}, []string{"tick 2 (+2ms): the view's run has failed", "got        A B #"}},
		lie{"Then: of an event that can not be decoded", func(t *testing.T) {
			abc(t).When(testkit.Stored(stream.ID{Topic: "mails", Key: "ann"}, "EMAIL_SET", 1, "{")).Then(listed("a", "b", "c"))
		}, []string{"the view's run has failed: stream: decode event 4"}},
		lie{"Answer", func(t *testing.T) { testkit.Answer(abc(t), "count", countOf, 2) }, []string{"count: tick 1", "A  2", "B  3"}},
		lie{"Answer: a zero value", func(t *testing.T) { testkit.Answer(abc(t), "count", countOf, 0) }, []string{"count: tick 1"}},
		lie{"Answer: another type", func(t *testing.T) {
			testkit.Answer(abc(t), "extra", func(s account) any { return s.Extra }, any("3"))
		}, []string{"extra: tick 1", `"3"`}},
		lie{"Answer: a question that panics", func(t *testing.T) {
			testkit.Answer(abc(t), "boom", func(account) int { panic("boom") }, 0)
		}, []string{"the question panicked: boom", "view_lies_test.go"}},
		lie{"Answer: no question", func(t *testing.T) { testkit.Answer[mailSet, account, int](abc(t), "count", nil, 0) }, []string{"without a question"}},
	)...)
	wordForWord(t, "view-dropped-event", said["Then: an event dropped"])
}

// Breaks when: ThenFails is content with any error, or with a failure at another
// tick.
func TestLiesAboutAViewsFailureFail(t *testing.T) {
	odd := func(t *testing.T) testkit.ViewSpec[mailSet, account] { return abc(t).When(set("ann", "odd")) }
	testkit.ForView(t, accounts, mailsOf).When(set("ann", "odd")).ThenFails(errOdd) // wrapped: it is
	refute(t,
		lie{"ThenFails: it does not", func(t *testing.T) { abc(t).ThenFails(errOdd) }, []string{"odd", "tick 1", "want       A #"}},
		lie{"ThenFails: with another error", func(t *testing.T) { odd(t).ThenFails(io.EOF) }, []string{"EOF", "over odd: odd"}},
		lie{"ThenFails: early", func(t *testing.T) { odd(t).When(set("ann", "e")).ThenFails(errOdd) }, []string{"early", "odd"}},
		lie{"ThenFails: late", func(t *testing.T) { abc(t).ThenFails(errOdd).When(set("ann", "odd")).ThenFails(errOdd) }, []string{"did not fail"}},
		lie{"ThenFails: nil", func(t *testing.T) { odd(t).ThenFails(nil) }, []string{"ThenFails(nil)"}},
		lie{"ThenFailsAs: another type", func(t *testing.T) {
			var broken *stream.DecodeError
			odd(t).ThenFailsAs(&broken)
		}, []string{"*stream.DecodeError", "over odd: odd"}},
		lie{"ThenFailsAs: it does not", func(t *testing.T) {
			var panicked *stream.PanicError
			abc(t).ThenFailsAs(&panicked)
		}, []string{"did not fail"}},
		lie{"ThenFailsAs: no pointer", func(t *testing.T) { odd(t).ThenFailsAs(errOdd) }, []string{"want a pointer"}},
		lie{"ThenFails as of a time before", func(t *testing.T) { odd(t).AsOf(3).ThenFails(errOdd) }, []string{"as of position 3", "did not fail"}},
		lie{"Then as of a time after", func(t *testing.T) { odd(t).AsOf(4).Then(listed("a", "b", "c")) }, []string{"as of position 4", "failed"}},
	)
}

// Breaks when: answers are compared without their ticks, a change that was not
// wanted is passed over, or more is wanted than happened.
func TestLiesAboutAViewsAnswersFail(t *testing.T) {
	diagram := func(marbles string) func(t *testing.T) {
		return func(t *testing.T) {
			s := abc(t).When(set("eve", "d"), set("eve", "e"))
			testkit.Answers(s, "big", func(s account) bool { return s.Count > 3 }, marbles, testkit.Values[bool]{"n": false, "y": true})
		}
	}
	testkit.Answers(abc(t).When(set("eve", "d")), "big", func(s account) bool { return s.Count > 3 }, "n n y", testkit.Values[bool]{"n": false, "y": true})
	refute(t,
		lie{"early", diagram("n y -"), []string{"big: tick 1", "n  false", "y  true"}},
		lie{"late", diagram("n - - y"), []string{"big: tick 2"}},
		lie{"missing", diagram("n - - -"), []string{"big: tick 2"}},
		lie{"extra", diagram("n - y n"), []string{"big: tick 3"}},
		lie{"swapped", diagram("y - n -"), []string{"big: tick 0"}},
		lie{"after the end", diagram("n - y - y"), []string{"big: tick 4"}},
		lie{"not failed", diagram("n - #"), []string{"big: tick 2", "fail"}},
		lie{"the first one not compared", diagram("- - y -"), []string{"big: tick 0"}},
		lie{"an unknown letter", diagram("n - z"), []string{"no value for the letter z"}},
		lie{"no diagram", diagram("n - ?"), []string{"Answers big", "?"}},
		lie{"another token", diagram("n - ~ y"), []string{"answers are letters"}},
		lie{"nothing", diagram("---"), []string{"without an answer"}},
	)
}

// Breaks when: AsOf folds all that is there, or one event more or less.
func TestLiesAboutAViewsPastFail(t *testing.T) {
	refute(t,
		lie{"one event too many", func(t *testing.T) { abc(t).AsOf(1).Then(listed("a", "b")) }, []string{"view as of position 1"}},
		lie{"one event missing", func(t *testing.T) { abc(t).AsOf(2).Then(listed("a")) }, []string{"view as of position 2"}},
		lie{"now", func(t *testing.T) { abc(t).AsOf(2).Then(listed("a", "b", "c")) }, []string{"view as of position 2"}},
		lie{"the beginning", func(t *testing.T) { abc(t).AsOf(0).Then(listed("a")) }, []string{"view as of position 0"}},
		lie{"past the end", func(t *testing.T) { abc(t).AsOf(4).Then(listed("a", "b", "c")) }, []string{"AsOf(4): the log ends at position 3"}},
		lie{"a time", func(t *testing.T) { abc(t).AsOfTime(0).Then(listed("a", "b", "c")) }, []string{"view as of +0s"}},
		lie{"a later time", func(t *testing.T) {
			abc(t).WhenTime(time.Hour).When(set("ann", "d")).AsOfTime(time.Hour + 2*time.Millisecond).Then(listed("a", "b", "c"))
		}, []string{"view as of +1h0m0.002s", `"d"`}},
		lie{"unasked", func(t *testing.T) { abc(t).AsOf(1).When(set("ann", "d")).Then(listed("a", "b", "c", "d")) }, []string{"When after AsOf"}},
		lie{"all ticks", func(t *testing.T) {
			testkit.Answers(abc(t).AsOf(1), "count", countOf, "a", testkit.Values[int]{"a": 1})
		}, []string{"not of one"}},
	)
}

func TestViewSpecificationsThatTestNothingFail(t *testing.T) {
	refute(t,
		lie{"no Then at all", func(t *testing.T) { testkit.ForView(t, accounts, mailsOf) }, []string{"ForView without a Then: nothing was tested"}},
		lie{"Given without a Then", func(t *testing.T) { testkit.ForView(t, accounts, mailsOf).Given(set("ann", "a")) }, []string{"Given without a Then"}},
		lie{"When after the last Then", func(t *testing.T) { abc(t).Then(listed("a", "b", "c")).When(set("ann", "d")) }, []string{"When without a Then"}},
		lie{"AsOf without a Then", func(t *testing.T) { abc(t).AsOf(1) }, []string{"AsOf without a Then"}},
		lie{"a crash without a Then", func(t *testing.T) { abc(t).Then(listed("a", "b", "c")).WhenCrash() }, []string{"WhenCrash without a Then"}},
		lie{"Given after When", func(t *testing.T) { abc(t).Given(set("ann", "d")).Then(listed("a", "b", "c", "d")) }, []string{"Given after a When"}},
		lie{"an empty When", func(t *testing.T) { abc(t).When().Then(listed("a", "b", "c")) }, []string{"When without anything"}},
		lie{"an append without events", func(t *testing.T) { abc(t).When(set("ann")).Then(listed("a", "b", "c")) }, []string{"without events"}},
		lie{"a time that does not pass", func(t *testing.T) { abc(t).WhenTime(0).Then(listed("a", "b", "c")) }, []string{"WhenTime(0s)"}},
		lie{"no view", func(t *testing.T) { testkit.ForView[mailSet, account](t, nil, mailsOf).Then(account{}) }, []string{"needs a view and a source"}},
		lie{"no source", func(t *testing.T) {
			testkit.ForView(t, accounts, func(stream.Log) (o stream.Observable[stream.ColdHot, mailSet]) { return o }).Then(account{})
		}, []string{"the view's run has failed", "no source"}},
		lie{"a source that panics", func(t *testing.T) {
			testkit.ForView(t, accounts, func(stream.Log) stream.Observable[stream.ColdHot, mailSet] { panic("no such topic") }).Then(account{})
		}, []string{"no such topic"}},
		lie{"a source that ends", func(t *testing.T) {
			testkit.ForView(t, accounts, func(log stream.Log) stream.Observable[stream.ColdHot, mailSet] {
				return operators.Take(mailsOf(log), 1)
			}).
				Given(set("ann", "a")).Then(listed("a"))
		}, []string{"source has ended"}},
	)
}

// hidden is what reducers must not depend on.
var hidden int

// keeper keeps the bytes that it decodes.
type keeper struct{ stream.Codec }

type rawMail []byte

func (keeper) Unmarshal(data []byte, into any) error { *into.(*rawMail) = data; return nil }
func (keeper) Marshal(v any) ([]byte, error)         { return v.(rawMail), nil }

var rawMails = stream.NewTopicWith("raw", stream.Catalogue[rawMail]{"MAIL": nil}, stream.TopicOptions[rawMail]{Codec: keeper{}})

// Breaks when: a rebuild is left out, or compared with itself (viewRun.check), the
// year does not pass, or states are compared that share memory (value.Copy).
func TestViewsThatDependOnMoreThanEventsFail(t *testing.T) {
	counting := func(reduce func(int, mailSet) int) func(t *testing.T) {
		return func(t *testing.T) { anything(t, viewOf(reduce), mailsOf) }
	}
	shared := map[string]int{}
	said := refute(t,
		lie{"a clock", counting(func(n int, _ mailSet) int { return max(n, time.Now().Year()) }), []string{"live and rebuilt a year later, the view is not the same: after position 1 (mails/ann EMAIL_SET", "log   [ab] ^ c", "difference"}},
		lie{"the age of an event", counting(func(n int, e mailSet) int {
			if time.Since(e.Time) < 24*time.Hour {
				n++
			}
			return n
		}), []string{"not the same: after position 1"}},
		lie{"chance", counting(func(n int, _ mailSet) int { return n + rand.IntN(1000) }), []string{"not the same"}},
		lie{"a global counter", counting(func(int, mailSet) int { hidden++; return hidden }), []string{"not the same: after position 1"}},
		lie{"the order of a map", func(t *testing.T) {
			anything(t, operators.NewView("map", func() []string { return nil }, func(list []string, e mailSet) []string {
				for name := range map[string]bool{"a": true, "b": true, "c": true, "d": true, "e": true, "f": true, "g": true, "h": true} {
					list = append(list, name)
				}
				return list
			}), mailsOf)
		}, []string{"not the same: after position", "the states differ"}},
		lie{"what initial shares", func(t *testing.T) {
			anything(t, operators.NewView("shared", func() map[string]int { return shared }, func(s map[string]int, e mailSet) map[string]int {
				s[e.Data.Email] = 1 // the same again if it is done again
				return s
			}), mailsOf)
		}, []string{"not the same: before the first event the states differ", `"a": 1`}},
		lie{"an event that it changes", func(t *testing.T) {
			anything(t, viewOf(func(n int, e mailSet) int { e.Data.Email = "x"; return n + 1 }), mailsOf)
		}, []string{"has changed an event", "position 1", `- 	Data:   testkit_test.EmailSet{Email: "a"}`}},
		lie{"an event that it keeps", func(t *testing.T) {
			anything(t, viewOf(func(kept map[string]mailSet, e mailSet) map[string]mailSet {
				if kept == nil {
					kept = map[string]mailSet{}
				}
				kept[e.Stream.Key] = e
				return kept
			}), mailsOf)
		}, []string{"keeps an event", "position 2"}},
		lie{"bytes that its codec keeps", func(t *testing.T) {
			testkit.ForView(t, operators.NewView("raw", func() [][]byte { return nil }, func(s [][]byte, e *stream.Event[rawMail]) [][]byte {
				return append(s, e.Data)
			}), func(log stream.Log) stream.Observable[stream.ColdHot, *stream.Event[rawMail]] {
				return replay.ColdHot(log, rawMails)
			}).
				Given(testkit.Happened(rawMails, "x", rawMail("aaa"), rawMail("bbb"))).
				When(testkit.Happened(rawMails, "x", rawMail("ccc"))).ThenFails(io.EOF)
		}, []string{"not the same"}},
	)
	wordForWord(t, "view-clock", said["a clock"])
}

// Breaks when: history is not cut, or the runs with other cuts are not compared;
// a source that is stuck is waited for.
func TestViewSourcesThatLeadElsewhereFail(t *testing.T) {
	count := viewOf(func(n int, _ mailSet) int { return n + 1 })
	lossy := func(log stream.Log) stream.Observable[stream.ColdHot, mailSet] {
		return stream.New[stream.ColdHot](nil, func(sub stream.Subscription) stream.Run[mailSet] {
			return func(ctx context.Context, emit func(mailSet) error) error {
				live, first := false, true
				return mailsOf(log).Subscribe(ctx, stream.Subscription{Mark: func(m stream.Mark) error {
					live = m.Live
					return sub.Mark(m)
				}}, func(e mailSet) error {
					if live && first && e.Position > 1 { // lost at the seam
						first = false
						return nil
					}
					return emit(e)
				})
			}
		})
	}
	fickle := func(log stream.Log) stream.Observable[stream.ColdHot, mailSet] {
		return operators.Filter(mailsOf(log), func(mailSet) bool { hidden++; return hidden%5 != 0 })
	}
	stuck := func(log stream.Log) stream.Observable[stream.ColdHot, mailSet] {
		return stream.Through(mailsOf(log), func(run stream.Run[mailSet]) stream.Run[mailSet] {
			return func(ctx context.Context, emit func(mailSet) error) error {
				return run(ctx, func(e mailSet) error {
					if e.Data.Email == "c" {
						<-ctx.Done()
						return ctx.Err()
					}
					return emit(e)
				})
			}
		})
	}
	refute(t,
		lie{"an event lost at the seam", func(t *testing.T) { anything(t, count, lossy) }, []string{"not the same", "position 2"}},
		lie{"an event lost at another seam", func(t *testing.T) {
			testkit.ForView(t, count, lossy).Given(set("ann", "a", "b", "c")).Then(3)
		}, []string{"with 0 of 3 events as history, the view is not the same: after position 2"}},
		lie{"a source that is fickle", func(t *testing.T) { anything(t, count, fickle) }, []string{"not the same", "its source does not deliver the same again"}},
		lie{"a source that is stuck", func(t *testing.T) { anything(t, count, stuck) }, []string{"the view has come to rest at position 2 of a log that ends at 3"}},
		lie{"one that gives the same number", func(t *testing.T) {
			anything(t, viewOf(func(s string, e mailSet) string { return s + fmt.Sprint(e.Data.Email, hidden) }), fickle)
		}, []string{"not the same"}},
	)
}

// anything specifies a view about which everything that is asked is true.
func anything[S any](t *testing.T, view *operators.View[mailSet, S], source func(stream.Log) stream.Observable[stream.ColdHot, mailSet]) {
	s := testkit.ForView(t, view, source).Given(set("ann", "a", "b")).When(set("bob", "c"))
	testkit.Answer(s, "anything", func(S) bool { return true }, true)
}
