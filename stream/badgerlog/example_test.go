package badgerlog_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"

	"github.com/thaw-go/thaw/stream"
	"github.com/thaw-go/thaw/stream/badgerlog"
)

// A log is appended to, closed, and is still there when it is opened again.
func Example() {
	dir, err := os.MkdirTemp("", "badgerlog-")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	ctx := context.Background()
	ann := stream.ID{Topic: "users", Key: "ann"}

	first, err := badgerlog.Open(dir, badgerlog.Options{}) // every append is synced
	if err != nil {
		log.Fatal(err)
	}
	named := stream.Record{Header: stream.Header{Type: "NAME_SET", Schema: 1}, Data: []byte(`{"Name":"Ann"}`)}
	stored, err := first.Append(ctx, ann, 0, named) // 0: the stream must not exist
	fmt.Println("stored at", stored[0].Position, "as version", stored[0].Version, err)

	_, err = first.Append(ctx, ann, 0, named)
	var conflict *stream.ConflictError
	fmt.Println(errors.As(err, &conflict), err)
	if err := first.Close(); err != nil {
		log.Fatal(err)
	}

	again, err := badgerlog.Open(dir, badgerlog.Options{})
	if err != nil {
		log.Fatal(err)
	}
	err = again.Read(ctx, stream.Query{}, func(records []stream.Record, m stream.Mark) error {
		for _, r := range records {
			fmt.Println(r.Position, r.Stream, r.Type, string(r.Data))
		}
		return nil
	})
	fmt.Println(errors.Join(err, again.Close()))
	// Output:
	// stored at 1 as version 1 <nil>
	// true stream: append to users/ann: expected version 0, found 1
	// 1 users/ann NAME_SET {"Name":"Ann"}
	// <nil>
}
