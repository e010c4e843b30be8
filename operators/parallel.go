package operators

import (
	"context"
	"fmt"
	"runtime/debug"
	"sync"
	"time"

	"github.com/thaw-go/thaw/stream"
)

// Parallel replaces each item by what f makes of it, as [TryMap] does, with n
// workers that call f side by side; the order is kept. n below 1 counts as 1. It
// is for an f that takes about a microsecond or longer, such as decoding.
//
//	in   a--b--c--d--|
//	out  ------A--B--C--D--|    (f takes a while)
//
// Errors: the source's, and f's first in the items' order, wrapped, after what
// comes before it.
// Back-pressure: the source waits while there are two items more on their way than
// workers; of items that take a few microseconds, up to 64 count as one.
// State: none that is not delivered again; marks pass in line with the results, so
// a durable consumer may stand behind it.
// Goroutines: one for the source and n workers.
func Parallel[K stream.Kind, A, B any](o stream.Observable[K, A], n int, f func(A) (B, error)) stream.Observable[K, B] {
	n = max(n, 1)
	return stream.Derive(func(sub stream.Subscription) stream.Run[B] {
		return func(ctx context.Context, emit func(B) error) error {
			p := &parallel[A, B]{f: f, most: n + 2, size: 1}
			p.work.L, p.room.L, p.out.L = &p.mu, &p.mu, &p.mu
			return p.run(ctx, n, o.Subscribe, sub, emit)
		}
	}, stream.Upstream[K](o))
}

// Items are handed over in batches, so that quick ones share the costs of it. A
// worker takes what there is, so a few are not held back. The size is one to begin
// with; it follows how long a batch takes, so that slow items do not wait behind
// one another while a worker is idle.
const (
	batchMost  = 64
	batchShort = 20 * time.Microsecond  // a shorter batch makes the next ones longer
	batchLong  = 100 * time.Microsecond // and a longer one shorter
)

// batch is some items in a row that one worker works on.
type batch[A, B any] struct {
	in    []A
	out   []B
	marks []placedMark
	err   error // of the item after the last in out
	done  bool
}

// placedMark is a mark and how many of a batch's items come before it.
type placedMark struct {
	after int
	mark  stream.Mark
}

// parallel is one run of Parallel. A batch is filled by the source's goroutine
// until a worker takes it, and is handed on by the consumer's when it is done and
// is the first; they wait for one another on conditions of one mutex.
type parallel[A, B any] struct {
	f    func(A) (B, error)
	most int // batches that are on their way

	mu             sync.Mutex
	work           sync.Cond // there is a batch that nobody has taken, or nothing more comes
	room           sync.Cond // there is room for an item, or the run is over
	out            sync.Cond // the first batch is done, or nothing more comes
	batches, spare []*batch[A, B]
	taken          int   // how many of the batches
	size           int   // of a batch
	ended          bool  // the source has, with err
	err            error // the source's
	over           error // the run is, and why; the source gets it
}

func (p *parallel[A, B]) run(outer context.Context, n int, subscribe func(context.Context, stream.Subscription, func(A) error) error, sub stream.Subscription, emit func(B) error) error {
	ctx, cancel := context.WithCancel(outer)
	var all sync.WaitGroup
	defer all.Wait()
	defer p.stop(context.Canceled)
	defer cancel()
	stopped := context.AfterFunc(outer, func() { p.stop(outer.Err()) })
	defer stopped()
	all.Go(func() { p.source(ctx, subscribe, sub) }) // stopped by cancel and stop, waited for by all
	for range n {
		all.Go(p.worker) // stopped by stop, waited for by all
	}
	for {
		b, err := p.first()
		if b == nil {
			return err
		}
		if err := b.deliver(outer, sub, emit); err != nil {
			return err
		}
		p.free(b)
	}
}

// stop ends the run for all who wait.
func (p *parallel[A, B]) stop(why error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.over == nil {
		p.over = why
	}
	p.work.Broadcast()
	p.room.Broadcast()
	p.out.Broadcast()
}

func (p *parallel[A, B]) source(ctx context.Context, subscribe func(context.Context, stream.Subscription, func(A) error) error, sub stream.Subscription) {
	err := errVanished
	defer func() {
		if value := recover(); value != nil {
			err = &stream.PanicError{Stage: "Parallel", Value: value, Stack: debug.Stack()}
		}
		p.mu.Lock()
		defer p.mu.Unlock()
		p.ended, p.err = true, err
		p.work.Broadcast()
		p.out.Broadcast()
	}()
	if sub.Mark != nil {
		sub.Mark = p.mark
	}
	err = subscribe(ctx, sub, p.put)
}

// put adds an item to the last batch.
func (p *parallel[A, B]) put(item A) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	b, err := p.last()
	if err != nil {
		return err
	}
	b.in = append(b.in, item)
	if len(b.in) == 1 {
		p.work.Signal()
	}
	return nil
}

// mark adds a mark to the last batch. One without items is nobody's work, but
// keeps the mark in line.
func (p *parallel[A, B]) mark(m stream.Mark) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	b, err := p.last()
	if err != nil {
		return err
	}
	if i := len(b.marks) - 1; i >= 0 && b.marks[i].after == len(b.in) {
		b.marks[i].mark = m
		return nil
	}
	b.marks = append(b.marks, placedMark{len(b.in), m})
	if len(b.in) == 0 {
		p.work.Signal()
	}
	return nil
}

// last is the batch that can be added to, once there is room.
func (p *parallel[A, B]) last() (*batch[A, B], error) {
	for p.over == nil {
		if i := len(p.batches) - 1; i >= p.taken && len(p.batches[i].in) < p.size {
			return p.batches[i], nil
		}
		if len(p.batches) < p.most {
			return p.add(), nil
		}
		p.room.Wait()
	}
	return nil, p.over
}

func (p *parallel[A, B]) add() *batch[A, B] {
	var b *batch[A, B]
	if i := len(p.spare) - 1; i >= 0 {
		b, p.spare = p.spare[i], p.spare[:i]
	} else {
		b = &batch[A, B]{}
	}
	p.batches = append(p.batches, b)
	return b
}

func (p *parallel[A, B]) worker() {
	for b := p.take(); b != nil; b = p.take() {
		began := time.Now()
		p.workOn(b)
		took := time.Since(began)
		p.mu.Lock()
		b.done = true
		switch {
		case took < batchShort:
			p.size = min(2*p.size, batchMost)
		case took > batchLong:
			p.size = max(p.size/2, 1)
		}
		if b == p.batches[0] {
			p.out.Signal()
		}
		p.mu.Unlock()
	}
}

// take waits for a batch to work on; nil: there will be none.
func (p *parallel[A, B]) take() *batch[A, B] {
	p.mu.Lock()
	defer p.mu.Unlock()
	for p.over == nil {
		if p.taken < len(p.batches) {
			b := p.batches[p.taken]
			p.taken++
			return b
		}
		if p.ended {
			return nil
		}
		p.work.Wait()
	}
	return nil
}

// workOn calls f for a batch's items, up to the first for which it fails.
func (p *parallel[A, B]) workOn(b *batch[A, B]) {
	b.err = errVanished
	in := true
	defer stream.Contain("Parallel", &in, &b.err)
	for _, item := range b.in {
		result, err := p.f(item)
		if err != nil {
			in, b.err = false, fmt.Errorf("operators: Parallel: %w", err)
			return
		}
		b.out = append(b.out, result)
	}
	in, b.err = false, nil
}

// first waits for the first batch to be done; nil: there is none left, and how the
// run has ended.
func (p *parallel[A, B]) first() (*batch[A, B], error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for p.over == nil {
		switch {
		case len(p.batches) > 0 && p.batches[0].done:
			return p.batches[0], nil
		case len(p.batches) == 0 && p.ended:
			return nil, p.err
		}
		p.out.Wait()
	}
	return nil, p.over
}

// deliver hands over the results, with the marks in line.
func (b *batch[A, B]) deliver(ctx context.Context, sub stream.Subscription, emit func(B) error) error {
	marks := b.marks
	for i := 0; ; i++ {
		for len(marks) > 0 && marks[0].after == i {
			if err := sub.Mark(marks[0].mark); err != nil {
				return err
			}
			marks = marks[1:]
		}
		if i == len(b.out) {
			return b.err
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := emit(b.out[i]); err != nil {
			return err
		}
	}
}

// free takes the first batch, which has been handed over, away.
func (p *parallel[A, B]) free(b *batch[A, B]) {
	clear(b.in)
	clear(b.out)
	b.in, b.out, b.marks, b.err, b.done = b.in[:0], b.out[:0], b.marks[:0], nil, false
	p.mu.Lock()
	defer p.mu.Unlock()
	copy(p.batches, p.batches[1:])
	p.batches, p.taken = p.batches[:len(p.batches)-1], p.taken-1
	p.spare = append(p.spare, b)
	p.room.Signal()
}
