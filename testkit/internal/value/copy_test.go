package value_test

import (
	"testing"
	"time"

	"github.com/thaw-go/thaw/testkit/internal/value"
)

type state struct {
	Names  []string
	owner  map[string][]int
	last   *state
	any    any
	at     time.Time
	hidden [1][]int
}

func newState() *state {
	s := &state{Names: []string{"a"}, owner: map[string][]int{"a": {1}}, any: []int{1}, at: time.Unix(1, 0), hidden: [1][]int{{1}}}
	s.last = s // a cycle
	return s
}

// Breaks when: any kind is left out of copier.deepen, or unexported fields are.
func TestCopySharesNothing(t *testing.T) {
	for name, change := range map[string]func(*state){
		"slice":     func(s *state) { s.Names[0] = "b" },
		"map":       func(s *state) { s.owner["b"] = nil },
		"in a map":  func(s *state) { s.owner["a"][0] = 2 },
		"interface": func(s *state) { s.any.([]int)[0] = 2 },
		"array":     func(s *state) { s.hidden[0][0] = 2 },
		"pointer":   func(s *state) { s.last.at = time.Unix(2, 0) },
	} {
		s := newState()
		c := value.Copy(s).(*state)
		if !value.Equal(s, c) || c.last != c {
			t.Fatalf("%s: got another value: %s", name, value.Difference(s, c))
		}
		change(s)
		if value.Equal(s, c) || !value.Equal(newState(), c) {
			t.Errorf("%s: the copy changed with the value: %s", name, value.Difference(newState(), c))
		}
	}
}

func TestCopyOfWhatIsNoData(t *testing.T) {
	type service struct{ f func() }
	s := &service{func() {}}
	if got := value.Copy(s); got != any(s) {
		t.Errorf("got another pointer to a service, want it shared")
	}
	if got := value.Copy(nil); got != nil {
		t.Errorf("got %v, want nil", got)
	}
	at := time.Now()
	if got := value.Copy(at); !at.Equal(got.(time.Time)) || got.(time.Time).Location() != at.Location() {
		t.Errorf("got %v, want %v", got, at)
	}
}

// Breaks when: Holds compares only the pointers themselves (a field's address),
// or does not follow maps, slices and unexported fields.
func TestHoldsFindsWhatIsKept(t *testing.T) {
	a, b := newState(), newState()
	for name, v := range map[string]any{
		"itself":  b,
		"a field": map[string]*[]string{"x": &b.Names},
		"deep":    struct{ kept []any }{[]any{1, b}},
	} {
		if got := value.Holds(v, []any{a, b, nil, 3}); got[0] || !got[1] || got[2] || got[3] {
			t.Errorf("%s: got %v, want only the second", name, got)
		}
	}
	if got := value.Holds(struct{ s string }{b.Names[0]}, []any{b}); got[0] {
		t.Error("a string is not kept memory of the event itself")
	}
}
