package operators

import (
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/thaw-go/thaw/stream"
)

// lasting makes inner observables, one item each after so many tenths of a second.
func lasting(tenths ...time.Duration) func(int) ints {
	return func(i int) ints {
		return Map(Timer(tenths[i-1]*time.Second/10), func(int) int { return 10 * i })
	}
}

// perSecond is a tape whose items come a second apart, each with its mark.
func perSecond(n int) ints {
	return Tap((&tape{n: n}).source(), func(int) { time.Sleep(time.Second) })
}

// Breaks when: merging hands on a mark at once, or with the first inner observable
// that ends.
func TestAMarkComesAfterAllThatItsItemsWereReplacedBy(t *testing.T) {
	cases := map[string]struct {
		of   func(ints) ints
		want []string
	}{
		"through MergeMap": {func(o ints) ints { return MergeMap(o, 0, lasting(100, 5, 25, 45, 6)) },
			[]string{"2.5 item 20", "5.5 item 30", "5.6 item 50", "8.5 item 40", "11.0 item 10", "11.0 mark 5"}},
		"through MergeMap, as far as it may": {func(o ints) ints { return MergeMap(o, 0, lasting(25, 60, 4, 4, 4)) },
			[]string{"3.4 item 30", "3.5 item 10", "3.5 mark 1", "4.4 item 40", "5.4 item 50", "8.0 item 20", "8.0 mark 5"}},
		// The third waits until the second has ended, and so on.
		"through MergeMap of two": {func(o ints) ints { return MergeMap(o, 2, lasting(100, 5, 15, 52, 5)) },
			[]string{"2.5 item 20", "5.0 item 30", "11.0 item 10", "11.0 mark 3", "11.2 item 40", "11.2 mark 4", "12.5 item 50", "12.5 mark 5"}},
		"through ConcatMap": {func(o ints) ints { return ConcatMap(takeTwo(o), lasting(100, 10)) },
			[]string{"11.0 item 10", "11.0 mark 1", "13.0 item 20", "13.0 mark 2"}},
		"through SwitchMap": {func(o ints) ints { return SwitchMap(o, lasting(50, 5, 50, 5, 50)) },
			[]string{"2.5 item 20", "2.5 mark 2", "4.5 item 40", "4.5 mark 4", "10.0 item 50", "10.0 mark 5"}},
		"through ExhaustMap": {func(o ints) ints { return ExhaustMap(o, lasting(15, 1, 15, 1, 15)) },
			[]string{"2.5 item 10", "2.5 mark 2", "4.5 item 30", "4.5 mark 4", "6.5 item 50", "6.5 mark 5"}},
	}
	for claim, c := range cases {
		t.Run(claim, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var got []string
				began := time.Now()
				note := func(what string, n any) error {
					got = append(got, fmt.Sprintf("%.1f %s %v", time.Since(began).Seconds(), what, n))
					return nil
				}
				err := c.of(perSecond(5)).Subscribe(t.Context(), stream.Subscription{
					Mark: func(m stream.Mark) error { return note("mark", m.At) },
				}, func(i int) error { return note("item", i) })
				if diff := cmp.Diff(c.want, got); diff != "" || err != nil {
					t.Errorf("%v (-want +got)\n%s", err, diff)
				}
			})
		})
	}
}

// takeTwo takes the first two items and their marks: it does not stop the source
// before the second one's mark.
func takeTwo(o ints) ints { return TakeWhile(o, func(i int) bool { return i < 3 }) }

// Breaks when: Materialize tells the consumer's own error, or a refusal.
func TestMaterializeTellsOnlyHowTheSourceEnded(t *testing.T) {
	o := Materialize((&tape{n: 2, err: errSource}).source())
	told, err := Collect(t.Context(), o)
	if err != nil || len(told) != 3 || !told[2].Done || told[2].Err != errSource {
		t.Errorf("got %v, %v, want the error told", told, err)
	}
	enough, n := errors.New("enough"), 0
	err = o.Run(t.Context(), func(Notification[int]) error { n++; return enough })
	if err != enough || n != 1 {
		t.Errorf("the consumer got %v after %d notifications, want its own error after one", err, n)
	}
	var refused *stream.NotResumableError
	nothing := func(Notification[int]) error { t.Error("a refusal was told as an item"); return nil }
	err = Materialize(Skip((&tape{n: 2}).source(), 1)).Subscribe(t.Context(), stream.Subscription{Consumer: "c"}, nothing)
	if !errors.As(err, &refused) {
		t.Errorf("got %v, want the refusal of Skip", err)
	}
}

func TestOfSeveralTheLastIsTheGreatestAndTheLeast(t *testing.T) {
	type card struct{ rank, deal int }
	rank := func(a, b card) int { return a.rank - b.rank }
	o := stream.From(card{2, 1}, card{7, 2}, card{2, 3}, card{7, 4}, card{5, 5})
	if got, ok, err := Max(t.Context(), o, rank); got != (card{7, 4}) || !ok || err != nil {
		t.Errorf("Max: got %v, %v, %v", got, ok, err)
	}
	if got, ok, err := Min(t.Context(), o, rank); got != (card{2, 3}) || !ok || err != nil {
		t.Errorf("Min: got %v, %v, %v", got, ok, err)
	}
}
