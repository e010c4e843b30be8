package testkit_test

import (
	"errors"
	"testing"

	"github.com/thaw-go/thaw/aggregate"
	"github.com/thaw-go/thaw/stream"
	"github.com/thaw-go/thaw/testkit"
)

// A seat is taken once, and a guest has one seat.
type (
	SeatTaken struct{ Guest string }
	TakeSeat  struct{ Guest string }
)

var (
	errOccupied  = errors.New("the seat is taken")
	errSeated = errors.New("the guest has a seat")

	seats = stream.NewTopicWith("seats", stream.Catalogue[SeatTaken]{"SEAT_TAKEN": {}},
		stream.TopicOptions[SeatTaken]{Tags: func(e SeatTaken) []string { return []string{"guest " + e.Guest} }})

	seat = aggregate.New(seats, func(taken bool, c TakeSeat) ([]SeatTaken, error) {
		if taken {
			return nil, errOccupied
		}
		return []SeatTaken{SeatTaken(c)}, nil
	}, func(bool, SeatTaken) bool { return true })

	oneSeat = aggregate.NewRule("one seat for each guest",
		func(_ string, c TakeSeat) []string { return []string{"guest " + c.Guest} },
		func(bool, *stream.Event[SeatTaken]) bool { return true },
		func(seated bool, _ string, _ TakeSeat) error {
			if seated {
				return errSeated
			}
			return nil
		})
)

func hall(log stream.MultiStore) *aggregate.Repository[TakeSeat, SeatTaken, bool] {
	return aggregate.NewGuardedRepository(log, seat, aggregate.Options{}, oneSeat)
}

// Breaks when: around does not watch AppendAll, or elsewhere stores nothing.
func TestASpecificationOfRules(t *testing.T) {
	for _, medium := range []testkit.Medium{testkit.InMemory, testkit.OnDisk} {
		elsewhere := testkit.ForGuarded(t, hall).On(medium).GivenElsewhere(testkit.Happened(seats, "2", SeatTaken{"ann"}))
		elsewhere.When(TakeSeat{"ann"}).ThenError(errSeated)
		elsewhere.When(TakeSeat{"bob"}).Then(SeatTaken{"bob"}).When(TakeSeat{"eve"}).ThenError(errOccupied)
		elsewhere.WhenTwice(TakeSeat{"bob"}).Then(SeatTaken{"bob"})
		elsewhere.Meanwhile(SeatTaken{"eve"}).When(TakeSeat{"bob"}).ThenError(errOccupied)
	}
}

func TestASpecificationOfRulesFails(t *testing.T) {
	for claim, test := range map[string]struct {
		specify func(testing.TB)
		want    string
	}{
		"a refusal that does not come": {func(t testing.TB) {
			testkit.ForGuarded(t, hall).When(TakeSeat{"ann"}).ThenError(errSeated)
		}, "want"},
		"a refusal that nobody speaks of": {func(t testing.TB) {
			testkit.ForGuarded(t, hall).GivenElsewhere(testkit.Happened(seats, "2", SeatTaken{"ann"})).When(TakeSeat{"ann"}).Then(SeatTaken{"ann"})
		}, "the command was refused"},
		"elsewhere that is here": {func(t testing.TB) {
			testkit.ForGuarded(t, hall).GivenElsewhere(testkit.Happened(seats, "spec", SeatTaken{"ann"})).When(TakeSeat{"ann"}).ThenError(errOccupied)
		}, "use Given"},
	} {
		t.Run(claim, func(t *testing.T) {
			r := &recorder{TB: t}
			test.specify(r)
			if r.finish(); len(r.messages) == 0 {
				t.Fatal("it passed")
			}
			wantOne(t, r.messages[:1], test.want)
		})
	}
}
