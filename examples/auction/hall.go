package main

import (
	"time"

	"github.com/thaw-go/thaw/stream"
)

// Hall is everything that happens in the house, in log order.
var Hall = stream.Union[any](Persons, Lots, Invoices, Clocks)

// happenedAt is when an event happened, which is not when it was stored.
func happenedAt(e *stream.Event[any]) time.Time {
	switch e := e.Data.(type) {
	case PersonRegistered:
		return e.At
	case LotOpened:
		return e.At
	case BidPlaced:
		return e.At
	case LotSold:
		return e.At
	case LotUnsold:
		return e.At
	case SaleCancelled:
		return e.At
	case SecondChanceOffered:
		return e.At
	case InvoiceIssued:
		return e.At
	case InvoicePaid:
		return e.At
	case InvoiceCancelled:
		return e.At
	case ClockSet:
		return e.At
	case Ticked:
		return e.At
	}
	return time.Time{}
}
