package lessons

import (
	"errors"

	"github.com/thaw-go/thaw/aggregate"
	"github.com/thaw-go/thaw/stream"
)

// Event is something that has happened to a book.
type Event interface{ event() }

type (
	// Lent says that a reader has taken the book home.
	Lent struct {
		To string // the reader
	}
	// Returned says that the book is back.
	Returned struct{}
	// Reserved says that a reader wants the book next.
	Reserved struct {
		By string // the reader
	}
	// Held says that the book was put aside for a reader.
	Held struct {
		For string // the reader
	}
)

func (Lent) event()     {}
func (Returned) event() {}
func (Reserved) event() {}
func (Held) event()     {}

// Books is the notebook: what has happened to all books, line by line. The names
// are what is stored.
var Books = stream.NewTopic("books", stream.Catalogue[Event]{
	"LENT":     Lent{},
	"RETURNED": Returned{},
	"RESERVED": Reserved{},
	"HELD":     Held{},
})

// Command is something that a book is asked for.
type Command interface{ command() }

type (
	// Lend asks for the book to be lent.
	Lend struct {
		To string // the reader
	}
	// Return asks for the book to be taken back.
	Return struct{}
	// Reserve asks for the book to be kept for a reader once it is back.
	Reserve struct {
		By string // the reader
	}
	// Hold asks for the book to be put aside for a reader.
	Hold struct {
		For string // the reader
	}
)

func (Lend) command()    {}
func (Return) command()  {}
func (Reserve) command() {}
func (Hold) command()    {}

// State is what must be known of one book to decide about a command.
type State struct {
	Reader  string // who has it; empty: it is in the library
	HeldFor string // for whom it was put aside; empty: for nobody
}

// Why a command is refused.
var (
	ErrLent    = errors.New("the book is lent out")
	ErrNotLent = errors.New("the book is not lent out")
	ErrHeld    = errors.New("the book is put aside for another reader")
)

// Book is one book of the library: what it is asked for, and what follows.
var Book = aggregate.New(Books, decide, evolve)

// decide may refuse: nothing has happened yet.
func decide(book State, c Command) ([]Event, error) {
	switch c := c.(type) {
	case Lend:
		if book.Reader != "" {
			return nil, ErrLent
		}
		if book.HeldFor != "" && book.HeldFor != c.To {
			return nil, ErrHeld
		}
		return []Event{Lent(c)}, nil
	case Return:
		if book.Reader == "" {
			return nil, ErrNotLent
		}
		return []Event{Returned(c)}, nil
	case Reserve:
		return []Event{Reserved(c)}, nil
	case Hold:
		if book.Reader != "" {
			return nil, nil // somebody was faster: there is nothing to put aside
		}
		return []Event{Held(c)}, nil
	}
	return nil, errors.New("a book does not know this command")
}

// evolve can not refuse: it has happened.
func evolve(book State, e Event) State {
	switch e := e.(type) {
	case Lent:
		return State{Reader: e.To}
	case Returned:
		return State{}
	case Held:
		book.HeldFor = e.For
	}
	return book
}
