package lessons

import (
	"testing"

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

func TestLesson09AtLeastOnce(t *testing.T) {
	draw(t, "09-at-least-once", "at least once, and effectively once", func(b *testkit.Board) {
		testkit.Events(b, "notebook", Books, "^ h i - - j", letters)
		held := replay.Hot(b.Log(), stream.Only[Held](Books))
		testkit.Expect(b, "letters", held, "- h i - i' j").Subscribed("^ * - % ^")
		testkit.Expect(b, "mailbox", operators.Filter(held, mailbox{}.isNew), "- h i - - j").Subscribed("^ * - % ^")
	})
}

func TestExercise09WithoutACheckpoint(t *testing.T) {
	play(t, func(b *testkit.Board) {
		testkit.Events(b, "notebook", Books, "^ h i - - j", letters)
		held := replay.Hot(b.Log(), stream.Only[Held](Books))
		testkit.Expect(b, "letters", held, "- h i - (h'i') j").Subscribed("(^*) - - % ^")
	})
}
