package main

import (
	"errors"
	"time"

	"github.com/thaw-go/thaw/aggregate"
	"github.com/thaw-go/thaw/stream"
)

// PersonRegistered says that somebody may sell and bid.
type PersonRegistered struct {
	Name, City, Email string
	At                time.Time
}

// Register asks for that.
type Register PersonRegistered

// Persons is the combined stream of all persons.
var Persons = stream.NewTopic("persons", stream.Catalogue[PersonRegistered]{"PERSON_REGISTERED": {}})

// ErrRegistered says that a person is registered already.
var ErrRegistered = errors.New("the person is registered already")

// Person decides about one person; its state is whether there is one.
var Person = aggregate.New(Persons,
	func(known bool, c Register) ([]PersonRegistered, error) {
		if known {
			return nil, ErrRegistered
		}
		return []PersonRegistered{PersonRegistered(c)}, nil
	},
	func(bool, PersonRegistered) bool { return true })
