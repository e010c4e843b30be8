package operators

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/thaw-go/thaw/stream"
)

// crew runs pipelines for parts of a source's items: groups or windows. What is to
// be done (open one, hand it an item, end it) stands in one line and is done step
// by step: a step is over when its pipeline asks for the next item, or has ended.
// Meanwhile the source waits and what the pipelines emit is handed on; so no
// pipeline can wait for another, and what comes out comes in one order.
type crew[T, B any] struct {
	l      *loop
	emit   func(B) error
	resume func()      // lets the source go on
	open   []*group[T] // in the order of beginning; also those that are still to be opened
	steps  []step[T]
	next   int       // the step to do
	doing  *group[T] // whose step is not over yet
	err    error     // the source's, once it has failed
	closed bool      // the source has ended
}

// group is one pipeline and what it is handed.
type group[T any] struct {
	l      *loop
	start  func()          // starts its pipeline
	inbox  chan message[T] // holds one
	ready  *groupReady[T]
	taken  atomic.Bool // its items are being run through
	over   bool        // its pipeline has ended, or is to end
	ended  bool        // its pipeline has ended
	gone   func()      // is told when it is over; may be nil
	idleAt time.Time

	newer, older *group[T] // by use
}

// message is an item, or the end.
type message[T any] struct {
	item T
	over bool
	err  error
}

// What a step is.
const (
	stepOpen = iota
	stepTake
	stepEnd
)

type step[T any] struct {
	what int
	at   *group[T]
	message[T]
}

// watchCrew runs the source; take plans what is to be done with an item.
func watchCrew[X, T, B any](c *crew[T, B], subscribe func(context.Context, stream.Subscription, func(X) error) error, take func(X) error) {
	s := watch(c.l, subscribe, nil)
	s.on = func(item X) error {
		s.pause() // until the last step is over
		return take(item)
	}
	c.resume = s.resume
	s.end = func(err error) error {
		c.err, c.closed = err, true
		open := c.open
		c.open = nil
		for _, at := range open {
			c.planEnd(at, err)
		}
		return c.work()
	}
}

// begin makes a group that a step will open.
func (c *crew[T, B]) begin(f func(stream.Observable[stream.Cold, T]) stream.Observable[stream.Cold, B]) *group[T] {
	at := &group[T]{l: c.l, inbox: make(chan message[T], 1)}
	at.ready = &groupReady[T]{at: at, rest: c.rest}
	items := stream.New[stream.Cold](nil, func(sub stream.Subscription) stream.Run[T] {
		if err := refuseMarks(sub); err != nil {
			return func(context.Context, func(T) error) error { return err }
		}
		return at.run
	})
	at.start = func() {
		c.l.in = true
		pipeline := f(items)
		c.l.in = false
		s := listen(c.l, pipeline.Run, c.emit)
		s.end = func(err error) error { return c.ended(at, err) }
	}
	c.open = append(c.open, at)
	return at
}

func (c *crew[T, B]) plan(what int, at *group[T], item T) {
	c.steps = append(c.steps, step[T]{what, at, message[T]{item: item}})
}

// planEnd plans a group's end, once.
func (c *crew[T, B]) planEnd(at *group[T], err error) {
	if at.over {
		return
	}
	c.leave(at)
	c.steps = append(c.steps, step[T]{stepEnd, at, message[T]{over: true, err: err}})
}

// leave takes a group off the list of those that are open.
func (c *crew[T, B]) leave(at *group[T]) {
	at.over = true
	for i, o := range c.open {
		if o == at {
			c.open = append(c.open[:i:i], c.open[i+1:]...)
			break
		}
	}
	if at.gone != nil {
		at.gone()
	}
}

// work does the steps that can be done.
func (c *crew[T, B]) work() error {
	for c.doing == nil && c.next < len(c.steps) {
		s := c.steps[c.next]
		c.steps[c.next] = step[T]{}
		c.next++
		if s.at.ended {
			continue
		}
		c.doing = s.at
		if s.what == stepOpen {
			s.at.start()
		} else {
			s.at.inbox <- s.message // there is room: the last one was taken
		}
	}
	if c.doing != nil {
		return nil
	}
	c.steps, c.next = c.steps[:0], 0
	if c.closed {
		if c.err != nil {
			return c.err
		}
		return c.l.finish()
	}
	c.resume()
	return nil
}

// rest notes that a group asks for its next item.
func (c *crew[T, B]) rest(at *group[T]) error {
	if c.doing != at {
		return nil
	}
	c.doing = nil
	return c.work()
}

// ended notes that a group's pipeline has.
func (c *crew[T, B]) ended(at *group[T], err error) error {
	at.ended = true
	if err != nil && !(c.err != nil && errors.Is(err, c.err)) {
		return err
	}
	if !at.over {
		c.leave(at)
	}
	if c.doing == at {
		c.doing = nil
	}
	return c.work()
}

// groupReady tells the loop that a group asks for its next item.
type groupReady[T any] struct {
	at   *group[T]
	rest func(*group[T]) error
}

func (r *groupReady[T]) handle() error { return r.rest(r.at) }
func (r *groupReady[T]) handled(error) {} // nobody waits for an answer
func (r *groupReady[T]) join()         {} // its goroutine is the pipeline's
func (r *groupReady[T]) place(int)     {} // it is on no list

// groupRing is a list of groups by use.
type groupRing[T any] struct{ next, last *group[T] }

func (r *groupRing[T]) oldest() *group[T] { return r.next }

// touch makes a group the one that was used last.
func (r *groupRing[T]) touch(at *group[T]) {
	r.remove(at)
	at.older = r.last
	if r.last == nil {
		r.next = at
	} else {
		r.last.newer = at
	}
	r.last = at
}

func (r *groupRing[T]) remove(at *group[T]) {
	if at.older != nil {
		at.older.newer = at.newer
	} else if r.next == at {
		r.next = at.newer
	}
	if at.newer != nil {
		at.newer.older = at.older
	} else if r.last == at {
		r.last = at.older
	}
	at.newer, at.older = nil, nil
}
