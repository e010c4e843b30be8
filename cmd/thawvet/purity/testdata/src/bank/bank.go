// Package bank breaks every rule.
package bank

import (
	"bytes"
	"context"
	cryptorand "crypto/rand"
	"fmt"
	"log"
	"math/rand"
	"net/http"
	"os"
	"sort"
	"strings"
	"sync"
	"time"

	"github.com/thaw-go/thaw/aggregate"
	"github.com/thaw-go/thaw/operators"
	"github.com/thaw-go/thaw/stream"
	"third"
	"tools"
)

type (
	State   struct{ N int }
	Event   struct{ N int }
	Command struct{ N int }
)

var (
	topic *stream.Topic[Event]
	count int
	cache = map[int]int{}
	mu    sync.Mutex
	view  *operators.View[Event, State]
	rate  = 7 // never written to
)

var decider = aggregate.New(topic, decide, evolve)

func decide(s State, c Command) ([]Event, error) { // want decide:`calls time.Since`
	if time.Since(time.Time{}) > 0 { // want `Decide of bank.decide calls time.Since: it must depend on its arguments alone`
		return nil, nil
	}
	stamp(s) // want `Decide of bank.decide calls bank.stamp, which calls bank.now, which calls time.Now: it must`
	return []Event{{c.N * rate}}, nil
}

func stamp(s State) int64 { return now() } // want stamp:`calls bank.now, which calls time.Now`

func now() int64 { return time.Now().Unix() } // want now:`calls time.Now`

func evolve(s State, e Event) State { // want evolve:`writes to the variable bank.count`
	count++              // want `Evolve of bank.evolve writes to the variable bank.count`
	cache[e.N] = s.N     // want `writes to the variable bank.cache`
	delete(cache, 1)     // want `writes to the variable bank.cache`
	mu.Lock()            // want `calls sync.Mutex.Lock`
	defer mu.Unlock()    // which says the same
	go stamp(s)          // want `starts a goroutine` `calls bank.stamp`
	tools.Label("")      // want `Evolve of bank.evolve calls tools.Label, which calls third.Stamp, which calls time.Now`
	third.Dice{}.Throw() // want `calls third.Dice.Throw, which calls math/rand/v2.IntN`
	_ = stream.NewID()   // want `calls stream.NewID`
	s.N += e.N
	return s
}

var literal = aggregate.Decider[Command, Event, State]{
	Initial: func() State { return State{rand.Int()} }, // want `Initial of aggregate.Decider calls math/rand.Int`
	Decide: func(s State, c Command) ([]Event, error) {
		fmt.Println(s)                                             // want `calls fmt.Println`
		fmt.Fprintf(os.Stderr, "no")                               // want `calls fmt.Fprintf` `uses os.Stderr`
		log.Print(s)                                               // want `calls log.Print`
		_, _ = http.Get("x")                                       // want `calls net/http.Get`
		_, _ = cryptorand.Read(nil)                                // want `calls crypto/rand.Read`
		println("no")                                              // want `calls println`
		ask(context.Background())                                  // want `gives a context to bank.ask` `calls context.Background`
		n := operators.Ask(view, func(s State) int { return s.N }) // want `calls operators.Ask`
		return []Event{{n}}, nil
	},
	Evolve: again[Event],
}

func ask(context.Context) {}

// again is generic.
func again[E any](s State, e E) State { // want again:`sends on a channel`
	c := make(chan int, 1)
	c <- 1        // want `Evolve of bank.again sends on a channel`
	<-c           // want `receives from a channel`
	for range c { // want `receives from a channel`
	}
	close(c)  // want `closes a channel`
	select {} // want `selects among channels`
}

func sagas() { // want sagas:`calls time.Now`
	seen := 0
	later := func() time.Time { return time.Now() }
	s := aggregate.Saga[Event, State]{
		Name:      "saga",
		Correlate: correlation.of,
		React: func(s State, e *stream.Event[Event]) (State, []aggregate.Effect) {
			seen++ // want `React of aggregate.Saga writes to seen, which all its calls share`
			local := 0
			add := func() { local++ }
			add()
			return s, nil
		},
		Time: func(*stream.Event[Event]) time.Time { return later() }, // want `Time of aggregate.Saga calls bank.later, which calls time.Now`
	}
	s.Expire = func(s State, timer string) (State, []aggregate.Effect) {
		time.Sleep(1) // want `Expire of aggregate.Saga calls time.Sleep`
		return s, nil
	}
	_ = aggregate.Adapter[Event]{Do: func(context.Context, *stream.Event[Event]) error {
		fmt.Println("an adapter is there for that")
		return nil
	}}
}

type correlations struct{}

var correlation correlations

func (correlations) of(e *stream.Event[Event]) string { // want of:`calls os.Getenv`
	return os.Getenv("HOME") // want `Correlate of bank.correlations.of calls os.Getenv`
}

func views(items []Event) { // want views:`gives a context to operators.Reduce`
	operators.NewView("v", func() State { return State{} }, made(1))
	operators.Reduce(context.Background(), items, 0, func(n int, e Event) int {
		return n + int(time.Now().Unix()) // want `Reduce of operators.Reduce calls time.Now`
	})
	operators.Map(items, func(e Event) int64 { return now() }) // no reducer
}

// made makes one.
func made(by int) func(State, Event) State { // want made:`calls math/rand.Intn`
	return func(s State, e Event) State {
		s.N += rand.Intn(by) // want `Reduce of bank.made calls math/rand.Intn`
		return s
	}
}

var options = stream.TopicOptions[Event]{
	Upcasters: map[string][]stream.Upcaster{"A": {up, func(data []byte) ([]byte, error) {
		return append(data, time.Now().String()...), nil // want `an upcaster of stream.Upcaster calls time.Now`
	}}},
	Retired: map[string]stream.Retired{"B": {As: func(r stream.Raw) ([]stream.Raw, error) {
		return nil, os.Remove("x") // want `As of stream.Retired calls os.Remove`
	}}},
	Tags: func(e Event) (tags []string) {
		for k := range cache { // want `depends on the order of a map: it fills tags from it, and does not sort it`
			tags = append(tags, fmt.Sprint(k))
		}
		return tags
	},
}

func up(data []byte) ([]byte, error) { // want up:`calls os.ReadFile`
	_, err := os.ReadFile("x") // want `an upcaster of bank.up calls os.ReadFile`
	return data, err
}

// clocks may be handed on.
var clocks = aggregate.Decider[Command, Event, State]{
	Evolve: func(s State, e Event) State {
		f := time.Now // want `uses time.Now`
		_ = f
		text := ""
		for k := range cache { // want `depends on the order of a map: it fills text`
			text += fmt.Sprint(k)
		}
		keys := []int{}
		for k := range cache {
			keys = append(keys, k)
		}
		sort.Ints(keys)
		var b strings.Builder
		fmt.Fprintf(&b, "%d", s.N)
		var buf bytes.Buffer
		fmt.Fprintln(&buf, "in memory")
		if tools.Even(e.N) {
			panic("a panic is no side effect")
		}
		return s
	},
}

var keyed = operators.KeyedView[Event, State]{
	Keys:   func(Event) []string { return os.Args },                              // want `Keys of operators.KeyedView uses os.Args`
	Reduce: func(_ string, s State, _ Event) State { return evolve(s, Event{}) }, // want `Reduce of operators.KeyedView calls bank.evolve, which writes to the variable bank.count`
	Indexes: map[string]func(string, State) []string{
		"by day": func(string, State) []string { return []string{time.Now().Weekday().String()} }, // want `Indexes of operators.KeyedView calls time.Now`
	},
}
