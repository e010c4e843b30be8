package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/thaw-go/thaw/operators"
	"github.com/thaw-go/thaw/stream"
)

// Counters are what a live auction page shows. They come from events alone.
type Counters struct {
	Persons, Lots, Bids, Bidders       int
	Open, Completed, Sold, Unsold      int
	SecondChances                      int
	Issued, Paid, Cancelled, Unsettled int
	Turnover                           Cents
	At, NextFall                       time.Time // in event time; NextFall is zero when nothing is open
	Best                               []Category
}

// Category is what was paid for the lots of one category.
type Category struct {
	Name string
	Paid Cents
	Lots int
}

// hall is the page's state.
type hall struct {
	Counters
	bidders   map[string]bool
	deadlines map[string]time.Time // of open lots
	category  map[string]string    // of lots
	paid      map[string]Category  // by category
}

// Page is the view behind the auction's page.
type Page = operators.View[*stream.Event[any], *hall]

// NewPage makes the view: a reducer over everything in the house.
func NewPage() *Page {
	return operators.NewView("page", func() *hall {
		return &hall{bidders: map[string]bool{}, deadlines: map[string]time.Time{}, category: map[string]string{}, paid: map[string]Category{}}
	}, (*hall).reduce)
}

func (h *hall) reduce(e *stream.Event[any]) *hall {
	if at := happenedAt(e); at.After(h.At) {
		h.At = at
	}
	switch data := e.Data.(type) {
	case PersonRegistered:
		h.Persons++
	case LotEvent:
		h.lot(e.Stream.Key, data)
	case InvoiceIssued:
		h.Issued++
		h.Unsettled++
	case InvoicePaid:
		h.Paid++
		h.Unsettled--
		h.Turnover += data.Amount
		c := h.paid[h.category[data.Lot]]
		h.paid[h.category[data.Lot]] = Category{h.category[data.Lot], c.Paid + data.Amount, c.Lots + 1}
	case InvoiceCancelled:
		h.Cancelled++
		h.Unsettled--
	}
	return h
}

func (h *hall) lot(key string, e LotEvent) {
	switch e := e.(type) {
	case LotOpened:
		h.Lots++
		h.Open++
		h.deadlines[key], h.category[key] = e.Deadline, e.Category
	case BidPlaced:
		h.Bids++
		h.bidders[e.Bidder] = true
	case LotSold:
		h.Sold++
		h.close(key)
	case LotUnsold:
		h.Unsold++
		h.close(key)
	case SaleCancelled:
		h.Sold--
	case SecondChanceOffered:
		h.SecondChances++
		h.Sold++
	}
}

// close counts the hammer's fall, once: a lot may be sold and then not.
func (h *hall) close(key string) {
	if _, open := h.deadlines[key]; open {
		delete(h.deadlines, key)
		h.Open--
		h.Completed++
	}
}

// Count asks the page for its counters, which share no memory with it.
func Count(p *Page) Counters { return operators.Ask(p, (*hall).count) }

func (h *hall) count() Counters {
	c := h.Counters
	c.Bidders = len(h.bidders)
	for _, d := range h.deadlines {
		if c.NextFall.IsZero() || d.Before(c.NextFall) {
			c.NextFall = d
		}
	}
	c.Best = slices.SortedFunc(maps.Values(h.paid), func(a, b Category) int {
		if a.Paid != b.Paid {
			return int(b.Paid - a.Paid)
		}
		return strings.Compare(a.Name, b.Name)
	})
	c.Best = c.Best[:min(3, len(c.Best))]
	return c
}

// Lines are the counters as a page shows them.
func (c Counters) Lines() []string {
	next := "none"
	if !c.NextFall.IsZero() {
		next = c.NextFall.Format(time.TimeOnly)
	}
	lines := []string{
		fmt.Sprintf("time in the house   %s   next fall of the hammer %s", c.At.Format(time.TimeOnly), next),
		fmt.Sprintf("persons %8d   bidders %10d   bids      %8d", c.Persons, c.Bidders, c.Bids),
		fmt.Sprintf("lots    %8d   open    %10d   completed %8d", c.Lots, c.Open, c.Completed),
		fmt.Sprintf("sold    %8d   unsold  %10d   second chances %3d", c.Sold, c.Unsold, c.SecondChances),
		fmt.Sprintf("invoices %7d   paid    %10d   cancelled %8d", c.Issued, c.Paid, c.Cancelled),
		fmt.Sprintf("turnover %s", c.Turnover),
	}
	for _, b := range c.Best {
		lines = append(lines, fmt.Sprintf("  %-8s %4d lots paid, %s", b.Name, b.Lots, b.Paid))
	}
	return lines
}
