package main

import (
	"errors"
	"time"

	"github.com/thaw-go/thaw/aggregate"
)

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

// Lot decides about one lot.
var Lot = aggregate.New(Lots, decideLot, evolveLot)

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
