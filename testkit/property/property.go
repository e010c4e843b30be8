package property

import (
	"github.com/thaw-go/thaw/aggregate"
	"pgregory.net/rapid"
)

// Check runs random sequences of commands and fails the test, a *testing.T, with
// the smallest one that breaks what every decider keeps or what the invariants
// say about each of its states. Rapid's flags say how many sequences are tried;
// the default is 100.
func Check[C, E, S any](t rapid.TB, d aggregate.Decider[C, E, S], commands *rapid.Generator[C], invariants ...func(S) error) {
	t.Helper()
	if d.Topic == nil || d.Decide == nil || d.Evolve == nil {
		t.Fatalf("the decider needs a Topic, a Decide and an Evolve")
	}
	if commands == nil {
		t.Fatalf("there is no generator of commands")
	}
	steps := rapid.SliceOfN(stepOf(commands), 1, 30)
	rapid.Check(t, func(t *rapid.T) {
		tr := newTrial(t, d, invariants)
		for _, s := range steps.Draw(t, "commands") {
			tr.take(s)
		}
		tr.end()
	})
}

// Histories generates histories of a decider: the events that up to 20 random
// commands lead to, for tests of what reads them. A panic of the decider ends the
// test.
func Histories[C, E, S any](d aggregate.Decider[C, E, S], commands *rapid.Generator[C]) *rapid.Generator[[]E] {
	return rapid.Custom(func(t *rapid.T) []E {
		var history []E
		state := initial(d)
		for _, c := range rapid.SliceOfN(commands, 0, 20).Draw(t, "commands") {
			events, err := d.Decide(state, c)
			if err != nil {
				continue
			}
			for _, e := range events {
				state = d.Evolve(state, e)
			}
			history = append(history, events...)
		}
		return history
	})
}

// step is one command and how it is given.
type step[C any] struct {
	Key     string
	Command C
	Rival   *C   // another command for the instance that is faster
	Again   bool // the command is sent again
}

// keys are the instances.
var keys = []string{"a", "b", "c"}

func stepOf[C any](commands *rapid.Generator[C]) *rapid.Generator[step[C]] {
	return rapid.Custom(func(t *rapid.T) step[C] {
		s := step[C]{Key: rapid.SampledFrom(keys).Draw(t, "key"), Command: commands.Draw(t, "command")}
		if rapid.IntRange(0, 4).Draw(t, "rival") == 4 {
			rival := commands.Draw(t, "rival's command")
			s.Rival = &rival
		}
		s.Again = rapid.Bool().Draw(t, "again")
		return s
	})
}

func initial[C, E, S any](d aggregate.Decider[C, E, S]) S {
	if d.Initial == nil {
		var zero S
		return zero
	}
	return d.Initial()
}
