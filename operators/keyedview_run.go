package operators

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"time"

	"github.com/thaw-go/thaw/internal/engine"
	"github.com/thaw-go/thaw/stream"
)

// Run brings the table up to date from where it stands, and keeps it so, until the
// context is done or something fails; it returns the context's error or what
// failed. One run of a table at a time: another gets [ErrViewRunning] or a
// [*stream.BusyError]. Each update stores states and place together, so each event
// counts once whatever ends the process.
//
// The source runs on a goroutine of its own, and reducing takes as many as there
// are workers; all have ended when Run returns. An operator before the view must
// keep the log's order; one that remembers is refused with a
// [*stream.NotResumableError].
func (t *KeyedTable[E, S]) Run(ctx context.Context, src stream.Source[stream.ColdHot, E]) error {
	return t.keep(ctx, src.Subscribe)
}

// subscribe is the method of a source of any kind.
type subscribe[E any] func(context.Context, stream.Subscription, func(*stream.Event[E]) error) error

func (t *KeyedTable[E, S]) keep(ctx context.Context, src subscribe[E]) (err error) {
	run, err := t.begin()
	if err != nil {
		return err
	}
	defer func() { t.end(run, err) }()
	release, err := t.tables.Claim(ctx, t.name)
	if err != nil {
		return err
	}
	defer release()
	r := &keyedRun[E, S]{table: t, run: run, source: src, in: newInbox[E](2 * t.options.Events), most: t.options.Events}
	if err := r.load(ctx); err != nil {
		return fmt.Errorf("operators: view %s: %w", t.name, err)
	}
	if err = r.serve(ctx); err != nil && ctx.Err() == nil {
		err = fmt.Errorf("operators: view %s, at %s: %w", t.name, r.meta.At, err)
	}
	return err
}

// keyedRun is one run. Its fields belong to the caller's goroutine.
type keyedRun[E, S any] struct {
	table  *KeyedTable[E, S]
	run    *viewRun
	source subscribe[E]
	in     *inbox[E]
	meta   keyedMeta // as it is stored
	cache  *recent[string, *keyedCell[S]]
	parked map[string]uint64 // how many events each key has parked
	most   int               // how many events the next update is to take
	since  time.Time         // when the oldest news came; zero: there are none
}

// keyedRequest is something to be done between two updates.
type keyedRequest[E, S any] struct {
	do   func(context.Context, *keyedRun[E, S]) error
	done chan error // has room for the answer
}

// load reads what is stored.
func (r *keyedRun[E, S]) load(ctx context.Context) error {
	t := r.table
	r.forget()
	s, err := t.tables.Snapshot(ctx)
	if err != nil {
		return err
	}
	defer s.Close()
	meta, ok, err := readMeta(s, t.name)
	if err != nil {
		return err
	}
	if !ok {
		meta = keyedMeta{Format: keyedFormat, Indexes: t.indexes}
		if err := t.tables.Drop(ctx, t.name); err != nil { // what Retire left, if it stopped half way
			return err
		}
	} else if err := sameIndexes(meta.Indexes, t.indexes); err != nil {
		return err
	}
	r.meta = meta
	t.change(func() { r.run.mark.At = meta.At })
	if r.parked = map[string]uint64{}; ok {
		r.parked, err = countParked(s, t.name)
	}
	return err
}

// forget empties the cache: what it has may be ahead of what is stored.
func (r *keyedRun[E, S]) forget() {
	r.cache = newRecent[string, *keyedCell[S]](r.table.options.States)
}

// serve runs the source, and stores what it delivers until it ends.
func (r *keyedRun[E, S]) serve(ctx context.Context) error {
	inner, cancel := context.WithCancel(ctx)
	defer cancel()
	ended := make(chan error, 1)
	at := r.meta.At
	go func() { // stopped by cancel, waited for below
		err := errors.New("its source ended its goroutine (runtime.Goexit) instead of returning")
		defer func() {
			if value := recover(); value != nil { // nobody else could
				err = &stream.PanicError{Stage: "the source of view " + r.table.name, Value: value, Stack: debug.Stack()}
			}
			ended <- err
		}()
		sub := stream.Subscription{
			From:      &at,
			Mark:      func(m stream.Mark) error { r.in.pass(m); return nil },
			Undecoded: func(h stream.Header, why error) error { return r.in.put(inner, &stream.Event[E]{Header: h}, why) },
		}
		err = r.source(inner, sub, func(e *stream.Event[E]) error { return r.in.put(inner, e, nil) })
	}()
	source, sourceEnded, err := error(nil), false, error(nil)
	for err == nil && !sourceEnded {
		source, sourceEnded, err = r.step(ctx, ended)
	}
	if !sourceEnded {
		cancel()
		source = <-ended
	}
	// What was marked before the source ended or was stopped is stored, too; but not
	// what came after something has failed.
	if err == nil || ctx.Err() != nil && errors.Is(err, ctx.Err()) {
		if rest := r.store(context.WithoutCancel(ctx)); rest != nil && !errors.Is(rest, stream.ErrClosed) {
			return errors.Join(source, rest)
		}
		if n := r.in.left(); n > 0 && source == nil {
			return fmt.Errorf("its source ended without a mark behind its last %d events, so they are not counted", n)
		}
		return source
	}
	return err
}

// step waits for something to do, and does it.
func (r *keyedRun[E, S]) step(ctx context.Context, ended <-chan error) (source error, over bool, err error) {
	timer := (<-chan time.Time)(nil)
	if !r.since.IsZero() {
		wait := time.NewTimer(time.Until(r.since.Add(r.table.options.Every)))
		defer wait.Stop()
		timer = wait.C
	}
	select {
	case <-r.in.ready:
	case <-r.table.hurry:
	case <-timer:
	case ask := <-r.table.requests:
		if err := r.store(ctx); err != nil {
			ask.done <- err
			return nil, false, err
		}
		ask.done <- ask.do(ctx, r)
		return nil, false, nil
	case err := <-ended:
		return err, true, nil
	case <-ctx.Done():
		return nil, false, ctx.Err()
	}
	return nil, false, r.storeDue(ctx)
}

// storeDue stores what is enough for an update, what has waited for long enough,
// and what somebody waits for.
func (r *keyedRun[E, S]) storeDue(ctx context.Context) error {
	for ctx.Err() == nil {
		mark, news, enough := r.in.look(r.most)
		switch {
		case !news:
			r.since = time.Time{}
			return nil
		case r.since.IsZero():
			r.since = time.Now()
		}
		due := time.Since(r.since) >= r.table.options.Every
		if !due && !enough && !r.table.awaits(mark) {
			return nil
		}
		if _, err := r.storeSome(ctx, r.most); err != nil {
			return err
		}
	}
	return ctx.Err()
}

// store stores all that is marked.
func (r *keyedRun[E, S]) store(ctx context.Context) error {
	for {
		if _, news, _ := r.in.look(0); !news {
			return nil
		}
		if _, err := r.storeSome(ctx, r.most); err != nil {
			return err
		}
	}
}

// storeSome makes one update of what is marked, of about so many events, and of fewer
// if that is too large, and says of how many. If an event can not be reduced, what is
// before it is stored.
func (r *keyedRun[E, S]) storeSome(ctx context.Context, most int) (stored int, err error) {
	for {
		items, mark := r.in.peek(most)
		err := r.storeItems(ctx, items, mark)
		if err == nil {
			r.since = time.Time{}
			r.in.drop(len(items), mark)
			return len(items), nil
		}
		r.forget()
		if poison, ok := errors.AsType[*PoisonError](err); ok {
			return 0, errors.Join(r.storeBefore(ctx, items, poison.Position), err)
		}
		if _, large := errors.AsType[*stream.TooLargeError](err); !large || len(items) == 0 {
			return 0, err
		}
		most = min(most, len(items)) / 2
		if fewer, _ := r.in.peek(most); len(fewer) >= len(items) {
			first, last := items[0].event, items[len(items)-1].event
			if first.Position == last.Position && first.Shard == last.Shard { // it alone is too large
				err = r.poison("", first, err)
			}
			return 0, err
		}
	}
}

// storeBefore stores what comes before an event that can not be reduced, in as many
// updates as that takes.
func (r *keyedRun[E, S]) storeBefore(ctx context.Context, items []placedItem[E], poison stream.Position) error {
	n := slices.IndexFunc(items, func(i placedItem[E]) bool { return i.event.Position == poison })
	for n > 0 {
		if before, _ := r.in.peek(n); len(before) > n {
			return nil // of several shards: there is no place just before it
		}
		stored, err := r.storeSome(ctx, n)
		if err != nil {
			return err
		}
		n -= stored
	}
	return nil
}

// storeItems reduces items and makes one update of what comes of them and of the
// place.
func (r *keyedRun[E, S]) storeItems(ctx context.Context, items []placedItem[E], mark stream.Mark) error {
	t := r.table
	works, err := r.group(items)
	if err != nil {
		return err
	}
	if err := r.reduce(ctx, works); err != nil {
		return err
	}
	u := keyedUpdate{keys: make([]string, 0, len(works))}
	for _, w := range works {
		u.add(w.key, w.changes)
	}
	if !mark.At.Equal(r.meta.At) || len(u.changes) > 0 {
		meta := r.meta
		meta.At = mark.At
		if err := r.update(ctx, &u, meta); err != nil {
			return err
		}
	}
	for _, w := range works {
		r.settle(ctx, w)
	}
	r.learn(len(items), u.bytes)
	now := time.Now()
	t.change(func() { r.run.mark = mark })
	if t.options.Hooks.Moved != nil {
		t.options.Hooks.Moved(t.name, mark, now)
	}
	return nil
}

// keyedUpdate is what is stored at once, and the keys whose states it changes.
type keyedUpdate struct {
	changes []stream.Change
	keys    []string
	bytes   int
}

func (u *keyedUpdate) add(key string, changes []stream.Change) {
	for i := range changes {
		u.bytes += len(changes[i].Key) + len(changes[i].Value) + 64
	}
	u.changes = append(u.changes, changes...)
	u.keys = append(u.keys, key)
}

// update stores changes and the place, all or none, and tells the watchers.
func (r *keyedRun[E, S]) update(ctx context.Context, u *keyedUpdate, meta keyedMeta) error {
	t := r.table
	value, err := json.Marshal(meta)
	if err != nil {
		return err
	}
	changes := append(u.changes, stream.Change{Key: metaKey, Value: value})
	if err := engine.CheckChanges(t.name, changes); err != nil {
		return err
	}
	t.commit.Lock()
	defer t.commit.Unlock()
	if err := t.tables.Update(ctx, t.name, changes...); err != nil {
		return err
	}
	r.meta = meta
	for w := range t.watchers {
		w.tell(u.keys)
	}
	return nil
}

// learn chooses how many events the next update takes, so that it fits.
func (r *keyedRun[E, S]) learn(events, bytes int) {
	r.most = r.table.options.Events
	if events > 0 && bytes > 0 {
		r.most = max(1, min(r.most, engine.MaxUpdateBytes/2*events/bytes))
	}
}
