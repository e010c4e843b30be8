package main

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"sync"
	"time"

	"github.com/thaw-go/thaw/aggregate"
)

// workers is how many wishes the house serves at once. Wishes for one instance
// go to one of them, in order.
const workers = 32

// serve hands wishes to the workers at the rate asked for, and waits for them.
func (d *driver) serve(ctx context.Context, wishes []wish) error {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	var all sync.WaitGroup
	desks := make([]chan wish, workers)
	for i := range desks {
		desks[i] = make(chan wish, 8)
		all.Go(func() { // ends when its desk is closed
			for w := range desks[i] {
				if err := d.fulfil(ctx, w); err != nil {
					stop(err)
				}
			}
		})
	}
	for _, w := range wishes {
		if err := d.pace(ctx, w.N); err != nil {
			break
		}
		desks[desk(w.Key)] <- w
	}
	for _, desk := range desks {
		close(desk)
	}
	all.Wait()
	return context.Cause(ctx)
}

func desk(key string) uint32 {
	h := fnv.New32a()
	_, _ = h.Write([]byte(key)) // never fails
	return h.Sum32() % workers
}

// pace waits until a wish is due.
func (d *driver) pace(ctx context.Context, n int) error {
	if d.rate <= 0 {
		return ctx.Err()
	}
	due := d.started.Add(time.Duration(n-d.first) * time.Second / time.Duration(d.rate))
	wait := time.Until(due)
	if wait < time.Millisecond {
		return ctx.Err()
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// fulfil gives the house the command. A refusal is normal: the bid was too low,
// or the seller's own.
func (d *driver) fulfil(ctx context.Context, w wish) error {
	var err error
	id := d.id("wish", w.N)
	switch c := w.Command.(type) {
	case Register:
		_, err = d.house.persons.Handle(ctx, aggregate.Command[Register]{ID: id, Key: w.Key, Data: c})
	case LotCommand:
		_, err = d.house.lots.Handle(ctx, aggregate.Command[LotCommand]{ID: id, Key: w.Key, Data: c})
	default:
		err = fmt.Errorf("the house does not know %T", c)
	}
	var refused *aggregate.RejectedError
	if errors.As(err, &refused) {
		d.refused.Add(1)
		err = nil
	}
	if err == nil {
		d.heard.Add(1)
	}
	return err
}
