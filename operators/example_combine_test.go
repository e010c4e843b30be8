package operators_test

import (
	"context"
	"fmt"
	"time"

	"github.com/thaw-go/thaw/operators"
	"github.com/thaw-go/thaw/stream"
)

func joined(a, b string) string { return a + b }

func ExampleConcat() {
	a := lane("a: a - a |")
	b := lane("b: b - b |")
	draw(operators.Concat(a, b))
	// Output:
	// a    a - a |
	// b    b - b |
	// out  a - a b - b |
}

func ExampleRace() {
	a := lane("a: - - a - a |")
	b := lane("b: - b - b - - b |")
	draw(operators.Race(a, b))
	// Output:
	// a    - - a - a |
	// b    - b - b - - b |
	// out  - b - b - - b |
}

func ExampleZip() {
	a := lane("a: a - a - - - |")
	b := lane("b: - b - - - b - |")
	draw(operators.Zip(a, b, joined))
	// Output:
	// a    a - a - - - |
	// b    - b - - - b - |
	// out  - x - - - x |
	//
	// x  ab
}

func ExampleCombineLatest() {
	a := lane("a: a - - - c - - |")
	b := lane("b: - - b - - d - - |")
	draw(operators.CombineLatest(a, b, joined))
	// Output:
	// a    a - - - c - - |
	// b    - - b - - d - - |
	// out  - - x - y z - - |
	//
	// x  ab
	// y  cb
	// z  cd
}

func ExampleWithLatestFrom() {
	in := lane("in: a - - c - e - |")
	other := lane("other: - b - - d - - -")
	draw(operators.WithLatestFrom(in, other, joined))
	// Output:
	// in     a - - c - e - |
	// other  - b - - d - - -
	// out    - - - x - y - |
	//
	// x  cb
	// y  ed
}

// Two ledgers, each in the order of its own time, become one in the order of
// time.
func ExampleMergeByTime() {
	day := func(n int) time.Time { return time.Date(2026, 1, n, 0, 0, 0, 0, time.UTC) }
	at := func(t time.Time) time.Time { return t }
	a, b := stream.From(day(1), day(4), day(5)), stream.From(day(2), day(3), day(6))
	_ = operators.MergeByTime(at, a, b).Run(context.Background(), func(t time.Time) error {
		fmt.Print(t.Day(), " ")
		return nil
	})
	// Output: 1 2 3 4 5 6
}
