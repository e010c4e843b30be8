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

type Paid struct{ Amount int }

var payments = stream.NewTopic("payments", stream.Catalogue[Paid]{"PAID": {}})

func newTotals() *operators.View[*stream.Event[Paid], map[string]int] {
	return operators.NewView("totals", func() map[string]int { return map[string]int{} }, func(s map[string]int, e *stream.Event[Paid]) map[string]int {
		s[e.Stream.Key] += e.Data.Amount
		return s
	})
}

func pay(log stream.Store, who string, amounts ...int) {
	for _, amount := range amounts {
		rec, err := payments.Encode(Paid{amount})
		if err == nil {
			_, err = log.Append(context.Background(), stream.ID{Topic: "payments", Key: who}, stream.AnyVersion, rec)
		}
		if err != nil {
			panic(err)
		}
	}
}

// untilCaughtUp runs a view until it has seen what is there.
func untilCaughtUp(v *operators.View[*stream.Event[Paid], map[string]int], log stream.Log) {
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- v.Run(ctx, replay.ColdHot(log, payments)) }()
	if err := v.CaughtUp(ctx); err != nil {
		fmt.Println(err)
	}
	stop()
	<-ended
}

// A view that is started again goes on from the snapshot that its last run kept.
func ExampleView_Keep() {
	log, tables := memlog.New(), memtables.New()
	defer log.Close()
	for range 2 {
		pay(log, "ann", 3, 4)
		totals := newTotals().Keep(operators.Snapshots{Tables: tables, Version: 1})
		untilCaughtUp(totals, log)
		fmt.Println(operators.Ask(totals, func(s map[string]int) int { return s["ann"] }))
	}
	// Output:
	// 7
	// 14
}

// All views as of one position: here, what they were after the third payment.
func ExampleFoldAll() {
	log := memlog.New()
	defer log.Close()
	pay(log, "ann", 3, 4)
	pay(log, "bob", 5, 6)
	count := operators.NewView("count", func() int { return 0 }, func(n int, _ *stream.Event[Paid]) int { return n + 1 })

	var totals map[string]int
	var n int
	at, err := operators.FoldAll(context.Background(), replay.Cold(log, payments, replay.UpTo(stream.At(3))), newTotals().Into(&totals), count.Into(&n))
	fmt.Println(totals, n, "at", at, err)
	// Output: map[ann:7 bob:5] 3 at 3 <nil>
}

// A reader that changes what it was only to read is found out.
func ExampleView_Verify() {
	log := memlog.New()
	defer log.Close()
	pay(log, "ann", 3, 4)
	totals := newTotals().Trail(1)
	untilCaughtUp(totals, log)
	totals.Read(func(s map[string]int) { s["bob"] = 1 }) // it must not

	err := totals.Verify(context.Background(), func(at stream.Cursor) stream.Source[stream.Cold, Paid] {
		return replay.Cold(log, payments, replay.UpTo(at))
	})
	if found, ok := errors.AsType[*operators.VerifyError](err); ok {
		fmt.Println(found.Difference)
	}
	// Output: the state["bob"] is 1 live and missing replayed
}
