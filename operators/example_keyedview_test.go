package operators_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/thaw-go/thaw/operators"
	"github.com/thaw-go/thaw/replay"
	"github.com/thaw-go/thaw/stream"
	"github.com/thaw-go/thaw/stream/memlog"
	"github.com/thaw-go/thaw/stream/memtables"
)

type (
	// Stocked is an event of a product: so many have come, or gone.
	Stocked struct{ Pieces int }
	// Stock is what the view knows of a product.
	Stock struct{ Pieces, Deliveries int }
)

var (
	stocked = stream.NewTopic("stock", stream.Catalogue[Stocked]{"STOCKED": {}})

	stocks = operators.KeyedView[Stocked, Stock]{
		Name: "stocks", Version: 1,
		Reduce: func(_ string, s Stock, e *stream.Event[Stocked]) Stock {
			s.Pieces += e.Data.Pieces
			s.Deliveries++
			return s
		},
		Indexes: map[string]func(string, Stock) []string{
			"state": func(_ string, s Stock) []string {
				if s.Pieces == 0 {
					return []string{"sold out"}
				}
				return []string{"there"}
			},
		},
	}
)

// stock appends an event; programs append through package aggregate.
func stock(log *memlog.Log, product string, pieces int) stream.Cursor {
	rec, err := stocked.Encode(Stocked{pieces})
	if err == nil {
		var stored []stream.Record
		stored, err = log.Append(context.Background(), stream.ID{Topic: "stock", Key: product}, stream.AnyVersion, rec)
		rec = stored[0]
	}
	if err != nil {
		panic(err)
	}
	return rec.Cursor()
}

// A view with a state for each product, kept in a table; on disk with badgertables.
func ExampleKeyedTable() {
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	log, tables := memlog.New(), memtables.New()
	table, err := stocks.On(tables, operators.KeyedOptions{})
	if err != nil {
		fmt.Println(err)
		return
	}
	ended := make(chan error)
	go func() { ended <- table.Run(ctx, replay.ColdHot(log, stocked)) }()

	stock(log, "apple", 3)
	stock(log, "pear", 2)
	mine := stock(log, "pear", -2)
	_ = table.WaitFor(ctx, mine) // reads one's own write

	s, err := table.Snapshot(ctx) // several reads of one moment
	if err != nil {
		fmt.Println(err)
		return
	}
	apple, _, _ := s.Get("apple")
	page, _ := s.Page(operators.KeyedQuery{Index: "state", Equal: "sold out", Limit: 10})
	fmt.Println("at", s.At(), "apple", apple, "sold out", page.States)
	s.Close()

	stop()
	fmt.Println(errors.Is(<-ended, context.Canceled))
	// Output:
	// at 3 apple {3 1} sold out [{pear {0 2}}]
	// true
}

// Blue/green: readers ask whichever version was promoted last. The new one counts
// pieces only, and is promoted once it has caught up.
func ExampleKeyedTable_Promote() {
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	log, tables := memlog.New(), memtables.New()
	stock(log, "apple", 3)

	pieces := operators.KeyedView[Stocked, int]{
		Name: "stocks", Version: 2,
		Reduce: func(_ string, n int, e *stream.Event[Stocked]) int { return n + e.Data.Pieces },
	}
	blue, _ := stocks.On(tables, operators.KeyedOptions{})
	green, err := pieces.On(tables, operators.KeyedOptions{})
	if err != nil {
		fmt.Println(err)
		return
	}
	type reader func(key string) string
	versions := operators.Versions[reader]{
		1: func(key string) string { s, _, _ := blue.Get(ctx, key); return fmt.Sprint("blue: ", s.Pieces) },
		2: func(key string) string { n, _, _ := green.Get(ctx, key); return fmt.Sprint("green: ", n) },
	}
	ask := func() {
		read, err := versions.Active(ctx, tables, "stocks")
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(read("apple"))
	}

	ended := make(chan error, 2)
	go func() { ended <- blue.Run(ctx, replay.ColdHot(log, stocked)) }()
	_ = blue.Promote(ctx) // the first version is promoted, too
	ask()
	go func() { ended <- green.Run(ctx, replay.ColdHot(log, stocked)) }()
	_ = green.Promote(ctx) // waits until it has caught up
	ask()

	stop()
	<-ended
	<-ended
	fmt.Println(blue.Retire(context.Background())) // its table is removed
	// Output:
	// blue: 3
	// green: 3
	// <nil>
}
