package stream

import (
	"context"
	"errors"
	"sync/atomic"

	"github.com/reactivex/rxgo/v2"
)

// rxChunks is how many chunks wait at the entrance of an rxgo pipeline and
// behind each of its operators, unless an option says otherwise: enough to spare
// most switches between goroutines.
const rxChunks = 16

// errRxLeft says that an rxgo pipeline left chunks behind.
var errRxLeft = errors.New("stream: ThroughRxChunks: the rxgo pipeline completed before its source did, so items were left behind; ThroughRx is for operators that stop early")

var errRxTwice = errors.New("stream: ThroughRxChunks: the source was observed twice in one pipeline; ThroughRx runs its source for each observation")

// ThroughRxChunks puts rxgo operators inside a pipeline, which they see as items
// of type []A, up to n long, and leave as items of type []B. One hop of rxgo's
// is paid for a whole chunk. Chunks are those of [Chunks].
//
// Each stretch of the source between two marks is an rxgo stream of its own: f
// is called for it, and it is completed and has come out whole before the mark
// is passed on. So marks pass in line, a view or a durable consumer may stand
// behind it, and what the operators remember is gone at each mark. Where a mark
// or a chunk ends depends on the log and on when it is read: f's result should
// not. A pipeline that completes before its source does is an error, as is one
// that observes its source twice. Otherwise it ends and contains as [ThroughRx]
// does.
//
// Errors: the source's, f's error items, and emit's.
// Back-pressure: kept; up to 16 chunks wait before each operator of rxgo's.
// State: none across marks.
// Goroutines: rxgo's own, two or more; the source stays on the caller's.
func ThroughRxChunks[B, A any, K Kind, R rxgo.Iterable](o Observable[K, A], n int, f func(rxgo.Observable) R) Observable[K, B] {
	if o.open == nil {
		return Observable[K, B]{}
	}
	chunked := Chunks(o, n)
	alone := mayPauseUnmarked(o)
	return New[K](o.from, func(sub Subscription) Run[B] {
		return func(ctx context.Context, emit func(B) error) error {
			s := &rxStretch[A, B]{outer: ctx, emit: emit, alone: alone}
			s.make = func(o rxgo.Observable) rxgo.Iterable { return f(o) }
			defer s.stop()
			return runHolding(ctx, chunked, sub, &s.held, s.finish, func() { s.alone = true }, s.add)
		}
	})
}

// rxStretch is the rxgo pipeline between two marks. All of it is the caller's
// goroutine's, but for open, which runs on rxgo's.
type rxStretch[A, B any] struct {
	outer context.Context
	make  func(rxgo.Observable) rxgo.Iterable
	emit  func(B) error
	alone bool // finish after each chunk
	held

	run      *rxRun                // nil: no pipeline yet
	observed chan chan<- rxgo.Item // hands over next once the pipeline observes its source
	next     chan<- rxgo.Item      // nil: not observed yet
	done     chan struct{}         // closed when no more chunks will be sent
	items    <-chan rxgo.Item      // what comes out
}

func (s *rxStretch[A, B]) begin() (err error) {
	s.run = newRxRun(s.outer, "ThroughRxChunks")
	s.run.buffer = rxChunks
	s.observed, s.done = make(chan chan<- rxgo.Item, 1), make(chan struct{})
	s.next, s.items = nil, nil
	source := rxgo.Defer([]rxgo.Producer{s.source()}, rxgo.WithBufferedChannel(rxChunks), rxgo.WithContext(s.run.ctx))
	s.items, err = s.run.observe(func() rxgo.Iterable { return s.make(s.run.guard(source)) })
	return err
}

// source is the pipeline's producer: it lends rxgo's own channel to the caller's
// goroutine, which sends without a hop in between. It returns, and rxgo closes
// the channel, only once that goroutine has said that it sends no more: were it
// to return when its context ends, a send under way would meet a closed channel.
func (s *rxStretch[A, B]) source() rxgo.Producer {
	observed, done := s.observed, s.done
	var begun atomic.Bool
	return func(ctx context.Context, next chan<- rxgo.Item) {
		if begun.Swap(true) {
			rxgo.Error(errRxTwice).SendContext(ctx, next)
			return
		}
		observed <- next
		<-done
	}
}

func (s *rxStretch[A, B]) add(chunk []A) error { return s.handed(s.send(chunk)) }

// send sends a chunk, and takes what comes out meanwhile.
func (s *rxStretch[A, B]) send(chunk []A) error {
	if s.run == nil {
		if err := s.begin(); err != nil {
			return err
		}
	}
	in := rxgo.Of(chunk)
	for {
		select { // mostly there is room, and this costs a tenth of the other
		case s.next <- in:
			if s.alone {
				return s.finish()
			}
			return nil
		default:
		}
		select {
		case s.next <- in:
			if s.alone {
				return s.finish()
			}
			return nil
		case s.next = <-s.observed:
		case item, ok := <-s.items:
			if err := s.take(item, ok); err != nil {
				return err
			}
			if !ok {
				return s.left()
			}
		case <-s.run.ctx.Done():
			return s.run.outcome()
		}
	}
}

// finish completes the pipeline, if there is one, and hands over what it still
// holds.
func (s *rxStretch[A, B]) finish() error {
	if s.run == nil {
		return nil
	}
	close(s.done)
	s.done = nil
	for open := true; open; {
		select {
		case item, ok := <-s.items:
			if err := s.take(item, ok); err != nil {
				return err
			}
			open = ok
		case <-s.run.ctx.Done():
			return s.run.outcome()
		}
	}
	if err := s.run.outcome(); err != nil {
		return err
	}
	if len(s.next) > 0 {
		return errRxLeft
	}
	s.run.cancel()
	s.run = nil
	return nil
}

// take hands the items of one chunk to the sink.
func (s *rxStretch[A, B]) take(item rxgo.Item, ok bool) error {
	if !ok {
		return nil
	}
	chunk, err := rxValue[[]B](s.run.stage, item)
	if err != nil {
		return err
	}
	for _, item := range chunk {
		if err := s.emit(item); err != nil {
			return err
		}
	}
	return nil
}

// left is the error of a pipeline that has closed with a chunk in hand.
func (s *rxStretch[A, B]) left() error {
	if err := s.run.outcome(); err != nil {
		return err
	}
	return errRxLeft
}

// stop ends the pipeline if it was not finished.
func (s *rxStretch[A, B]) stop() {
	if s.run == nil {
		return
	}
	if s.done != nil {
		close(s.done)
	}
	s.run.cancel()
	if s.items != nil {
		drainRx(s.run.cancel, s.items)
	}
}
