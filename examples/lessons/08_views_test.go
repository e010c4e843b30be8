package lessons

import (
	"testing"

	"github.com/thaw-go/thaw/operators"
	"github.com/thaw-go/thaw/replay"
	"github.com/thaw-go/thaw/stream"
	"github.com/thaw-go/thaw/testkit"
)

// countOut counts the books that are out.
func countOut(out int, e *stream.Event[Event]) int {
	switch e.Data.(type) {
	case Lent:
		return out + 1
	case Returned:
		return out - 1
	}
	return out
}

func TestLesson08ViewsAndRebuilds(t *testing.T) {
	numbers := testkit.Values[int]{"N": 0, "O": 1, "T": 2}
	draw(t, "08-views", "how many books are out", func(b *testkit.Board) {
		screen := operators.Scan(replay.ColdHot(b.Log(), Books), 0, countOut)
		testkit.Events(b, "notebook", Books, "ab ^ c - d - e", letters)
		testkit.Expect(b, "screen", screen, "(OT~) O - T - O", numbers)
		testkit.Expect(b, "rebuilt", screen, "6d (OTOTO~)", numbers).Subscribed("6d ^")
	})
}

// booksOut is the view: it can be asked while it runs.
var booksOut = operators.NewView("books out", func() int { return 0 }, countOut)

// everything is where the view gets its events from.
func everything(log stream.Log) stream.Source[stream.ColdHot, Event] {
	return replay.ColdHot(log, Books)
}

func TestLesson08AViewIsAsked(t *testing.T) {
	testkit.ForView(t, booksOut, everything).
		Given(happened("dune", Lent{To: "Tim"})).Then(1).
		When(happened("momo", Lent{To: "Mia"})).Then(2).
		When(happened("momo", Reserved{By: "Tim"})).Then(2).
		When(happened("dune", Returned{})).Then(1)
}

// whoHasWhat is another view: which book is with which reader.
var whoHasWhat = operators.NewView("who has what", func() map[string]string { return map[string]string{} },
	func(readers map[string]string, e *stream.Event[Event]) map[string]string {
		switch happened := e.Data.(type) {
		case Lent:
			readers[e.Stream.Key] = happened.To
		case Returned:
			delete(readers, e.Stream.Key)
		}
		return readers
	})

func TestExercise08WhoHasWhat(t *testing.T) {
	testkit.ForView(t, whoHasWhat, everything).
		Given(happened("dune", Lent{To: "Tim"})).Then(map[string]string{"dune": "Tim"}).
		When(happened("momo", Lent{To: "Mia"})).Then(map[string]string{"dune": "Tim", "momo": "Mia"}).
		When(happened("dune", Returned{})).Then(map[string]string{"momo": "Mia"})
}
