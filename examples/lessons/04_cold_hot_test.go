package lessons

import (
	"testing"

	"github.com/thaw-go/thaw/replay"
	"github.com/thaw-go/thaw/testkit"
)

func TestLesson04ColdHot(t *testing.T) {
	draw(t, "04-cold-hot", "cold+hot: all that is written, then everything new", func(b *testkit.Board) {
		testkit.Events(b, "notebook", Books, "ab ^ - [cd] - e", letters)
		testkit.Expect(b, "screen", replay.ColdHot(b.Log(), Books), "(ab~) - [cd] - e")
		testkit.Expect(b, "second screen", replay.ColdHot(b.Log(), Books), "- - - (ab[cd]~) e").Subscribed("3d ^")
	})
}

func TestExercise04SwitchedOnAtTheEnd(t *testing.T) {
	play(t, func(b *testkit.Board) {
		testkit.Events(b, "notebook", Books, "ab ^ - [cd] - e - f", letters)
		testkit.Expect(b, "third screen", replay.ColdHot(b.Log(), Books), "- - - - - (ab[cd]e~) f").Subscribed("5d ^")
	})
}
