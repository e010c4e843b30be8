package main

import (
	"errors"
	"slices"

	"github.com/thaw-go/thaw/aggregate"
	"github.com/thaw-go/thaw/stream"
)

// Event is what happens to a user.
type Event interface{ event() }

// EmailSet and NameSet are the events; they have happened, so nothing may refuse
// them.
type (
	EmailSet struct{ Email string }
	NameSet  struct{ Name string }
)

func (EmailSet) event() {}
func (NameSet) event()  {}

// Users is the combined stream of all users. The names are what is stored.
var Users = stream.NewTopicWith("users", stream.Catalogue[Event]{
	"EMAIL_SET": EmailSet{},
	"NAME_SET":  NameSet{},
}, stream.TopicOptions[Event]{Tags: tags})

// Command is what a user may be asked.
type Command interface{ command() }

// SetEmail and SetName are the commands.
type (
	SetEmail struct{ Email string }
	SetName  struct{ Name string }
)

func (SetEmail) command() {}
func (SetName) command()  {}

// State is what deciding needs to know of a user: its history, folded.
type State struct {
	Name   string
	Emails []string // every one it has had, the present one last
}

var (
	ErrEmailReused = errors.New("cannot reuse a previous e-mail")
	ErrEmpty       = errors.New("a user needs a name and an e-mail that are not empty")
)

// User decides about commands and folds events. Only decide may refuse.
var User = aggregate.New(Users, decide, evolve)

func decide(s State, c Command) ([]Event, error) {
	switch c := c.(type) {
	case SetEmail:
		if c.Email == "" {
			return nil, ErrEmpty
		}
		if slices.Contains(s.Emails, c.Email) {
			return nil, ErrEmailReused
		}
		return []Event{EmailSet(c)}, nil
	case SetName:
		if c.Name == "" {
			return nil, ErrEmpty
		}
		if c.Name == s.Name {
			return nil, nil // nothing to do, and nothing happened
		}
		return []Event{NameSet(c)}, nil
	}
	return nil, errors.New("a user does not know this command")
}

func evolve(s State, e Event) State {
	switch e := e.(type) {
	case EmailSet:
		s.Emails = append(s.Emails, e.Email)
	case NameSet:
		s.Name = e.Name
	}
	return s
}
