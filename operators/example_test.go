package operators_test

import (
	"context"
	"fmt"
	"strconv"

	"github.com/thaw-go/thaw/operators"
	"github.com/thaw-go/thaw/stream"
)

func show[T any](o stream.Observable[stream.Cold, T]) {
	fmt.Println(operators.Collect(context.Background(), o))
}

func even(n int) bool    { return n%2 == 0 }
func add(sum, n int) int { return sum + n }

func ExampleMap() {
	show(operators.Map(stream.From(1, 2, 3), func(n int) int { return n * 2 }))
	// Output: [2 4 6] <nil>
}

func ExampleTryMap() {
	show(operators.TryMap(stream.From("1", "x"), strconv.Atoi))
	// Output: [] operators: TryMap: strconv.Atoi: parsing "x": invalid syntax
}

func ExamplePayloads() {
	show(operators.Payloads(stream.From(&stream.Event[string]{Data: "a"}, &stream.Event[string]{Data: "b"})))
	// Output: [a b] <nil>
}

func ExampleConcatMap() {
	show(operators.ConcatMap(stream.From(1, 2), func(n int) stream.Observable[stream.Cold, int] { return stream.From(n, n) }))
	// Output: [1 1 2 2] <nil>
}

func ExampleScan() {
	show(operators.Scan(stream.From(1, 2, 3), 0, add))
	// Output: [1 3 6] <nil>
}

func ExampleTap() {
	show(operators.Tap(stream.From(1, 2), func(n int) { fmt.Println("saw", n) }))
	// Output:
	// saw 1
	// saw 2
	// [1 2] <nil>
}

func ExampleFilter() {
	show(operators.Filter(stream.From(1, 2, 3, 4), even))
	// Output: [2 4] <nil>
}

func ExampleTake() {
	show(operators.Take(stream.From(1, 2, 3), 2))
	// Output: [1 2] <nil>
}

func ExampleTakeWhile() {
	show(operators.TakeWhile(stream.From(1, 2, 3, 1), func(n int) bool { return n < 3 }))
	// Output: [1 2] <nil>
}

func ExampleSkip() {
	show(operators.Skip(stream.From(1, 2, 3), 2))
	// Output: [3] <nil>
}

func ExampleDistinctUntilChanged() {
	show(operators.DistinctUntilChanged(stream.From(1, 1, 2, 1), operators.Equal))
	// Output: [1 2 1] <nil>
}

func ExampleReduce() {
	fmt.Println(operators.Reduce(context.Background(), stream.From(1, 2, 3), 0, add))
	// Output: 6 <nil>
}

func ExampleCollect() {
	fmt.Println(operators.Collect(context.Background(), stream.From(1, 2)))
	// Output: [1 2] <nil>
}

func ExampleLast() {
	fmt.Println(operators.Last(context.Background(), stream.From(1, 2)))
	// Output: 2 true <nil>
}

func ExampleCount() {
	fmt.Println(operators.Count(context.Background(), stream.From("a", "b")))
	// Output: 2 <nil>
}

func ExampleForEach() {
	err := operators.ForEach(context.Background(), stream.From(1, 2), func(n int) error {
		_, err := fmt.Println(n)
		return err
	})
	fmt.Println(err)
	// Output:
	// 1
	// 2
	// <nil>
}

func ExampleView() {
	sum := operators.NewView("sum", func() int { return 0 }, add)
	fmt.Println(sum.Fold(context.Background(), stream.From(1, 2, 3)))
	// Output: 6 <nil>
}
