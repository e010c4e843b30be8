package badgerlog

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

// Breaks when: read goes by an old figure that was not plenty, or for longer.
func TestTheRoomOnTheDiskIsAskedForUnlessThereWasPlenty(t *testing.T) {
	const floor = 256 << 20
	synctest.Test(t, func(t *testing.T) {
		asked, free, fault := 0, int64(1<<40), error(nil)
		g := newGauge(floor)
		g.ask = func(string) (int64, error) { asked++; return free, fault }
		read := func(want int, wantFree int64) {
			t.Helper()
			got, err := g.read("")
			if asked != want || got != wantFree || !errors.Is(err, fault) {
				t.Errorf("asked %d times and got %d, %v; want %d times and %d", asked, got, err, want, wantFree)
			}
		}
		read(1, 1<<40)
		free = 0
		read(1, 1<<40)
		time.Sleep(gaugeEvery) // in virtual time
		read(2, 0)
		read(3, 0)
		free = 4*floor - 1
		read(4, free)
		read(5, free)
		free = 1 << 40
		read(6, free)
		time.Sleep(gaugeEvery) // in virtual time
		fault = errors.New("the disk does not answer")
		read(7, 0)
		read(8, 0)
	})
	t.Run("a small floor is looked at each time", func(t *testing.T) {
		asked := 0
		g := newGauge(1 << 20)
		g.ask = func(string) (int64, error) { asked++; return 1 << 40, nil }
		for range 3 {
			if _, err := g.read(""); err != nil {
				t.Fatal(err)
			}
		}
		if asked != 3 {
			t.Errorf("asked %d times, want 3", asked)
		}
	})
}
