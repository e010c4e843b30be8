package aggregate

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/thaw-go/thaw/stream"
)

// Parked is an event that an adapter could not handle, or that waits behind one.
type Parked struct {
	Stream   stream.ID       // the instance it happened to
	Position stream.Position // its place in the log
	Type     string          // its stored name
	Err      string          // why it was parked
	Attempts int             // how often it was tried; 0 if it waits behind another
	Since    time.Time       // when it was parked
}

// AdapterRunner runs an adapter, tells how far it has come, and looks after what
// it has parked. Its methods may be called concurrently.
type AdapterRunner struct {
	*Runner

	mu   sync.Mutex
	lots parkingLot // of the run; nil before the first
}

// parkingLot is an adapter's parked events, without its event type.
type parkingLot interface {
	list(ctx context.Context, id *stream.ID) ([]parkedItem, error)
	retry(ctx context.Context, id stream.ID) error
	discard(ctx context.Context, id stream.ID) error
}

// parkedItem is a parked event and where it is kept.
type parkedItem struct {
	Parked
	key string
	at  done
}

func (r *AdapterRunner) serve(l parkingLot) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.lots = l
}

func (r *AdapterRunner) lot() parkingLot {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.lots
}

// Parked returns the events that are parked, by stream and in order. Like Retry
// and Discard it is answered between two events of a run: it waits until the
// adapter is online, and returns the context's error, or why the run ended.
func (r *AdapterRunner) Parked(ctx context.Context) (list []Parked, err error) {
	err = r.ask(ctx, func(ctx context.Context) error {
		items, err := r.lot().list(ctx, nil)
		for _, i := range items {
			list = append(list, i.Parked)
		}
		return err
	})
	return list, err
}

// Retry tries the parked events of a stream again, in order, and stops at the
// first that fails every attempt, whose error it returns. Those that succeed are
// parked no longer; once all have, the stream goes on. Meanwhile other events
// wait.
func (r *AdapterRunner) Retry(ctx context.Context, id stream.ID) error {
	return r.ask(ctx, func(ctx context.Context) error { return r.lot().retry(ctx, id) })
}

// Discard gives the parked events of a stream up; the stream goes on.
func (r *AdapterRunner) Discard(ctx context.Context, id stream.ID) error {
	return r.ask(ctx, func(ctx context.Context) error { return r.lot().discard(ctx, id) })
}

// list reads the parked events of a stream, or of all.
func (a *adapterRun[E]) list(ctx context.Context, id *stream.ID) (items []parkedItem, err error) {
	prefix := parkedPrefix
	if id != nil {
		prefix += id.String() + "\x00"
	}
	err = a.log.States(ctx, a.name, prefix, func(key string, value []byte) error {
		item := parkedItem{key: key}
		if err := json.Unmarshal(value, &item.Parked); err != nil {
			return fmt.Errorf("read parked events: %w", err)
		}
		var err error
		_, item.at, err = parseParkedKey(key)
		items = append(items, item)
		return err
	})
	return items, err
}

func (a *adapterRun[E]) retry(ctx context.Context, id stream.ID) error {
	items, err := a.list(ctx, &id)
	if err != nil {
		return err
	}
	for _, item := range items {
		e, err := a.again(ctx, item.at)
		if err != nil {
			return fmt.Errorf("retry event %d of %s: %w", item.Position, id, err)
		}
		if attempts, err := a.try(ctx, e); err != nil {
			return errors.Join(fmt.Errorf("retry event %d of %s: %w", item.Position, id, err), a.failedAgain(ctx, item, attempts, err))
		}
		if err := a.unpark(ctx, id, item); err != nil {
			return err
		}
	}
	return nil
}

// failedAgain stores the newest error of a parked event.
func (a *adapterRun[E]) failedAgain(ctx context.Context, item parkedItem, attempts int, why error) error {
	if ctx.Err() != nil {
		return nil // stopped, not failed
	}
	item.Err, item.Attempts = why.Error(), item.Attempts+attempts
	value, err := json.Marshal(item.Parked)
	if err != nil {
		return fmt.Errorf("park event %d: %w", item.Position, err)
	}
	return a.save(ctx, stream.Change{Key: item.key, Value: value})
}

func (a *adapterRun[E]) unpark(ctx context.Context, id stream.ID, item parkedItem) error {
	if err := a.save(context.WithoutCancel(ctx), stream.Change{Key: item.key}); err != nil {
		return err
	}
	if a.parked[id]--; a.parked[id] == 0 {
		delete(a.parked, id)
	}
	return nil
}

func (a *adapterRun[E]) discard(ctx context.Context, id stream.ID) error {
	items, err := a.list(ctx, &id)
	if err != nil {
		return err
	}
	for _, item := range items {
		if err := a.unpark(ctx, id, item); err != nil {
			return err
		}
	}
	return nil
}

// again reads a parked item anew, through the same pipeline.
func (a *adapterRun[E]) again(ctx context.Context, at done) (found *stream.Event[E], err error) {
	from, items := stream.At(at.Position-1), 0
	past := func(m stream.Mark) error {
		if m.At.Position(0) >= at.Position {
			return errFound
		}
		return nil
	}
	err = a.src.Subscribe(ctx, stream.Subscription{From: &from, Mark: past}, func(e *stream.Event[E]) error {
		if e.Position > at.Position {
			return errFound
		}
		if items++; e.Position == at.Position && items == at.Items {
			found = e
			return errFound
		}
		return nil
	})
	if !errors.Is(err, errFound) {
		return nil, err
	}
	if found == nil {
		return nil, errors.New("its source no longer delivers it")
	}
	return found, nil
}
