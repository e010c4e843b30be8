package main

import (
	"testing"

	"github.com/thaw-go/thaw/replay"
	"github.com/thaw-go/thaw/stream"
	"github.com/thaw-go/thaw/testkit"
)

// allUsers is what the view is run over, here as in the program.
func allUsers(log stream.Log) stream.Observable[stream.ColdHot, *stream.Event[Event]] {
	return replay.ColdHot(log, Users)
}

// used asks the state what IsInUse asks the view.
func used(email string) func(InUse) bool {
	return func(s InUse) bool { return s.users[email] > 0 }
}

var yesAndNo = testkit.Values[bool]{"y": true, "n": false}

func TestEmailsInUse(t *testing.T) {
	ann := func(events ...Event) testkit.Happening { return testkit.Happened(Users, "ann", events...) }
	bob := func(events ...Event) testkit.Happening { return testkit.Happened(Users, "bob", events...) }
	t.Run("an e-mail is in use until its user has another one", func(t *testing.T) {
		s := testkit.ForView(t, NewEmails(), allUsers).
			Given(ann(NameSet{"Ann"}, EmailSet{"old@example"})).
			When(bob(EmailSet{"bob@example"}), ann(NameSet{"Anna"}), ann(EmailSet{"new@example"}))
		testkit.Answers(s, "old@example", used("old@example"), "y - - n", yesAndNo)
		testkit.Answers(s, "new@example", used("new@example"), "n - - y", yesAndNo)
		testkit.Answers(s, "bob@example", used("bob@example"), "n y - -", yesAndNo)
	})
	t.Run("one that two have is in use until neither has it", func(t *testing.T) {
		both := testkit.ForView(t, NewEmails(), allUsers).
			Given(ann(EmailSet{"both@example"}), bob(EmailSet{"both@example"}))
		s := both.When(ann(EmailSet{"ann@example"}), bob(EmailSet{"bob@example"}))
		testkit.Answers(s, "both@example", used("both@example"), "y - n", yesAndNo)
		s = both.When(bob(EmailSet{"bob@example"}), ann(EmailSet{"ann@example"}))
		testkit.Answers(s, "both@example", used("both@example"), "y - n", yesAndNo)
	})
	t.Run("after a crash it is as it was", func(t *testing.T) {
		s := testkit.ForView(t, NewEmails(), allUsers).
			Given(ann(EmailSet{"a@example"})).
			When(ann(EmailSet{"b@example"})).
			WhenCrash()
		testkit.Answers(s, "b@example", used("b@example"), "n y -", yesAndNo)
	})
}
