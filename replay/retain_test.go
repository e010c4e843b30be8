package replay_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/thaw-go/thaw/replay"
	"github.com/thaw-go/thaw/stream"
	"github.com/thaw-go/thaw/stream/memlog"
)

// hourly is a log of n events, one an hour, the last one just now.
func hourly(t *testing.T, n int) *memlog.Log {
	t.Helper()
	log := memlog.New()
	for i := range n {
		if i > 0 {
			time.Sleep(time.Hour) // in virtual time
		}
		rec := stream.Record{Header: stream.Header{Type: "T"}, Data: []byte("1")}
		if _, err := log.Append(t.Context(), stream.ID{Topic: "a", Key: "1"}, stream.AnyVersion, rec); err != nil {
			t.Fatal(err)
		}
	}
	return log
}

// Breaks when: one of the limits is left out, or olderThan ends one event further on.
func TestRetainRemovesWhatNothingKeeps(t *testing.T) {
	for name, c := range map[string]struct {
		keep replay.Retention
		want stream.Position
	}{
		"by age":                         {replay.Retention{Age: 3 * time.Hour}, 6},
		"an age that nothing has":        {replay.Retention{Age: 100 * time.Hour}, 0},
		"an age that all but one have":   {replay.Retention{Age: time.Minute}, 9},
		"by number":                      {replay.Retention{Events: 4}, 6},
		"more than there are":            {replay.Retention{Events: 40}, 0},
		"both: number keeps more":        {replay.Retention{Age: time.Hour, Events: 5}, 5},
		"both: age keeps more":           {replay.Retention{Age: 6 * time.Hour, Events: 5}, 3},
		"what a consumer needs":          {replay.Retention{Events: 1, Consumers: []string{"slow"}}, 2},
		"a consumer that was never here": {replay.Retention{Events: 1, Consumers: []string{"slow", "new"}}, 0},
		"what comes after a place":       {replay.Retention{Events: 1, Places: []stream.Cursor{stream.At(8), stream.At(4)}}, 4},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				log := hourly(t, 10)
				if err := log.SaveCursor(t.Context(), "slow", stream.At(2)); err != nil {
					t.Fatal(err)
				}
				for range 2 { // again: nothing more goes
					if cut, err := replay.Retain(t.Context(), log, c.keep); err != nil || !cut.Equal(stream.At(c.want)) {
						t.Errorf("got %s, %v; want %d", cut, err, c.want)
					}
				}
			})
		})
	}
	if _, err := replay.Retain(t.Context(), memlog.New(), replay.Retention{}); err == nil {
		t.Error("a retention that keeps nothing was taken")
	}
}

func ExampleRetain() {
	ctx := context.Background()
	log := memlog.New()
	for range 100 {
		rec := stream.Record{Header: stream.Header{Type: "TICKED"}, Data: []byte("1")}
		if _, err := log.Append(ctx, stream.ID{Topic: "clocks", Key: "a"}, stream.AnyVersion, rec); err != nil {
			fmt.Println(err)
			return
		}
	}
	_ = log.SaveCursor(ctx, "mailer", stream.At(70)) // has not handled the rest yet
	cut, err := replay.Retain(ctx, log, replay.Retention{Events: 10, Consumers: []string{"mailer"}})
	fmt.Println(cut, err)
	// Output: 70 <nil>
}
