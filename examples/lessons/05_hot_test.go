package lessons

import (
	"testing"

	"github.com/thaw-go/thaw/replay"
	"github.com/thaw-go/thaw/testkit"
)

func TestLesson05Hot(t *testing.T) {
	draw(t, "05-hot", "one notebook, three ways to follow it", func(b *testkit.Board) {
		testkit.Events(b, "notebook", Books, "ab ^ - [cd] - e", letters)
		testkit.Expect(b, "cold", replay.Cold(b.Log(), Books), "(ab|)")
		testkit.Expect(b, "cold+hot", replay.ColdHot(b.Log(), Books), "(ab~) - [cd] - e")
		testkit.Expect(b, "hot", replay.Hot(b.Log(), Books), "- - [cd] - e")
	})
}

func TestExercise05GoneForADay(t *testing.T) {
	play(t, func(b *testkit.Board) {
		testkit.Events(b, "notebook", Books, "ab ^ - [cd] - e - f", letters)
		testkit.Expect(b, "bell", replay.Hot(b.Log(), Books), "- - [cd] - - - f").Subscribed("^ - - ! - ^")
	})
}
