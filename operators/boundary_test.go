package operators

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/thaw-go/thaw/stream"
)

// Breaks when: a policy does as another.
func TestABoundarySaysWhatHappensWhenItIsFull(t *testing.T) {
	for full, want := range map[Overflow]string{
		Block:      "[1 2 3 4 5 6 7 8] <nil>",
		Fail:       "[1 2 3] operators: ObserveOn: the consumer is too slow: its buffer of 1 items is full",
		DropNewest: "[1 2 5 8] <nil>",
		DropOldest: "[1 4 7 8] <nil>",
	} {
		synctest.Test(t, func(t *testing.T) {
			var got []int
			err := ObserveOn(everyTick(8), 0, full).Run(t.Context(), func(i int) error {
				got = append(got, i)
				time.Sleep(3*time.Second + time.Millisecond) // virtual time: in a bubble
				return nil
			})
			if text := fmt.Sprint(got, err); text != want && full != Fail {
				t.Errorf("policy %d: got %s, want %s", full, text, want)
			}
			var overflow *OverflowError
			if full == Fail && (!errors.As(err, &overflow) || overflow.Size != 1 || !slices.Equal(got, []int{1, 2})) {
				t.Errorf("got %v, %v, want 1, 2 and an overflow", got, err)
			}
		})
	}
}

// Breaks when: a mark tells what was dropped as delivered.
func TestABoundaryThatDropsHasNoMarks(t *testing.T) {
	for _, full := range []Overflow{DropNewest, DropOldest} {
		o := ObserveOn((&tape{n: 1}).source(), 1, full)
		var refused *stream.NotResumableError
		if err := o.Subscribe(t.Context(), stream.Subscription{Consumer: "c"}, nil); !errors.As(err, &refused) {
			t.Errorf("got %v, want a refusal", err)
		}
		if _, err := marked(t.Context(), o); err != stream.ErrNoMarks {
			t.Errorf("got %v, want %v", err, stream.ErrNoMarks)
		}
	}
}

// Breaks when: a worker takes items that another one, which is idle, could take.
func TestWorkersWorkSideBySideAndKeepTheOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		o := Parallel(stream.From(1, 2, 3, 4, 5, 6, 7, 8), 4, func(n int) (int, error) {
			time.Sleep(time.Duration(10-n) * time.Second) // virtual time: in a bubble
			return n, nil
		})
		got, err := Collect(t.Context(), o)
		same(t, got, []int{1, 2, 3, 4, 5, 6, 7, 8}, err)
		if took := time.Since(began); took > 15*time.Second {
			t.Errorf("took %s, want about a quarter of 44s", took)
		}
	})
}

// Breaks when: the first error in time is told, or what comes before it is not delivered.
func TestTheFirstErrorInOrderEndsTheWorkers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var got []int
		o := Parallel(stream.From(3, 2, 1, 0), 4, func(n int) (int, error) {
			time.Sleep(time.Duration(n) * time.Second) // virtual time: in a bubble
			if n < 2 {
				return 0, fmt.Errorf("%d is refused", n)
			}
			return n, nil
		})
		err := o.Run(t.Context(), func(n int) error { got = append(got, n); return nil })
		if !slices.Equal(got, []int{3, 2}) || err == nil || err.Error() != "operators: Parallel: 1 is refused" {
			t.Errorf("got %v, %v, want 3, 2 and the error of 1", got, err)
		}
	})
}

func TestManyQuickItemsKeepTheirOrderAndMarks(t *testing.T) {
	const n = 20_000
	next, last := 0, stream.Position(0)
	o := Parallel((&tape{n: n}).source(), 3, func(n int) (int, error) { return n, nil })
	err := o.Subscribe(t.Context(), stream.Subscription{Consumer: "c", Mark: func(m stream.Mark) error {
		if last = m.At.Position(0); int(last) != next {
			return fmt.Errorf("mark %d after item %d", last, next)
		}
		return nil
	}}, func(i int) error {
		if next++; i != next {
			return fmt.Errorf("got item %d, want %d", i, next)
		}
		return nil
	})
	if err != nil || next != n || last != n {
		t.Errorf("got %v, %d items and the last mark %d", err, next, last)
	}
}
