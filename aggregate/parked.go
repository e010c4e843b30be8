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

// Parked is an event that an adapter could not handle, a turn of a saga's instance
// that could not be taken, or what waits behind one.
type Parked struct {
	Instance string          // the saga's; empty for an adapter
	Timer    string          // the timer that fell due, if it was no event
	Stream   stream.ID       `json:",omitzero"` // the instance the event happened to
	Position stream.Position // the event's place in the log
	Type     string          // the event's stored name
	Err      string          // why it was parked
	Attempts int             // how often it was tried; 0 if it waits behind another
	Since    time.Time       // when it was parked
}

// AdapterRunner runs an adapter, tells how far it has come, and looks after what
// it has parked. Its methods may be called concurrently.
type AdapterRunner struct {
	*Runner
	lots[stream.ID]
}

// parkingLot is what a run has parked, by the key behind which it waits.
type parkingLot[K any] interface {
	list(ctx context.Context, key *K) ([]Parked, error)
	retry(ctx context.Context, key K) error
	discard(ctx context.Context, key K) error
}

// lots asks the parking lot of a runner's present run.
type lots[K any] struct {
	mu  sync.Mutex
	lot parkingLot[K] // of the run; nil before the first
}

func (l *lots[K]) serve(lot parkingLot[K]) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lot = lot
}

func (l *lots[K]) present() parkingLot[K] {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.lot
}

func (l *lots[K]) parked(ctx context.Context, r *Runner) (list []Parked, err error) {
	err = r.ask(ctx, func(ctx context.Context) error {
		list, err = l.present().list(ctx, nil)
		return err
	})
	return list, err
}

func (l *lots[K]) retry(ctx context.Context, r *Runner, key K) error {
	return r.ask(ctx, func(ctx context.Context) error { return l.present().retry(ctx, key) })
}

func (l *lots[K]) discard(ctx context.Context, r *Runner, key K) error {
	return r.ask(ctx, func(ctx context.Context) error { return l.present().discard(ctx, key) })
}

// Parked returns the events that are parked, by stream and in order. Like Retry
// and Discard it is answered between two events of a run: it waits until the
// adapter is online, and returns the context's error, or why the run ended.
func (r *AdapterRunner) Parked(ctx context.Context) ([]Parked, error) {
	return r.lots.parked(ctx, r.Runner)
}

// Retry tries the parked events of a stream again, in order, and stops at the
// first that fails every attempt, whose error it returns. Those that succeed are
// parked no longer; once all have, the stream goes on. Meanwhile other events
// wait.
func (r *AdapterRunner) Retry(ctx context.Context, id stream.ID) error {
	return r.lots.retry(ctx, r.Runner, id)
}

// Discard gives the parked events of a stream up; the stream goes on.
func (r *AdapterRunner) Discard(ctx context.Context, id stream.ID) error {
	return r.lots.discard(ctx, r.Runner, id)
}

// parkedItem is a parked event and where it is kept.
type parkedItem struct {
	Parked
	key string
	at  done
}

func (a *adapterRun[E]) list(ctx context.Context, id *stream.ID) (list []Parked, err error) {
	items, err := a.items(ctx, id)
	for _, i := range items {
		list = append(list, i.Parked)
	}
	return list, err
}

// items reads the parked events of a stream, or of all.
func (a *adapterRun[E]) items(ctx context.Context, id *stream.ID) (items []parkedItem, err error) {
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
	items, err := a.items(ctx, &id)
	if err != nil {
		return err
	}
	for _, item := range items {
		e, err := again(ctx, a.src, item.at)
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
	a.runner.parks(-1)
	if a.parked[id]--; a.parked[id] == 0 {
		delete(a.parked, id)
	}
	return nil
}

func (a *adapterRun[E]) discard(ctx context.Context, id stream.ID) error {
	items, err := a.items(ctx, &id)
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
func again[E any](ctx context.Context, src stream.Source[stream.Hot, E], at done) (found *stream.Event[E], err error) {
	from, items := stream.At(at.Position-1), 0
	past := func(m stream.Mark) error {
		if m.At.Position(0) >= at.Position {
			return errFound
		}
		return nil
	}
	err = src.Subscribe(ctx, stream.Subscription{From: &from, Mark: past}, func(e *stream.Event[E]) error {
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
