package badgerlog_test

import (
	"bytes"
	"errors"
	"fmt"
	"testing"

	"github.com/thaw-go/thaw/stream"
	"github.com/thaw-go/thaw/stream/badgerlog"
)

// TestTheLargestAppendsAndCheckpointsThatAreAcceptedFitOneTransaction: whatever
// passes the limits must never fail in the storage engine.
func TestTheLargestAppendsAndCheckpointsThatAreAcceptedFitOneTransaction(t *testing.T) {
	log := open(t, t.TempDir(), badgerlog.Options{Durability: badgerlog.Unsynced})
	appends := map[string]struct{ events, bytes int }{
		"the most events":        {10_000, 10},
		"the most bytes":         {8, 1 << 20},
		"both at once":           {10_000, 800},
		"just below a value log": {8_000, 1000},
	}
	for name, c := range appends {
		t.Run(name, func(t *testing.T) {
			records := make([]stream.Record, c.events)
			for i := range records {
				records[i] = stream.Record{Header: stream.Header{Type: "BIG", Schema: 1}, Data: bytes.Repeat([]byte{'x'}, c.bytes)}
			}
			id := stream.ID{Topic: "big", Key: name}
			if _, err := log.Append(t.Context(), id, 0, records...); err != nil {
				t.Fatal(err)
			}
			found := 0
			err := log.Read(t.Context(), stream.Query{Match: []stream.Match{{Topic: "big", Key: name}}}, func(records []stream.Record, _ stream.Mark) error {
				found += len(records)
				return nil
			})
			if err != nil || found != c.events {
				t.Errorf("%d of %d events came back: %v", found, c.events, err)
			}
		})
	}
	t.Run("a checkpoint of the most changes", func(t *testing.T) {
		changes := make([]stream.Change, 8192)
		for i := range changes {
			changes[i] = stream.Change{Key: fmt.Sprintf("key-%d", i), Value: bytes.Repeat([]byte{'x'}, 90)}
		}
		if err := log.Checkpoint(t.Context(), "consumer", stream.At(1), changes...); err != nil {
			t.Error(err)
		}
		var large *stream.TooLargeError
		if err := log.Checkpoint(t.Context(), "consumer", stream.At(1), append(changes, stream.Change{Key: "one more"})...); !errors.As(err, &large) {
			t.Errorf("one change more: got %v, want a TooLargeError", err)
		}
	})
	t.Run("a checkpoint of the most bytes", func(t *testing.T) {
		changes := make([]stream.Change, 8)
		for i := range changes {
			changes[i] = stream.Change{Key: fmt.Sprintf("key-%d", i), Value: bytes.Repeat([]byte{'x'}, 1<<20-100)}
		}
		if err := log.Checkpoint(t.Context(), "consumer", stream.At(1), changes...); err != nil {
			t.Error(err)
		}
	})
}
