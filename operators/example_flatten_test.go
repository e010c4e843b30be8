package operators_test

import (
	"strings"

	"github.com/thaw-go/thaw/operators"
	"github.com/thaw-go/thaw/stream"
)

// thrice is a letter three times.
func thrice(letter string) stream.Observable[stream.Cold, string] {
	return letters(strings.ReplaceAll("x - x - x |", "x", letter))
}

func ExampleConcatMap() {
	in := lane("in: a - - b - |")
	draw(operators.ConcatMap(in, thrice))
	// Output:
	// in   a - - b - |
	// out  a - a - a b - b - b |
}

func ExampleMergeMap() {
	in := lane("in: a - - b - |")
	draw(operators.MergeMap(in, 2, thrice))
	// Output:
	// in   a - - b - |
	// out  a - a b a b - b |
}

func ExampleSwitchMap() {
	in := lane("in: a - - b - |")
	draw(operators.SwitchMap(in, thrice))
	// Output:
	// in   a - - b - |
	// out  a - a b - b - b |
}

func ExampleExhaustMap() {
	in := lane("in: a - - b - - - c - |")
	draw(operators.ExhaustMap(in, thrice))
	// Output:
	// in   a - - b - - - c - |
	// out  a - a - a - - c - c - c |
}
