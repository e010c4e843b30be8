package operators

import (
	"context"
	"runtime/debug"
	"slices"
	"sync"
	"time"

	"github.com/thaw-go/thaw/stream"
)

// Share lets all who subscribe at the same time have one run of the source
// between them. The first to come starts it, the last to leave stops it and waits
// until it has returned; who comes after its end starts another. Each subscriber
// has a buffer of n items of its own; full says what happens when that is full,
// and n below 1 counts as 1. The result is hot, whatever the source is: who comes
// late has missed what was delivered before. It completes if the source does.
//
//	in     a--b--c--|
//	first  a--b--c--|
//	late     -b--c--|
//
// Errors: the source's, for each after what is in its buffer; with Fail an
// [*OverflowError] for the slow one alone.
// Back-pressure: as full says. With Fail and the dropping ones a slow subscriber
// harms no other; with Block the source, and so all, wait for the slowest.
// State: who is subscribed; a durable consumer is refused. A mark that is Live
// comes first, as there is no history.
// Goroutines: one for the source, under the first subscriber's context but for its
// end.
func Share[K stream.Kind, T any](o stream.Observable[K, T], n int, full Overflow) stream.Observable[stream.Hot, T] {
	return shared("Share", o, n, full, Recent{})
}

// Recent is a bound of what [Replay] keeps. The zero value keeps nothing.
type Recent struct {
	Count int           // at most so many items
	For   time.Duration // and none for longer than this; 0: however long ago
}

// Replay is [Share] for which who comes late gets the most recent items first, as
// many as keep allows; also after the source has completed, and then the
// completion. They are forgotten when the source fails or the last subscriber
// leaves before its end. It is RxJS's shareReplay with refCount.
//
//	in     a--b--c--|
//	first  a--b--c--|
//	late       a-c--|    (keeps b)
//
// Errors: as of [Share].
// Back-pressure: as of [Share]; what is replayed takes no room in the buffer.
// State: the most recent items, and who is subscribed; a durable consumer is
// refused. A mark that is Live comes first, as there is no whole history.
// Goroutines: one for the source, as in [Share].
func Replay[K stream.Kind, T any](o stream.Observable[K, T], keep Recent, n int, full Overflow) stream.Observable[stream.Hot, T] {
	return shared("Replay", o, n, full, keep)
}

func shared[K stream.Kind, T any](stage string, o stream.Observable[K, T], n int, full Overflow, keep Recent) stream.Observable[stream.Hot, T] {
	h := &hub[T]{stage: stage, source: o.Run, size: max(n, 1), full: full, keep: keep}
	return stream.New[stream.Hot](nil, func(sub stream.Subscription) stream.Run[T] {
		return func(ctx context.Context, emit func(T) error) error {
			if sub.Consumer != "" || sub.From != nil {
				return &stream.NotResumableError{Consumer: sub.Consumer, Operator: stage}
			}
			if sub.Mark != nil {
				if err := sub.Mark(stream.Mark{Live: true}); err != nil {
					return err
				}
			}
			return h.serve(ctx, emit)
		}
	})
}

// hub is what is shared: at most one run of the source at a time.
type hub[T any] struct {
	stage  string
	source stream.Run[T]
	size   int
	full   Overflow
	keep   Recent

	mu  sync.Mutex
	now *sharing[T] // the present run, or one that has completed and is replayed; nil: none
}

// sharing is one run of the source for several subscribers. All but done is
// guarded by the hub's mutex.
type sharing[T any] struct {
	cancel context.CancelFunc
	done   chan struct{} // closed when its goroutine has ended
	subs   []*subscriber[T]
	ended  bool
	past   []recalled[T]
}

// recalled is an item that is kept to be replayed.
type recalled[T any] struct {
	item T
	at   time.Time
}

// subscriber is one of those who share. The queue is written and closed only by
// the source's goroutine.
type subscriber[T any] struct {
	queue chan T
	past  []T           // comes before what is in the queue
	left  chan struct{} // closed when it leaves
	err   error         // how it ends; set before the queue is closed
}

// serve is a subscriber's run.
func (h *hub[T]) serve(ctx context.Context, emit func(T) error) error {
	run, s := h.join(ctx)
	defer h.leave(run, s)
	for _, item := range s.past {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := emit(item); err != nil {
			return err
		}
	}
	for {
		select {
		case item, ok := <-s.queue:
			if !ok {
				return s.err
			}
			if err := ctx.Err(); err != nil {
				return err
			}
			if err := emit(item); err != nil {
				return err
			}
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// join subscribes to the present run, or starts one.
func (h *hub[T]) join(ctx context.Context) (*sharing[T], *subscriber[T]) {
	h.mu.Lock()
	defer h.mu.Unlock()
	s := &subscriber[T]{queue: make(chan T, h.size), left: make(chan struct{})}
	if run := h.now; run != nil {
		s.past = h.recent(run)
		if run.ended {
			close(s.queue)
		} else {
			run.subs = append(slices.Clip(run.subs), s)
		}
		return run, s
	}
	run := &sharing[T]{done: make(chan struct{}), subs: []*subscriber[T]{s}}
	ctx, run.cancel = context.WithCancel(context.WithoutCancel(ctx))
	h.now = run
	go h.share(ctx, run) // stopped and waited for in leave
	return run, s
}

// leave is how a subscriber goes. The last one stops the source; who comes from
// then on starts another run, and does not wait for this one.
func (h *hub[T]) leave(run *sharing[T], s *subscriber[T]) {
	close(s.left)
	h.mu.Lock()
	run.drop(s)
	last := len(run.subs) == 0
	if last && !run.ended && h.now == run {
		h.now = nil
	}
	h.mu.Unlock()
	if last {
		run.cancel()
		<-run.done
	}
}

// drop takes a subscriber off the list, which is copied: the source's goroutine
// may be going through it.
func (run *sharing[T]) drop(s *subscriber[T]) {
	run.subs = slices.DeleteFunc(slices.Clone(run.subs), func(other *subscriber[T]) bool { return other == s })
}

// share runs the source for all subscribers.
func (h *hub[T]) share(ctx context.Context, run *sharing[T]) {
	defer close(run.done)
	err := errVanished
	defer func() {
		if value := recover(); value != nil {
			err = &stream.PanicError{Stage: h.stage, Value: value, Stack: debug.Stack()}
		}
		h.end(run, err)
	}()
	err = h.source(ctx, func(item T) error {
		for _, s := range h.handOut(run, item) {
			if !offer(s.queue, item, h.full, s.left) && h.full == Fail {
				h.overflow(run, s)
			}
		}
		return ctx.Err()
	})
}

// handOut keeps an item, if it is to be replayed, and returns who is to have it:
// who comes later finds it in the past.
func (h *hub[T]) handOut(run *sharing[T], item T) []*subscriber[T] {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.keep.Count > 0 {
		if len(run.past) == h.keep.Count {
			run.past = slices.Delete(run.past, 0, 1)
		}
		run.past = append(run.past, recalled[T]{item, time.Now()})
	}
	return run.subs
}

// recent is what is replayed; what is too old is forgotten.
func (h *hub[T]) recent(run *sharing[T]) (items []T) {
	if h.keep.For > 0 {
		run.past = slices.DeleteFunc(run.past, func(k recalled[T]) bool { return time.Since(k.at) > h.keep.For })
	}
	for _, k := range run.past {
		items = append(items, k.item)
	}
	return items
}

// overflow ends a subscriber that was too slow. The run goes on without it, also
// if it was the only one: it is still there until it has left.
func (h *hub[T]) overflow(run *sharing[T], s *subscriber[T]) {
	h.mu.Lock()
	run.drop(s)
	h.mu.Unlock()
	s.err = &OverflowError{Stage: h.stage, Size: h.size}
	close(s.queue)
}

// end ends a run for all who are left.
func (h *hub[T]) end(run *sharing[T], err error) {
	h.mu.Lock()
	run.ended = true
	if h.now == run && (err != nil || h.keep.Count <= 0) {
		h.now = nil
	}
	subs := run.subs
	h.mu.Unlock()
	for _, s := range subs {
		s.err = err
		close(s.queue)
	}
	run.cancel()
}
