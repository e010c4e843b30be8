package operators

import (
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/thaw-go/thaw/stream"
)

// taken counts what a source has handed over.
func taken(o ints, n *atomic.Int32) ints { return Tap(o, func(int) { n.Add(1) }) }

// Breaks when: Zip does not pause its sources.
func TestZipKeepsASourceThatIsAheadWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var ahead atomic.Int32
		o := Zip(taken(numbers(1000), &ahead), later(stream.From(1, 2)), total)
		got := 0
		err := o.Run(t.Context(), func(int) error {
			if got++; int(ahead.Load()) > got+1 {
				t.Errorf("at pair %d the source had handed over %d items", got, ahead.Load())
			}
			return nil
		})
		if err != nil || got != 2 {
			t.Errorf("got %d pairs, %v, want 2", got, err)
		}
	})
}

// stamped is an item with its time and the source that it is from.
type stamped struct {
	At     int
	Source string
}

// Breaks when: a later source's item goes before an earlier one's of the same time
// (compare with !After), or filled goes on before all have an item (waiting > 1).
func TestMergeByTimeIsStable(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := stream.From(stamped{1, "a"}, stamped{2, "a"}, stamped{2, "a'"}, stamped{9, "a"})
		b := stream.From(stamped{2, "b"}, stamped{3, "b"})
		c := stream.From[stamped]()
		at := func(i stamped) time.Time { return time.Unix(int64(i.At), 0) }
		want := []stamped{{1, "a"}, {2, "a"}, {2, "a'"}, {2, "b"}, {3, "b"}, {9, "a"}}
		for range 50 {
			got, err := Collect(t.Context(), MergeByTime(at, a, b, c))
			if diff := cmp.Diff(want, got); diff != "" || err != nil {
				t.Fatalf("%v (-want +got)\n%s", err, diff)
			}
		}
	})
}

// Breaks when: a mark is passed while an item waits (leave out hold).
func TestMarksWaitWithWhatAnOperatorHolds(t *testing.T) {
	for claim, c := range map[string]struct {
		of   func(ints) ints
		want []string
	}{
		"Debounce": {func(o ints) ints { return Debounce(o, time.Minute) }, []string{"3", "mark 3"}},
		"Audit":    {func(o ints) ints { return Audit(o, time.Minute) }, []string{"3", "mark 3"}},
		"Throttle at its end": {
			func(o ints) ints { return Throttle(o, time.Minute, Leading|Trailing) }, []string{"1", "mark 1", "3", "mark 3"},
		},
		"Delay": {
			func(o ints) ints { return Delay(o, time.Minute, 9) }, []string{"1", "mark 1", "2", "mark 2", "3", "mark 3"},
		},
		"Buffer by number": {
			func(o ints) ints { return Map(Buffer(o, Batch{Items: 2}), digits) }, []string{"12", "mark 1", "mark 2", "3", "mark 3"},
		},
		"Buffer by time": {
			func(o ints) ints { return Map(Buffer(o, Batch{For: time.Minute}), digits) }, []string{"123", "mark 3"},
		},
	} {
		t.Run(claim, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				got, err := marked(t.Context(), c.of((&tape{n: 3}).source()))
				if diff := cmp.Diff(c.want, got); diff != "" || err != nil {
					t.Errorf("%v (-want +got)\n%s", err, diff)
				}
			})
		})
	}
}

// Breaks when: Delay does not pause its source, or does not resume it.
func TestDelayLetsOnlySoManyItemsBeOnTheirWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var n atomic.Int32
		got, began := 0, time.Now()
		err := Delay(taken(numbers(10), &n), time.Minute, 2).Run(t.Context(), func(int) error {
			if got++; int(n.Load()) > got+1 {
				t.Errorf("at item %d the source had handed over %d", got, n.Load())
			}
			return nil
		})
		if took := time.Since(began); err != nil || got != 10 || took != 5*time.Minute {
			t.Errorf("got %d items in %s, %v, want 10 in 5m", got, took, err)
		}
	})
}

// Breaks when: the time for the next item begins before this one is handled (set
// the timer before emit).
func TestTimeoutDoesNotCountTheConsumersTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		slow := func(int) error { time.Sleep(time.Hour); return nil } // virtual time: in a bubble
		o := Timeout(hourly(stream.From(1, 2)), Patience[int]{First: 2 * time.Hour, Each: 90 * time.Minute})
		if err := o.Run(t.Context(), slow); err != nil {
			t.Errorf("got %v, want no error", err)
		}
		o = Timeout(hourly(stream.From(1, 2)), Patience[int]{First: 2 * time.Hour, Each: time.Minute})
		if err := o.Run(t.Context(), slow); !errors.Is(err, ErrTimeout) {
			t.Errorf("got %v, want %v", err, ErrTimeout)
		}
	})
}
