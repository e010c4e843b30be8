package main

import (
	"github.com/thaw-go/thaw/operators"
	"github.com/thaw-go/thaw/stream"
)

// InUse knows which user has which e-mail now.
type InUse struct {
	users map[string]int    // e-mail -> how many have it: more than one in histories from before UniqueEmail
	email map[string]string // user -> e-mail
}

// NewEmails is a view over all users that answers "is this e-mail in use?".
func NewEmails() *operators.View[*stream.Event[Event], InUse] {
	return operators.NewView("emails", func() InUse {
		return InUse{users: map[string]int{}, email: map[string]string{}}
	}, func(s InUse, e *stream.Event[Event]) InUse {
		set, ok := e.Data.(EmailSet)
		if !ok {
			return s
		}
		user := e.Stream.Key
		if old, ok := s.email[user]; ok {
			if s.users[old]--; s.users[old] == 0 {
				delete(s.users, old)
			}
		}
		s.email[user] = set.Email
		s.users[set.Email]++
		return s
	})
}

// IsInUse asks the view.
func IsInUse(emails *operators.View[*stream.Event[Event], InUse], email string) bool {
	return operators.Ask(emails, func(s InUse) bool { return s.users[email] > 0 })
}
