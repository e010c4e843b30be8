package aggregate

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/thaw-go/thaw/stream"
)

// Adapter is an event adapter: one event in, one side effect out. It runs on a
// hot source and nothing else compiles.
type Adapter[E any] struct {
	// Name is the durable consumer's.
	Name string
	// Do has the side effect. It is called for one event at a time, in order, and
	// again for the same event after an error or a crash: e.ID is the same then,
	// so that the other side can tell. Commands executed under its context are
	// caused by the event, and carry on its actor and trace. A panic counts as an
	// error.
	Do func(ctx context.Context, e *stream.Event[E]) error
	// Attempts is how often an event is tried before it is parked; default 5.
	Attempts int
	// Wait is how long to wait before the second attempt; default 100 ms. Each
	// further wait is about twice as long, up to MaxWait; default 10 s.
	Wait, MaxWait time.Duration
}

// NewAdapter makes an adapter with the default retries.
func NewAdapter[E any](name string, do func(context.Context, *stream.Event[E]) error) Adapter[E] {
	return Adapter[E]{Name: name, Do: do}
}

// Run runs the adapter on the caller's goroutine; it is Runner(src).Run(ctx).
func (a Adapter[E]) Run(ctx context.Context, src stream.Source[stream.Hot, E]) error {
	return a.Runner(src).Run(ctx)
}

// Runner makes a runner, which can also be asked how far the adapter has come
// and what it has parked. An event that has failed every attempt is parked, and
// the later events of its stream behind it, in order, untried, until they are
// retried or discarded; other streams go on. The run fails with [ErrNotHot] or a
// [*stream.NotDurableError] if the source is hot in name only.
func (a Adapter[E]) Runner(src stream.Source[stream.Hot, E]) *AdapterRunner {
	r := &AdapterRunner{Runner: newRunner(a.Name)}
	r.Runner.run = func(ctx context.Context) error {
		log, err := checkpoints(src, a.Name)
		if err != nil {
			return err
		}
		if a.Name == "" || a.Do == nil {
			return errors.New("the adapter has no name or no function")
		}
		run := &adapterRun[E]{adapter: a, policy: newRetries(a.Attempts, a.Wait, a.MaxWait), src: src, runner: r.Runner, parked: map[stream.ID]int{}}
		run.place = place{log: log, name: a.Name}
		r.serve(run)
		return consume[E](ctx, r.Runner, src, run)
	}
	return r
}

// done says which events were handled since the stored place: all before a
// position, and so many of the items at it (an operator may make several items
// of one event).
type done struct {
	Position stream.Position
	Items    int
}

// next is the next item's place, if it is at this position.
func (d done) next(at stream.Position) done {
	if at != d.Position {
		return done{at, 1}
	}
	return done{at, d.Items + 1}
}

const doneKey = "done"

// adapterRun is one run of an adapter. After each event it stores that it was
// handled, so a crash repeats at most the one whose storing it prevented.
type adapterRun[E any] struct {
	place
	adapter Adapter[E]
	policy  retries
	runner  *Runner
	src     stream.Source[stream.Hot, E]
	done    done
	item    done              // the item being handled
	parked  map[stream.ID]int // how many events each stream has parked
}

func (a *adapterRun[E]) begin(ctx context.Context) error {
	if err := a.find(ctx); err != nil {
		return err
	}
	value, ok, err := a.log.State(ctx, a.name, doneKey)
	if err != nil {
		return err
	}
	if ok {
		if err := json.Unmarshal(value, &a.done); err != nil {
			return fmt.Errorf("read what was done: %w", err)
		}
	}
	return a.log.States(ctx, a.name, parkedPrefix, func(key string, _ []byte) error {
		id, _, err := parseParkedKey(key)
		if err != nil {
			return err
		}
		a.parked[id]++
		a.runner.parks(1)
		return nil
	})
}

func (a *adapterRun[E]) handle(ctx context.Context, e *stream.Event[E]) error {
	if e.Position == 0 {
		return fmt.Errorf("an event of %s has no position, so what was done could not be remembered: an operator must keep its header", e.Stream)
	}
	a.item = a.item.next(e.Position)
	if a.item.Position < a.done.Position || a.item.Position == a.done.Position && a.item.Items <= a.done.Items {
		return nil // handled before the last restart
	}
	var changes []stream.Change
	if a.parked[e.Stream] > 0 {
		change, err := a.park(e, 0, errors.New("an earlier event of its stream is parked"))
		if err != nil {
			return err
		}
		changes = append(changes, change)
	} else if attempts, err := a.try(ctx, e); err != nil {
		if ctx.Err() != nil {
			return ctx.Err() // stopped, not failed: it is handled again
		}
		a.runner.trouble(ctx, fmt.Errorf("event %d of %s, %s, is parked: %w", e.Position, e.Stream, e.Type, err))
		change, err := a.park(e, attempts, err)
		if err != nil {
			return err
		}
		changes = append(changes, change)
	}
	return a.finish(ctx, changes...)
}

// finish stores that the present item was handled.
func (a *adapterRun[E]) finish(ctx context.Context, changes ...stream.Change) error {
	value, err := json.Marshal(a.item)
	if err != nil {
		return fmt.Errorf("store what was done: %w", err)
	}
	// Not under ctx: the effect has happened, and stopping must not unlearn it.
	changes = append(changes, stream.Change{Key: doneKey, Value: value})
	if err := a.save(context.WithoutCancel(ctx), changes...); err != nil {
		return fmt.Errorf("event %d was handled, but not remembered: %w", a.item.Position, err)
	}
	a.done = a.item
	return nil
}

// try has the side effect, with retries; it returns how often it tried.
func (a *adapterRun[E]) try(ctx context.Context, e *stream.Event[E]) (attempts int, err error) {
	ctx, told := a.runner.handling(ctx, &e.Header)
	attempts, err = a.policy.do(ctx, a.runner, func() (again bool, err error) { return true, a.do(ctx, e) })
	told(err)
	return attempts, err
}

func (a *adapterRun[E]) do(ctx context.Context, e *stream.Event[E]) (err error) {
	in := true
	defer stream.Contain("Do of adapter "+a.name, &in, &err)
	err = a.adapter.Do(ctx, e)
	in = false
	return err
}

func (a *adapterRun[E]) pass(ctx context.Context, m stream.Mark) (bool, error) {
	return true, a.move(ctx, m.At)
}
func (a *adapterRun[E]) next() (time.Time, bool)               { return time.Time{}, false }
func (a *adapterRun[E]) fire(context.Context, time.Time) error { return nil }

// park keeps an event for later, behind those of its stream.
func (a *adapterRun[E]) park(e *stream.Event[E], attempts int, why error) (stream.Change, error) {
	p := Parked{Stream: e.Stream, Position: e.Position, Type: e.Type, Err: why.Error(), Attempts: attempts, Since: time.Now().UTC()}
	value, err := json.Marshal(p)
	if err != nil {
		return stream.Change{}, fmt.Errorf("park event %d: %w", e.Position, err)
	}
	a.parked[e.Stream]++
	a.runner.parks(1)
	return stream.Change{Key: parkedKey(e.Stream, a.item), Value: value}, nil
}

const parkedPrefix = "p/"

// parkedKey sorts a stream's parked items by position, then by item.
func parkedKey(id stream.ID, at done) string {
	return fmt.Sprintf("%s%s\x00%020d/%06d", parkedPrefix, id, at.Position, at.Items)
}

func parseParkedKey(key string) (id stream.ID, at done, err error) {
	name, place, ok := strings.Cut(strings.TrimPrefix(key, parkedPrefix), "\x00")
	if ok {
		_, err = fmt.Sscanf(place, "%d/%d", &at.Position, &at.Items)
	}
	if !ok || err != nil {
		return id, at, fmt.Errorf("read parked events: key %q is not one", key)
	}
	id, err = stream.ParseID(name)
	return id, at, err
}
