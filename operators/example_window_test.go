package operators_test

import (
	"context"
	"fmt"
	"time"

	"github.com/thaw-go/thaw/operators"
	"github.com/thaw-go/thaw/stream"
)

// sale is something that happened in a shop at a second of a day.
type sale struct {
	shop   string
	second int
	amount int
}

func (s sale) time() time.Time { return time.Unix(int64(s.second), 0) }

func printWindows(o stream.Observable[stream.Cold, operators.Windowed[string, int]]) {
	for w, err := range o.All(context.Background()) {
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Printf("%s %2d to %2d: %d in %d sales, %s\n", w.Key, w.Opened.Unix(), w.Closed.Unix(), w.Value, w.Count, w.Timing)
	}
}

func sum(total int, s sale) int { return total + s.amount }

func ExampleWindow() {
	sales := stream.From(
		sale{"east", 1, 10}, sale{"west", 2, 5}, sale{"east", 9, 1},
		sale{"east", 12, 7}, // the watermark reaches 10: the first windows fire
		sale{"west", 8, 2},  // late, but within the lateness that is allowed
		sale{"west", 16, 3}, // the watermark passes 15: they are let go
		sale{"east", 3, 9},  // too late
	)
	printWindows(operators.Window(sales, operators.Tumbling(10*time.Second), operators.ByTime[sale, string]{
		Key:        func(s sale) string { return s.shop },
		Time:       sale.time,
		OutOfOrder: time.Second,
		Lateness:   5 * time.Second,
		TooLate:    func(s sale) { fmt.Println("too late:", s) },
	}, 0, sum))
	// Output:
	// east  0 to 10: 11 in 2 sales, on time
	// west  0 to 10: 5 in 1 sales, on time
	// west  0 to 10: 7 in 2 sales, late
	// too late: {east 3 9}
	// east 10 to 20: 7 in 1 sales, on time
	// west 10 to 20: 3 in 1 sales, on time
}

func ExampleSession() {
	sales := stream.From(
		sale{"east", 1, 10}, sale{"east", 4, 1},
		sale{"east", 20, 7}, sale{"west", 21, 3},
	)
	printWindows(operators.Session(sales, 5*time.Second, operators.ByTime[sale, string]{
		Key:  func(s sale) string { return s.shop },
		Time: sale.time,
	}, 0, sum, func(a, b int) int { return a + b }))
	// Output:
	// east  1 to  9: 11 in 2 sales, on time
	// east 20 to 25: 7 in 1 sales, on time
	// west 21 to 26: 3 in 1 sales, on time
}

func ExampleJoin() {
	type payment struct {
		shop   string
		second int
	}
	sales := stream.From(sale{"east", 1, 10}, sale{"west", 2, 5}, sale{"east", 30, 7})
	payments := stream.From(payment{"east", 3}, payment{"west", 20}, payment{"east", 31})
	paid := operators.Join(sales, payments, operators.JoinOn[sale, payment, string]{
		Left:  func(s sale) (string, time.Time) { return s.shop, s.time() },
		Right: func(p payment) (string, time.Time) { return p.shop, time.Unix(int64(p.second), 0) },
		After: 10 * time.Second, // a payment is for a sale of the last ten seconds
	}, func(s sale, p payment) string { return fmt.Sprint(s.shop, ": ", s.amount, " paid at ", p.second) })
	for line, err := range paid.All(context.Background()) {
		fmt.Println(line, err)
	}
	// Output:
	// east: 10 paid at 3 <nil>
	// east: 7 paid at 31 <nil>
}
