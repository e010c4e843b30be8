package operators

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/thaw-go/thaw/stream"
)

// Equal is ==, for operators that ask whether two items are the same.
func Equal[T comparable](a, b T) bool { return a == b }

// DistinctUntilChanged drops an item that is the same as the last one that was
// delivered.
//
//	in   a--a--b--b--a--|
//	out  a-----b-----a--|    (Equal)
//
// Errors: the source's.
// Back-pressure: the call stack.
// State: the last item; a durable consumer is refused.
// Goroutines: none.
func DistinctUntilChanged[K stream.Kind, T any](o stream.Observable[K, T], same func(last, item T) bool) stream.Observable[K, T] {
	return stream.Holding(o, "DistinctUntilChanged", func(run stream.Run[T]) stream.Run[T] {
		return func(ctx context.Context, emit func(T) error) (err error) {
			var in bool
			defer stream.Contain("DistinctUntilChanged", &in, &err)
			var last T
			first := true
			return run(ctx, func(item T) error {
				if !first {
					in = true
					again := same(last, item)
					in = false
					if again {
						return nil
					}
				}
				first, last = false, item
				return emit(item)
			})
		}
	})
}

// Memory bounds what [Distinct] remembers. The zero value is ready for use.
type Memory struct {
	Keys  int           // how many keys, at most; the oldest are forgotten first; 0: 65,536
	For   time.Duration // how long after a key was first seen; 0: without end
	Flush Signal        // forget all keys when it rings; zero: never
}

// Distinct drops an item whose key it remembers having seen.
//
//	in   a--b--a--c--b--|
//	out  a--b-----c-----|
//
// Errors: the source's, and those of the memory's Flush.
// Back-pressure: the call stack.
// State: keys, as bounded by the memory; a durable consumer is refused. RxJS's
// memory has no bounds.
// Goroutines: none; one with a Flush.
func Distinct[K stream.Kind, T any, C comparable](o stream.Observable[K, T], key func(T) C, m Memory) stream.Observable[K, T] {
	return stream.Holding(o, "Distinct", func(run stream.Run[T]) stream.Run[T] {
		return func(ctx context.Context, emit func(T) error) (err error) {
			var in bool // hashing a key can panic, too
			defer stream.Contain("Distinct", &in, &err)
			seen := newRemembered[C](m)
			pass := func(item T) error {
				in = true
				again := seen.see(key(item))
				in = false
				if again {
					return nil
				}
				return emit(item)
			}
			if m.Flush.run == nil {
				return run(ctx, pass)
			}
			var flush atomic.Bool
			rang := func() bool { flush.Store(true); return true }
			return beside(ctx, &bell{stage: "Distinct", signal: m.Flush, rang: rang}, run, func(item T) error {
				if flush.Load() {
					flush.Store(false)
					seen.flush()
				}
				return pass(item)
			})
		}
	})
}

// remembered are the keys that were seen.
type remembered[C comparable] struct {
	keys  map[C]struct{}
	order []seenKey[C] // a ring once it is full
	first int          // the oldest
	n     int
	most  int
	span  time.Duration
}

// seenKey is a key and when it was seen first.
type seenKey[C comparable] struct {
	key C
	at  time.Time
}

func newRemembered[C comparable](m Memory) *remembered[C] {
	most := m.Keys
	if most < 1 {
		most = 1 << 16
	}
	return &remembered[C]{keys: map[C]struct{}{}, most: most, span: m.For}
}

// see reports whether the key was seen before, and remembers it.
func (r *remembered[C]) see(key C) bool {
	entry := seenKey[C]{key: key}
	if r.span > 0 {
		entry.at = time.Now()
		for r.n > 0 && entry.at.Sub(r.order[r.first].at) >= r.span {
			r.forget()
		}
	}
	if _, again := r.keys[key]; again {
		return true
	}
	if r.n == r.most {
		r.forget()
	}
	r.keys[key] = struct{}{}
	r.push(entry)
	return false
}

// push adds the newest; the ring grows as long as it may.
func (r *remembered[C]) push(entry seenKey[C]) {
	if r.n == len(r.order) {
		grown := make([]seenKey[C], min(r.most, max(16, 2*r.n)))
		for i := range r.n {
			grown[i] = r.order[(r.first+i)%len(r.order)]
		}
		r.order, r.first = grown, 0
	}
	r.order[(r.first+r.n)%len(r.order)] = entry
	r.n++
}

// forget forgets the oldest.
func (r *remembered[C]) forget() {
	delete(r.keys, r.order[r.first].key)
	r.order[r.first] = seenKey[C]{}
	r.first = (r.first + 1) % len(r.order)
	r.n--
}

func (r *remembered[C]) flush() {
	clear(r.keys)
	clear(r.order)
	r.first, r.n = 0, 0
}
