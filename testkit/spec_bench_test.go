package testkit_test

import (
	"testing"

	"github.com/thaw-go/thaw/testkit"
)

// BenchmarkGivenWhenThen is one specification from For to Then, with two events
// given and one decided, on a log in memory.
func BenchmarkGivenWhenThen(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		t := &recorder{}
		testkit.For(t, user).
			Given(EmailSet{"ann@old"}, EmailSet{"ann@new"}).
			When(SetEmail{"ann@newer"}).
			Then(EmailSet{"ann@newer"})
		if t.finish(); len(t.messages) > 0 {
			b.Fatal(t.messages)
		}
	}
}
