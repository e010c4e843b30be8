package operators_test

import (
	"cmp"
	"context"
	"fmt"

	"github.com/thaw-go/thaw/operators"
	"github.com/thaw-go/thaw/stream"
)

func even(n int) bool    { return n%2 == 0 }
func add(sum, n int) int { return sum + n }

type payment struct {
	id     string
	amount int
}

// A chain is written with a name for each stage, one stage a line: what stands
// where is read off the names, and each can be looked at on its own.
func Example() {
	payments := stream.From(payment{"p1", 30}, payment{"p2", 0}, payment{"p1", 30}, payment{"p3", 80}, payment{"p4", 5})

	once := operators.Distinct(payments, func(p payment) string { return p.id }, operators.Memory{Keys: 1000})
	amounts := operators.Map(once, func(p payment) int { return p.amount })
	paid := operators.Filter(amounts, func(amount int) bool { return amount > 0 })
	totals := operators.Scan(paid, 0, add)
	untilFull := operators.TakeThrough(totals, func(total int) bool { return total < 100 })
	lines := operators.Map(untilFull, func(total int) string { return fmt.Sprintf("%d in the jar", total) })

	fmt.Println(operators.Collect(context.Background(), lines))
	// Output: [30 in the jar 110 in the jar] <nil>
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

func ExampleEvery() {
	fmt.Println(operators.Every(context.Background(), stream.From(2, 4), even))
	// Output:
	// true <nil>
}

func ExampleIsEmpty() {
	fmt.Println(operators.IsEmpty(context.Background(), stream.From(1, 2)))
	// Output:
	// false <nil>
}

func ExampleFirst() {
	fmt.Println(operators.First(context.Background(), stream.From(1, 2)))
	// Output:
	// 1 true <nil>
}

func ExampleFind() {
	fmt.Println(operators.Find(context.Background(), stream.From(1, 2, 3), even))
	// Output:
	// 2 true <nil>
}

func ExampleElementAt() {
	fmt.Println(operators.ElementAt(context.Background(), stream.From("a", "b"), 1))
	// Output:
	// b true <nil>
}

func ExampleMax() {
	fmt.Println(operators.Max(context.Background(), stream.From(3, 9, 4), cmp.Compare))
	// Output:
	// 9 true <nil>
}

func ExampleMin() {
	fmt.Println(operators.Min(context.Background(), stream.From(3, 9, 4), cmp.Compare))
	// Output:
	// 3 true <nil>
}
