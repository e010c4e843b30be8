package operators_test

import (
	"time"

	"github.com/thaw-go/thaw/operators"
)

func join(a, b string) string { return a + b }

func ExampleMergeByTime() {
	a := lane("a: a - d - |")
	b := lane("b: - - - b c - |")
	spelled := func(letter string) time.Time { return time.Unix(int64(letter[0]), 0) }
	draw(operators.MergeByTime(spelled, a, b))
	// Output:
	// a    a - d -    |
	// b    - - - b    c - |
	// out  - - - (ab) c - (d|)
}

func ExampleConcat() {
	a := lane("a: a - b - |")
	b := lane("b: c - d - |")
	draw(operators.Concat(a, b))
	// Output:
	// a    a - b - |
	// b    c - d - |
	// out  a - b - c - d - |
}

func ExampleRace() {
	a := lane("a: - - a - b - |")
	b := lane("b: - c - d - |")
	draw(operators.Race(a, b))
	// Output:
	// a    - - a - b - |
	// b    - c - d - |
	// out  - c - d - |
}

func ExampleZip() {
	a := lane("a: a - - - b - c - - |")
	b := lane("b: - e - f - g - - - |")
	draw(operators.Zip(a, b, join))
	// Output:
	// a    a - - - b - c - - |
	// b    - e - f - g - - - |
	// out  - x - - y - z - - |
	//
	// x  ae
	// y  bf
	// z  cg
}

func ExampleCombineLatest() {
	a := lane("a: a - - - b - - |")
	b := lane("b: - - e - - f - |")
	draw(operators.CombineLatest(a, b, join))
	// Output:
	// a    a - - - b - - |
	// b    - - e - - f - |
	// out  - - x - y z - |
	//
	// x  ae
	// y  be
	// z  bf
}

func ExampleWithLatestFrom() {
	in := lane("in: a - b - - - c - |")
	other := lane("other: - e - - f - - - - -")
	draw(operators.WithLatestFrom(in, other, join))
	// Output:
	// in     a - b - - - c - |
	// other  - e - - f - - - - -
	// out    - - x - - - y - |
	//
	// x  be
	// y  cf
}
