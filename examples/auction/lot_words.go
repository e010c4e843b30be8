package main

import (
	"errors"
	"time"

	"github.com/thaw-go/thaw/stream"
)

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
