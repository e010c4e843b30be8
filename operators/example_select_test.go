package operators_test

import (
	"github.com/thaw-go/thaw/operators"
)

func before(limit string) func(string) bool {
	return func(letter string) bool { return letter < limit }
}

func ExampleFilter() {
	in := lane("in: a - b - c - d - |")
	draw(operators.Filter(in, before("c")))
	// Output:
	// in   a - b - c - d - |
	// out  a - b - - - - - |
}

func ExampleIgnoreElements() {
	in := lane("in: a - b - c - d - |")
	draw(operators.IgnoreElements(in))
	// Output:
	// in   a - b - c - d - |
	// out  - - - - - - - - |
}

func ExampleDefaultIfEmpty() {
	in := lane("in: - - |")
	draw(operators.DefaultIfEmpty(in, "x"))
	// Output:
	// in   - - |
	// out  - - (x|)
}

func ExampleTake() {
	in := lane("in: a - b - c - d - |")
	draw(operators.Take(in, 2))
	// Output:
	// in   a - b    - c - d - |
	// out  a - (b|)
}

func ExampleTakeWhile() {
	in := lane("in: a - b - c - a - |")
	draw(operators.TakeWhile(in, before("c")))
	// Output:
	// in   a - b - c - a - |
	// out  a - b - |
}

func ExampleTakeThrough() {
	in := lane("in: a - b - c - a - |")
	draw(operators.TakeThrough(in, before("c")))
	// Output:
	// in   a - b - c    - a - |
	// out  a - b - (c|)
}

func ExampleTakeLast() {
	in := lane("in: a - b - c - d - |")
	draw(operators.TakeLast(in, 2))
	// Output:
	// in   a - b - c - d - |
	// out  - - - - - - - - (cd|)
}

func ExampleTakeUntil() {
	in := lane("in: a - b - c - d - |")
	notifier := lane("notifier: - - - n |")
	draw(operators.TakeUntil(in, notifier))
	// Output:
	// in        a - b - c - d - |
	// notifier  - - - n |
	// out       a - b |
}

func ExampleSkip() {
	in := lane("in: a - b - c - d - |")
	draw(operators.Skip(in, 2))
	// Output:
	// in   a - b - c - d - |
	// out  - - - - c - d - |
}

func ExampleSkipWhile() {
	in := lane("in: a - b - c - a - |")
	draw(operators.SkipWhile(in, before("c")))
	// Output:
	// in   a - b - c - a - |
	// out  - - - - c - a - |
}

func ExampleSkipLast() {
	in := lane("in: a - b - c - d - |")
	draw(operators.SkipLast(in, 2))
	// Output:
	// in   a - b - c - d - |
	// out  - - - - a - b - |
}

func ExampleSkipUntil() {
	in := lane("in: a - b - c - d - |")
	notifier := lane("notifier: - - - n |")
	draw(operators.SkipUntil(in, notifier))
	// Output:
	// in        a - b - c - d - |
	// notifier  - - - n |
	// out       - - - - c - d - |
}

func ExampleDistinct() {
	in := lane("in: a - b - a - c - b - |")
	self := func(letter string) string { return letter }
	draw(operators.Distinct(in, self, operators.Memory{Keys: 1000}))
	// Output:
	// in   a - b - a - c - b - |
	// out  a - b - - - c - - - |
}

func ExampleDistinctUntilChanged() {
	in := lane("in: a - a - b - b - a - |")
	draw(operators.DistinctUntilChanged(in, operators.Equal))
	// Output:
	// in   a - a - b - b - a - |
	// out  a - - - b - - - a - |
}

func ExampleMerge() {
	a := lane("a: a - - a - - |")
	b := lane("b: - b - - b - - - |")
	draw(operators.Merge(a, b))
	// Output:
	// a    a - - a - - |
	// b    - b - - b - - - |
	// out  a b - a b - - - |
}
