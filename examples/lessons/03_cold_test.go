package lessons

import (
	"context"
	"testing"

	"github.com/thaw-go/thaw/operators"
	"github.com/thaw-go/thaw/replay"
	"github.com/thaw-go/thaw/stream"
	"github.com/thaw-go/thaw/stream/memlog"
	"github.com/thaw-go/thaw/testkit"
)

func TestLesson03Cold(t *testing.T) {
	draw(t, "03-cold", "cold: all that is written, then it ends", func(b *testkit.Board) {
		testkit.Events(b, "notebook", Books, "ab ^ - c - e", letters)
		testkit.Expect(b, "on day 0", replay.Cold(b.Log(), Books), "(ab|)")
		testkit.Expect(b, "on day 3", replay.Cold(b.Log(), Books), "- - - (abc|)").Subscribed("3d ^")
	})
}

// howOften counts how often books were lent. It can answer because a cold stream
// ends.
func howOften(ctx context.Context, log stream.Log) (int, error) {
	return operators.Count(ctx, replay.Cold(log, stream.Only[Lent](Books)))
}

func TestLesson03AColdStreamCanBeCounted(t *testing.T) {
	log := memlog.New()
	write(t, log, "dune", Lent{To: "Tim"}, Returned{}, Lent{To: "Mia"})
	if n, err := howOften(t.Context(), log); n != 2 || err != nil {
		t.Errorf("lent %d times, error %v; want 2", n, err)
	}
}

func TestExercise03OnTheLastDay(t *testing.T) {
	play(t, func(b *testkit.Board) {
		testkit.Events(b, "notebook", Books, "ab ^ - c - e", letters)
		testkit.Expect(b, "on day 1", replay.Cold(b.Log(), Books), "- (ab|)").Subscribed("1d ^")
		testkit.Expect(b, "on day 5", replay.Cold(b.Log(), Books), "- - - - - (abce|)").Subscribed("5d ^")
	})
}
