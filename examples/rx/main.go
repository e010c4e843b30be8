// Command rx is for users of rxgo: it reads a log with rxgo, uses rxgo's
// operators in the middle of a pipeline, and comes back.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/reactivex/rxgo/v2"
	"github.com/thaw-go/thaw/aggregate"
	"github.com/thaw-go/thaw/operators"
	"github.com/thaw-go/thaw/replay"
	"github.com/thaw-go/thaw/stream"
	"github.com/thaw-go/thaw/stream/memlog"
)

// Measured is what a thermometer says.
type Measured struct{ Degrees int }

var thermometers = stream.NewTopic("thermometers", stream.Catalogue[Measured]{"MEASURED": {}})

// A thermometer records whatever it is told.
var thermometer = aggregate.New(thermometers,
	func(_ struct{}, degrees int) ([]Measured, error) { return []Measured{{degrees}}, nil },
	func(s struct{}, _ Measured) struct{} { return s })

func main() {
	if err := run(context.Background(), os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context, out io.Writer) (err error) {
	store := memlog.New()
	defer func() { err = errors.Join(err, store.Close()) }()
	kitchen := aggregate.NewRepository(store, thermometer)
	for _, degrees := range []int{19, 19, 24, 25, 25, 18} {
		if _, err := kitchen.Execute(ctx, "kitchen", degrees); err != nil {
			return err
		}
	}
	history := replay.Cold(store, thermometers)
	if err := readWithRxgo(ctx, out, history); err != nil {
		return err
	}
	if err := rxgoInTheMiddle(ctx, out, history); err != nil {
		return err
	}
	if err := chunksInTheMiddle(ctx, out, history); err != nil {
		return err
	}
	return backFromRxgo(ctx, out, history)
}

// degrees is an rxgo function: its items are events of the log.
func degrees(_ context.Context, event any) (any, error) {
	return event.(*stream.Event[Measured]).Data.Degrees, nil
}

// readWithRxgo hands a log to rxgo for good. The context is given once, where
// the pipeline is observed: with it the log is let go of, whatever happens.
func readWithRxgo(ctx context.Context, out io.Writer, history stream.Source[stream.Cold, Measured]) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	warm := history.Rx().
		Map(degrees).
		Filter(func(v any) bool { return v.(int) > 20 })
	for item := range warm.Observe(rxgo.WithContext(ctx)) {
		if item.E != nil {
			return item.E
		}
		fmt.Fprintln(out, "warm:", item.V)
	}
	return nil
}

// rxgoInTheMiddle keeps rxgo's operators, item by item, between a source and a
// terminal of Thaw's. What comes out is typed again, errors are errors, and a
// panic in one of the functions is one, too.
func rxgoInTheMiddle(ctx context.Context, out io.Writer, history stream.Source[stream.Cold, Measured]) error {
	changes := stream.ThroughRx[int](history, func(o rxgo.Observable) rxgo.Observable {
		same := func(_ context.Context, v any) (any, error) { return v, nil }
		return o.Map(degrees).DistinctUntilChanged(same)
	})
	list, err := operators.Collect(ctx, changes)
	fmt.Fprintln(out, "changes:", list)
	return err
}

// chunksInTheMiddle does the work of many items in one hop. Marks pass, so a view
// or a durable consumer may stand behind it, too.
func chunksInTheMiddle(ctx context.Context, out io.Writer, history stream.Source[stream.Cold, Measured]) error {
	fahrenheit := stream.ThroughRxChunks[float64](history, 256, func(o rxgo.Observable) rxgo.Observable {
		return o.Map(func(_ context.Context, chunk any) (any, error) {
			var list []float64
			for _, event := range chunk.([]*stream.Event[Measured]) {
				list = append(list, float64(event.Data.Degrees)*9/5+32)
			}
			return list, nil
		})
	})
	highest, err := operators.Reduce(ctx, fahrenheit, 0, func(highest, f float64) float64 { return max(highest, f) })
	fmt.Fprintln(out, "highest:", highest, "°F")
	return err
}

// backFromRxgo makes a pipeline of rxgo's a source of Thaw's. The function is
// called for each run, and its context ends with the run: whatever starts as soon
// as it is made, such as Merge, needs it.
func backFromRxgo(ctx context.Context, out io.Writer, history stream.Source[stream.Cold, Measured]) error {
	all := stream.FromRx[stream.Cold, int](func(ctx context.Context) rxgo.Observable {
		kitchen := history.Rx().Map(degrees)
		return rxgo.Concat([]rxgo.Observable{kitchen, rxgo.Just(7)()}, rxgo.WithContext(ctx))
	})
	count, err := operators.Count(ctx, all)
	fmt.Fprintln(out, "items:", count)
	return err
}
