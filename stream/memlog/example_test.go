package memlog_test

import (
	"context"
	"fmt"

	"github.com/thaw-go/thaw/stream"
	"github.com/thaw-go/thaw/stream/memlog"
)

func Example() {
	ctx := context.Background()
	log := memlog.New()
	defer log.Close()

	ann := stream.ID{Topic: "users", Key: "ann"}
	event := stream.Record{Header: stream.Header{Type: "EMAIL_SET", Schema: 1}, Data: []byte(`{"Email":"ann@x"}`)}
	if _, err := log.Append(ctx, ann, 0, event); err != nil {
		fmt.Println(err)
	}
	_, err := log.Append(ctx, ann, 0, event)
	fmt.Println(err)

	err = log.Read(ctx, stream.Query{}, func(block []stream.Record, m stream.Mark) error {
		for _, r := range block {
			fmt.Printf("%d %s %s %s\n", r.Position, r.Stream, r.Type, r.Data)
		}
		fmt.Println("read up to", m.At, "live:", m.Live)
		return nil
	})
	fmt.Println(err)
	// Output:
	// stream: append to users/ann: expected version 0, found 1
	// 1 users/ann EMAIL_SET {"Email":"ann@x"}
	// read up to 1 live: true
	// <nil>
}
