package main

import (
	"errors"
	"testing"
	"time"

	"github.com/thaw-go/thaw/testkit/property"
	"pgregory.net/rapid"
)

// Whatever lots are asked, in whatever order and at whatever time.
func TestAnyLot(t *testing.T) {
	open := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	commands := rapid.Custom(func(t *rapid.T) LotCommand {
		at := open.Add(time.Duration(rapid.IntRange(0, 5).Draw(t, "minute")) * time.Minute)
		who := rapid.SampledFrom([]string{"ann", "bob", "eve"}).Draw(t, "who")
		amount := Cents(rapid.IntRange(0, 9).Draw(t, "amount")) * 100_00
		return rapid.SampledFrom([]LotCommand{
			OpenLot{Seller: "sue", Start: 1_00, Reserve: amount, Deadline: open.Add(3 * time.Minute), At: at},
			PlaceBid{Bidder: who, Amount: amount, At: at},
			Fall{at},
			CancelSale{at},
		}).Draw(t, "command")
	})
	property.Check(t, Lot, commands, func(s LotState) error {
		switch {
		case s.Status == "sold" && (s.Buyer == "" || s.Buyer == s.Seller):
			return errors.New("a lot is sold to nobody, or to its seller")
		case s.Best.Amount < s.RunnerUp.Amount:
			return errors.New("the runner-up has bid more than the best")
		}
		return nil
	})
}
