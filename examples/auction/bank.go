package main

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"

	"github.com/thaw-go/thaw/aggregate"
	"github.com/thaw-go/thaw/stream"
)

// NewBank is the buyers' banks, an event adapter: for each invoice that is
// issued it either pays at once or never will, as the seed has it. The payment's
// ID derives from the event, so an event that comes twice pays once.
func NewBank(seed uint64, invoices *aggregate.Repository[InvoiceCommand, InvoiceEvent, InvoiceState]) aggregate.Adapter[InvoiceIssued] {
	return aggregate.NewAdapter("bank", func(ctx context.Context, e *stream.Event[InvoiceIssued]) error {
		if !pays(seed, e.Stream.Key) {
			return nil
		}
		_, err := invoices.Handle(ctx, aggregate.Command[InvoiceCommand]{
			ID: stream.DeriveID(e.ID, "bank", 0), Key: e.Stream.Key, Data: Pay{e.Data.At},
		})
		var refused *aggregate.RejectedError
		if errors.As(err, &refused) {
			return nil // it is the house's to refuse a payment
		}
		return err
	})
}

// pays is true for four invoices of five.
func pays(seed uint64, invoice string) bool {
	h := fnv.New64a()
	fmt.Fprintf(h, "%d %s", seed, invoice)
	return h.Sum64()%5 != 0
}
