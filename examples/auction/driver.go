package main

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/thaw-go/thaw/aggregate"
	"github.com/thaw-go/thaw/stream"
)

// driver brings the world's wishes to the house, tick by tick.
type driver struct {
	house   *house
	world   *world
	events  int
	rate    int // wishes a second; 0: as fast as it goes
	started time.Time
	first   int          // the first wish of this run
	heard   atomic.Int64 // wishes served, over all runs
	refused atomic.Int64 // in this run
	held    *wish        // made, but for a later tick
}

// seedID is what all the world's commands derive their IDs from: a wish that is
// brought again after a crash is the same command, and takes effect once.
func (d *driver) id(what string, n int) stream.EventID {
	return stream.DeriveID(stream.DeriveID(stream.EventID{}, fmt.Sprint("world ", d.house.seed), 0), what, n)
}

// run goes on from where the clock stands until the wishes are through, every
// lot is closed, and every invoice is settled.
func (d *driver) run(ctx context.Context) error {
	clock, err := d.clock(ctx)
	if err != nil {
		return err
	}
	if clock.Heard > d.events { // before anything is done: the last ticks would close the house
		return fmt.Errorf("this house has heard %d wishes, which is more than %d; go on with more, or choose another -dir", clock.Heard, d.events)
	}
	for range clock.Heard {
		d.world.next()
	}
	d.started, d.first = time.Now(), clock.Heard
	d.heard.Store(int64(clock.Heard))
	if err := errors.Join(d.house.sales.Online(ctx), d.house.bank.Online(ctx)); err != nil {
		return err
	}
	if err := d.house.settle(ctx); err != nil { // what was left undone at the last stop
		return err
	}
	if d.more() && d.world.next().At.Before(clock.At) {
		return fmt.Errorf("this house closed after %d wishes; another -dir can have %d", clock.Heard, d.events)
	}
	d.world = newWorld(d.house.seed) // what was peeked at above
	for range clock.Heard {
		d.world.next()
	}
	for at, quiet := clock.At, 0; d.more() || !d.settled(); {
		if !d.more() {
			quiet++
		}
		if quiet > quietTicks {
			return d.unsettled(ctx)
		}
		at = at.Add(tickLength)
		if err := d.tick(ctx, at); err != nil {
			return err
		}
	}
	return nil
}

// quietTicks is how long the house may take to settle everything once there are no
// more wishes: many times as long as two terms.
const quietTicks = 1000

// unsettled says why the house does not come to an end.
func (d *driver) unsettled(ctx context.Context) error {
	parked, err := d.house.sales.Parked(ctx)
	if err == nil && len(parked) > 0 {
		err = fmt.Errorf("the sale of %s is parked: %s", parked[0].Instance, parked[0].Err)
	}
	c := Count(d.house.page)
	return errors.Join(fmt.Errorf("after %d ticks without a wish %d lots are open and %d invoices unsettled", quietTicks, c.Open, c.Unsettled), err)
}

// clock sets the clock, if that has not been done, and reads it.
func (d *driver) clock(ctx context.Context) (ClockState, error) {
	result, err := d.house.clocks.Execute(ctx, "house", SetClock{Seed: d.house.seed, At: opening})
	var refused *aggregate.RejectedError
	if errors.As(err, &refused) {
		return ClockState{}, fmt.Errorf("%w; choose another -dir or -seed", refused.Err)
	}
	return result.State, err
}

func (d *driver) more() bool { return d.heard.Load() < int64(d.events) }

func (d *driver) settled() bool {
	c := Count(d.house.page)
	return c.Open == 0 && c.Unsettled == 0
}

// tick serves all wishes before a time, moves the clock there, and waits until
// the house has done what follows.
func (d *driver) tick(ctx context.Context, end time.Time) error {
	if err := d.serve(ctx, d.before(end)); err != nil {
		return err
	}
	tick := Tick{Heard: int(d.heard.Load()), At: end}
	_, err := d.house.clocks.Handle(ctx, aggregate.Command[ClockCommand]{
		ID: d.id("tick", int(end.Unix())), Key: "house", Data: tick,
	})
	if err != nil {
		return err
	}
	return d.house.settle(ctx)
}

// before is the world's wishes up to a time.
func (d *driver) before(end time.Time) []wish {
	var list []wish
	for {
		if d.held == nil {
			if d.heard.Load()+int64(len(list)) >= int64(d.events) {
				return list
			}
			w := d.world.next()
			d.held = &w
		}
		if !d.held.At.Before(end) {
			return list
		}
		list = append(list, *d.held)
		d.held = nil
	}
}
