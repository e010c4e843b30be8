package testkit

import (
	"math/rand/v2"
	"slices"
	"sync/atomic"

	"github.com/thaw-go/thaw/stream"
)

// When chooses operations; a function of one's own will do. It is asked once
// about each operation, from several goroutines at once. Those that count, Once,
// Nth, After, Every and AtRandom, count what the one before them chooses, so
// that each fault needs a When of its own.
type When func(*Op) bool

// On chooses the operations of these kinds; without a kind, every operation.
func On(kinds ...OpKind) When {
	return func(op *Op) bool { return len(kinds) == 0 || slices.Contains(kinds, op.Kind) }
}

// Stream chooses appends to an instance, alone or with others, reads of it alone, and blocks in which
// it has an event.
func (w When) Stream(id stream.ID) When {
	return w.And(func(op *Op) bool {
		switch op.Kind {
		case OpAppendAll:
			return slices.ContainsFunc(op.Batch.Writes, func(w stream.Write) bool { return w.Stream == id })
		case OpRead:
			m := op.Query.Match
			return len(m) == 1 && m[0].Topic == id.Topic && m[0].Key == id.Key
		case OpBlock:
			return slices.ContainsFunc(op.Records, func(r stream.Record) bool { return r.Stream == id })
		}
		return op.Stream == id
	})
}

// Consumer chooses what is done for a consumer.
func (w When) Consumer(name string) When {
	return w.And(func(op *Op) bool { return op.Consumer == name })
}

// And chooses what both choose; the second is asked only about what the first
// chooses.
func (w When) And(other When) When {
	return func(op *Op) bool { return w(op) && other(op) }
}

// Or chooses what either of the two chooses; the second is asked only about what
// the first does not choose.
func (w When) Or(other When) When {
	return func(op *Op) bool { return w(op) || other(op) }
}

// Once chooses the first operation.
func (w When) Once() When { return w.Nth(1) }

// Nth chooses the n-th operation, from 1.
func (w When) Nth(n int) When { return w.counted(func(k int64) bool { return k == int64(n) }) }

// After chooses every operation behind the first n.
func (w When) After(n int) When { return w.counted(func(k int64) bool { return k > int64(n) }) }

// Every chooses each n-th operation; none if n is not positive.
func (w When) Every(n int) When {
	return w.counted(func(k int64) bool { return n > 0 && k%int64(n) == 0 })
}

// AtRandom chooses a share of the operations, 0 to 1. The same seed chooses the
// same numbers.
func (w When) AtRandom(seed uint64, share float64) When {
	return w.counted(func(k int64) bool { return rand.New(rand.NewPCG(seed, uint64(k))).Float64() < share })
}

func (w When) counted(choose func(k int64) bool) When {
	var count atomic.Int64
	return func(op *Op) bool { return w(op) && choose(count.Add(1)) }
}
