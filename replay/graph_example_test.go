package replay_test

import (
	"context"
	"fmt"

	"github.com/thaw-go/thaw/replay"
	"github.com/thaw-go/thaw/stream"
	"github.com/thaw-go/thaw/stream/memlog"
)

// story stores what a saga would bring about: an event, one that it caused, and one
// that this caused in turn.
func story(log stream.Store) (first stream.EventID) {
	var cause stream.Cause
	for _, e := range []struct{ topic, typ string }{{"orders", "PLACED"}, {"payments", "TAKEN"}, {"orders", "PAID"}} {
		command := stream.DeriveID(cause.Event, e.typ, 0)
		h := stream.Header{ID: stream.DeriveID(command, "event", 0), Type: e.typ, Schema: 1, Command: command, CausedBy: cause.Event, Correlation: cause.Correlation}
		if cause.IsZero() {
			first, h.Correlation = h.ID, command
		} else {
			h.Depth = cause.Depth + 1
		}
		stored, err := log.Append(context.Background(), stream.ID{Topic: e.topic, Key: "7"}, stream.AnyVersion, stream.Record{Header: h, Data: []byte(`{}`)})
		if err != nil {
			fmt.Println(err)
			return first
		}
		cause = stored[0].Cause()
	}
	return first
}

// What came of an order, and because of what.
func ExampleTrace() {
	log := memlog.New()
	defer func() { _ = log.Close() }()
	graph, err := replay.Trace(context.Background(), log, story(log))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Print(graph.Tree())
	fmt.Print(graph.Mermaid())
	// Output:
	// orders/7 1 PLACED
	// └─ payments/7 1 TAKEN
	//    └─ orders/7 2 PAID
	// flowchart LR
	//   e0["orders/7 1 PLACED"]
	//   e1["payments/7 1 TAKEN"]
	//   e2["orders/7 2 PAID"]
	//   e0 --> e1
	//   e1 --> e2
}

// What causes what in the whole system, as the text of a Sankey diagram.
func ExampleFlows() {
	log := memlog.New()
	defer func() { _ = log.Close() }()
	story(log)
	flows, err := replay.Flows(context.Background(), log)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Print(flows.Mermaid())
	// Output:
	// sankey-beta
	//
	// outside,orders/PLACED@0,1
	// orders/PLACED@0,payments/TAKEN@1,1
	// payments/TAKEN@1,orders/PAID@2,1
}

// Which versions are still in a log, and which upcasters nothing there needs.
func ExampleSchemas() {
	log := memlog.New()
	defer func() { _ = log.Close() }()
	for _, schema := range []uint32{2, 3, 3} {
		rec := stream.Record{Header: stream.Header{Type: "EMAIL_SET", Schema: schema}, Data: []byte(`{}`)}
		if _, err := log.Append(context.Background(), stream.ID{Topic: "users", Key: "ann"}, stream.AnyVersion, rec); err != nil {
			fmt.Println(err)
		}
	}
	keep := func(data []byte) ([]byte, error) { return data, nil }
	users := stream.NewTopicWith("users", stream.Catalogue[any]{"EMAIL_SET": emailSet{}}, stream.TopicOptions[any]{
		Upcasters: map[string][]stream.Upcaster{"EMAIL_SET": {keep, keep}},
	})
	report, err := replay.Schemas(context.Background(), log, users)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Print(report)
	// Output:
	// topic  type       schema  events  first  last
	// users  EMAIL_SET  2       1       1      1
	// users  EMAIL_SET  3       2       2      3
	// not needed: topic users: upcasters of EMAIL_SET from schema 1
}
