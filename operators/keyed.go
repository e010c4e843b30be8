package operators

import (
	"context"

	"github.com/thaw-go/thaw/stream"
)

// Keyed is something that belongs to a key.
type Keyed[Key comparable, S any] struct {
	Key   Key // whose it is
	Value S   // what it is
}

// Keys says what an item's key is, and how many keys are remembered.
type Keys[T any, Key comparable, S any] struct {
	Of      func(T) Key  // the key of an item
	Most    int          // how many keys, at most; 0: 1,048,576
	Evicted func(Key, S) // is told of a key that was let go; may be nil
	Meter   *Meter       // counts the keys that were let go; may be nil
}

// ScanBy emits, for each item, its key and the running fold of the key's items:
// what f makes of the key's last result, seed at first, and the item.
//
//	in   a1--b1--a2--b3--|
//	out  a1--b1--a3--b4--|
//
// Errors: the source's; a [*FullError] if a key must be let go and nobody asked to
// be told.
// Back-pressure: the call stack.
// State: a result for each key, as many as Keys allows; then the key that was used
// longest ago is let go, told, and begins from seed if it comes again. A durable
// consumer is refused. RxJS has groupBy and scan; this has no observable per key.
// Goroutines: none.
func ScanBy[K stream.Kind, T, S any, Key comparable](o stream.Observable[K, T], keys Keys[T, Key, S], seed S, f func(S, T) S) stream.Observable[K, Keyed[Key, S]] {
	return stream.Holding(o, "ScanBy", func(run stream.Run[T]) stream.Run[Keyed[Key, S]] {
		return func(ctx context.Context, emit func(Keyed[Key, S]) error) (err error) {
			var in bool
			defer stream.Contain("ScanBy", &in, &err)
			w := &folding[T, S, Key]{keys: &keys, held: newRecent[Key, S](mostOf(keys.Most)), seed: seed, f: f, in: &in}
			return run(ctx, func(item T) error {
				now, old, full := w.fold(item)
				if full && keys.Evicted == nil && keys.Meter == nil {
					return &FullError{"ScanBy", w.held.most}
				}
				if full {
					w.tell(old)
				}
				return emit(now)
			})
		}
	})
}

// ReduceBy emits the fold of each key's items once the source has completed, in
// the order in which the keys first appeared.
//
//	in   a1--b1--a2--b3--|
//	out  ----------------(a3 b4|)
//
// Errors: the source's.
// Back-pressure: the call stack.
// State: a result for each key, as many as Keys allows; then the result of the key
// that was used longest ago is emitted at once, and the key begins from seed if it
// comes again. A durable consumer is refused.
// Goroutines: none.
func ReduceBy[T, S any, Key comparable](o stream.Observable[stream.Cold, T], keys Keys[T, Key, S], seed S, f func(S, T) S) stream.Observable[stream.Cold, Keyed[Key, S]] {
	return stream.Holding(o, "ReduceBy", func(run stream.Run[T]) stream.Run[Keyed[Key, S]] {
		return func(ctx context.Context, emit func(Keyed[Key, S]) error) (err error) {
			var in bool
			defer stream.Contain("ReduceBy", &in, &err)
			w := &folding[T, S, Key]{keys: &keys, held: newRecent[Key, S](mostOf(keys.Most)), seed: seed, f: f, in: &in}
			err = run(ctx, func(item T) error {
				_, old, full := w.fold(item)
				if !full {
					return nil
				}
				w.tell(old)
				return emit(old)
			})
			if err != nil {
				return err
			}
			return w.held.inOrder(ctx, emit)
		}
	})
}

// folding is one run of [ScanBy] or [ReduceBy].
type folding[T, S any, Key comparable] struct {
	keys *Keys[T, Key, S]
	held *recent[Key, S]
	seed S
	f    func(S, T) S
	in   *bool
}

// fold folds an item into its key's result; old is what had to go for the key, if
// full says so.
func (w *folding[T, S, Key]) fold(item T) (now, old Keyed[Key, S], full bool) {
	*w.in = true // hashing a key can panic, too
	key := w.keys.Of(item)
	at, known := w.held.use(key)
	if !known {
		at, old, full = w.held.add(key, w.seed)
	}
	state := &w.held.cells[at].state
	*state = w.f(*state, item)
	*w.in = false
	return Keyed[Key, S]{key, *state}, old, full
}

// tell tells that a key was let go.
func (w *folding[T, S, Key]) tell(old Keyed[Key, S]) {
	if w.keys.Meter != nil {
		w.keys.Meter.evicted.Add(1)
	}
	if w.keys.Evicted != nil {
		*w.in = true
		w.keys.Evicted(old.Key, old.Value)
		*w.in = false
	}
}
