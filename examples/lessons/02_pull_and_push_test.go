package lessons

import (
	"slices"
	"testing"

	"github.com/thaw-go/thaw/replay"
	"github.com/thaw-go/thaw/stream"
	"github.com/thaw-go/thaw/stream/memlog"
	"github.com/thaw-go/thaw/testkit"
)

func TestLesson02PullAndPush(t *testing.T) {
	draw(t, "02-pull-and-push", "push: you are told; pull: you ask", func(b *testkit.Board) {
		testkit.Events(b, "notebook", Books, "^ a - b - c", letters)
		testkit.Expect(b, "push", watch(b.Log()), "- a - b - c")
		testkit.Expect(b, "pull", replay.Cold(b.Log(), Books), "- - - - (ab|)").Subscribed("4d ^")
	})
}

func TestLesson02InPlainGo(t *testing.T) {
	log := memlog.New() // a notebook, in memory
	write(t, log, "dune", Lent{To: "Tim"})
	write(t, log, "momo", Lent{To: "Mia"})

	// Pull: the loop asks for one event after another, and stops when it likes.
	var pulled []string
	for e, err := range replay.Cold(log, Books).All(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		pulled = append(pulled, e.Stream.Key)
		if e.Stream.Key == "dune" {
			break
		}
	}

	// Push: the stream calls the function, once for each event.
	var pushed []string
	err := replay.Cold(log, Books).Run(t.Context(), func(e *stream.Event[Event]) error {
		pushed = append(pushed, e.Stream.Key)
		return nil
	})

	if err != nil || !slices.Equal(pulled, []string{"dune"}) || !slices.Equal(pushed, []string{"dune", "momo"}) {
		t.Errorf("pulled %v, pushed %v, error %v", pulled, pushed, err)
	}
}

func TestExercise02AskAgain(t *testing.T) {
	play(t, func(b *testkit.Board) {
		testkit.Events(b, "notebook", Books, "^ a - b - c", letters)
		testkit.Expect(b, "day 2", replay.Cold(b.Log(), Books), "- - (a|)").Subscribed("2d ^")
		testkit.Expect(b, "day 6", replay.Cold(b.Log(), Books), "- - - - - - (abc|)").Subscribed("6d ^")
	})
}
