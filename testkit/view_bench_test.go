package testkit_test

import (
	"fmt"
	"testing"

	"github.com/thaw-go/thaw/testkit"
)

// BenchmarkForView is one specification with one Then, all checks included; see
// that it stays below a millisecond.
func BenchmarkForView(b *testing.B) {
	for _, events := range []int{3, 20, 200} {
		b.Run(fmt.Sprintf("events=%d", events), func(b *testing.B) {
			given := make([]testkit.Happening, events-1)
			for i := range given {
				given[i] = set(fmt.Sprintf("user%d", i%7), fmt.Sprintf("%d@example", i))
			}
			live := set("ann", "a")
			b.ReportAllocs()
			asTest(b, func(t *testing.T) {
				testkit.Answer(testkit.ForView(t, emailsInUse, mailsOf).Given(given...).When(live), "who has a", ownerOf("a"), "ann")
			})
		})
	}
}

// asTest runs a test again and again: a benchmark has no *testing.T to run a
// bubble under.
func asTest(b *testing.B, f func(t *testing.T)) {
	all := func(string, string) (bool, error) { return true, nil }
	if !testing.RunTests(all, []testing.InternalTest{{Name: b.Name(), F: func(t *testing.T) {
		for b.Loop() {
			f(t)
		}
	}}}) {
		b.Fatal("the specification fails")
	}
}
