package operators_test

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/thaw-go/thaw/operators"
	"github.com/thaw-go/thaw/stream"
)

func ExampleFromSeq() {
	stock := map[string]int{"a": 3, "b": 5}
	draw(operators.FromSeq(slices.Values(slices.Sorted(maps.Keys(stock)))))
	// Output:
	// out  (ab|)
}

func ExampleFromChan() {
	clicks := make(chan string, 2)
	clicks <- "a"
	clicks <- "b"
	close(clicks)
	draw(operators.FromChan[stream.Hot](clicks))
	// Output:
	// out  (ab|)
}

func ExampleEmpty() {
	draw(operators.Empty[string]())
	// Output:
	// out  |
}

func ExampleNever() {
	in := lane("in: a - - |")
	draw(operators.Merge(in, operators.Never[stream.Cold, string]()))
	// Output:
	// in   a - - |
	// out  a - - -
}

func ExampleThrow() {
	draw(operators.Throw[string](errors.New("no")))
	// Output:
	// out  #
}

func ExampleTimer() {
	draw(operators.Timer(3 * time.Millisecond))
	// Output:
	// out  - - - (x|)
	//
	// x  0
}

func ExampleInterval() {
	ticks := operators.Interval(3 * time.Millisecond)
	draw(operators.Take(ticks, 3))
	// Output:
	// out  - - - x - - y - - (z|)
	//
	// x  0
	// y  1
	// z  2
}

func ExampleDefer() {
	runs := 0
	o := operators.Defer(func() stream.Observable[stream.Cold, string] {
		runs++
		return letters("a - b |")
	})
	draw(operators.ConcatMap(stream.From(1, 2), func(int) stream.Observable[stream.Cold, string] { return o }))
	fmt.Println(runs, "runs")
	// Output:
	// out  a - b a - b |
	// 2 runs
}
