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

// A trip is booked in steps. If it is called off, or not paid an hour after it was
// booked, in event time, the steps are undone, the last one first, and the saga is done
// with it.
var trip = aggregate.Saga[AccountEvent, struct{}]{
	Name: "trip", Time: minuteOf,
	Correlate: func(e *stream.Event[AccountEvent]) string { return e.Stream.Key },
	Starts:    func(e *stream.Event[AccountEvent]) bool { return e.Version == 1 },
	React: func(s struct{}, e *stream.Event[AccountEvent]) (struct{}, []aggregate.Effect) {
		if e.Version > 1 { // paid
			return s, []aggregate.Effect{journal.Send("desk", Entry{"paid"}), aggregate.Done()}
		}
		return s, []aggregate.Effect{
			journal.Send("desk", Entry{"book a seat"}), aggregate.Did("seat"),
			journal.Send("desk", Entry{"book a room"}), aggregate.Did("room"),
			aggregate.After(60*minute, "unpaid"),
		}
	},
	Expire: func(s struct{}, _ string) (struct{}, []aggregate.Effect) {
		return s, []aggregate.Effect{aggregate.Compensate(), aggregate.Done()}
	},
	Undo: func(s struct{}, step string) (struct{}, []aggregate.Effect) {
		return s, []aggregate.Effect{journal.Send("desk", Entry{"give the " + step + " back"})}
	},
}

func ExampleCompensate() {
	ctx, stop := context.WithCancel(context.Background())
	store := memlog.New()
	trips := aggregate.NewRepository(store, account)
	runner := trip.Runner(replay.Hot(store, accountsTopic), aggregate.NewRepository(store, journal))
	ended := make(chan error, 1)
	go func() { ended <- runner.Run(ctx) }()
	if err := runner.Online(ctx); err != nil {
		log.Fatal(err)
	}
	for _, happens := range []struct {
		trip   string
		minute int
	}{{"rome", 1}, {"oslo", 30}, {"oslo", 45}, {"later", 61}, {"rome", 62}} {
		result, err := trips.Execute(ctx, happens.trip, Deposit{happens.minute})
		if err != nil {
			log.Fatal(err)
		}
		if err := runner.WaitFor(ctx, result.Cursor); err != nil {
			log.Fatal(err)
		}
		fmt.Println(happens.minute, happens.trip)
		for e, err := range replay.Cold(store, entriesTopic).All(ctx) {
			if err != nil {
				log.Fatal(err)
			}
			if e.Position > result.Cursor.Position(0) {
				fmt.Println("  ", e.Data.Text)
			}
		}
	}
	stop()
	fmt.Println(<-ended)
	// Output:
	// 1 rome
	//    book a seat
	//    book a room
	// 30 oslo
	//    book a seat
	//    book a room
	// 45 oslo
	//    paid
	// 61 later
	//    give the room back
	//    give the seat back
	//    book a seat
	//    book a room
	// 62 rome
	// aggregate: trip: context canceled
}

// A command whose handler fails parks its instance; the instance waits until the
// handler works again, and others go on.
func ExampleSagaRunner_Retry() {
	ctx, stop := context.WithCancel(context.Background())
	store := memlog.New()
	accounts := aggregate.NewRepository(store, account)
	down := true
	printer := aggregate.HandleFunc("letters", func(_ context.Context, to stream.ID, c aggregate.Command[any]) error {
		if down && to.Key == "ann" {
			return errPost
		}
		fmt.Println("printed:", to.Key, c.Data)
		return nil
	})
	saga := thanks
	saga.Attempts, saga.Wait = 3, 1
	runner := saga.Runner(replay.Hot(store, accountsTopic), printer)
	ended := make(chan error, 1)
	go func() { ended <- runner.Run(ctx) }()
	if err := runner.Online(ctx); err != nil {
		log.Fatal(err)
	}
	for i, key := range []string{"ann", "bob", "ann"} {
		result, err := accounts.Execute(ctx, key, Deposit{i + 1})
		if err != nil {
			log.Fatal(err)
		}
		if err := runner.WaitFor(ctx, result.Cursor); err != nil {
			log.Fatal(err)
		}
	}
	parked, err := runner.Parked(ctx)
	for _, p := range parked {
		fmt.Println("parked:", p.Instance, p.Type, p.Position, p.Attempts)
	}
	down = false
	fmt.Println(err, runner.Retry(ctx, "ann"))
	stop()
	fmt.Println(<-ended)
	// Output:
	// printed: bob {thanks 1 for 2}
	// parked: ann DEPOSITED 1 3
	// parked: ann DEPOSITED 3 0
	// printed: ann {thanks 1 for 1}
	// printed: ann {thanks 2 for 3}
	// <nil> <nil>
	// aggregate: thanks: context canceled
}

var entriesTopic = entries
