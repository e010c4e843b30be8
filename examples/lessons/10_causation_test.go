package lessons

import (
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/thaw-go/thaw/aggregate"
	"github.com/thaw-go/thaw/operators"
	"github.com/thaw-go/thaw/replay"
	"github.com/thaw-go/thaw/stream"
	"github.com/thaw-go/thaw/stream/memlog"
	"github.com/thaw-go/thaw/testkit"
	"github.com/thaw-go/thaw/testkit/golden"
	"github.com/thaw-go/thaw/testkit/marble"
)

func TestLesson10Causation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // where days pass in no time
		began := time.Now()
		lines := aWeekAtTheDesk(t, memlog.New())

		c, h := find(lines, "c"), find(lines, "h")
		if h.CausedBy != c.ID {
			t.Error("Dune was put aside, but not because it was returned")
		}
		if h.Correlation != c.Correlation {
			t.Error("Dune was put aside, but in another story than its return")
		}

		golden.Check(t, "10-causation", marble.Trace{Title: "what was written because of what", Tick: day, Names: legend(lines), Lanes: []marble.Lane{
			lane("notebook", began, lines, func(e line) line { return e }),
			lane("because of", began, lines, func(e line) line { return causeOf(lines, e) }),
			lane("Dune is back", began, lines, storyOf(c)),
			lane("Momo is back", began, lines, storyOf(find(lines, "e"))),
		}})
	})
}

// line is a line of the notebook.
type line = *stream.Event[Event]

// causeOf is the line that led to e; nil if e was asked for from outside.
func causeOf(lines []line, e line) line {
	for _, cause := range lines {
		if cause.ID == e.CausedBy {
			return cause
		}
	}
	return nil
}

// storyOf keeps what belongs to the same story as e.
func storyOf(e line) func(line) line {
	return func(other line) line {
		if other.Correlation != e.Correlation {
			return nil
		}
		return other
	}
}

// aWeekAtTheDesk returns the lines of a week. Ada is ill when the books come
// back, so that two stories wait to be told on.
func aWeekAtTheDesk(t *testing.T, log testkit.Log) []line {
	t.Helper()
	desk := aggregate.NewRepository(log, Book)
	ada := func() runner { return reservations.Runner(replay.Hot(log, Books), desk) }
	ask := func(book string, c Command) {
		time.Sleep(day) // a day of virtual time
		if _, err := desk.Execute(t.Context(), book, c); err != nil {
			t.Fatal(err)
		}
	}
	during(t, log, ada(), func() {
		ask("dune", Lend{To: "Tim"})
		ask("momo", Lend{To: "Mia"})
		ask("dune", Reserve{By: "Mia"})
		ask("momo", Reserve{By: "Tim"})
	})
	ask("dune", Return{})
	ask("momo", Return{})
	time.Sleep(day) // a day of virtual time
	during(t, log, ada(), func() {})
	return read(t, log)
}

func read(t *testing.T, log stream.Log) []line {
	t.Helper()
	lines, err := operators.Collect(t.Context(), replay.Cold(log, Books))
	if err != nil {
		t.Fatal(err)
	}
	return lines
}

// letterOf is what the diagrams call a line.
func letterOf(e line) string {
	for letter, known := range letters {
		if known.Stream == e.Stream && known.Data == e.Data {
			return letter
		}
	}
	return "?"
}

func find(lines []line, letter string) line {
	return lines[slices.IndexFunc(lines, func(e line) bool { return letterOf(e) == letter })]
}

// lane shows something of each line, at the time at which the line was written.
func lane(name string, began time.Time, lines []line, show func(line) line) marble.Lane {
	lane := marble.Lane{Name: name}
	for _, e := range lines {
		at := e.Time.Sub(began)
		if shown := show(e); shown != nil {
			lane.Points = append(lane.Points, marble.Point{At: at, Kind: marble.Event, Name: letterOf(shown)})
		}
		lane.End = at + day
	}
	return lane
}

// legend says what the letters stand for.
func legend(lines []line) (names []marble.Name) {
	for _, e := range lines {
		stored, err := Books.Encode(e.Data)
		if err != nil {
			continue // it was read from there
		}
		text := fmt.Sprintf("%s %s %s", e.Stream, e.Type, stored.Data)
		names = append(names, marble.Name{Letter: letterOf(e), Text: text})
	}
	return names
}

func TestExercise10MiaTakesItHome(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := memlog.New()
		lines := aWeekAtTheDesk(t, log)
		c, h := find(lines, "c"), find(lines, "h")

		taken, err := aggregate.NewRepository(log, Book).Handle(t.Context(), aggregate.Command[Command]{
			Key: "dune", Data: Lend{To: "Mia"}, CausedBy: h.Cause(),
		})
		if err != nil {
			t.Fatal(err)
		}
		d := taken.Events[0]
		if d.CausedBy != h.ID {
			t.Error("the cause is not that Dune was put aside")
		}
		if d.Correlation != c.Correlation {
			t.Error("the story is not that of Dune's return")
		}
	})
}
