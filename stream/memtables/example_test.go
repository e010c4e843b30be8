package memtables_test

import (
	"context"
	"fmt"

	"github.com/thaw-go/thaw/stream"
	"github.com/thaw-go/thaw/stream/memtables"
)

func Example() {
	ctx := context.Background()
	tables := memtables.New()
	defer tables.Close()
	_ = tables.Update(ctx, "prices", stream.Change{Key: "apple", Value: []byte("3")}, stream.Change{Key: "pear", Value: []byte("4")})

	before, err := tables.Snapshot(ctx)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer before.Close()
	_ = tables.Update(ctx, "prices", stream.Change{Key: "apple"}) // forgets it

	_ = before.Range(stream.TableRange{Table: "prices"}, func(key string, value []byte) error {
		fmt.Println(key, string(value))
		return nil
	})
	// Output:
	// apple 3
	// pear 4
}
