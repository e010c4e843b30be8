package operators

import (
	"cmp"
	"context"
	"errors"
	"runtime/debug"

	"github.com/thaw-go/thaw/stream"
)

// port is a source as the loop sees it, whatever it delivers.
type port interface {
	handle() error // does what the source asks for
	handled(error) // answers it
	join()         // waits for it; its context is done
	place(i int)   // says where it is in the loop's list
}

// What a source asks the loop to handle.
const (
	asksItem = iota
	asksMark
	asksEnd
)

// source is one source of a loop. What on, end and mark say is called on the
// loop's goroutine, and may be set there at any time.
type source[T any] struct {
	on   func(T) error
	end  func(error) error
	mark func(stream.Mark) error

	l      *loop
	ctx    context.Context
	cancel context.CancelFunc
	answer chan error    // holds one: the answer to what was asked
	gone   chan struct{} // closed when its goroutine has ended

	asks  int // what is asked; set by the source's goroutine before it asks
	item  T
	point stream.Mark
	err   error

	reached *marking // nil unless it is watched
	index   int      // in the loop's list

	owed    bool // an answer is
	paused  bool // the answer waits for resume
	stopped bool // by stop
	ended   bool
}

// watch runs a source of the operator with the consumer's subscription.
func watch[T any](l *loop, subscribe func(context.Context, stream.Subscription, func(T) error) error, on func(T) error) *source[T] {
	s := newSource(l, on)
	s.reached = &marking{}
	l.watched = append(l.watched, s.reached)
	s.mark = func(m stream.Mark) error { return l.come(s.reached, m) }
	sub := l.sub
	if sub.Mark != nil {
		sub.Mark = func(m stream.Mark) error {
			s.point = m
			return s.ask(asksMark)
		}
	}
	s.start(func(ctx context.Context, emit func(T) error) error { return subscribe(ctx, sub, emit) })
	return s
}

// listen runs anything else that the operator waits for.
func listen[T any](l *loop, run func(context.Context, func(T) error) error, on func(T) error) *source[T] {
	s := newSource(l, on)
	s.start(run)
	return s
}

func newSource[T any](l *loop, on func(T) error) *source[T] {
	s := &source[T]{l: l, on: on, answer: make(chan error, 1), gone: make(chan struct{})}
	s.ctx, s.cancel = context.WithCancel(l.ctx)
	s.end = func(err error) error { return err }
	s.index = len(l.live)
	l.live = append(l.live, s)
	return s
}

// errVanished is what is left of a source whose function ended its goroutine.
var errVanished = errors.New("operators: a source ended its goroutine (runtime.Goexit) instead of returning")

func (s *source[T]) start(run func(context.Context, func(T) error) error) {
	go func() { // stopped by cancel, waited for by join
		defer close(s.gone)
		defer func() {
			if value := recover(); value != nil {
				s.err = &stream.PanicError{Stage: s.l.stage, Value: value, Stack: debug.Stack()}
			}
			s.asks = asksEnd
			select {
			case s.l.queue <- s:
			case <-s.ctx.Done():
			}
		}()
		s.err = errVanished
		s.err = run(s.ctx, s.emit)
	}()
}

// emit hands an item to the loop and waits until it has been handled.
func (s *source[T]) emit(item T) error {
	s.item = item
	return s.ask(asksItem)
}

func (s *source[T]) ask(what int) error {
	s.asks = what
	select {
	case s.l.queue <- s:
		return <-s.answer // it comes: the loop answers also when the run ends
	case <-s.ctx.Done():
		return s.ctx.Err()
	}
}

func (s *source[T]) handle() error {
	switch s.asks {
	case asksEnd:
		s.over()
		return s.end(s.err)
	case asksMark:
		s.owed = true
		return s.mark(s.point)
	}
	s.owed = true
	return s.on(s.item)
}

func (s *source[T]) handled(err error) {
	switch {
	case s.stopped && s.owed:
		s.reply(cmp.Or(err, context.Canceled))
		<-s.gone
	case s.owed && (err != nil || !s.paused):
		s.reply(err)
	}
}

func (s *source[T]) reply(err error) {
	s.owed, s.paused = false, false
	s.answer <- err
}

// over takes the source off the loop's list.
func (s *source[T]) over() {
	s.ended = true
	if s.reached != nil {
		s.reached.ended = true
	}
	last := len(s.l.live) - 1
	s.l.live[s.index], s.l.live[last] = s.l.live[last], nil
	if s.index < last {
		s.l.live[s.index].place(s.index)
	}
	s.l.live = s.l.live[:last]
	s.cancel()
}

func (s *source[T]) place(i int) { s.index = i }

// pause keeps the source waiting after the item that is being handled.
func (s *source[T]) pause() { s.paused = true }

// resume lets it go on.
func (s *source[T]) resume() {
	if !s.paused {
		return
	}
	s.paused = false
	if s.owed && s.l.at != port(s) {
		s.reply(nil)
	}
}

// stop cancels the source and waits until it has returned; its end is not told.
// While its own item is being handled, the waiting is done after that.
func (s *source[T]) stop() {
	if s.ended {
		return
	}
	s.over()
	s.stopped = true
	if s.l.at != port(s) {
		s.join()
	}
}

func (s *source[T]) join() {
	if s.owed {
		s.reply(context.Canceled)
	}
	<-s.gone
}
