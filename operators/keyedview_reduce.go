package operators

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/thaw-go/thaw/internal/engine"
	"github.com/thaw-go/thaw/stream"
)

// keyedCell is a key's state in memory; between two updates it is what is stored.
type keyedCell[S any] struct {
	stored  bool // there is a row
	count   keyedCount
	entries []string // its index entries' rows
	state   S
}

// keyedWork is what one update has to do for one key.
type keyedWork[E, S any] struct {
	key     string
	cell    *keyedCell[S] // nil: to be read
	items   []placedItem[E]
	waits   bool // an earlier event of the key is parked
	park    bool // what can not be reduced is parked, though the run may park nothing
	changes []stream.Change
	parks   int   // how many of the items are parked
	poison  error // why the first of them is
	err     error
}

// group gives each key its items, in order; the keys are in the order of their
// first appearance.
func (r *keyedRun[E, S]) group(items []placedItem[E]) (works []*keyedWork[E, S], err error) {
	byKey := make(map[string]*keyedWork[E, S], len(items))
	for _, item := range items {
		keys, err := r.keysOf(item)
		if err != nil {
			return nil, err
		}
		for _, key := range keys {
			w := byKey[key]
			if w == nil {
				w = &keyedWork[E, S]{key: key, waits: r.parked[key] > 0}
				if at, ok := r.cache.use(key); ok {
					w.cell = r.cache.cells[at].state
				}
				byKey[key] = w
				works = append(works, w)
			}
			if n := len(w.items); n > 0 && w.items[n-1].event == item.event && w.items[n-1].number == item.number {
				continue // it names the key twice
			}
			w.items = append(w.items, item)
		}
	}
	return works, nil
}

// keysOf is what keys an item concerns. Of an event that could not be decoded that is
// known if they are the instances'.
func (r *keyedRun[E, S]) keysOf(item placedItem[E]) (keys []string, err error) {
	e := item.event
	if item.why != nil && !r.table.byInstance {
		return nil, r.poison("", e, item.why)
	}
	defer func() {
		if value := recover(); value != nil {
			err = r.poison("", e, &stream.PanicError{Stage: "Keys", Value: value, Stack: debug.Stack()})
		}
	}()
	return r.table.view.Keys(e), nil
}

func (r *keyedRun[E, S]) poison(key string, e *stream.Event[E], err error) *PoisonError {
	return &PoisonError{View: r.table.name, Key: key, Stream: e.Stream, Position: e.Position, Type: e.Type, Err: err}
}

// errReducerVanished stands for a function of the view that ended its goroutine.
var errReducerVanished = errors.New("a function of the view ended its goroutine (runtime.Goexit) instead of returning")

// keysAtOnce is how many keys make it worth to share the work.
const keysAtOnce = 64

// reduce does the work of all keys on as many goroutines as there are workers, each
// key on one of them. The result does not depend on how many.
func (r *keyedRun[E, S]) reduce(ctx context.Context, works []*keyedWork[E, S]) error {
	workers := min(r.table.options.Workers, (len(works)+keysAtOnce-1)/keysAtOnce)
	var next atomic.Int64
	worker := func() error {
		read := &lazySnapshot{ctx: ctx, tables: r.table.tables}
		defer read.close()
		for {
			from := int(next.Add(keysAtOnce)) - keysAtOnce
			if from >= len(works) || ctx.Err() != nil {
				return ctx.Err()
			}
			for _, w := range works[from:min(from+keysAtOnce, len(works))] {
				w.err = r.reduceKey(ctx, read, w)
			}
		}
	}
	var others sync.WaitGroup
	failed := make([]error, max(1, workers))
	for i := range len(failed) - 1 {
		failed[i+1] = errReducerVanished
		others.Go(func() { failed[i+1] = worker() }) // ends when all is taken; waited for below
	}
	failed[0] = worker()
	others.Wait()
	for _, err := range failed {
		if err != nil {
			return err
		}
	}
	return firstError(works)
}

// firstError is the error of the earliest event, whoever met it first.
func firstError[E, S any](works []*keyedWork[E, S]) (first error) {
	var at stream.Position
	for _, w := range works {
		poison, isPoison := w.err.(*PoisonError)
		switch {
		case w.err == nil:
		case !isPoison:
			return w.err
		case first == nil || poison.Position < at:
			first, at = w.err, poison.Position
		}
	}
	return first
}

// reduceKey does the work of one key. When something fails, it begins again from
// what is stored and goes item by item, to find the one that it fails at.
func (r *keyedRun[E, S]) reduceKey(ctx context.Context, read *lazySnapshot, w *keyedWork[E, S]) (err error) {
	if w.waits {
		return r.park(w, 0, errBehind)
	}
	c := w.cell
	if c == nil {
		if c, err = r.read(read, w.key); err != nil {
			return err
		}
	}
	stored, entries := c.stored, c.entries
	if value, err := r.fold(ctx, w.key, c, w.items); err == nil {
		w.store(c, stored, entries, value)
		return nil
	}
	good, why := 0, error(nil)
	if c, err = r.read(read, w.key); err != nil {
		return err
	}
	stored, entries = c.stored, c.entries
	var value []byte
	for ; good < len(w.items) && why == nil; good++ {
		value, why = r.fold(ctx, w.key, c, w.items[good:good+1])
	}
	if why == nil { // it does not fail any more
		w.store(c, stored, entries, value)
		return nil
	}
	good--
	if !r.table.options.Park && !w.park {
		return r.poison(w.key, w.items[good].event, why)
	}
	if good > 0 {
		if c, err = r.read(read, w.key); err != nil {
			return err
		}
		if value, err = r.fold(ctx, w.key, c, w.items[:good]); err != nil {
			return r.poison(w.key, w.items[good-1].event, err)
		}
		w.store(c, stored, entries, value)
	} else if w.cell, err = r.read(read, w.key); err != nil {
		return err
	}
	return r.park(w, good, why)
}

// store takes what was folded: a row, or none if the key is gone.
func (w *keyedWork[E, S]) store(c *keyedCell[S], stored bool, entries []string, value []byte) {
	if value != nil || stored {
		w.changes = append(w.changes, stream.Change{Key: statePrefix + w.key, Value: value})
	}
	w.changes, w.cell = entryChanges(w.changes, entries, c.entries), c
}

// read reads a key's state.
func (r *keyedRun[E, S]) read(read *lazySnapshot, key string) (*keyedCell[S], error) {
	s, err := read.get()
	if err != nil {
		return nil, err
	}
	c := &keyedCell[S]{}
	value, ok, err := s.Get(r.table.name, statePrefix+key)
	if err != nil || !ok {
		return c, err
	}
	row, err := parseStateRow(value)
	if err == nil {
		err = r.table.view.Codec.Unmarshal(row.state, &c.state)
	}
	if err != nil {
		return nil, fmt.Errorf("read state of %.80q: %w", key, err)
	}
	c.stored, c.count, c.entries = true, row.count, row.entries
	return c, nil
}

// fold folds items into a cell, which then is what will be stored, and returns its
// row; nil if the key is gone.
func (r *keyedRun[E, S]) fold(ctx context.Context, key string, c *keyedCell[S], items []placedItem[E]) (value []byte, err error) {
	v, stage := &r.table.view, ""
	defer func() {
		if value := recover(); value != nil {
			err = &stream.PanicError{Stage: stage, Value: value, Stack: debug.Stack()}
		}
	}()
	for _, item := range items {
		if item.why != nil {
			return nil, item.why
		}
		if !c.stored {
			stage = "Initial"
			c.state, c.count, c.stored = v.Initial(), keyedCount{}, true
		}
		stage = "Reduce"
		c.state = r.handle(ctx, key, c.state, item.event)
		c.count = keyedCount{c.count.events + 1, item.event.Position, item.number}
		stage = "Gone"
		c.stored = !v.Gone(c.state)
	}
	c.entries = nil
	if !c.stored {
		return nil, fits("key", statePrefix+key)
	}
	stage = "Indexes"
	if c.entries, err = r.entries(key, c.state); err == nil {
		err = fits("key", statePrefix+key)
	}
	if err != nil {
		return nil, err
	}
	stage = "Codec"
	state, err := v.Codec.Marshal(c.state)
	if err != nil {
		return nil, fmt.Errorf("encode the state: %w", err)
	}
	row := stateRow{count: c.count, entries: c.entries, state: state}
	value = row.append(make([]byte, 0, len(state)+24))
	if len(value) > engine.MaxTableValueBytes {
		return nil, &stream.TooLargeError{What: "state", Size: int64(len(value)), Limit: engine.MaxTableValueBytes}
	}
	return value, nil
}

var errReducePanicked = errors.New("the view's Reduce panicked")

// handle reduces one event under the hooks.
func (r *keyedRun[E, S]) handle(ctx context.Context, key string, s S, e *stream.Event[E]) (next S) {
	hook := r.table.options.Hooks.Handle
	if hook == nil {
		return r.table.view.Reduce(key, s, e)
	}
	err := errReducePanicked
	if _, done := hook(ctx, r.table.name, &e.Header); done != nil {
		defer func() { done(err) }()
	}
	next, err = r.table.view.Reduce(key, s, e), nil
	return next
}

// entries are the rows of a state's index entries, in order, each once.
func (r *keyedRun[E, S]) entries(key string, s S) (rows []string, err error) {
	for _, index := range r.table.indexes {
		for _, value := range r.table.view.Indexes[index](key, s) {
			row := indexRow(index, value, key)
			if err := fits("entry of index "+index, row); err != nil {
				return nil, err
			}
			rows = append(rows, row)
		}
	}
	slices.Sort(rows)
	return slices.Compact(rows), nil
}

// settle keeps a state for the next update, and counts what was parked.
func (r *keyedRun[E, S]) settle(ctx context.Context, w *keyedWork[E, S]) {
	if w.parks > 0 {
		r.parked[w.key] += uint64(w.parks)
	}
	if hook := r.table.options.Hooks.Trouble; hook != nil && w.poison != nil {
		hook(ctx, r.table.name, r.poison(w.key, w.items[len(w.items)-w.parks].event, w.poison))
	}
	if w.cell == nil {
		return
	}
	if at, ok := r.cache.use(w.key); ok {
		r.cache.cells[at].state = w.cell
		return
	}
	r.cache.add(w.key, w.cell)
}

// lazySnapshot is taken when it is first needed.
type lazySnapshot struct {
	ctx    context.Context
	tables stream.Tables
	s      stream.TableSnapshot
}

func (l *lazySnapshot) get() (stream.TableSnapshot, error) {
	if l.s == nil {
		s, err := l.tables.Snapshot(l.ctx)
		if err != nil {
			return nil, err
		}
		l.s = s
	}
	return l.s, nil
}

func (l *lazySnapshot) close() {
	if l.s != nil {
		l.s.Close()
	}
}
