package main

import "fmt"

// Cents is an amount of money.
type Cents int64

// String is the amount in words.
func (c Cents) String() string { return fmt.Sprintf("%d.%02d", c/100, c%100) }

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

// round leaves no cents, and at least one unit.
func (c Cents) round() Cents { return max(1_00, c/100*100) }
