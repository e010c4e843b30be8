package main

import (
	"fmt"

	"github.com/thaw-go/thaw/operators"
	"github.com/thaw-go/thaw/stream"
)

// Customer is what the directory says of a person. The address stays sealed: the
// directory can be read by who may not read that.
type Customer struct {
	Name, City string
	Address    stream.Sealed[Address]
	Bids, Wins int
	Spent      Cents
}

// Directory is the durable view of all persons, found by their city, or by how much
// they spent. It is the second version: the first one did not know that.
var Directory = operators.KeyedView[any, Customer]{
	Name:    "customers",
	Version: 2,
	Keys:    concerned,
	Reduce: func(_ string, c Customer, e *stream.Event[any]) Customer {
		switch data := e.Data.(type) {
		case PersonRegistered:
			c.Name, c.City, c.Address = data.Name, data.City, data.Address
		case BidPlaced:
			c.Bids++
		case InvoiceIssued:
			c.Wins++
		case InvoicePaid:
			c.Spent += data.Amount
		}
		return c
	},
	Indexes: map[string]func(string, Customer) []string{
		"city":  func(_ string, c Customer) []string { return []string{c.City} },
		"spent": func(_ string, c Customer) []string { return []string{fmt.Sprintf("%012d", c.Spent)} },
	},
}

// concerned is who an event is about, by person.
func concerned(e *stream.Event[any]) []string {
	switch data := e.Data.(type) {
	case PersonRegistered:
		return []string{e.Stream.Key}
	case BidPlaced:
		return []string{data.Bidder}
	case InvoiceIssued:
		return []string{data.Buyer}
	case InvoicePaid:
		return []string{data.Buyer}
	}
	return nil
}

// Bidder is what the directory's first version said.
type Bidder struct {
	Name string
	Bids int
}

// OldDirectory is the first version, which answers in old houses until the second has
// caught up.
var OldDirectory = operators.KeyedView[any, Bidder]{
	Name:    "customers",
	Version: 1,
	Keys:    concerned,
	Reduce: func(_ string, b Bidder, e *stream.Event[any]) Bidder {
		switch data := e.Data.(type) {
		case PersonRegistered:
			b.Name = data.Name
		case BidPlaced:
			b.Bids++
		}
		return b
	},
}
