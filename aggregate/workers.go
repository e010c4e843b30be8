package aggregate

import (
	"context"
	"math"
	"sync"
	"sync/atomic"
)

// maxPending bounds how many events wait for the workers, in a block of any size.
const maxPending = 1024

// put takes a trigger, or leaves it to the workers.
func (s *sagaRun[E, S]) put(ctx context.Context, t *trigger[E]) error {
	if s.saga.Workers == 1 {
		return s.take(ctx, t)
	}
	if s.pending = append(s.pending, t); len(s.pending) < maxPending {
		return nil
	}
	return s.join(ctx)
}

// join lets the workers take what is pending, and waits for them. Each instance's
// triggers are taken by one worker, in order. If some fail, the earliest one's error
// is returned, and all before that have been taken, as one worker would have.
func (s *sagaRun[E, S]) join(ctx context.Context) error {
	if len(s.pending) == 0 {
		return nil
	}
	pending := s.pending
	s.pending = nil
	lines, of := [][]int(nil), map[string]int{}
	for i, t := range pending {
		line, known := of[t.instance]
		if !known {
			line = len(lines)
			of[t.instance], lines = line, append(lines, nil)
		}
		lines[line] = append(lines[line], i)
	}
	var next, failed atomic.Int64
	failed.Store(math.MaxInt64)
	errs := make([]error, len(pending))
	work := func() {
		for line := next.Add(1) - 1; line < int64(len(lines)); line = next.Add(1) - 1 {
			for _, i := range lines[line] {
				if int64(i) > failed.Load() {
					break
				}
				if errs[i] = s.take(ctx, pending[i]); errs[i] != nil {
					lower(&failed, int64(i))
					break
				}
			}
		}
	}
	var group sync.WaitGroup
	for range min(s.saga.Workers, len(lines)) {
		group.Go(work) // ends with the lines, or with ctx; waited for right below
	}
	group.Wait()
	if at := failed.Load(); at != math.MaxInt64 {
		return errs[at]
	}
	return nil
}

// lower sets a number to a lower one.
func lower(n *atomic.Int64, to int64) {
	for old := n.Load(); to < old; old = n.Load() {
		if n.CompareAndSwap(old, to) {
			return
		}
	}
}
