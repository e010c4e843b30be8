package main

import (
	"github.com/thaw-go/thaw/operators"
	"github.com/thaw-go/thaw/stream"
)

// InUse knows which user has which e-mail now.
type InUse struct {
	owner map[string]string // e-mail -> user
	email map[string]string // user -> e-mail
}

// NewEmails is a view over all users that answers "is this e-mail in use?".
func NewEmails() *operators.View[*stream.Event[Event], InUse] {
	return operators.NewView("emails", func() InUse {
		return InUse{owner: map[string]string{}, email: map[string]string{}}
	}, func(s InUse, e *stream.Event[Event]) InUse {
		set, ok := e.Data.(EmailSet)
		if !ok {
			return s
		}
		user := e.Stream.Key
		if old := s.email[user]; s.owner[old] == user {
			delete(s.owner, old)
		}
		s.email[user], s.owner[set.Email] = set.Email, user
		return s
	})
}

// IsInUse asks the view.
func IsInUse(emails *operators.View[*stream.Event[Event], InUse], email string) bool {
	return operators.Ask(emails, func(s InUse) bool { return s.owner[email] != "" })
}
