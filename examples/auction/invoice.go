package main

import (
	"errors"
	"time"

	"github.com/thaw-go/thaw/aggregate"
	"github.com/thaw-go/thaw/stream"
)

// InvoiceEvent is what happens to an invoice.
type InvoiceEvent interface{ invoiceEvent() }

// An invoice is issued, and then paid or cancelled.
type (
	InvoiceIssued struct {
		Lot, Buyer string
		Amount     Cents
		At, Due    time.Time
	}
	InvoicePaid struct {
		Lot, Buyer string
		Amount     Cents
		At         time.Time
	}
	InvoiceCancelled struct {
		Lot string
		At  time.Time
	}
)

func (InvoiceIssued) invoiceEvent()    {}
func (InvoicePaid) invoiceEvent()      {}
func (InvoiceCancelled) invoiceEvent() {}

// Invoices is the combined stream of all invoices.
var Invoices = stream.NewTopic("invoices", stream.Catalogue[InvoiceEvent]{
	"INVOICE_ISSUED":    InvoiceIssued{},
	"INVOICE_PAID":      InvoicePaid{},
	"INVOICE_CANCELLED": InvoiceCancelled{},
})

// InvoiceCommand is what an invoice may be asked.
type InvoiceCommand interface{ invoiceCommand() }

// The commands of an invoice.
type (
	Issue  InvoiceIssued
	Pay    struct{ At time.Time }
	Cancel struct{ At time.Time }
)

func (Issue) invoiceCommand()  {}
func (Pay) invoiceCommand()    {}
func (Cancel) invoiceCommand() {}

// InvoiceState is what deciding about an invoice needs to know.
type InvoiceState struct {
	Issued InvoiceIssued
	Status string // "", open, paid, cancelled
}

// Why an invoice refuses a command.
var (
	ErrIssued  = errors.New("the invoice has been issued already")
	ErrNotOpen = errors.New("the invoice is not open")
	ErrNotDue  = errors.New("the invoice's term has not passed")
	ErrOverdue = errors.New("the invoice's term has passed")
)

// Invoice decides about one invoice.
var Invoice = aggregate.New(Invoices, decideInvoice, evolveInvoice)

func decideInvoice(s InvoiceState, c InvoiceCommand) ([]InvoiceEvent, error) {
	if issue, ok := c.(Issue); ok {
		if s.Status != "" {
			return nil, ErrIssued
		}
		return []InvoiceEvent{InvoiceIssued(issue)}, nil
	}
	if s.Status != "open" {
		return nil, ErrNotOpen
	}
	switch c := c.(type) {
	case Pay:
		if c.At.After(s.Issued.Due) {
			return nil, ErrOverdue
		}
		return []InvoiceEvent{InvoicePaid{s.Issued.Lot, s.Issued.Buyer, s.Issued.Amount, c.At}}, nil
	case Cancel:
		if c.At.Before(s.Issued.Due) {
			return nil, ErrNotDue
		}
		return []InvoiceEvent{InvoiceCancelled{s.Issued.Lot, c.At}}, nil
	}
	return nil, errors.New("an invoice does not know this command")
}

func evolveInvoice(s InvoiceState, e InvoiceEvent) InvoiceState {
	switch e := e.(type) {
	case InvoiceIssued:
		return InvoiceState{Issued: e, Status: "open"}
	case InvoicePaid:
		s.Status = "paid"
	case InvoiceCancelled:
		s.Status = "cancelled"
	}
	return s
}
