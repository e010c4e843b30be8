package lessons

import (
	"context"
	"testing"

	"github.com/thaw-go/thaw/replay"
	"github.com/thaw-go/thaw/stream"
	"github.com/thaw-go/thaw/stream/memlog"
	"github.com/thaw-go/thaw/testkit"
)

func TestLesson12TimeTravel(t *testing.T) {
	draw(t, "12-time-travel", "asked on day 6: how was it on day 2, on day 4?", func(b *testkit.Board) {
		testkit.Events(b, "notebook", Books, "^ a b c - d -", letters)
		day2 := replay.Cold(b.Log(), Books, replay.AsOf(b.Time(2*day)))
		day4 := replay.Cold(b.Log(), Books, replay.AsOf(b.Time(4*day)))
		testkit.Expect(b, "as of day 2", day2, "6d (ab|)").Subscribed("6d ^")
		testkit.Expect(b, "as of day 4", day4, "6d (abc|)").Subscribed("6d ^")
	})
}

// dunesReader asks the view of lesson 8 as of a line of the notebook.
func dunesReader(ctx context.Context, log stream.Log, line stream.Position) (string, error) {
	readers, err := whoHasWhat.Fold(ctx, replay.Cold(log, Books, replay.UpTo(stream.At(line))))
	return readers["dune"], err
}

func TestLesson12WhoHadDune(t *testing.T) {
	log := memlog.New()
	write(t, log, "dune", Lent{To: "Tim"}, Returned{}, Lent{To: "Mia"})
	for i, want := range []string{"", "Tim", "", "Mia"} {
		if got, err := dunesReader(t.Context(), log, stream.Position(i)); got != want || err != nil {
			t.Errorf("as of line %d: %q, error %v; want %q", i, got, err, want)
		}
	}
}

func TestExercise12OnDayFive(t *testing.T) {
	play(t, func(b *testkit.Board) {
		testkit.Events(b, "notebook", Books, "^ a b c - d e", letters)
		day5 := replay.Cold(b.Log(), Books, replay.AsOf(b.Time(5*day)))
		testkit.Expect(b, "as of day 5", day5, "7d (abcd|)").Subscribed("7d ^")
	})
}
