package main

import (
	"testing"
	"time"

	"github.com/thaw-go/thaw/testkit"
)

// at is a time in the house, in minutes after its opening.
func at(minutes float64) time.Time {
	return opening.Add(time.Duration(minutes * float64(time.Minute)))
}

var opened = LotOpened{Seller: "sal", Category: "maps", Start: 10_00, Reserve: 12_00, Deadline: at(10), At: at(0)}

func TestLot(t *testing.T) {
	bid := func(who string, amount Cents, minute float64) BidPlaced { return BidPlaced{who, amount, at(minute)} }
	testkit.ForEach(t, Lot, []testkit.Case[LotCommand, LotEvent, LotState]{
		{Name: "a lot is opened", When: OpenLot(opened), Then: []LotEvent{opened}},
		{Name: "but not twice", Given: []LotEvent{opened}, When: OpenLot(opened), Error: ErrLotExists},
		{Name: "nor with a deadline in the past", When: OpenLot{Deadline: at(0), At: at(1)}, Error: ErrBadDeadline},
		{Name: "nobody bids for what is not there", When: PlaceBid(bid("ann", 10_00, 1)), Error: ErrNoSuchLot},
		{Name: "the first bid is at least the start", Given: []LotEvent{opened}, When: PlaceBid(bid("ann", 9_99, 1)), Error: ErrTooLow},
		{Name: "and may be the start", Given: []LotEvent{opened}, When: PlaceBid(bid("ann", 10_00, 1)), Then: []LotEvent{bid("ann", 10_00, 1)}},
		{
			Name:  "the next one raises by the increment",
			Given: []LotEvent{opened, bid("ann", 10_00, 1)},
			When:  PlaceBid(bid("bob", 10_99, 2)), Error: ErrTooLow,
		},
		{
			Name:  "exactly by it is enough",
			Given: []LotEvent{opened, bid("ann", 10_00, 1)},
			When:  PlaceBid(bid("bob", 11_00, 2)), Then: []LotEvent{bid("bob", 11_00, 2)},
		},
		{Name: "sellers do not bid", Given: []LotEvent{opened}, When: PlaceBid(bid("sal", 20_00, 1)), Error: ErrOwnLot},
		{Name: "nobody bids at the deadline", Given: []LotEvent{opened}, When: PlaceBid(bid("ann", 20_00, 10)), Error: ErrLate},
		{Name: "the hammer waits for the deadline", Given: []LotEvent{opened}, When: Fall{at(9)}, Error: ErrEarly},
		{Name: "without a bid nothing is sold", Given: []LotEvent{opened}, When: Fall{at(10)}, Then: []LotEvent{LotUnsold{at(10)}}},
		{
			Name:  "below the reserve nothing is sold",
			Given: []LotEvent{opened, bid("ann", 11_00, 1)},
			When:  Fall{at(10)}, Then: []LotEvent{LotUnsold{at(10)}},
		},
		{
			Name:  "the highest bidder gets it",
			Given: []LotEvent{opened, bid("ann", 12_00, 1), bid("bob", 15_00, 2)},
			When:  Fall{at(10)}, Then: []LotEvent{LotSold{"bob", 15_00, at(10)}},
		},
		{
			Name:  "the hammer falls once",
			Given: []LotEvent{opened, bid("ann", 12_00, 1), LotSold{"ann", 12_00, at(10)}},
			When:  Fall{at(11)}, Error: ErrClosed,
		},
		{
			Name:  "a cancelled sale goes to the runner-up, who is somebody else",
			Given: []LotEvent{opened, bid("ann", 12_00, 1), bid("bob", 15_00, 2), bid("bob", 20_00, 3), LotSold{"bob", 20_00, at(10)}},
			When:  CancelSale{at(15)},
			Then:  []LotEvent{SaleCancelled{"bob", at(15)}, SecondChanceOffered{"ann", 12_00, at(15)}},
		},
		{
			Name:  "but not below the reserve",
			Given: []LotEvent{opened, bid("ann", 11_00, 1), bid("bob", 15_00, 2), LotSold{"bob", 15_00, at(10)}},
			When:  CancelSale{at(15)},
			Then:  []LotEvent{SaleCancelled{"bob", at(15)}, LotUnsold{at(15)}},
		},
		{
			Name: "and only once",
			Given: []LotEvent{
				opened, bid("ann", 12_00, 1), bid("bob", 15_00, 2), LotSold{"bob", 15_00, at(10)},
				SaleCancelled{"bob", at(15)}, SecondChanceOffered{"ann", 12_00, at(15)},
			},
			When: CancelSale{at(20)},
			Then: []LotEvent{SaleCancelled{"ann", at(20)}, LotUnsold{at(20)}},
		},
		{Name: "what is not sold is not cancelled", Given: []LotEvent{opened}, When: CancelSale{at(5)}, Error: ErrNotSold},
	})
}

func TestInvoice(t *testing.T) {
	issued := InvoiceIssued{Lot: "lot-1", Buyer: "ann", Amount: 12_00, At: at(10), Due: at(15)}
	testkit.ForEach(t, Invoice, []testkit.Case[InvoiceCommand, InvoiceEvent, InvoiceState]{
		{Name: "an invoice is issued", When: Issue(issued), Then: []InvoiceEvent{issued}},
		{Name: "but not twice", Given: []InvoiceEvent{issued}, When: Issue(issued), Error: ErrIssued},
		{Name: "it is paid in its term", Given: []InvoiceEvent{issued}, When: Pay{at(15)}, Then: []InvoiceEvent{InvoicePaid{"lot-1", "ann", 12_00, at(15)}}},
		{Name: "not after it", Given: []InvoiceEvent{issued}, When: Pay{at(16)}, Error: ErrOverdue},
		{Name: "and not twice", Given: []InvoiceEvent{issued, InvoicePaid{"lot-1", "ann", 12_00, at(11)}}, When: Pay{at(12)}, Error: ErrNotOpen},
		{Name: "it is cancelled when its term has passed", Given: []InvoiceEvent{issued}, When: Cancel{at(15)}, Then: []InvoiceEvent{InvoiceCancelled{"lot-1", at(15)}}},
		{Name: "not before", Given: []InvoiceEvent{issued}, When: Cancel{at(14)}, Error: ErrNotDue},
		{Name: "nor when it is paid", Given: []InvoiceEvent{issued, InvoicePaid{"lot-1", "ann", 12_00, at(11)}}, When: Cancel{at(15)}, Error: ErrNotOpen},
		{Name: "what was never issued is not paid", When: Pay{at(1)}, Error: ErrNotOpen},
	})
}

func TestClock(t *testing.T) {
	set := ClockSet{Seed: 1, At: opening}
	testkit.ForEach(t, Clock, []testkit.Case[ClockCommand, ClockEvent, ClockState]{
		{Name: "the clock is set", When: SetClock(set), Then: []ClockEvent{set}},
		{Name: "the same again changes nothing", Given: []ClockEvent{set}, When: SetClock(set), Nothing: true},
		{Name: "it ticks", Given: []ClockEvent{set}, When: Tick{3, at(1)}, Then: []ClockEvent{Ticked{3, at(1)}}},
		{Name: "it does not go back", Given: []ClockEvent{set, Ticked{3, at(2)}}, When: Tick{4, at(1)}, Error: ErrBackwards},
	})
}
