package testkit_test

import (
	"flag"
	"fmt"
	"sync"
	"testing"

	"github.com/thaw-go/thaw/testkit"
)

// BenchmarkForView is one specification with one Then, all checks included; see
// that a handful of events stays below a millisecond. Up to a few dozen of them
// each is another place at which history is cut.
func BenchmarkForView(b *testing.B) {
	for _, events := range []int{3, 20, 200} {
		b.Run(fmt.Sprintf("events=%d", events), func(b *testing.B) {
			given := make([]testkit.Happening, events-1)
			for i := range given {
				given[i] = set(fmt.Sprintf("user%d", i%7), fmt.Sprintf("%d@example", i))
			}
			live := set("ann", "a")
			b.ReportAllocs()
			passed := inATest(func(t *testing.T) {
				for b.Loop() {
					t.Run("", func(t *testing.T) {
						testkit.Answer(testkit.ForView(t, emailsInUse, mailsOf).Given(given...).When(live), "who has a", ownerOf("a"), "ann")
					})
				}
			})
			if !passed {
				b.Error("the specification fails")
			}
		})
	}
}

// inATest calls a function with the *testing.T that specifications need, and
// reports whether nothing failed. Nothing is printed of a test that passes.
func inATest(f func(t *testing.T)) (passed bool) {
	for name, value := range map[string]string{"test.v": "false", "test.skip": ""} {
		if f := flag.Lookup(name); f != nil {
			was := f.Value.String()
			_ = f.Value.Set(value)
			defer func() { _ = f.Value.Set(was) }()
		}
	}
	var once sync.Once // -count is for the test that this is called by
	test := testing.InternalTest{Name: "specification", F: func(t *testing.T) { once.Do(func() { f(t) }) }}
	return testing.RunTests(func(string, string) (bool, error) { return true, nil }, []testing.InternalTest{test})
}
