package testkit_test

import (
	"errors"
	"testing"
	"time"

	"github.com/thaw-go/thaw/operators"
	"github.com/thaw-go/thaw/replay"
	"github.com/thaw-go/thaw/stream"
	"github.com/thaw-go/thaw/testkit"
)

// inUse knows who has which e-mail now.
type inUse struct {
	owner, email map[string]string
}

var emailsInUse = operators.NewView("emails in use",
	func() inUse { return inUse{owner: map[string]string{}, email: map[string]string{}} },
	func(s inUse, e *stream.Event[EmailSet]) inUse {
		user := e.Stream.Key
		if old := s.email[user]; s.owner[old] == user {
			delete(s.owner, old)
		}
		s.email[user], s.owner[e.Data.Email] = e.Data.Email, user
		return s
	})

func mailsOf(log stream.Log) stream.Observable[stream.ColdHot, *stream.Event[EmailSet]] {
	return replay.ColdHot(log, mails)
}

func set(user string, emails ...string) testkit.Happening {
	var events []EmailSet
	for _, email := range emails {
		events = append(events, EmailSet{email})
	}
	return testkit.Happened(mails, user, events...)
}

func ownerOf(email string) func(inUse) string { return func(s inUse) string { return s.owner[email] } }

func TestViewOfHistoryAndLiveEvents(t *testing.T) {
	t.Parallel()
	s := testkit.ForView(t, emailsInUse, mailsOf).
		Given(set("ann", "a")).
		Then(inUse{owner: map[string]string{"a": "ann"}, email: map[string]string{"ann": "a"}}).
		When(set("ann", "b", "c"), set("bob", "a"))
	s = testkit.Answer(s, "who has a", ownerOf("a"), "bob")
	s = testkit.Answer(s, "who has b", ownerOf("b"), "")
	s = testkit.Answers(s, "who has a", ownerOf("a"), "x y z", testkit.Values[string]{"x": "ann", "y": "", "z": "bob"})
	s = testkit.Answers(s, "who has c", ownerOf("c"), "x y -", testkit.Values[string]{"x": "", "y": "ann"})
	s = testkit.Answer(s.AsOf(1), "who has a", ownerOf("a"), "ann")
	s = testkit.Answer(s.AsOf(2), "who has b", ownerOf("b"), "ann")
	s = testkit.Answer(s.AsOfTime(time.Millisecond), "who has c", ownerOf("c"), "ann")
	s = s.AsOf(0).Then(inUse{})
	s = testkit.Answer(s.WhenTime(time.Hour).When(set("bob", "d")), "who has a", ownerOf("a"), "")
	s = testkit.Answer(s.AsOfTime(59*time.Minute), "who has a", ownerOf("a"), "bob")
	s = testkit.Answer(s.WhenCrash(), "who has d", ownerOf("d"), "bob")
	testkit.Answer(s.When(set("eve", "e")), "who has e", ownerOf("e"), "eve")
}

func TestViewOnALogOnDiskThatCrashes(t *testing.T) {
	t.Parallel()
	s := testkit.ForView(t, emailsInUse, mailsOf).On(testkit.OnDisk).
		Given(set("ann", "a"), set("bob", "b")).
		When(set("ann", "c")).
		WhenCrash().
		When(set("bob", "a"))
	s = testkit.Answers(s, "who has a", ownerOf("a"), "x y - z", testkit.Values[string]{"x": "ann", "y": "", "z": "bob"})
	testkit.Answer(s.AsOf(2), "who has b", ownerOf("b"), "bob")
}

var errOdd = errors.New("odd")

// fragile panics over some events.
var fragile = operators.NewView("fragile", func() int { return 0 }, func(n int, e *stream.Event[EmailSet]) int {
	if e.Data.Email == "odd" {
		panic(errOdd)
	}
	return n + 1
})

func TestViewWhoseRunFails(t *testing.T) {
	t.Parallel()
	s := testkit.ForView(t, fragile, mailsOf).Given(set("ann", "a")).Then(1)
	s = s.When(set("ann", "odd")).ThenFails(errOdd)
	var panicked *stream.PanicError
	s = s.ThenFailsAs(&panicked)
	if panicked == nil || panicked.Value != errOdd {
		t.Errorf("got %v, want the panic", panicked)
	}
	s = s.AsOf(1).Then(1).AsOf(2).ThenFails(errOdd)
	testkit.Answers(s, "count", func(n int) int { return n }, "x #", testkit.Values[int]{"x": 1})

	var broken *stream.DecodeError
	testkit.ForView(t, fragile, mailsOf).
		Given(testkit.Stored(stream.ID{Topic: "mails", Key: "ann"}, "EMAIL_SET", 1, "{")).
		ThenFailsAs(&broken)
}
