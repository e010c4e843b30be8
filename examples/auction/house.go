package main

import (
	"context"
	"errors"
	"sync"

	"github.com/thaw-go/thaw/aggregate"
	"github.com/thaw-go/thaw/replay"
	"github.com/thaw-go/thaw/stream"
)

// store is what the house needs of a log.
type store interface {
	stream.MultiStore
	stream.Checkpoints
}

// premises are what the house stands on: its log, what can be made anew from it, and,
// apart from both, the keys of what it knows of persons.
type premises struct {
	log    store
	tables stream.Tables
	keys   stream.Keys
}

// house is the auction house on a log: what takes commands, what answers
// questions, and what acts by itself.
type house struct {
	premises
	seed      uint64
	persons   *aggregate.Repository[Register, PersonRegistered, bool]
	lots      *aggregate.Repository[LotCommand, LotEvent, LotState]
	invoices  *aggregate.Repository[InvoiceCommand, InvoiceEvent, InvoiceState]
	clocks    *aggregate.Repository[ClockCommand, ClockEvent, ClockState]
	page      *Page
	customers *customers
	sales     *aggregate.SagaRunner
	bank      *aggregate.AdapterRunner
}

func newHouse(on premises, seed uint64) (h *house, err error) {
	h = &house{
		premises: on, seed: seed,
		persons:  aggregate.NewGuardedRepository(on.log, Person, aggregate.Options{Keys: on.keys}, OnePerEmail),
		lots:     aggregate.NewRepository(on.log, Lot),
		invoices: aggregate.NewRepository(on.log, Invoice),
		clocks:   aggregate.NewRepository(on.log, Clock),
		page:     NewPage(),
	}
	if h.customers, err = newCustomers(on); err != nil {
		return nil, err
	}
	h.sales = Sales.Runner(replay.Hot(h.log, Hall), h.lots, h.invoices)
	h.bank = NewBank(seed, h.invoices).Runner(replay.Hot(h.log, stream.Only[InvoiceIssued](Invoices)))
	return h, nil
}

// open runs the views, the saga and the bank while work is done, and waits for
// all of them. What fails first stops the rest and is returned.
func (h *house) open(ctx context.Context, work func(context.Context) error) error {
	ctx, stop := context.WithCancelCause(ctx)
	var staff sync.WaitGroup
	ends := make(chan error, 4)
	for _, run := range []func(context.Context) error{
		func(ctx context.Context) error { return h.page.Run(ctx, replay.ColdHot(h.log, Hall)) },
		h.customers.run,
		h.sales.Run,
		h.bank.Run,
	} {
		staff.Go(func() { // ends with ctx, or ends it
			err := run(ctx)
			stop(err)
			ends <- err
		})
	}
	err := work(ctx)
	if cause := context.Cause(ctx); cause != nil && errors.Is(err, context.Canceled) {
		err = cause // why it was stopped
	}
	stop(nil)
	staff.Wait()
	close(ends)
	for end := range ends {
		if err == nil && !errors.Is(end, context.Canceled) {
			err = end // it failed while it stopped
		}
	}
	return err
}

// settle waits until nobody in the house has anything left to do.
func (h *house) settle(ctx context.Context) error {
	for {
		head, err := h.log.Head(ctx)
		if err != nil {
			return err
		}
		if err := h.sales.WaitFor(ctx, head); err != nil {
			return err
		}
		if err := h.bank.WaitFor(ctx, head); err != nil {
			return err
		}
		now, err := h.log.Head(ctx)
		if err != nil {
			return err
		}
		if now.Equal(head) {
			return h.page.WaitFor(ctx, head)
		}
	}
}
