package main

import (
	"errors"

	"github.com/thaw-go/thaw/aggregate"
	"github.com/thaw-go/thaw/stream"
)

// ErrEmailTaken says that another user has or had the e-mail.
var ErrEmailTaken = errors.New("another user has had this e-mail")

// emailTag is what an event is found by that gives somebody an e-mail.
func emailTag(email string) string { return "email " + email }

// tags are what the log finds an event by, beside its user and its type.
func tags(e Event) []string {
	if set, ok := e.(EmailSet); ok && set.Email != "" {
		return []string{emailTag(set.Email)}
	}
	return nil
}

// UniqueEmail holds over all users: who has had an e-mail keeps it for ever. No
// user's own history can say that, so the command depends on every event with the
// e-mail's tag, and takes effect only if no other has come meanwhile.
var UniqueEmail = aggregate.NewRule("unique e-mail",
	func(_ string, c Command) []string {
		if set, ok := c.(SetEmail); ok && set.Email != "" {
			return []string{emailTag(set.Email)}
		}
		return nil
	},
	func(owner string, e *stream.Event[Event]) string {
		if owner == "" {
			return e.Stream.Key
		}
		return owner // of histories from before there was this rule
	},
	func(owner, user string, _ Command) error {
		if owner != "" && owner != user {
			return ErrEmailTaken
		}
		return nil
	})

// NewUsers is the repository of all users.
func NewUsers(log stream.MultiStore) *aggregate.Repository[Command, Event, State] {
	return aggregate.NewGuardedRepository(log, User, aggregate.Options{}, UniqueEmail)
}
