package operators

import (
	"context"
	"time"

	"github.com/thaw-go/thaw/stream"
)

// A stage with a loop is how an operator is written that waits for more than one
// thing: several sources, a timer, inner observables that run side by side. Merge
// is the smallest:
//
//	func Merge[K stream.Kind, T any](sources ...stream.Observable[K, T]) stream.Observable[K, T] {
//		return staged(stage{name: "Merge", holding: true}, func(l *loop, emit func(T) error) error {
//			for _, o := range sources {
//				watch(l, o.Subscribe, emit)
//			}
//			return nil
//		}, upstreams(sources)...)
//	}
//
// What is always true of it:
//
//   - The function given to staged lays a run out. It, and all that it hands to the
//     loop (what to do with an item, with a source's end, when a timer is due), is
//     called on the goroutine of the consumer, one at a time: no locks are needed,
//     and emit may be called anywhere in it. An error ends the run with it.
//   - watch runs a source of the operator on a goroutine, with the consumer's
//     subscription, so with its name and with marks; listen runs anything else, such
//     as a notifier or an inner observable, of whatever kind. Either waits with its
//     next item until this one has been handled, and gets the error of that. To
//     keep it waiting longer, pause it while handling its item, and resume it later.
//   - A source's error ends the run; after its completion the others go on. To do
//     otherwise set its end: s.end = l.end makes the run end as the source does.
//   - The run completes when no source is left and no timer is set, or when finish
//     is called. However it ends, also by a panic, every source has been cancelled
//     and has returned by then. stop does that to one source.
//   - l.timer(do) makes a timer, and t.set(d) sets it, again and again without an
//     allocation. What is due at one instant happens in the order of planning.
//   - Marks come to the loop in line with the items and pass on, of several sources
//     the earliest; l.hold keeps them back while the operator has something in hand
//     that a mark would wrongly tell as handed over, and l.release lets them go. A
//     source's mark function can be set to do otherwise.
//   - Hand a user's function through guarded, so that its panic names the stage.
//     emit is not guarded: a panic of the consumer is the consumer's own.

// stage says what a stage with a loop is.
type stage struct {
	name    string
	holding bool // it remembers or merges, so a durable consumer is refused
}

// loop is one run of a stage that waits for more than one thing.
type loop struct {
	stage string
	sub   stream.Subscription
	ctx   context.Context // of the sources
	in    bool            // a user's function is being called

	queue    chan port // unbuffered: a source waits to be handled
	live     []port    // sources that have not ended
	watched  []*marking
	at       port // whose item is being handled
	timers   timers
	finished bool

	held  bool // marks are
	later *stream.Mark
}

// staged makes an operator with a loop over the sources.
func staged[K stream.Kind, T any](s stage, layOut func(l *loop, emit func(T) error) error, sources ...stream.Upstream[K]) (o stream.Observable[K, T]) {
	return stream.Derive(func(sub stream.Subscription) stream.Run[T] {
		return func(ctx context.Context, emit func(T) error) error {
			switch {
			case s.holding && (sub.Consumer != "" || sub.From != nil):
				return &stream.NotResumableError{Consumer: sub.Consumer, Operator: s.name}
			case sub.Mark != nil && len(sources) > 1 && o.Log() == nil:
				return stream.ErrNoMarks
			}
			return runLoop(ctx, s.name, sub, func(l *loop) error { return layOut(l, emit) })
		}
	}, sources...)
}

// upstreams are observables of one type as staged takes them.
func upstreams[K stream.Kind, T any](list []stream.Observable[K, T]) []stream.Upstream[K] {
	sources := make([]stream.Upstream[K], len(list))
	for i, o := range list {
		sources[i] = o
	}
	return sources
}

func runLoop(outer context.Context, name string, sub stream.Subscription, layOut func(*loop) error) (err error) {
	ctx, cancel := context.WithCancel(outer)
	l := &loop{stage: name, sub: sub, ctx: ctx, queue: make(chan port)}
	defer stream.Contain(name, &l.in, &err)
	defer func() {
		cancel()
		l.timers.close()
		if l.at != nil { // a panic has left it without an answer
			l.at.join()
		}
		for _, p := range l.live {
			p.join()
		}
	}()
	if err := layOut(l); err != nil {
		return err
	}
	for !l.finished && (len(l.live) > 0 || l.timers.any()) {
		if err := l.turn(outer); err != nil {
			return err
		}
	}
	return nil
}

// turn waits for the next thing that happens and handles it.
func (l *loop) turn(outer context.Context) error {
	select {
	case p := <-l.queue:
		l.at = p
		err := p.handle()
		l.at = nil
		p.handled(err)
		return err
	case <-l.timers.ring():
		return l.fire(time.Now())
	case <-outer.Done():
		return outer.Err()
	}
}

// fire does what is due and was planned before it began.
func (l *loop) fire(now time.Time) error {
	l.timers.rang()
	for last := l.timers.plans; !l.finished; {
		t := l.timers.take(now, last)
		if t == nil {
			return nil
		}
		if err := t.do(); err != nil {
			return err
		}
	}
	return nil
}

// finish completes the run once what is being done has been done.
func (l *loop) finish() error {
	l.finished = true
	return nil
}

// end ends the run as a source has ended; it is made for a source's end.
func (l *loop) end(err error) error {
	if err != nil {
		return err
	}
	return l.finish()
}

// timer makes a timer that does something when it is due.
func (l *loop) timer(do func() error) *timer { return &timer{of: &l.timers, do: do} }

// guarded is a user's function whose panic names the stage.
func guarded[A, B any](l *loop, f func(A) B) func(A) B {
	return func(a A) B {
		l.in = true
		b := f(a)
		l.in = false
		return b
	}
}

// hold keeps marks back.
func (l *loop) hold() { l.held = true }

// release lets marks go: the latest that was kept back.
func (l *loop) release() error {
	l.held = false
	if l.later == nil {
		return nil
	}
	m := *l.later
	l.later = nil
	return l.sub.Mark(m)
}

// pass hands a mark to the consumer, or keeps it.
func (l *loop) pass(m stream.Mark) error {
	if l.held {
		l.later = &m
		return nil
	}
	return l.sub.Mark(m)
}

// marking is how far a watched source has come.
type marking struct {
	mark  stream.Mark
	any   bool
	ended bool
}

// come notes a source's mark and passes on what all watched sources have
// reached, once each has said where it is.
func (l *loop) come(w *marking, m stream.Mark) error {
	w.mark, w.any = m, true
	if len(l.watched) == 1 {
		return l.pass(m)
	}
	all, first := m, true
	for _, w := range l.watched {
		switch {
		case w.ended:
			continue
		case !w.any:
			return nil
		case first:
			all, first = w.mark, false
			continue
		}
		all.At, all.Live = all.At.Earlier(w.mark.At), all.Live && w.mark.Live
		if w.mark.Head.Reached(all.Head) {
			all.Head = w.mark.Head
		}
	}
	return l.pass(all)
}
