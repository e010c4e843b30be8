package testkit

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"runtime/debug"
	"slices"
	"sync"
	"time"

	"github.com/thaw-go/thaw/stream"
	"github.com/thaw-go/thaw/testkit/internal/value"
	"github.com/thaw-go/thaw/testkit/marble"
)

// Expectation is a pipeline and what it is to deliver. [Expect] makes one.
type Expectation struct {
	board    *Board
	line     string
	name     string
	want     marble.Lane
	fails    error // what # stands for; nil: any error
	consumer string
	sub      marble.Lane
	scripted bool
	until    time.Duration // when the watching ended

	open    func(ctx context.Context, sub stream.Subscription, emit func(any) error) error
	letter  func(item any) marble.Point // what an item is called and compared as
	settle  func()                      // completes want, once it is known where the log's events are
	live    bool                        // the source's kind is cold+hot: it tells when it has caught up
	running *running

	mu     sync.Mutex
	points []marble.Point
	seen   map[stream.Position]bool
	mark   stream.Mark
}

// running is one subscription.
type running struct {
	cancel context.CancelFunc
	done   chan struct{}
}

// Expect says what a pipeline delivers when it is subscribed at zero. Letters
// stand for what values says. Without values they stand for the log's events, if
// the pipeline delivers events, or for themselves, if it delivers strings. (ab)
// and [ab] mean the same here. ~ is compared only if the diagram has one; the |
// of a live source over the log means that the log was closed. The test fails
// with both diagrams and the first tick at which they part.
func Expect[K stream.Kind, T any](b *Board, name string, o stream.Observable[K, T], marbles string, values ...Values[T]) *Expectation {
	b.t.Helper()
	e := &Expectation{board: b, line: caller(), name: name, want: b.parse(name, marbles), seen: map[stream.Position]bool{}}
	e.open = func(ctx context.Context, sub stream.Subscription, emit func(any) error) error {
		return o.Subscribe(ctx, sub, func(item T) error { return emit(item) })
	}
	var kind any = *new(K)
	_, e.live = kind.(stream.ColdHot)
	if isEventType(reflect.TypeFor[T]()) && len(values) == 0 {
		e.letter, e.settle = pointOfLog, e.settleLog
	} else {
		e.letter = letterOf(values)
		for i, p := range e.want.Points {
			if p.Kind == marble.Event {
				e.want.Points[i].Value = asCompared(valueOf(b, name, p.Name, values))
			}
		}
	}
	b.outs = append(b.outs, e)
	b.plan(0, phaseSubscribe, e.begin)
	return e
}

// Fails says what the # of the diagram stands for, in the sense of errors.Is;
// without it any error will do.
func (e *Expectation) Fails(with error) *Expectation {
	e.board.t.Helper()
	if !slices.ContainsFunc(e.want.Points, func(p marble.Point) bool { return p.Kind == marble.Failed }) {
		e.board.fatal("lane %s: Fails says what its # stands for, and it has none", e.name)
	}
	e.fails = with
	return e
}

// Subscribed says when the pipeline is subscribed and left: ^ subscribes, ! ends
// the subscription. Unlike in other lanes, zero is where the lane begins. With a
// * or a % in it, the pipeline has a durable consumer, named as the lane: *
// stores that all that was delivered has been handled, % crashes, and the next ^
// goes on after the last *.
func (e *Expectation) Subscribed(marbles string) *Expectation {
	b := e.board
	b.t.Helper()
	if e.scripted {
		b.fatal("lane %s: Subscribed is said twice", e.name)
	}
	e.sub, e.scripted = b.parseSubscriber(e.name, marbles), true
	if len(e.sub.Points) == 0 || e.sub.Points[0].Kind != marble.Subscribe {
		b.fatal("lane %s: %s: a subscriber's lane begins with a ^", e.name, marbles)
	}
	phases := map[time.Duration]int{}
	for _, p := range e.sub.Points {
		if p.Kind == marble.Checkpoint {
			phases[p.At] = phaseCheckpoint // and all that stands with it, in its order
		}
		if p.Kind == marble.Checkpoint || p.Kind == marble.Crash {
			e.consumer = e.name
		}
	}
	e.sub.Name = e.name + " sub"
	for _, p := range e.sub.Points {
		var do func() error
		switch p.Kind {
		case marble.Subscribe:
			do = e.subscribe
		case marble.Unsubscribe, marble.Crash:
			do = func() error { e.stop(); return nil }
		case marble.Checkpoint:
			do = e.checkpoint
		default:
			b.fatal("lane %s: %s: a subscriber's lane has ^ ! * and %%, nothing else", e.name, marbles)
		}
		b.plan(p.At, phases[p.At], do)
	}
	return e
}

// begin subscribes at zero, unless a lane says when.
func (e *Expectation) begin() error {
	if e.scripted {
		return nil
	}
	return e.subscribe()
}

func (e *Expectation) subscribe() error {
	if e.running != nil && !e.running.over() {
		return fmt.Errorf("%s is subscribed already", e.name)
	}
	ctx, cancel := context.WithCancel(e.board.ctx)
	r := &running{cancel: cancel, done: make(chan struct{})}
	e.running = r
	go func() { // stopped by cancel, waited for in stop
		defer close(r.done)
		err := e.run(ctx)
		if ctx.Err() != nil {
			return
		}
		e.ended(err)
	}()
	return nil
}

func (r *running) over() bool {
	select {
	case <-r.done:
		return true
	default:
		return false
	}
}

// stop ends the subscription and waits until it has ended.
func (e *Expectation) stop() {
	if e.running == nil {
		return
	}
	e.running.cancel()
	select {
	case <-e.running.done:
		return
	case <-time.After(time.Hour): // of virtual time: it hangs
		tell(e.board.t, "%s: %s did not end within an hour after its context was cancelled", e.line, e.name)
	}
	select {
	case <-e.running.done:
	case <-time.After(24 * time.Hour): // the bubble will say where it stands
	}
}

func (e *Expectation) run(ctx context.Context) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = &stream.PanicError{Stage: "the pipeline " + e.name, Value: r, Stack: debug.Stack()}
		}
	}()
	sub := stream.Subscription{Consumer: e.consumer}
	if e.live || e.consumer != "" {
		sub.Mark = e.passed
	}
	err = e.open(ctx, sub, e.deliver)
	if errors.Is(err, stream.ErrNoMarks) && e.consumer == "" { // nothing was delivered; it can go without
		err = e.open(ctx, stream.Subscription{}, e.deliver)
	}
	return err
}

// passed takes a mark of the source.
func (e *Expectation) passed(m stream.Mark) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.live && m.Live && !e.mark.Live {
		e.note(marble.Point{Kind: marble.CaughtUp})
	}
	e.mark = m
	return nil
}

func (e *Expectation) deliver(item any) error {
	p := e.letter(value.Copy(item)) // as it is now, whatever the pipeline makes of it later
	e.mu.Lock()
	defer e.mu.Unlock()
	if h, _, ok := asEvent(item); ok && h.Position != 0 {
		p.Again = e.seen[h.Position]
		e.seen[h.Position] = true
	}
	e.note(p)
	return nil
}

// note adds a point at this instant; e.mu is held.
func (e *Expectation) note(p marble.Point) {
	p.At = e.board.world.now()
	e.points = append(e.points, p)
}

func (e *Expectation) ended(err error) {
	e.board.mu.Lock()
	closed := e.board.closed
	e.board.mu.Unlock()
	e.mu.Lock()
	defer e.mu.Unlock()
	if err == nil || closed && errors.Is(err, stream.ErrClosed) {
		e.note(marble.Point{Kind: marble.Complete})
		return
	}
	e.note(marble.Point{Kind: marble.Failed, Value: err})
}

// checkpoint stores that all that was delivered has been handled.
func (e *Expectation) checkpoint() error {
	e.mu.Lock()
	at := e.mark.At
	e.mu.Unlock()
	if err := e.board.world.raw.SaveCursor(e.board.ctx, e.consumer, at); err != nil {
		return fmt.Errorf("%s: store the place %s: %w", e.name, at, err)
	}
	return nil
}

// got is what was delivered, as a lane.
func (e *Expectation) got() marble.Lane {
	e.mu.Lock()
	defer e.mu.Unlock()
	points := slices.Clone(e.points)
	if e.settle != nil {
		e.board.nameLog(points)
	}
	return marble.Lane{Name: e.name, Points: together(points), End: max(e.want.End, e.lastTick())}
}

func (e *Expectation) lastTick() time.Duration {
	if len(e.points) == 0 {
		return 0
	}
	return e.points[len(e.points)-1].At + e.board.tick
}

// settleLog gives the letters of the wanted lane the events that they stand for.
func (e *Expectation) settleLog() {
	b := e.board
	for i := range e.want.Points {
		p := &e.want.Points[i]
		if p.Kind != marble.Event {
			continue
		}
		event, ok := b.events[p.Name]
		if !ok {
			b.fatal("lane %s: no event of the log has the letter %s", e.name, p.Name)
		}
		p.Value, p.Note = event, event.note()
	}
}

// compare fails the test unless what was delivered is what was wanted.
func (e *Expectation) compare() {
	b := e.board
	b.t.Helper()
	if e.settle != nil {
		e.settle()
	}
	want, got := e.want, e.got()
	caughtUp := false
	for i, p := range want.Points {
		caughtUp = caughtUp || p.Kind == marble.CaughtUp
		if p.Kind == marble.Failed && e.fails != nil {
			want.Points[i].Value = e.fails
		}
	}
	compared := got
	if !caughtUp {
		compared.Points = nil
		for _, p := range got.Points {
			if p.Kind != marble.CaughtUp {
				compared.Points = append(compared.Points, p)
			}
		}
	}
	differences := compare(want, compared)
	if len(differences) == 0 {
		return
	}
	var around []marble.Lane
	for _, f := range b.feeds {
		around = append(around, f.lane)
	}
	if e.scripted {
		around = append(around, e.sub)
	}
	names := explain(nil, append(slices.Clone(around), want, compared)...)
	tell(b.t, "%s: %s", e.line, marble.Report(b.tick, around, want, compared, differences, names...))
	leave(b.t, e.line, b.tick, around, want, got, names)
}
