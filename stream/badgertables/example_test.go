package badgertables_test

import (
	"context"
	"fmt"
	"os"

	"github.com/thaw-go/thaw/stream"
	"github.com/thaw-go/thaw/stream/badgertables"
)

func Example() {
	dir, err := os.MkdirTemp("", "tables")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	ctx := context.Background()
	tables, err := badgertables.Open(dir, badgertables.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer tables.Close()

	// A view's state and its place in the log are one update.
	err = tables.Update(ctx, "balances@1",
		stream.Change{Key: "state/ann", Value: []byte("70")},
		stream.Change{Key: "place", Value: []byte("12")})
	if err != nil {
		fmt.Println(err)
		return
	}
	now, err := tables.Snapshot(ctx)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer now.Close()
	value, ok, err := now.Get("balances@1", "state/ann")
	fmt.Println(string(value), ok, err)
	// Output: 70 true <nil>
}
