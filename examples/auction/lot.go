package main

import (
	"errors"
	"time"

	"github.com/thaw-go/thaw/aggregate"
	"github.com/thaw-go/thaw/stream"
)

// Cents is an amount of money.
type Cents int64

// LotEvent is what happens to a lot.
type LotEvent interface{ lotEvent() }

// A lot is opened, bid for, and sold or not when the hammer falls. A sale that
// is not paid for is cancelled, and the lot is offered to the runner-up once.
type (
	LotOpened struct {
		Seller, Category string
		Start, Reserve   Cents
		Deadline, At     time.Time
	}
	BidPlaced struct {
		Bidder string
		Amount Cents
		At     time.Time
	}
	LotSold struct {
		Buyer string
		Price Cents
		At    time.Time
	}
	LotUnsold     struct{ At time.Time }
	SaleCancelled struct {
		Buyer string
		At    time.Time
	}
	SecondChanceOffered struct {
		Buyer string
		Price Cents
		At    time.Time
	}
)

func (LotOpened) lotEvent()           {}
func (BidPlaced) lotEvent()           {}
func (LotSold) lotEvent()             {}
func (LotUnsold) lotEvent()           {}
func (SaleCancelled) lotEvent()       {}
func (SecondChanceOffered) lotEvent() {}

// Lots is the combined stream of all lots.
var Lots = stream.NewTopic("lots", stream.Catalogue[LotEvent]{
	"LOT_OPENED":            LotOpened{},
	"BID_PLACED":            BidPlaced{},
	"LOT_SOLD":              LotSold{},
	"LOT_UNSOLD":            LotUnsold{},
	"SALE_CANCELLED":        SaleCancelled{},
	"SECOND_CHANCE_OFFERED": SecondChanceOffered{},
})

// LotCommand is what a lot may be asked. Every command says when, in event time.
type LotCommand interface{ lotCommand() }

// The commands of a lot.
type (
	OpenLot    LotOpened
	PlaceBid   BidPlaced
	Fall       struct{ At time.Time } // the hammer
	CancelSale struct{ At time.Time } // it was not paid for
)

func (OpenLot) lotCommand()    {}
func (PlaceBid) lotCommand()   {}
func (Fall) lotCommand()       {}
func (CancelSale) lotCommand() {}

// LotState is what deciding about a lot needs to know.
type LotState struct {
	Seller    string
	Reserve   Cents
	Start     Cents
	Deadline  time.Time
	Best      BidPlaced // the highest bid
	RunnerUp  BidPlaced // the highest bid of somebody else
	Status    string    // "", open, sold, unsold
	Buyer     string
	SecondTry bool // the runner-up has had the chance
}

// Why a lot refuses a command.
var (
	ErrNoSuchLot   = errors.New("there is no such lot")
	ErrLotExists   = errors.New("the lot is open already")
	ErrClosed      = errors.New("the lot is closed")
	ErrLate        = errors.New("the deadline has passed")
	ErrEarly       = errors.New("the deadline has not come")
	ErrTooLow      = errors.New("the bid is too low")
	ErrOwnLot      = errors.New("sellers do not bid for their own lots")
	ErrNotSold     = errors.New("the lot is not sold")
	ErrBadDeadline = errors.New("a lot's deadline comes after its opening")
)

// Lot decides about one lot.
var Lot = aggregate.New(Lots, decideLot, evolveLot)

// Increment is the least raise over a price.
func Increment(price Cents) Cents {
	switch {
	case price < 100_00:
		return 1_00
	case price < 1_000_00:
		return 10_00
	}
	return price / 20
}

func decideLot(s LotState, c LotCommand) ([]LotEvent, error) {
	if open, ok := c.(OpenLot); ok {
		return openLot(s, open)
	}
	if s.Status == "" {
		return nil, ErrNoSuchLot
	}
	switch c := c.(type) {
	case PlaceBid:
		return placeBid(s, c)
	case Fall:
		return fall(s, c.At)
	case CancelSale:
		return cancelSale(s, c.At)
	}
	return nil, errors.New("a lot does not know this command")
}

func openLot(s LotState, c OpenLot) ([]LotEvent, error) {
	switch {
	case s.Status != "":
		return nil, ErrLotExists
	case !c.Deadline.After(c.At):
		return nil, ErrBadDeadline
	}
	return []LotEvent{LotOpened(c)}, nil
}

func placeBid(s LotState, c PlaceBid) ([]LotEvent, error) {
	least := s.Start
	if s.Best.Amount > 0 {
		least = s.Best.Amount + Increment(s.Best.Amount)
	}
	switch {
	case s.Status != "open":
		return nil, ErrClosed
	case !c.At.Before(s.Deadline):
		return nil, ErrLate
	case c.Bidder == s.Seller:
		return nil, ErrOwnLot
	case c.Amount < least:
		return nil, ErrTooLow
	}
	return []LotEvent{BidPlaced(c)}, nil
}

func fall(s LotState, at time.Time) ([]LotEvent, error) {
	switch {
	case s.Status != "open":
		return nil, ErrClosed
	case at.Before(s.Deadline):
		return nil, ErrEarly
	case s.Best.Amount == 0 || s.Best.Amount < s.Reserve:
		return []LotEvent{LotUnsold{at}}, nil
	}
	return []LotEvent{LotSold{s.Best.Bidder, s.Best.Amount, at}}, nil
}

func cancelSale(s LotState, at time.Time) ([]LotEvent, error) {
	if s.Status != "sold" {
		return nil, ErrNotSold
	}
	cancelled := SaleCancelled{s.Buyer, at}
	if s.SecondTry || s.RunnerUp.Amount == 0 || s.RunnerUp.Amount < s.Reserve {
		return []LotEvent{cancelled, LotUnsold{at}}, nil
	}
	return []LotEvent{cancelled, SecondChanceOffered{s.RunnerUp.Bidder, s.RunnerUp.Amount, at}}, nil
}

func evolveLot(s LotState, e LotEvent) LotState {
	switch e := e.(type) {
	case LotOpened:
		s = LotState{Seller: e.Seller, Start: e.Start, Reserve: e.Reserve, Deadline: e.Deadline, Status: "open"}
	case BidPlaced:
		if e.Bidder != s.Best.Bidder {
			s.RunnerUp = s.Best
		}
		s.Best = e
	case LotSold:
		s.Status, s.Buyer = "sold", e.Buyer
	case LotUnsold:
		s.Status, s.Buyer = "unsold", ""
	case SaleCancelled:
		s.Status, s.Buyer = "cancelled", ""
	case SecondChanceOffered:
		s.Status, s.Buyer, s.SecondTry = "sold", e.Buyer, true
	}
	return s
}
