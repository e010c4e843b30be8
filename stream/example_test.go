package stream_test

import (
	"bytes"
	"context"
	"fmt"

	"github.com/reactivex/rxgo/v2"
	"github.com/thaw-go/thaw/stream"
)

type addressChanged struct{ Street, City string }

// A topic whose event has changed its shape: schema 1 called the city "Town".
// What was stored then is read as today's type.
func ExampleNewTopicWith() {
	renameTown := func(data []byte) ([]byte, error) {
		return bytes.Replace(data, []byte(`"Town"`), []byte(`"City"`), 1), nil
	}
	customers := stream.NewTopicWith("customers",
		stream.Catalogue[addressChanged]{"ADDRESS_CHANGED": {}},
		stream.TopicOptions[addressChanged]{
			Upcasters: map[string][]stream.Upcaster{"ADDRESS_CHANGED": {renameTown}},
		})

	stored := stream.Record{
		Header: stream.Header{Stream: stream.ID{Topic: "customers", Key: "ann"}, Type: "ADDRESS_CHANGED", Schema: 1},
		Data:   []byte(`{"Street":"Main St","Town":"Springfield"}`),
	}
	var event stream.Event[addressChanged]
	err := customers.Decode(&stored, &event)
	fmt.Printf("%+v %v\n", event.Data, err)

	today, err := customers.Encode(event.Data)
	fmt.Printf("schema %d: %s %v\n", today.Schema, today.Data, err)
	// Output:
	// {Street:Main St City:Springfield} <nil>
	// schema 2: {"Street":"Main St","City":"Springfield"} <nil>
}

// A range loop over an observable: leaving it stops the source.
func ExampleObservable_All() {
	numbers := stream.From(1, 2, 3, 4)
	for n, err := range numbers.All(context.Background()) {
		if err != nil {
			fmt.Println(err)
			return
		}
		if n == 3 {
			break
		}
		fmt.Println(n)
	}
	// Output:
	// 1
	// 2
}

type (
	opened struct{ Lot string }
	paid   struct{ Cents int }
)

// Several topics as one, in log order, each decoded by its own catalogue.
func ExampleUnion() {
	auctions := stream.NewTopic("auctions", stream.Catalogue[opened]{"OPENED": {}})
	invoices := stream.NewTopic("invoices", stream.Catalogue[paid]{"PAID": {}})
	house := stream.Union[any](auctions, invoices)
	fmt.Println(house.Name(), house.Types())

	for _, stored := range []stream.Record{
		{Header: stream.Header{Stream: stream.ID{Topic: "auctions", Key: "7"}, Type: "OPENED"}, Data: []byte(`{"Lot":"a clock"}`)},
		{Header: stream.Header{Stream: stream.ID{Topic: "invoices", Key: "1"}, Type: "PAID"}, Data: []byte(`{"Cents":1200}`)},
	} {
		var event stream.Event[any]
		if err := house.Decode(&stored, &event); err != nil {
			fmt.Println(err)
			return
		}
		fmt.Printf("%s %+v\n", event.Stream, event.Data)
	}
	// Output:
	// auctions+invoices [OPENED PAID]
	// auctions/7 {Lot:a clock}
	// invoices/1 {Cents:1200}
}

// An observable handed to rxgo. Whoever may stop early gives a context.
func ExampleObservable_Rx() {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	even := stream.From(1, 2, 3, 4).Rx().Filter(func(v any) bool { return v.(int)%2 == 0 })
	for item := range even.Observe(rxgo.WithContext(ctx)) {
		fmt.Println(item.V, item.E)
	}
	// Output:
	// 2 <nil>
	// 4 <nil>
}

// Any of rxgo's operators inside a pipeline; what comes out is typed again.
func ExampleThroughRx() {
	pairs := stream.ThroughRx[[]any](stream.From(1, 2, 3), func(o rxgo.Observable) rxgo.Observable {
		return o.BufferWithCount(2)
	})
	for pair, err := range pairs.All(context.Background()) {
		fmt.Println(pair, err)
	}
	// Output:
	// [1 2] <nil>
	// [3] <nil>
}
