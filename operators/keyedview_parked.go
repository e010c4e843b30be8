package operators

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/thaw-go/thaw/stream"
)

// KeyedParked is an event that a keyed view could not reduce, or that waits behind
// one of its key.
type KeyedParked struct {
	Key      string          // whose state it is for
	Stream   stream.ID       // the instance it happened to
	Position stream.Position // its place in the log
	Number   uint64          // its number among the items of its position, from 1
	Type     string          // its stored name
	Err      string          // why it is parked
	Since    time.Time       // when it was parked
}

var errBehind = errors.New("an earlier event of its key is parked")

// errDelivered ends a reading that has found what it looked for.
var errDelivered = errors.New("all has been delivered")

func parkedRow(key string, at stream.Position, number uint64) string {
	return fmt.Sprintf("%s%s%016x%016x", parkedPrefix, escape(key), uint64(at), number)
}

// park parks a key's items from one on: the first for a reason, the others behind
// it.
func (r *keyedRun[E, S]) park(w *keyedWork[E, S], from int, why error) error {
	if !errors.Is(why, errBehind) {
		w.poison = why
	}
	for _, item := range w.items[from:] {
		e := item.event
		if e.Shard != 0 {
			return errors.New("events can be parked only on a log of one shard")
		}
		p := KeyedParked{Key: w.key, Stream: e.Stream, Position: e.Position, Number: item.number, Type: e.Type, Err: why.Error(), Since: time.Now().UTC()}
		value, err := json.Marshal(p)
		if err != nil {
			return fmt.Errorf("park event %d: %w", e.Position, err)
		}
		row := parkedRow(w.key, e.Position, item.number)
		if err := fits("key", row); err != nil {
			return r.poison(w.key, e, err)
		}
		w.changes = append(w.changes, stream.Change{Key: row, Value: value})
		w.parks++
		why = errBehind
	}
	return nil
}

// eachParked hands over what is parked, of one key if one is given.
func eachParked(s stream.TableSnapshot, table string, key *string, emit func(KeyedParked) error) error {
	prefix := parkedPrefix
	if key != nil {
		prefix += escape(*key)
	}
	return s.Range(stream.TableRange{Table: table, From: prefix, To: following(prefix)}, func(row string, value []byte) error {
		var p KeyedParked
		if err := json.Unmarshal(value, &p); err != nil {
			return fmt.Errorf("read parked events: %w", err)
		}
		var ok bool // JSON brings back text alone, and a key is bytes
		if p.Key, _, ok = unescape(row[len(parkedPrefix):]); !ok {
			return fmt.Errorf("read parked events: row %.80q is damaged", row)
		}
		return emit(p)
	})
}

func countParked(s stream.TableSnapshot, table string) (map[string]uint64, error) {
	parked := map[string]uint64{}
	err := eachParked(s, table, nil, func(p KeyedParked) error { parked[p.Key]++; return nil })
	return parked, err
}

// Parked hands over the events that are parked, by key and in order. It returns
// emit's error.
func (t *KeyedTable[E, S]) Parked(ctx context.Context, emit func(KeyedParked) error) error {
	s, err := t.tables.Snapshot(ctx)
	if err != nil {
		return err
	}
	defer s.Close()
	return eachParked(s, t.name, nil, emit)
}

// Retry reads the parked events of a key again and reduces them, in order, and stops
// at the first that still can not be, with its [*PoisonError]. Those before it are
// parked no longer; once none is, the key goes on. It is done by the run, between
// two updates: it waits for one to begin, and returns the context's error or why
// the run ended.
func (t *KeyedTable[E, S]) Retry(ctx context.Context, key string) error {
	return t.ask(ctx, func(ctx context.Context, r *keyedRun[E, S]) error { return r.retry(ctx, key) })
}

// Discard gives the parked events of a key up; the key goes on without them. It
// returns as Retry does.
func (t *KeyedTable[E, S]) Discard(ctx context.Context, key string) error {
	return t.ask(ctx, func(ctx context.Context, r *keyedRun[E, S]) error {
		for r.parked[key] > 0 {
			list, err := r.someParked(ctx, key)
			if err != nil {
				return err
			}
			if err := r.unpark(ctx, key, list, nil); err != nil {
				return err
			}
		}
		return nil
	})
}

// ask has something done by the run between two updates, under the caller's context
// and the run's.
func (t *KeyedTable[E, S]) ask(ctx context.Context, do func(context.Context, *keyedRun[E, S]) error) error {
	ask := keyedRequest[E, S]{done: make(chan error, 1)}
	ask.do = func(run context.Context, r *keyedRun[E, S]) error {
		both, cancel := context.WithCancel(run)
		defer cancel()
		defer context.AfterFunc(ctx, cancel)()
		return do(both, r)
	}
	t.mu.Lock()
	run := t.run
	t.mu.Unlock()
	for {
		t.mu.Lock()
		moved, ended := t.moved, run.ended
		t.mu.Unlock()
		if ended != nil {
			return fmt.Errorf("%w: %s: %w", ErrViewEnded, t.name, ended)
		}
		select {
		case t.requests <- ask:
			return <-ask.done
		case <-moved:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// parkedAtOnce is how many parked events are read again at once; fewer if their rows
// are so large that one update might not take them.
const (
	parkedAtOnce    = 1000
	parkedBytesOnce = 1 << 20
)

// errEnough ends a reading of a part.
var errEnough = errors.New("enough")

func (r *keyedRun[E, S]) someParked(ctx context.Context, key string) (list []KeyedParked, err error) {
	s, err := r.table.tables.Snapshot(ctx)
	if err != nil {
		return nil, err
	}
	defer s.Close()
	most := max(1, min(parkedAtOnce, parkedBytesOnce/(1+len(parkedRow(key, 0, 0)))))
	err = eachParked(s, r.table.name, &key, func(p KeyedParked) error {
		if len(list) == most {
			return errEnough
		}
		list = append(list, p)
		return nil
	})
	if errors.Is(err, errEnough) {
		err = nil
	}
	if len(list) == 0 && err == nil {
		err = fmt.Errorf("%d events of key %.80q are counted as parked, and none is", r.parked[key], key)
	}
	return list, err
}

func (r *keyedRun[E, S]) retry(ctx context.Context, key string) error {
	for r.parked[key] > 0 {
		list, err := r.someParked(ctx, key)
		if err != nil {
			return err
		}
		items, err := r.again(ctx, list)
		if err != nil {
			return fmt.Errorf("operators: view %s: retry events of key %.80q: %w", r.table.name, key, err)
		}
		w := &keyedWork[E, S]{key: key, items: items, park: true}
		read := &lazySnapshot{ctx: ctx, tables: r.table.tables}
		err = r.retryKey(ctx, read, w)
		read.close()
		if err != nil {
			return err
		}
		if w.poison != nil {
			return r.poison(key, items[len(items)-w.parks].event, w.poison)
		}
	}
	return nil
}

// retryKey reduces parked items. Those that still can not be are parked again, in
// the same update.
func (r *keyedRun[E, S]) retryKey(ctx context.Context, read *lazySnapshot, w *keyedWork[E, S]) error {
	list := make([]KeyedParked, len(w.items))
	for i, item := range w.items {
		list[i] = KeyedParked{Key: w.key, Position: item.event.Position, Number: item.number}
	}
	err := r.reduceKey(ctx, read, w)
	if err != nil {
		return err
	}
	if err := r.unpark(ctx, w.key, list[:len(list)-w.parks], w.changes); err != nil {
		r.forget()
		return err
	}
	parks := w.parks
	w.parks = 0 // they were counted before
	r.settle(ctx, &keyedWork[E, S]{key: w.key, cell: w.cell})
	w.parks = parks
	return nil
}

// unpark removes parked events, together with what came of them.
func (r *keyedRun[E, S]) unpark(ctx context.Context, key string, list []KeyedParked, changes []stream.Change) error {
	var u keyedUpdate
	u.add(key, changes)
	for _, p := range list {
		u.changes = append(u.changes, stream.Change{Key: parkedRow(key, p.Position, p.Number)})
	}
	if err := r.update(ctx, &u, r.meta); err != nil {
		return err
	}
	if r.parked[key] -= uint64(len(list)); r.parked[key] == 0 {
		delete(r.parked, key)
	}
	return nil
}

// again reads parked items anew, through the same pipeline.
func (r *keyedRun[E, S]) again(ctx context.Context, list []KeyedParked) (found []placedItem[E], err error) {
	from, last := stream.At(list[0].Position-1), list[len(list)-1].Position
	past := func(m stream.Mark) error {
		if m.At.Position(0) >= last {
			return errDelivered
		}
		return nil
	}
	var at stream.Position
	var number uint64
	take := func(e *stream.Event[E], why error) error {
		if e.Position != at {
			at, number = e.Position, 0
		}
		number++
		if next := list[min(len(found), len(list)-1)]; next.Position == at && next.Number == number && len(found) < len(list) {
			found = append(found, placedItem[E]{e, number, why})
		}
		if len(found) == len(list) {
			return errDelivered
		}
		return nil
	}
	sub := stream.Subscription{From: &from, Mark: past, Undecoded: func(h stream.Header, why error) error {
		return take(&stream.Event[E]{Header: h}, why)
	}}
	err = r.source(ctx, sub, func(e *stream.Event[E]) error { return take(e, nil) })
	if !errors.Is(err, errDelivered) {
		return nil, err
	}
	if len(found) < len(list) {
		return nil, fmt.Errorf("its source no longer delivers event %d", list[len(found)].Position)
	}
	return found, nil
}
