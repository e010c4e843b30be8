package lessons

import (
	"errors"
	"testing"

	"github.com/thaw-go/thaw/aggregate"
	"github.com/thaw-go/thaw/operators"
	"github.com/thaw-go/thaw/replay"
	"github.com/thaw-go/thaw/stream"
	"github.com/thaw-go/thaw/testkit"
)

// states are what a book's history comes to, as the diagram calls them.
var states = testkit.Values[State]{
	"T": {Reader: "Tim"},
	"M": {Reader: "Mia"},
	"S": {}, // on the shelf
}

func TestLesson07EventSourcing(t *testing.T) {
	draw(t, "07-event-sourcing", "one book is what has happened to it", func(b *testkit.Board) {
		testkit.Events(b, "notebook", Books, "^ a b c d e", letters)
		testkit.Expect(b, "Dune's lines", operators.Filter(watch(b.Log()), isDune), "- a - c d -")
		testkit.Expect(b, "Dune", fold(operators.Filter(watch(b.Log()), isDune)), "- T - S M -", states)
		testkit.Expect(b, "loaded", fold(replay.History(b.Log(), Books, "dune")), "6d (TSM|)", states).Subscribed("6d ^")
	})
}

// fold is how a book stands after each of its lines.
func fold[K stream.Kind](lines stream.Source[K, Event]) stream.Observable[K, State] {
	return operators.Scan(operators.Payloads(lines), State{}, evolve)
}

func TestLesson07ABookDecides(t *testing.T) {
	t.Run("a book on the shelf is lent", func(t *testing.T) {
		testkit.For(t, Book).Given(Lent{To: "Tim"}, Returned{}).When(Lend{To: "Mia"}).Then(Lent{To: "Mia"})
	})
	t.Run("a book that is lent out is not lent again", func(t *testing.T) {
		testkit.For(t, Book).Given(Lent{To: "Tim"}).When(Lend{To: "Mia"}).ThenError(ErrLent)
	})
	t.Run("a book that is put aside goes to nobody else", func(t *testing.T) {
		testkit.For(t, Book).Given(Held{For: "Mia"}).When(Lend{To: "Tim"}).ThenError(ErrHeld)
	})
}

var errHasIt = errors.New("the reader has the book already")

// strictBook is a Book with one rule more.
var strictBook = aggregate.New(Books, func(book State, c Command) ([]Event, error) {
	if r, ok := c.(Reserve); ok && r.By == book.Reader {
		return nil, errHasIt
	}
	return decide(book, c)
}, evolve)

func TestExercise07ANewRule(t *testing.T) {
	t.Run("who has the book can not reserve it", func(t *testing.T) {
		testkit.For(t, strictBook).Given(Lent{To: "Tim"}).When(Reserve{By: "Tim"}).ThenError(errHasIt)
	})
	t.Run("others can", func(t *testing.T) {
		testkit.For(t, strictBook).Given(Lent{To: "Tim"}).When(Reserve{By: "Mia"}).Then(Reserved{By: "Mia"})
	})
	t.Run("what was written before the rule stays written", func(t *testing.T) {
		testkit.For(t, strictBook).Given(Lent{To: "Tim"}, Reserved{By: "Tim"}).When(Return{}).Then(Returned{})
	})
}
