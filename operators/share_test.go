package operators

import (
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/thaw-go/thaw/stream"
)

// everyTick is 1, 2, … n, a second apart, the first after a second.
func everyTick(n int) ints {
	i := 0
	return Defer(func() ints {
		i = 0
		return Map(Repeat(Timer(time.Second), n, 0), func(int) int { i++; return i })
	})
}

// takes runs an observable beginning at a second and being busy so many seconds
// with each item.
func takes(t *testing.T, all *sync.WaitGroup, o stream.Observable[stream.Hot, int], begin, busy float64, want []int, wantErr bool) {
	all.Go(func() {
		time.Sleep(time.Duration(begin * float64(time.Second))) // virtual time: in a bubble
		var got []int
		err := o.Run(t.Context(), func(i int) error {
			got = append(got, i)
			time.Sleep(time.Duration(busy * float64(time.Second))) // virtual time: in a bubble
			return nil
		})
		var full *OverflowError
		if wantErr != (err != nil) || err != nil && !errors.As(err, &full) {
			t.Errorf("from %vs: got %v, want an overflow: %v", begin, err, wantErr)
		}
		same(t, got, want, nil)
	})
}

// Breaks when: the source waits for a slow subscriber whatever full says.
func TestASlowSubscriberHarmsNoOther(t *testing.T) {
	for full, c := range map[Overflow]struct {
		slow  []int
		fails bool
		took  time.Duration
	}{
		Fail:       {[]int{1, 2}, true, 8 * time.Second},
		DropNewest: {[]int{1, 2, 5, 8}, false, 13 * time.Second},
		DropOldest: {[]int{1, 4, 7, 8}, false, 13 * time.Second},
		Block:      {[]int{1, 2, 3, 4, 5, 6, 7, 8}, false, 25 * time.Second},
	} {
		synctest.Test(t, func(t *testing.T) {
			began := time.Now()
			var all sync.WaitGroup
			o := Share(everyTick(8), 1, full)
			takes(t, &all, o, 0, 3.001, c.slow, c.fails)
			takes(t, &all, o, 0.1, 0, []int{1, 2, 3, 4, 5, 6, 7, 8}, false)
			all.Wait()
			if took := time.Since(began).Truncate(time.Second); took != c.took && full != Fail {
				t.Errorf("policy %d took %s, want %s", full, took, c.took)
			}
		})
	}
}

// Breaks when: recent does not look at the time, or handOut not at the count.
func TestReplayGivesTheLateWhatIsRecent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var all sync.WaitGroup
		count, span := Replay(everyTick(5), Recent{Count: 2}, 1, Fail), Replay(everyTick(5), Recent{Count: 9, For: 1500 * time.Millisecond}, 1, Fail)
		for _, o := range []stream.Observable[stream.Hot, int]{count, span} {
			takes(t, &all, o, 0, 0, []int{1, 2, 3, 4, 5}, false)
			takes(t, &all, o, 3.25, 0, []int{2, 3, 4, 5}, false)
		}
		takes(t, &all, count, 60, 0, []int{4, 5}, false)
		takes(t, &all, span, 60, 0, nil, false)
		all.Wait()
	})
}

func TestAPanicOfASharedSourceEndsAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := Share(stream.New[stream.Cold](nil, func(stream.Subscription) stream.Run[int] { panic("boom") }), 1, Fail)
		var all sync.WaitGroup
		for range 2 {
			all.Go(func() {
				var panicked *stream.PanicError
				if err := o.Run(t.Context(), nil); !errors.As(err, &panicked) || panicked.Stage != "Share" {
					t.Errorf("got %v, want a panic in Share", err)
				}
			})
		}
		all.Wait()
	})
}
