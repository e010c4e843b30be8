package property_test

import (
	"errors"
	"flag"
	"fmt"
	"maps"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/thaw-go/thaw/aggregate"
	"github.com/thaw-go/thaw/stream"
	"github.com/thaw-go/thaw/testkit/property"
	"pgregory.net/rapid"
)

// What these tests make fail is not to be kept in files.
func init() {
	if err := flag.Set("rapid.nofailfile", "true"); err != nil {
		panic(err)
	}
}

// A tally counts by name.
type (
	counted struct {
		Name string
		By   int
	}
	count struct {
		Name string
		By   int
	}
	tally struct{ Counts map[string]int }
)

var (
	tallies = stream.NewTopic("tallies", stream.Catalogue[counted]{"COUNTED": counted{}})

	errNothing = errors.New("there is nothing to count")

	counts = rapid.Custom(func(t *rapid.T) count {
		return count{rapid.SampledFrom([]string{"x", "y"}).Draw(t, "name"), rapid.IntRange(0, 5).Draw(t, "by")}
	})
)

func decideTally(s tally, c count) ([]counted, error) {
	if c.By == 0 {
		return nil, errNothing
	}
	return []counted{counted(c)}, nil
}

func evolveTally(s tally, e counted) tally {
	s.Counts = maps.Clone(s.Counts)
	if s.Counts == nil {
		s.Counts = map[string]int{}
	}
	s.Counts[e.Name] += e.By
	return s
}

func TestADeciderThatKeepsEverything(t *testing.T) {
	d := aggregate.New(tallies, decideTally, evolveTally)
	property.Check(t, d, counts)
	property.Check(t, d, counts, func(s tally) error {
		for name, n := range s.Counts {
			if n <= 0 {
				return fmt.Errorf("%s is %d", name, n)
			}
		}
		return nil
	})
	d.Initial = func() tally { return tally{Counts: map[string]int{}} }
	d.Evolve = func(s tally, e counted) tally { // may change what it is given
		s.Counts[e.Name] += e.By
		return s
	}
	property.Check(t, d, counts)
}

// lies are deciders that do not keep what they must, and what is said of them.
var lies = map[string]struct {
	make func() aggregate.Decider[count, counted, tally]
	says string
}{
	"evolve depends on a global": {func() aggregate.Decider[count, counted, tally] {
		calls := 0
		return aggregate.New(tallies, decideTally, func(s tally, e counted) tally {
			calls++
			e.By += calls
			return evolveTally(s, e)
		})
	}, "replayed is not live"},
	"evolve changes a map that all instances share": {func() aggregate.Decider[count, counted, tally] {
		shared := map[string]int{}
		d := aggregate.New(tallies, decideTally, func(s tally, e counted) tally {
			s.Counts[e.Name] += e.By
			return s
		})
		d.Initial = func() tally { return tally{shared} }
		return d
	}, "replayed is not live"},
	"evolve remembers other instances' names": {func() aggregate.Decider[count, counted, tally] {
		shared := map[string]int{}
		d := aggregate.New(tallies, decideTally, func(s tally, e counted) tally {
			s.Counts[e.Name] = e.By
			return s
		})
		d.Initial = func() tally { return tally{shared} }
		return d
	}, "replayed is not live"},
	"evolve panics at a sum": {func() aggregate.Decider[count, counted, tally] {
		return aggregate.New(tallies, decideTally, func(s tally, e counted) tally {
			if s.Counts["x"] > 7 && e.Name == "y" {
				panic("too many")
			}
			return evolveTally(s, e)
		})
	}, "panicked: too many"},
	"decide panics behind some sequence": {func() aggregate.Decider[count, counted, tally] {
		return aggregate.New(tallies, func(s tally, c count) ([]counted, error) {
			if s.Counts["x"] == 3 && s.Counts["y"] > 0 {
				var none []counted
				return none[:1], nil
			}
			return decideTally(s, c)
		}, evolveTally)
	}, "panicked: runtime error"},
	"a refusal changes the state": {func() aggregate.Decider[count, counted, tally] {
		all := map[string]int{}
		d := aggregate.New(tallies, func(s tally, c count) ([]counted, error) {
			if c.By == 0 {
				all["refused"]++
			}
			return decideTally(s, c)
		}, evolveTally)
		d.Initial = func() tally { return tally{maps.Clone(all)} }
		return d
	}, "replayed is not live"},
	"decide changes the state it is given": {func() aggregate.Decider[count, counted, tally] {
		d := aggregate.New(tallies, func(s tally, c count) ([]counted, error) {
			s.Counts["decided"]++
			return decideTally(s, c)
		}, func(s tally, e counted) tally {
			s.Counts[e.Name] += e.By
			return s
		})
		d.Initial = func() tally { return tally{map[string]int{}} }
		return d
	}, "replayed is not live"},
	"decide depends on how often it was called": {func() aggregate.Decider[count, counted, tally] {
		calls := 0
		return aggregate.New(tallies, func(s tally, c count) ([]counted, error) {
			c.By += calls
			calls++
			return decideTally(s, c)
		}, evolveTally)
	}, "Decide decides differently"},
	"decide refuses the second time": {func() aggregate.Decider[count, counted, tally] {
		seen := map[count]bool{}
		return aggregate.New(tallies, func(s tally, c count) ([]counted, error) {
			if seen[c] {
				return nil, errors.New("seen")
			}
			seen[c] = true
			return decideTally(s, c)
		}, evolveTally)
	}, "Decide decides differently"},
	"an event does not survive the codec": {func() aggregate.Decider[count, counted, tally] {
		topic := stream.NewTopicWith("tallies", stream.Catalogue[counted]{"COUNTED": counted{}}, stream.TopicOptions[counted]{Codec: forgetful{}})
		return aggregate.New(topic, decideTally, evolveTally)
	}, "does not come back from the log as it was decided"},
	"an event can not be read": {func() aggregate.Decider[count, counted, tally] {
		topic := stream.NewTopicWith("tallies", stream.Catalogue[counted]{"COUNTED": counted{}}, stream.TopicOptions[counted]{Codec: unreadable{}})
		return aggregate.New(topic, decideTally, evolveTally)
	}, "the command could not be handled"},
}

// forgetful forgets what is more than 4.
type forgetful struct{}

func (forgetful) Marshal(v any) ([]byte, error) {
	if e, ok := v.(counted); ok && e.By > 4 {
		v = counted{Name: e.Name}
	}
	return stream.JSON.Marshal(v)
}

func (forgetful) Unmarshal(data []byte, into any) error { return stream.JSON.Unmarshal(data, into) }

type unreadable struct{ forgetful }

func (unreadable) Unmarshal([]byte, any) error { return errors.New("no") }

// Breaks when: a check is left out of take, or compares with what it shares.
func TestDecidersThatLieAreFound(t *testing.T) {
	for name, c := range lies {
		t.Run(name, func(t *testing.T) {
			r := record(t, func(r rapid.TB) { property.Check(r, c.make(), counts) })
			if !r.failed || !strings.Contains(r.text(), c.says) {
				t.Errorf("got the failure %q, want one that says %q", r.text(), c.says)
			}
			if strings.Contains(r.text(), "panic after") {
				t.Errorf("the check itself panicked: %s", r.text())
			}
		})
	}
}

func TestABrokenInvariantIsFoundAndToldAsAStory(t *testing.T) {
	d := aggregate.New(tallies, decideTally, evolveTally)
	r := record(t, func(r rapid.TB) {
		property.Check(r, d, counts, func(s tally) error {
			if s.Counts["x"] > 4 {
				return errors.New("more than 4 of x")
			}
			return nil
		})
	})
	for _, want := range []string{"an invariant is broken: more than 4 of x\n", "\n  given  ", "\n  when   count{Name:", "\n  then   COUNTED {", "\n  state  tally{"} {
		if !strings.Contains(r.text(), want) {
			t.Errorf("the failure lacks %q:\n%s", want, r.text())
		}
	}
	if n := strings.Count(r.lines[len(r.lines)-1], "COUNTED"); n > 6 {
		t.Errorf("the failure speaks of %d events, want it made smaller:\n%s", n, r.text())
	}
}

func TestACheckOfNothingFails(t *testing.T) {
	for name, check := range map[string]func(rapid.TB){
		"no decider":  func(r rapid.TB) { property.Check(r, aggregate.Decider[count, counted, tally]{}, counts) },
		"no commands": func(r rapid.TB) { property.Check(r, aggregate.New(tallies, decideTally, evolveTally), nil) },
	} {
		t.Run(name, func(t *testing.T) {
			if r := record(t, check); !r.failed {
				t.Error("it passed")
			}
		})
	}
}

func TestHistoriesAreWhatADeciderDecides(t *testing.T) {
	d := aggregate.New(tallies, decideTally, evolveTally)
	long := 0
	rapid.Check(t, func(t *rapid.T) {
		history := property.Histories(d, counts).Draw(t, "history")
		long = max(long, len(history))
		for _, e := range history {
			if e.By == 0 {
				t.Errorf("got %+v, which is refused", e)
			}
		}
	})
	if long < 5 {
		t.Errorf("the longest history has %d events", long)
	}
}

// record runs a test whose failure counts for nothing.
func record(t *testing.T, test func(rapid.TB)) *recorder {
	r := &recorder{name: t.Name()}
	var done sync.WaitGroup
	done.Go(func() { test(r) }) // its own goroutine, as FailNow ends it
	done.Wait()
	return r
}

type recorder struct {
	name   string
	failed bool
	lines  []string
}

func (r *recorder) text() string { return strings.Join(r.lines, "\n") }

func (r *recorder) Helper()      {}
func (r *recorder) Name() string { return r.name }
func (r *recorder) Failed() bool { return r.failed }
func (r *recorder) Fail()        { r.failed = true }
func (r *recorder) FailNow()     { r.Fail(); runtime.Goexit() }
func (r *recorder) SkipNow()     { runtime.Goexit() }
func (r *recorder) Log(args ...any) {
	r.lines = append(r.lines, fmt.Sprint(args...))
}
func (r *recorder) Logf(format string, args ...any) {
	r.lines = append(r.lines, fmt.Sprintf(format, args...))
}
func (r *recorder) Skip(args ...any)                  { r.Log(args...); r.SkipNow() }
func (r *recorder) Skipf(format string, args ...any)  { r.Logf(format, args...); r.SkipNow() }
func (r *recorder) Error(args ...any)                 { r.Log(args...); r.Fail() }
func (r *recorder) Errorf(format string, args ...any) { r.Logf(format, args...); r.Fail() }
func (r *recorder) Fatal(args ...any)                 { r.Log(args...); r.FailNow() }
func (r *recorder) Fatalf(format string, args ...any) { r.Logf(format, args...); r.FailNow() }
