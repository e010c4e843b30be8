package main

import (
	"testing"
	"time"

	"github.com/thaw-go/thaw/replay"
	"github.com/thaw-go/thaw/stream"
	"github.com/thaw-go/thaw/testkit"
)

func TestThePage(t *testing.T) {
	hallOf := func(log stream.Log) stream.Observable[stream.ColdHot, *stream.Event[any]] {
		return replay.ColdHot(log, Hall)
	}
	lot := func(events ...LotEvent) testkit.Happening { return testkit.Happened(Lots, "1", events...) }
	begin := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	opened := LotOpened{Seller: "ann", Category: "clocks", Deadline: begin.Add(time.Hour), At: begin}
	sold := LotSold{Buyer: "bob", Price: 100, At: begin.Add(time.Hour)}

	s := testkit.ForView(t, NewPage(), hallOf).
		Given(lot(opened)).
		When(lot(BidPlaced{Bidder: "bob", Amount: 100, At: begin})).
		When(lot(sold)).
		When(lot(SaleCancelled{Buyer: "bob", At: begin.Add(2 * time.Hour)})).
		When(lot(SecondChanceOffered{Buyer: "eve", Price: 90, At: begin.Add(2 * time.Hour)})).
		When(testkit.Happened(Invoices, "1", InvoiceEvent(InvoicePaid{Lot: "1", Amount: 90})))
	numbers := testkit.Values[int]{"o": 0, "i": 1}
	testkit.Answers(s, "open", func(h *hall) int { return h.count().Open }, "i - o", numbers)
	testkit.Answers(s, "sold", func(h *hall) int { return h.count().Sold }, "o - i o i", numbers)
	testkit.Answers(s, "completed", func(h *hall) int { return h.count().Completed }, "o - i", numbers)
	s = testkit.Answer(s, "best", func(h *hall) []Category { return h.count().Best }, []Category{{"clocks", 90, 1}})
	testkit.Answer(s.AsOf(1), "next fall", func(h *hall) time.Time { return h.count().NextFall }, opened.Deadline)
}
