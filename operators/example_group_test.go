package operators_test

import (
	"context"
	"fmt"
	"strings"

	"github.com/thaw-go/thaw/operators"
	"github.com/thaw-go/thaw/stream"
)

// upper makes A and a one key.
func upper(letter string) string { return strings.ToUpper(letter) }

func ExampleScanBy() {
	in := lane("in: a - A - b - a - |")
	keys := operators.Keys[string, string, int]{Of: upper}
	draw(operators.ScanBy(in, keys, 0, func(n int, _ string) int { return n + 1 }))
	// Output:
	// in   a - A - b - a - |
	// out  x - y - z - u - |
	//
	// u  {A 3}
	// x  {A 1}
	// y  {A 2}
	// z  {B 1}
}

func ExampleReduceBy() {
	in := lane("in: a - A - b - a - |")
	keys := operators.Keys[string, string, int]{Of: upper}
	draw(operators.ReduceBy(in, keys, 0, func(n int, _ string) int { return n + 1 }))
	// Output:
	// in   a - A - b - a - |
	// out  - - - - - - - - (xy|)
	//
	// x  {A 3}
	// y  {B 1}
}

func ExampleGroupBy() {
	in := lane("in: a - A - b - a - |")
	draw(operators.GroupBy(in, upper, operators.Groups{}, func(key string, group stream.Observable[stream.Cold, string]) stream.Observable[stream.Cold, string] {
		pairs := operators.Pairwise(group)
		return operators.Map(pairs, func(pair [2]string) string { return fmt.Sprint(key, " ", pair) })
	}))
	// Output:
	// in   a - A - b - a - |
	// out  - - x - - - y - |
	//
	// x  A [a A]
	// y  A [A a]
}

func ExampleWindowCount() {
	in := lane("in: a - b - c - d - e - |")
	draw(operators.WindowCount(in, 2, 2, func(window stream.Observable[stream.Cold, string]) stream.Observable[stream.Cold, []string] {
		return operators.ToSlice(window)
	}))
	// Output:
	// in   a - b - c - d - e - |
	// out  - - x - - - y - - - (z|)
	//
	// x  [a b]
	// y  [c d]
	// z  [e]
}

func ExampleJoinView() {
	prices := operators.NewView("prices", func() map[string]int { return map[string]int{} }, func(m map[string]int, name string) map[string]int {
		m[name] = len(name)
		return m
	})
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- prices.Run(ctx, table("tea", "coffee")) }()
	orders := stream.From("tea", "tea", "coffee")
	priced := operators.JoinView(orders, prices, func(order string, prices map[string]int) string {
		return fmt.Sprint(order, " for ", prices[order])
	})
	for line, err := range priced.All(ctx) {
		fmt.Println(line, err)
	}
	cancel()
	<-done
	// Output:
	// tea for 3 <nil>
	// tea for 3 <nil>
	// coffee for 6 <nil>
}

// table is a source of rows that stays live.
func table(rows ...string) stream.Observable[stream.ColdHot, string] {
	return stream.New[stream.ColdHot](nil, func(sub stream.Subscription) stream.Run[string] {
		return func(ctx context.Context, emit func(string) error) error {
			for _, row := range rows {
				if err := emit(row); err != nil {
					return err
				}
			}
			if err := sub.Mark(stream.Mark{Live: true}); err != nil {
				return err
			}
			<-ctx.Done()
			return ctx.Err()
		}
	})
}
