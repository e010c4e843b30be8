package lessons

import (
	"encoding/json"
	"testing"

	"github.com/thaw-go/thaw/operators"
	"github.com/thaw-go/thaw/replay"
	"github.com/thaw-go/thaw/stream"
	"github.com/thaw-go/thaw/testkit"
)

// LentFor is the new shape of the line "lent": it says for how many days.
type LentFor struct {
	To   string
	Days int
}

// withDays turns what was stored in the old shape into the new one. Before there
// were days, every book was lent for 14.
func withDays(old []byte) ([]byte, error) {
	var line struct{ To string }
	if err := json.Unmarshal(old, &line); err != nil {
		return nil, err
	}
	return json.Marshal(LentFor{To: line.To, Days: 14})
}

// newBooks is the same notebook, as the new program reads and writes it.
var newBooks = stream.NewTopicWith("books", stream.Catalogue[any]{
	"LENT":     LentFor{},
	"RETURNED": Returned{},
}, stream.TopicOptions[any]{
	Upcasters: map[string][]stream.Upcaster{"LENT": {withDays}},
})

// newLines are the lines as the new program sees them.
var newLines = testkit.Values[any]{
	"A": LentFor{To: "Tim", Days: 14},
	"C": Returned{},
	"D": LentFor{To: "Mia", Days: 30},
}

func TestLesson11ChangingThePastsShape(t *testing.T) {
	draw(t, "11-schema", "old lines, read in the new shape", func(b *testkit.Board) {
		testkit.Events(b, "old program", Books, "a c ^", letters)
		testkit.Events(b, "new program", newBooks, "^ - d", testkit.Values[*stream.Event[any]]{
			"d": newBooks.Event("dune", LentFor{To: "Mia", Days: 30}),
		})
		testkit.Expect(b, "it reads", operators.Payloads(replay.ColdHot(b.Log(), newBooks)), "(AC~) - D", newLines)
	})
}

// LentAt is a third shape: it says at which desk, too.
type LentAt struct {
	To   string
	Days int
	Desk string
}

// withDesk is the step from the second shape to the third.
func withDesk(old []byte) ([]byte, error) {
	var line LentFor
	if err := json.Unmarshal(old, &line); err != nil {
		return nil, err
	}
	return json.Marshal(LentAt{To: line.To, Days: line.Days, Desk: "main"})
}

func TestExercise11AThirdShape(t *testing.T) {
	third := stream.NewTopicWith("books", stream.Catalogue[any]{"LENT": LentAt{}, "RETURNED": Returned{}}, stream.TopicOptions[any]{
		Upcasters: map[string][]stream.Upcaster{"LENT": {withDays, withDesk}},
	})
	play(t, func(b *testkit.Board) {
		testkit.Events(b, "first program", Books, "a ^", letters)
		testkit.Events(b, "second program", newBooks, "^ d", testkit.Values[*stream.Event[any]]{
			"d": newBooks.Event("dune", LentFor{To: "Mia", Days: 30}),
		})
		testkit.Expect(b, "third reads", operators.Payloads(replay.ColdHot(b.Log(), third)), "(A~) D", testkit.Values[any]{
			"A": LentAt{To: "Tim", Days: 14, Desk: "main"},
			"D": LentAt{To: "Mia", Days: 30, Desk: "main"},
		})
	})
}
