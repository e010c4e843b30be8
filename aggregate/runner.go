package aggregate

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"sync"
	"time"

	"github.com/thaw-go/thaw/stream"
)

// Runner runs one durable consumer, a saga or an adapter, and tells how far it
// has come. Its methods may be called concurrently.
type Runner struct {
	// Hooks are told what the consumer does: Handle, Moved and Trouble. Set them
	// before Run.
	Hooks stream.Hooks

	name string
	run  func(ctx context.Context) error

	mu       sync.Mutex
	gauges   gauges
	running  bool
	online   bool
	mark     stream.Mark
	ended    error         // why the last run ended; nil while none has, or one runs
	moved    chan struct{} // closed when any of these changes
	requests chan request
}

// request is something a caller wants done between two events.
type request struct {
	do   func(context.Context) error
	done chan error // has room for the answer
}

func newRunner(name string) *Runner {
	return &Runner{name: name, moved: make(chan struct{}), requests: make(chan request)}
}

// Run runs the consumer on the caller's goroutine until the context is done or
// something fails, and returns the context's error or what failed; everything it
// started has then ended. One run at a time: another gets [ErrRunning], and
// another runner of the same name on the log a [*stream.BusyError].
func (r *Runner) Run(ctx context.Context) (err error) {
	r.mu.Lock()
	if r.running {
		r.mu.Unlock()
		return fmt.Errorf("%w: %s", ErrRunning, r.name)
	}
	r.running, r.online, r.ended, r.mark = true, false, nil, stream.Mark{}
	r.gauges.Parked = 0 // counted anew
	r.mu.Unlock()
	defer func() {
		r.change(func() {
			r.running, r.online = false, false
			if r.ended = err; err == nil {
				r.ended = errors.New("its source has ended")
			}
		})
	}()
	if err := r.run(ctx); err != nil {
		return fmt.Errorf("aggregate: %s: %w", r.name, err)
	}
	return nil
}

// Online waits until the consumer's place is stored and its source is
// subscribed, so that what is appended from now on will be handled. It returns
// the context's error, or why the run ended before.
func (r *Runner) Online(ctx context.Context) error {
	return r.wait(ctx, func() bool { return r.online })
}

// WaitFor waits until everything up to a place has been handled, and will not
// be handled again after a crash. It returns as Online does.
func (r *Runner) WaitFor(ctx context.Context, c stream.Cursor) error {
	return r.wait(ctx, func() bool { return r.mark.At.Reached(c) })
}

// Mark is how far the consumer has come; its lag is what lies between At and
// Head.
func (r *Runner) Mark() stream.Mark {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.mark
}

func (r *Runner) wait(ctx context.Context, there func() bool) error {
	for {
		r.mu.Lock()
		ok, ended, moved, at := there(), r.ended, r.moved, r.mark.At
		r.mu.Unlock()
		if ok {
			return nil
		}
		if ended != nil {
			return fmt.Errorf("aggregate: %s ended at %s: %w", r.name, at, ended)
		}
		select {
		case <-moved:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// change alters what the runner tells, and wakes who waits for it.
func (r *Runner) change(f func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	f()
	close(r.moved)
	r.moved = make(chan struct{})
}

// ask has something done on the run's goroutine, between two events, once the
// consumer is online. It ends with the run's context and with the caller's.
func (r *Runner) ask(ctx context.Context, do func(context.Context) error) error {
	both := func(run context.Context) error {
		run, cancel := context.WithCancel(run)
		defer cancel()
		defer context.AfterFunc(ctx, cancel)()
		return do(run)
	}
	ask := request{do: both, done: make(chan error, 1)}
	for {
		// Taken before asking whether the run is online, so that an end in
		// between is not missed.
		r.mu.Lock()
		moved := r.moved
		r.mu.Unlock()
		if err := r.Online(ctx); err != nil {
			return err
		}
		select {
		case r.requests <- ask:
			return <-ask.done
		case <-moved:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// consumer is what a saga or an adapter does with what its source delivers. All
// calls come from the run's goroutine.
type consumer[E any] interface {
	// begin reads what was remembered; the consumer is claimed and placed.
	begin(ctx context.Context) error
	// handle handles one event.
	handle(ctx context.Context, e *stream.Event[E]) error
	// pass remembers that everything up to a mark has been handled; false: it leaves
	// that to a later one, which is sure to come.
	pass(ctx context.Context, m stream.Mark) (bool, error)
	// next is when fire is to be called; false: not at all.
	next() (time.Time, bool)
	// fire handles the timers that have fallen due; it is called only when every
	// event that was handled has been passed.
	fire(ctx context.Context, now time.Time) error
	// rest remembers what has not been remembered yet, at the end of a run whose
	// last event was followed by a mark.
	rest(ctx context.Context) error
}

// item is an event or, if mark is set, a mark: both in one queue, so that a mark
// never overtakes an event.
type item[E any] struct {
	event *stream.Event[E]
	mark  *stream.Mark
}

// consume runs a source on a goroutine of its own and hands what it delivers to
// the consumer, on the caller's, which also sees to timers and requests. The
// queue holds nothing: the source waits for the consumer.
func consume[E any](ctx context.Context, r *Runner, src stream.Source[stream.Hot, E], c consumer[E]) (err error) {
	inner, cancel := context.WithCancel(ctx)
	items := make(chan item[E])
	sourceErr := errVanished
	go func() { // stopped by cancel, waited for below by the closing of items
		defer close(items)
		defer func() { // nobody could recover it on this goroutine
			if value := recover(); value != nil {
				sourceErr = &stream.PanicError{Stage: "the source of " + r.name, Value: value, Stack: debug.Stack()}
			}
		}()
		put := func(i item[E]) error {
			select {
			case items <- i:
				return nil
			case <-inner.Done():
				return inner.Err()
			}
		}
		sub := stream.Subscription{Consumer: r.name, Mark: func(m stream.Mark) error { return put(item[E]{mark: &m}) }}
		sourceErr = src.Subscribe(inner, sub, func(e *stream.Event[E]) error { return put(item[E]{event: e}) })
	}()
	defer func() {
		cancel()
		for range items { // until the source has gone
		}
	}()
	l := &loop[E]{runner: r, consumer: c, items: items}
	if err = l.run(ctx); errors.Is(err, errSourceEnded) {
		err = sourceErr
	}
	if (l.passed || l.late != nil) && (err == nil || ctx.Err() != nil) {
		// The caller wants to stop, which must not keep us from remembering.
		return errors.Join(err, c.rest(context.WithoutCancel(ctx)))
	}
	return err
}

// errVanished is what is left of a source whose function ended its goroutine.
var errVanished = errors.New("its source ended its goroutine (runtime.Goexit) instead of returning")

// errSourceEnded says that the source's own result is the run's.
var errSourceEnded = errors.New("aggregate: the source has ended")

// loop is the consumer's goroutine.
type loop[E any] struct {
	runner   *Runner
	consumer consumer[E]
	items    <-chan item[E]
	begun    bool
	passed   bool         // every event that was handled has been passed
	late     *stream.Mark // the last mark, if the consumer has left it to a later one
}

func (l *loop[E]) run(ctx context.Context) error {
	for {
		var due <-chan time.Time
		var requests <-chan request
		stop := func() bool { return false }
		if l.passed {
			requests = l.runner.requests
			if at, ok := l.consumer.next(); ok {
				timer := time.NewTimer(time.Until(at))
				due, stop = timer.C, timer.Stop
			}
		}
		err := l.step(ctx, due, requests)
		stop()
		if err != nil {
			return err
		}
	}
}

func (l *loop[E]) step(ctx context.Context, due <-chan time.Time, requests <-chan request) error {
	select {
	case i, ok := <-l.items:
		if ok {
			return l.take(ctx, i)
		}
		if last := l.late; last != nil && ctx.Err() == nil { // no later mark comes
			if err := l.pass(ctx, stream.Mark{At: last.At, Head: last.At, Live: last.Live}); err != nil {
				return err
			}
		}
		return errSourceEnded
	case now := <-due:
		return l.consumer.fire(ctx, now)
	case ask := <-requests:
		ask.done <- ask.do(ctx)
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (l *loop[E]) take(ctx context.Context, i item[E]) error {
	if !l.begun {
		if err := l.consumer.begin(ctx); err != nil {
			return err
		}
		l.begun = true
		l.runner.change(func() { l.runner.online = true })
	}
	if i.mark == nil {
		l.passed, l.late = false, nil
		return l.consumer.handle(ctx, i.event)
	}
	return l.pass(ctx, *i.mark)
}

func (l *loop[E]) pass(ctx context.Context, m stream.Mark) (err error) {
	if l.passed, err = l.consumer.pass(ctx, m); err != nil {
		return err
	}
	if l.late = nil; !l.passed {
		l.late = &m
		return nil
	}
	l.runner.change(func() { l.runner.mark = m })
	if moved := l.runner.Hooks.Moved; moved != nil {
		moved(l.runner.name, m, time.Now())
	}
	return nil
}

// checkpoints is the log behind a hot source, as a durable consumer needs it.
func checkpoints[E any](src stream.Source[stream.Hot, E], name string) (stream.Checkpoints, error) {
	if !src.ReadsHot() {
		return nil, ErrNotHot
	}
	log, ok := src.Log().(stream.Checkpoints)
	if !ok {
		return nil, &stream.NotDurableError{Consumer: name}
	}
	return log, nil
}

// saveEvery is how many positions a consumer's place may lag behind when it has
// nothing to remember: reading them again costs less than a write for each mark.
const saveEvery = 1000

// place is a consumer's stored place.
type place struct {
	log   stream.Checkpoints
	name  string
	saved stream.Cursor
	at    stream.Cursor // the last mark

	unsettled bool // what was staged may be in the log (see staged.go)
}

// find reads the stored place.
func (p *place) find(ctx context.Context) error {
	at, _, err := p.log.Cursor(ctx, p.name)
	p.saved, p.at = at, at
	return err
}

// move takes a mark and stores changes with it. Without changes it stores the
// place only every so often.
func (p *place) move(ctx context.Context, at stream.Cursor, changes ...stream.Change) error {
	p.at = at
	if len(changes) == 0 && at.Position(0) < p.saved.Position(0)+saveEvery {
		return nil
	}
	return p.save(ctx, changes...)
}

func (p *place) save(ctx context.Context, changes ...stream.Change) error {
	if p.unsettled { // what was to be remembered before comes first
		if err := p.settle(ctx); err != nil {
			return fmt.Errorf("remember what was staged: %w", err)
		}
	}
	if err := p.log.Checkpoint(ctx, p.name, p.at, changes...); err != nil {
		return fmt.Errorf("remember place %s: %w", p.at, err)
	}
	p.saved = p.at
	return nil
}

// rest stores the place if it has moved. A log that was closed meanwhile takes
// nothing more; what was not stored is then handled again, which is what its
// consumers are made for.
func (p *place) rest(ctx context.Context) error {
	if p.at.Equal(p.saved) {
		return nil
	}
	if err := p.save(ctx); err != nil && !errors.Is(err, stream.ErrClosed) {
		return err
	}
	return nil
}
