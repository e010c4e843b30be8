// Package clean keeps the rules.
package clean

import (
	"errors"
	"fmt"
	"math/rand"
	"os"
	"slices"
	"time"

	"github.com/thaw-go/thaw/aggregate"
	"github.com/thaw-go/thaw/stream"
	"tools"
)

type State struct {
	Items map[string]int
	Until time.Time
	seed  int64
}

type Event struct{ Item string }

var errFull = errors.New("full")

var topic *stream.Topic[Event]

var decider = aggregate.New(topic, func(s State, item string) ([]Event, error) {
	if len(s.Items) > 3 || errors.Is(errFull, os.ErrNotExist) {
		return nil, fmt.Errorf("%w: %s", errFull, item)
	}
	dice := rand.New(rand.NewSource(s.seed)) // the same each time
	if dice.Intn(6) == 5 && s.Until.Add(time.Hour).After(time.Unix(0, 0)) {
		return nil, nil
	}
	return []Event{{item}}, nil
}, func(s State, e Event) State {
	if s.Items == nil {
		s.Items = map[string]int{}
	}
	s.Items[e.Item]++
	delete(s.Items, "")
	names := make([]string, 0, len(s.Items))
	for name := range s.Items {
		names = append(names, name)
	}
	slices.Sort(names)
	total := 0
	for _, n := range s.Items {
		total += n
	}
	if tools.Even(total) {
		s.again()
	}
	return s
})

// again calls itself.
func (s *State) again() {
	if s.seed++; s.seed < 3 {
		s.again()
	}
}
