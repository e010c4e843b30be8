package operators

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/thaw-go/thaw/stream"
)

func joinOn(before, after, disorder int) JoinOn[reading, reading, int] {
	read := func(r reading) (int, time.Time) { return r.key, seconds(r.at) }
	s := time.Second
	return JoinOn[reading, reading, int]{Left: read, Right: read,
		Before: time.Duration(before) * s, After: time.Duration(after) * s, OutOfOrder: time.Duration(disorder) * s}
}

func pair(a, b reading) string { return fmt.Sprint(a.n, "+", b.n) }

// TestJoinFindsWhatBelongsTogether compares with all pairs of two random streams
// whose disorder is allowed, so that nothing is too late.
// Breaks when: one end of the interval is not included, or before and after are
// exchanged.
func TestJoinFindsWhatBelongsTogether(t *testing.T) {
	for seed := range uint64(500) {
		synctest.Test(t, func(t *testing.T) {
			random := rand.New(rand.NewPCG(seed, 4))
			left, right := readings(random), readings(random)
			before, after := random.IntN(6)-2, random.IntN(6)
			if before+after < 0 {
				before = 0
			}
			o := Join(stream.From(left...), stream.From(right...), joinOn(before, after, 12), pair)
			got, err := Collect(t.Context(), o)
			if err != nil {
				t.Fatal(err)
			}
			again, err := Collect(t.Context(), o)
			if !slices.Equal(got, again) || err != nil {
				t.Fatalf("seed %d: two runs gave %q and %q, %v", seed, got, again, err)
			}
			var want []string
			for _, a := range left {
				for _, b := range right {
					if d := b.at - a.at; a.key == b.key && d >= -before && d <= after {
						want = append(want, pair(a, b))
					}
				}
			}
			slices.Sort(want)
			slices.Sort(got)
			if diff := gocmp.Diff(want, got); diff != "" {
				t.Fatalf("seed %d: from -%d to %d of %v and %v (-want +got)\n%s", seed, before, after, left, right, diff)
			}
		})
	}
}

// Breaks when: an item is let go as soon as the watermark has reached the last time
// at which another may still belong to it.
func TestJoinHoldsAnItemToTheEndOfItsReach(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		left := stream.From(reading{1, 0, 1}, reading{2, 9, 11})
		right := stream.From(reading{3, 8, 11}, reading{4, 0, 11})
		got, err := Collect(t.Context(), Join(left, right, joinOn(0, 10, 0), pair))
		if !slices.Equal(got, []string{"1+4"}) || err != nil {
			t.Errorf("got %q, %v, want 1+4", got, err)
		}
	})
}

// Breaks when: an item behind the watermark is joined or dropped in silence.
func TestJoinTellsWhatIsTooLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		left := stream.From(reading{1, 0, 10}, reading{3, 0, 13}, reading{2, 0, 5})
		right := stream.From(reading{4, 0, 11}, reading{5, 0, 12})
		on := joinOn(10, 10, 0)
		var late *TooLateError
		if _, err := Collect(t.Context(), Join(left, right, on, pair)); !errors.As(err, &late) || late.Stage != "Join" {
			t.Errorf("got %v, want a TooLateError of Join", err)
		}
		var told []int
		on.TooLeft, on.Meter = func(r reading) { told = append(told, r.n) }, &Meter{}
		got, err := Collect(t.Context(), Join(left, right, on, pair))
		if want := []string{"1+4", "1+5", "3+4", "3+5"}; !slices.Equal(got, want) || err != nil || !slices.Equal(told, []int{2}) || on.Meter.Late() != 1 {
			t.Errorf("got %q, %v, told %v, want %q and 2 told", got, err, told, want)
		}
	})
}

// Breaks when: more is held than may be, or what has to go goes in silence.
func TestJoinHoldsNoMoreThanItMay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		left := stream.From(reading{1, 0, 1}, reading{2, 0, 2}, reading{3, 0, 3})
		on := joinOn(0, 10, 0)
		on.Most = 2
		var full *FullError
		if _, err := Collect(t.Context(), Join(left, stream.From(reading{9, 0, 4}), on, pair)); !errors.As(err, &full) {
			t.Errorf("got %v, want a FullError", err)
		}
		on.Meter = &Meter{}
		got, err := Collect(t.Context(), Join(left, stream.From(reading{9, 0, 4}), on, pair))
		if want := []string{"2+9", "3+9"}; !slices.Equal(got, want) || err != nil || on.Meter.Evicted() != 2 {
			t.Errorf("got %q, %v, %d evicted, want %q and 2", got, err, on.Meter.Evicted(), want)
		}
	})
}

// Breaks when: the first item does not wait, or a view that has ended is asked.
func TestJoinViewWaitsUntilTheViewHasCaughtUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := NewView("sum", func() int { return 0 }, total)
		table := stream.New[stream.ColdHot](nil, func(sub stream.Subscription) stream.Run[int] {
			return func(ctx context.Context, emit func(int) error) error {
				time.Sleep(time.Minute) // virtual time: in a bubble
				if err := emit(100); err != nil {
					return err
				}
				if err := sub.Mark(stream.Mark{Live: true}); err != nil {
					return err
				}
				<-ctx.Done()
				return ctx.Err()
			}
		})
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- v.Run(ctx, table) }() // ended by cancel, waited for below
		add := func(n, sum int) int { return n + sum }
		got, err := Collect(t.Context(), JoinView(stream.From(1, 2), v, add))
		if !slices.Equal(got, []int{101, 102}) || err != nil {
			t.Errorf("got %v, %v, want 101 and 102", got, err)
		}
		cancel()
		<-done
		never := NewView("never", func() int { return 0 }, total)
		if err := never.Run(t.Context(), stream.Observable[stream.ColdHot, int]{}); !errors.Is(err, stream.ErrNoSource) {
			t.Fatal(err)
		}
		if _, err := Collect(t.Context(), JoinView(stream.From(1), never, add)); !errors.Is(err, ErrViewEnded) {
			t.Errorf("got %v, want %v", err, ErrViewEnded)
		}
	})
}
