package lessons

import (
	"context"
	"testing"

	"github.com/thaw-go/thaw/aggregate"
	"github.com/thaw-go/thaw/operators"
	"github.com/thaw-go/thaw/replay"
	"github.com/thaw-go/thaw/stream"
	"github.com/thaw-go/thaw/testkit"
)

// mailbox takes every letter once: it remembers which ones it has had.
type mailbox map[stream.EventID]bool

func (m mailbox) isNew(e *stream.Event[Held]) bool {
	had := m[e.ID]
	m[e.ID] = true
	return !had
}

// held is what the program that sends the letters reads.
func held(log stream.Log) stream.Source[stream.Hot, Held] {
	return replay.Hot(log, stream.Only[Held](Books))
}

func TestLesson09AtLeastOnce(t *testing.T) {
	draw(t, "09-at-least-once", "at least once, and effectively once", func(b *testkit.Board) {
		testkit.Events(b, "notebook", Books, "^ h i - - j", letters)
		testkit.Expect(b, "letters", held(b.Log()), "- h i - i' j").Subscribed("^ * - % ^")
		testkit.Expect(b, "mailbox", operators.Filter(held(b.Log()), mailbox{}.isNew), "- h i - - j").Subscribed("^ * - % ^")
	})
}

func TestLesson09AnAdapterDoesItForYou(t *testing.T) {
	letters := func(stream.Store) aggregate.Adapter[Held] {
		return aggregate.NewAdapter("letters", func(context.Context, *stream.Event[Held]) error {
			return nil // here the letter is sent
		})
	}
	testkit.ForAdapter(t, letters, held).
		Given(happened("dune", Held{For: "Mia"})).
		When(happened("momo", Held{For: "Tim"}), happened("emma", Held{For: "Mia"})).
		Then(happened("momo", Held{For: "Tim"}), happened("emma", Held{For: "Mia"}))
}

func TestExercise09WithoutACheckpoint(t *testing.T) {
	play(t, func(b *testkit.Board) {
		testkit.Events(b, "notebook", Books, "^ h i - - j", letters)
		testkit.Expect(b, "letters", held(b.Log()), "- h i - (h'i') j").Subscribed("(^*) - - % ^")
	})
}
