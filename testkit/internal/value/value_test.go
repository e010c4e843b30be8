package value_test

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/thaw-go/thaw/testkit/internal/value"
)

type point struct{ x, y int }

type node struct {
	Name string
	next *node
}

// ring is a list that ends in itself.
func ring(names ...string) *node {
	first := &node{Name: names[0]}
	last := first
	for _, n := range names[1:] {
		last.next = &node{Name: n}
		last = last.next
	}
	last.next = first
	return first
}

// shy panics when it is compared.
type shy struct{ N int }

func (shy) Equal(shy) bool { panic("do not look at me") }

// rounded is equal if it is nearly so.
type rounded float64

func (r rounded) Equal(other rounded) bool {
	return math.Round(float64(r)) == math.Round(float64(other))
}

type coded struct{ code int }

func (c coded) Error() string { return fmt.Sprintf("code %d", c.code) }

// list is an error that is a slice.
type list []string

func (l list) Error() string { return strings.Join(l, ", ") }

type mute struct{ n int }

func (*mute) Error() string { panic("mute") }

type generic[T any] struct{ V T }

var (
	errLost   = errors.New("lost")
	nan       = math.NaN()
	noon      = time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
	channel   = make(chan int)
	itself    = []any{nil}
	selfMap   = map[string]any{}
	something = func() {}
)

func init() {
	itself[0] = itself
	selfMap["me"] = selfMap
}

// Breaks when: an option is taken out of the list; DeepEqual is asked alone.
func TestEqualAsAPersonWouldExpect(t *testing.T) {
	here := time.Now() // with a monotonic reading
	for _, c := range []struct {
		claim     string
		want, got any
		equal     bool
	}{
		{"unexported fields are compared", point{1, 2}, point{1, 3}, false},
		{"and may be the same", point{1, 2}, point{1, 2}, true},
		{"another type is another value", point{}, struct{ x, y int }{}, false},
		{"numbers of other types are other values", int64(1), 1, false},
		{"NaN is NaN", nan, nan, true},
		{"NaN is NaN inside, too", []float64{nan}, []float64{nan}, true},
		{"NaN is no number", nan, 1.0, false},
		{"nil and empty slices are the same", []int(nil), []int{}, true},
		{"nil and empty maps are the same", map[int]int(nil), map[int]int{}, true},
		{"nil and empty are the same in a field", generic[[]int]{}, generic[[]int]{[]int{}}, true},
		{"a slice of a zero is not empty", []int{}, []int{0}, false},
		{"a time is its instant", noon, noon.In(time.FixedZone("there", 3600)), true},
		{"a monotonic reading does not matter", generic[time.Time]{here}, generic[time.Time]{here.Round(0)}, true},
		{"another instant is another time", noon, noon.Add(1), false},
		{"what pointers point to is compared", &point{1, 2}, &point{1, 2}, true},
		{"and may differ", &point{1, 2}, &point{1, 3}, false},
		{"nil points to nothing", (*point)(nil), &point{}, false},
		{"nothing is nothing", nil, nil, true},
		{"nothing is not a nil pointer", nil, (*point)(nil), false},
		{"rings are compared", ring("a", "b"), ring("a", "b"), true},
		{"and may differ", ring("a", "b"), ring("a", "c"), false},
		{"a slice in itself", itself, itself, true},
		{"maps are compared", map[string]int{"a": 1, "b": 2}, map[string]int{"b": 2, "a": 1}, true},
		{"a key may be missing", map[string]int{"a": 0}, map[string]int{"b": 0}, false},
		{"a key that is NaN is never found", map[float64]int{nan: 1}, map[float64]int{nan: 1}, false},
		{"an error is itself", errLost, errLost, true},
		{"an error that wraps is what it wraps", errLost, fmt.Errorf("read: %w", errLost), true},
		{"also the other way", fmt.Errorf("read: %w", errLost), errLost, true},
		{"errors of the same type and text are the same", errors.New("lost"), errLost, true},
		{"errors of the same type and another text are not", errors.New("found"), errLost, false},
		{"errors of another type are not", coded{1}, errors.New("code 1"), false},
		{"errors in fields are compared as errors", generic[error]{errLost}, generic[error]{errors.New("lost")}, true},
		{"no error is not an error", generic[error]{}, generic[error]{errLost}, false},
		{"an error may be a slice", list{"a"}, list{"a"}, true},
		{"an empty one is a nil one", list{}, list(nil), true},
		{"an error that has no text is different", &mute{1}, &mute{2}, false},
		{"a function is never another", something, something, false},
		{"no function is no function", (func())(nil), (func())(nil), true},
		{"a function in a field", generic[func()]{something}, generic[func()]{something}, false},
		{"a channel is itself", channel, channel, true},
		{"and no other", channel, make(chan int), false},
		{"a type that compares itself decides", rounded(1.1), rounded(0.9), true},
		{"and says no", rounded(1.1), rounded(1.9), false},
		{"a panic means that it differs", shy{1}, shy{2}, false},
		{"the same is the same whatever its method says", shy{1}, shy{1}, true},
	} {
		t.Run(c.claim, func(t *testing.T) {
			for range 2 { // and the other way round
				if got := value.Equal(c.want, c.got); got != c.equal {
					t.Errorf("Equal(%s, %s): got %t", value.Show(c.want), value.Show(c.got), got)
				}
				if diff := value.Difference(c.want, c.got); (diff == "") != c.equal {
					t.Errorf("Difference(%s, %s): got %q", value.Show(c.want), value.Show(c.got), diff)
				}
				if c.equal && value.Hash(c.want) != value.Hash(c.got) {
					t.Errorf("%s and %s are equal and have different hashes", value.Show(c.want), value.Show(c.got))
				}
				c.want, c.got = c.got, c.want
			}
		})
	}
}

func TestDifferenceSaysWhatPanicked(t *testing.T) {
	got := value.Difference(shy{1}, shy{2})
	for _, want := range []string{"comparing them panicked: do not look at me", "- shy{N:1}", "+ shy{N:2}"} {
		if !strings.Contains(got, want) {
			t.Errorf("got %q, want it to contain %q", got, want)
		}
	}
}

// Breaks when: an address is shown; a cycle is followed.
func TestShow(t *testing.T) {
	five := 5
	for _, c := range []struct {
		value any
		want  string
	}{
		{nil, `nil`},
		{point{1, 2}, `point{x:1, y:2}`},
		{&point{1, 2}, `&point{x:1, y:2}`},
		{(*point)(nil), `nil`},
		{&five, `&5`},
		{"a\nb", `"a\nb"`},
		{generic[string]{"x"}, `generic[string]{V:"x"}`},
		{generic[point]{}, `generic[point]{V:point{x:0, y:0}}`},
		{generic[any]{}, `generic[any]{V:nil}`},
		{generic[time.Time]{noon}, `generic[Time]{V:2026-05-01T12:00:00Z}`},
		{struct{ at time.Time }{noon}, `struct{at:2026-05-01T12:00:00Z}`},
		{generic[time.Duration]{5 * time.Millisecond}, `generic[Duration]{V:5ms}`},
		{generic[error]{errLost}, `generic[error]{V:*errorString("lost")}`},
		{[]int{1, 2}, `[]int{1, 2}`},
		{[]int(nil), `[]int(nil)`},
		{[]byte("abc"), `[]byte("abc")`},
		{[]byte{0xff}, `[]byte{255}`},
		{map[string]int{"b": 2, "a": 1}, `map[string]int{"a":1, "b":2}`},
		{map[int]bool{10: true, 9: false}, `map[int]bool{9:false, 10:true}`},
		{ring("a", "b"), `&node{Name:"a", next:&node{Name:"b", next:(itself)}}`},
		{itself, `[]any{(itself)}`},
		{selfMap, `map[string]any{"me":(itself)}`},
		{something, `func()`},
		{channel, `chan int`},
		{&mute{1}, `&mute{n:1}`},
		{[2]bool{true, false}, `[2]bool{true, false}`},
	} {
		if got := value.Show(c.value); got != c.want {
			t.Errorf("got  %s\nwant %s", got, c.want)
		}
	}
	if got := len(value.Show(make([]int, 1_000_000))); got > 11_000 {
		t.Errorf("a million numbers are shown in %d bytes", got)
	}
}
