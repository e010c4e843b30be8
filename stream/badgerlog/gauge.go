package badgerlog

import (
	"sync"
	"time"
)

// gauge is asked for the room on the disk before each commit, and asks the system for
// it now and then: while there was plenty, what can have come since then is far from
// using it up.
type gauge struct {
	floor int64 // below which nothing is appended
	ask   func(dir string) (int64, error)

	mu   sync.Mutex
	free int64
	at   time.Time // when the system was asked
}

const (
	plenty     = 4                      // times the floor, and the floor is large
	leastFloor = 64 << 20               // or else each commit asks
	gaugeEvery = 100 * time.Millisecond // in which nobody fills three times the floor
)

func newGauge(floor int64) *gauge { return &gauge{floor: floor, ask: freeBytes} }

func (g *gauge) read(dir string) (int64, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.floor >= leastFloor && g.free/plenty > g.floor && time.Since(g.at) < gaugeEvery {
		return g.free, nil
	}
	free, err := g.ask(dir)
	if err != nil {
		g.free = 0
		return 0, err
	}
	g.free, g.at = free, time.Now()
	return free, nil
}
