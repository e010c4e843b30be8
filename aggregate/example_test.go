package aggregate_test

import (
	"context"
	"fmt"
	"log"

	"github.com/thaw-go/thaw/aggregate"
	"github.com/thaw-go/thaw/replay"
	"github.com/thaw-go/thaw/stream"
	"github.com/thaw-go/thaw/stream/memlog"
)

// An aggregate decides about commands; a repository loads it, stores what it
// decided, and lets a command's ID take effect once.
func Example() {
	ctx := context.Background()
	store := memlog.New()
	accounts := aggregate.NewRepository(store, account)

	id := stream.NewID()
	for range 2 { // the second time it has been done already
		result, err := accounts.Handle(ctx, aggregate.Command[AccountCommand]{ID: id, Key: "ann", Data: Deposit{10}})
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println("balance", result.State, "at version", result.Version)
	}
	_, err := accounts.Execute(ctx, "ann", Withdraw{50})
	fmt.Println(err)
	fmt.Println(store.Close())
	// Output:
	// balance 10 at version 1
	// balance 10 at version 1
	// aggregate: accounts/ann refused aggregate_test.Withdraw: not enough money
	// <nil>
}

// A saga takes events and issues commands. It sees nothing from before it came
// online.
func ExampleSaga() {
	ctx, stop := context.WithCancel(context.Background())
	store := memlog.New()
	accounts, letters := aggregate.NewRepository(store, account), aggregate.NewRepository(store, mailbox)
	deposit := func(amount int) stream.Cursor {
		result, err := accounts.Execute(ctx, "ann", Deposit{amount})
		if err != nil {
			log.Fatal(err)
		}
		return result.Cursor
	}

	deposit(1) // history: the saga must not act on it
	saga := thanks.Runner(replay.Hot(store, accountsTopic), letters)
	ended := make(chan error, 1)
	go func() { ended <- saga.Run(ctx) }()
	if err := saga.Online(ctx); err != nil {
		log.Fatal(err)
	}
	if err := saga.WaitFor(ctx, deposit(20)); err != nil {
		log.Fatal(err)
	}
	for e, err := range replay.Cold(store, lettersTopic).All(ctx) {
		fmt.Println(e.Stream, e.Data.Text, err)
	}
	stop()
	fmt.Println(<-ended)
	// Output:
	// letters/ann thanks 1 for 20 <nil>
	// aggregate: thanks: context canceled
}

// An event adapter has one side effect for each event, with retries. What it can
// not do it parks, and the rest of that stream waits behind it.
func ExampleAdapter() {
	ctx, stop := context.WithCancel(context.Background())
	store := memlog.New()
	accounts := aggregate.NewRepository(store, account)

	printer := aggregate.NewAdapter("printer", func(_ context.Context, e *stream.Event[AccountEvent]) error {
		fmt.Println("printed:", e.Stream, e.Data)
		return nil
	}).Runner(replay.Hot(store, accountsTopic))
	ended := make(chan error, 1)
	go func() { ended <- printer.Run(ctx) }()
	if err := printer.Online(ctx); err != nil {
		log.Fatal(err)
	}
	result, err := accounts.Execute(ctx, "ann", Deposit{20})
	if err != nil {
		log.Fatal(err)
	}
	if err := printer.WaitFor(ctx, result.Cursor); err != nil {
		log.Fatal(err)
	}
	stop()
	fmt.Println(<-ended)
	// Output:
	// printed: accounts/ann {20}
	// aggregate: printer: context canceled
}

// The topics under names that the examples' own variables do not hide.
var accountsTopic, lettersTopic = accounts, letters
