package main

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/thaw-go/thaw/operators"
	"github.com/thaw-go/thaw/replay"
	"github.com/thaw-go/thaw/stream"
)

// customers keeps the directory: blue/green.
type customers struct {
	on  premises
	new *operators.KeyedTable[any, Customer]
	old *operators.KeyedTable[any, Bidder]

	promoted chan struct{} // closed when the new one answers, and the old one is gone
}

func newCustomers(on premises) (c *customers, err error) {
	c = &customers{on: on, promoted: make(chan struct{})}
	if c.new, err = Directory.On(on.tables, operators.KeyedOptions{}); err != nil {
		return nil, err
	}
	c.old, err = OldDirectory.On(on.tables, operators.KeyedOptions{})
	return c, err
}

// run brings the directory up to date until the context is done. In a house that has
// the first version, that one answers until the second has caught up, and is then
// removed.
func (c *customers) run(ctx context.Context) error {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	active, err := operators.ActiveVersion(ctx, c.on.tables, Directory.Name)
	if err != nil && !errors.Is(err, operators.ErrNotPromoted) {
		return err
	}
	var staff sync.WaitGroup
	staff.Go(func() { // ends with ctx, or ends it
		if err := c.promote(ctx, active == OldDirectory.Version); err != nil {
			stop(err)
			return
		}
		close(c.promoted)
	})
	err = c.new.Run(ctx, replay.ColdHot(c.on.log, Hall))
	stop(err)
	staff.Wait()
	return context.Cause(ctx)
}

// promote lets the new version answer once it can. The old one is kept up to date
// until then, if it is the one that answers.
func (c *customers) promote(ctx context.Context, hasOld bool) error {
	if !hasOld {
		return c.new.Promote(ctx)
	}
	oldRun, stop := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- c.old.Run(oldRun, replay.ColdHot(c.on.log, Hall)) }() // stopped and waited for below
	err := c.new.Promote(ctx)
	stop()
	if end := <-ended; err == nil && !errors.Is(end, context.Canceled) {
		err = end
	}
	if err != nil {
		return err
	}
	return c.old.Retire(ctx)
}

// called asks whichever version answers what a person is called.
func (c *customers) called(ctx context.Context, person string) (string, error) {
	ask, err := operators.Versions[func() (string, error)]{
		OldDirectory.Version: func() (string, error) { b, _, err := c.old.Get(ctx, person); return b.Name, err },
		Directory.Version:    func() (string, error) { b, _, err := c.new.Get(ctx, person); return b.Name, err },
	}.Active(ctx, c.on.tables, Directory.Name)
	if err != nil {
		return "", err
	}
	return ask()
}

// best is who has spent most by a place, in words, with the address if it has not been
// forgotten.
func (c *customers) best(ctx context.Context, at stream.Cursor) (string, error) {
	select {
	case <-c.promoted:
	case <-ctx.Done():
		return "", context.Cause(ctx)
	}
	if err := c.new.WaitFor(ctx, at); err != nil {
		return "", err
	}
	now, err := c.new.Snapshot(ctx)
	if err != nil {
		return "", err
	}
	defer now.Close()
	page, err := now.Page(operators.KeyedQuery{Index: "spent", Reverse: true, Limit: 1})
	if err != nil || len(page.States) == 0 {
		return "nobody", err
	}
	who := page.States[0].Value
	address, err := who.Address.Open(ctx, c.on.keys)
	if errors.Is(err, stream.ErrForgotten) {
		address, err = Address{Street: who.Address.String()}, nil
	}
	return fmt.Sprintf("%s, %s, %s, who spent %s", who.Name, address.Street, who.City, who.Spent), err
}
