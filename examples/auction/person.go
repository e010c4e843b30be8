package main

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"strings"
	"time"

	"github.com/thaw-go/thaw/aggregate"
	"github.com/thaw-go/thaw/stream"
)

// Address is what only the house and the post need to know of a person.
type Address struct{ Email, Street string }

// PersonRegistered says that somebody may sell and bid. The address is sealed under
// a key of the person's own: when that is destroyed, the address is unreadable in the
// log, its backups and every view.
type PersonRegistered struct {
	Name, City string
	Address    stream.Sealed[Address]
	EmailMark  string
	At         time.Time
}

// Register asks for that.
type Register struct {
	Person, Name, City string
	Address            Address
	At                 time.Time
}

// Persons is the combined stream of all persons; each is found by their e-mail.
var Persons = stream.NewTopicWith("persons", stream.Catalogue[PersonRegistered]{"PERSON_REGISTERED": {}},
	stream.TopicOptions[PersonRegistered]{Tags: func(e PersonRegistered) []string { return []string{emailTag(e.EmailMark)} }})

// Why a person is not registered.
var (
	ErrRegistered = errors.New("the person is registered already")
	ErrEmailTaken = errors.New("somebody else is registered with this e-mail")
)

// Person decides about one person; its state is whether there is one.
var Person = aggregate.New(Persons,
	func(known bool, c Register) ([]PersonRegistered, error) {
		if known {
			return nil, ErrRegistered
		}
		return []PersonRegistered{{
			Name: c.Name, City: c.City, At: c.At,
			Address:   stream.Seal(subject(c.Person), c.Address),
			EmailMark: emailMark(c.Address.Email),
		}}, nil
	},
	func(bool, PersonRegistered) bool { return true })

// OnePerEmail holds over all persons.
var OnePerEmail = aggregate.NewRule("one person for an e-mail",
	func(_ string, c Register) []string { return []string{emailTag(emailMark(c.Address.Email))} },
	func(taken bool, _ *stream.Event[PersonRegistered]) bool { return true },
	func(taken bool, _ string, _ Register) error {
		if taken {
			return ErrEmailTaken
		}
		return nil
	})

// subject is whose key a person's address is sealed under.
func subject(person string) string { return "person " + person }

// emailMark tells whether two e-mails are the same without saying which they are. A
// house of the real world would mix a secret of its own into it.
func emailMark(email string) string {
	sum := sha256.Sum256([]byte("auction " + strings.ToLower(email)))
	return hex.EncodeToString(sum[:12])
}

func emailTag(mark string) string { return "email " + mark }
