package main

import (
	"testing"

	"github.com/thaw-go/thaw/testkit"
)

func TestUser(t *testing.T) {
	t.Run("a user's e-mail can be set", func(t *testing.T) {
		testkit.For(t, User).
			Given(NameSet{"Ann"}).
			When(SetEmail{"ann@new.example"}).
			Then(EmailSet{"ann@new.example"})
	})
	t.Run("an e-mail that this user has had before is refused", func(t *testing.T) {
		testkit.For(t, User).
			Given(EmailSet{"ann@old.example"}, EmailSet{"ann@new.example"}).
			When(SetEmail{"ann@old.example"}).
			ThenError(ErrEmailReused)
	})
	t.Run("also in a history from before there was that rule", func(t *testing.T) {
		testkit.For(t, User).
			Given(EmailSet{"a@example"}, EmailSet{"b@example"}, EmailSet{"a@example"}).
			When(SetEmail{"b@example"}).
			ThenError(ErrEmailReused)
	})
}

func TestUserAsATable(t *testing.T) {
	testkit.ForEach(t, User, []testkit.Case[Command, Event, State]{
		{Name: "a name is set", When: SetName{"Ann"}, Then: []Event{NameSet{"Ann"}}},
		{Name: "the same name again changes nothing", Given: []Event{NameSet{"Ann"}}, When: SetName{"Ann"}, Nothing: true},
		{Name: "another name is set", Given: []Event{NameSet{"Ann"}}, When: SetName{"Anna"}, Then: []Event{NameSet{"Anna"}}},
		{Name: "an empty name is refused", When: SetName{}, Error: ErrEmpty},
		{Name: "an empty e-mail is refused", When: SetEmail{}, Error: ErrEmpty},
		{
			Name:  "the state knows every e-mail in order",
			Given: []Event{EmailSet{"a@example"}},
			When:  SetEmail{"b@example"},
			State: &State{Emails: []string{"a@example", "b@example"}},
		},
		{
			Name:  "a history that breaks today's rules still folds",
			Given: []Event{EmailSet{""}, EmailSet{"a@example"}, EmailSet{"a@example"}},
			When:  SetEmail{"b@example"},
			Then:  []Event{EmailSet{"b@example"}},
		},
	})
}
