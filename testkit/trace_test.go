package testkit_test

import (
	"testing"

	"github.com/thaw-go/thaw/stream"
	"github.com/thaw-go/thaw/stream/memlog"
	"github.com/thaw-go/thaw/testkit"
)

// paidOrder is a log with an order that was placed and, because of that, paid.
func paidOrder(t *testing.T) (stream.Log, stream.EventID) {
	t.Helper()
	log := memlog.New()
	t.Cleanup(func() { _ = log.Close() })
	story, id := stream.ID{Topic: "orders", Key: "7"}, stream.NewID()
	for i, typ := range []string{"PLACED", "PAID"} {
		h := stream.Header{ID: stream.DeriveID(id, "event", i), Command: stream.DeriveID(id, "command", i), Correlation: id, Type: typ, Schema: 1}
		if i > 0 {
			h.CausedBy = stream.DeriveID(id, "event", i-1)
		}
		if _, err := log.Append(t.Context(), story, stream.AnyVersion, stream.Record{Header: h, Data: []byte(`{}`)}); err != nil {
			t.Fatal(err)
		}
	}
	return log, stream.DeriveID(id, "event", 1)
}

func TestTraceIsAStoryAsText(t *testing.T) {
	log, event := paidOrder(t)
	testkit.Trace(t, log, event, `
		orders/7 1 PLACED
		└─ orders/7 2 PAID
	`)
}

// Breaks when: Trace does not compare.
func TestLiesAboutAStoryAreFoundOut(t *testing.T) {
	refute(t,
		lie{"another story", func(t *testing.T) {
			log, event := paidOrder(t)
			testkit.Trace(t, log, event, "orders/7 1 PLACED\norders/7 2 PAID\n")
		}, []string{"the story of the event is another one", "└─ orders/7 2 PAID"}},
		lie{"no such event", func(t *testing.T) {
			log, _ := paidOrder(t)
			testkit.Trace(t, log, stream.EventID{1}, "")
		}, []string{"the log has no such event"}},
	)
}
