package testkit_test

import (
	"testing"

	"github.com/thaw-go/thaw/replay"
	"github.com/thaw-go/thaw/testkit"
)

// BenchmarkMarbles is one diagram with a log and two pipelines, played and
// compared; see that it stays below a millisecond however long it is by the
// clock of the bubble.
func BenchmarkMarbles(b *testing.B) {
	for _, pause := range []string{"1ms", "1d"} {
		b.Run("pause="+pause, func(b *testing.B) {
			b.ReportAllocs()
			passed := inATest(func(t *testing.T) {
				for b.Loop() {
					t.Run("", func(t *testing.T) { diagram(t, pause) })
				}
			})
			if !passed {
				b.Error("the diagram fails")
			}
		})
	}
}

// BenchmarkAThousandMarbles is a thousand diagrams as a package of parallel tests
// has them; see that it stays below a second on two cores.
func BenchmarkAThousandMarbles(b *testing.B) {
	passed := inATest(func(t *testing.T) {
		for b.Loop() {
			t.Run("", func(t *testing.T) {
				for range 1000 {
					t.Run("", func(t *testing.T) {
						t.Parallel()
						diagram(t, "1d")
					})
				}
			})
		}
	})
	if !passed {
		b.Error("a diagram fails")
	}
}

func diagram(t *testing.T, pause string) {
	wait := pause + " "
	testkit.Marbles(t, func(b *testkit.Board) {
		testkit.Events(b, "log", mails, "ab ^ - c "+wait+"[de] - |", letters)
		testkit.Expect(b, "cold+hot", replay.ColdHot(b.Log(), mails), "(ab~) - c "+wait+"[de] - |")
		testkit.Expect(b, "upper", upper(replay.Hot(b.Log(), mails)), "- - C "+wait+"(DE) - |")
	})
}
