package testkit_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/thaw-go/thaw/aggregate"
	"github.com/thaw-go/thaw/replay"
	"github.com/thaw-go/thaw/stream"
	"github.com/thaw-go/thaw/testkit"
)

func ExampleForSaga() {
	inATest(func(t *testing.T) { // a test has it
		spec := testkit.ForSaga(t, billing, func(log stream.Log) stream.Source[stream.Hot, LotEvent] { return replay.Hot(log, lots) }).
			Given(testkit.Happened[LotEvent](lots, "1", Opened{5})). // which the saga must not see
			When(testkit.Happened[LotEvent](lots, "1", Sold{"ann", 10})).
			Then(invoice.Send("1", Issue{"ann", 10}), aggregate.After(time.Hour, "remind")).
			ThenState("1", bill{Buyer: "ann"}).
			WhenTime(time.Hour).
			Then(invoice.Send("1", Remind{1}), aggregate.After(time.Hour, "remind")).
			When(testkit.Happened[LotEvent](lots, "1", Paid{})).
			Then(aggregate.Cancel("remind"))

		fmt.Print(spec.Trace().Text())
	})
	// Output:
	//   log      a ^ b    1h -    c
	//   billing    - (AB) 1h (CB) D
	//
	//   A  send Issue{Buyer:"ann", Amount:10} to invoices/1
	//   B  timer "remind" after 1h0m0s
	//   C  send Remind{Nth:1} to invoices/1
	//   D  cancel timer "remind"
	//   a  lots/1 OPENED {"Start":5}
	//   b  lots/1 SOLD {"Buyer":"ann","Price":10}
	//   c  lots/1 PAID {}
}

func ExampleForAdapter() {
	inATest(func(t *testing.T) { // a test has it
		post := func(stream.Store) aggregate.Adapter[LotEvent] {
			return aggregate.NewAdapter("post", func(context.Context, *stream.Event[LotEvent]) error { return nil })
		}
		spec := testkit.ForAdapter(t, post, func(log stream.Log) stream.Source[stream.Hot, LotEvent] { return replay.Hot(log, lots) }).
			Given(testkit.Happened[LotEvent](lots, "1", Opened{5})). // which the adapter must not see
			When(testkit.Happened[LotEvent](lots, "2", Sold{"bob", 20})).
			Then(testkit.Happened[LotEvent](lots, "2", Sold{"bob", 20}))

		fmt.Print(spec.Trace().Text())

		spec.Failing(-1, errBusy, stream.ID{Topic: "lots", Key: "1"}).
			When(testkit.Happened[LotEvent](lots, "1", Sold{"ann", 10})).
			ThenNothing().
			ThenAttempts(5).
			ThenParked(aggregate.Parked{Stream: stream.ID{Topic: "lots", Key: "1"}, Type: "SOLD", Err: "the post is busy", Attempts: 5})
	})
	// Output:
	//   log   a ^ b
	//   post    - b
	//
	//   a  lots/1 OPENED {"Start":5}
	//   b  lots/2 SOLD {"Buyer":"bob","Price":20}
}
