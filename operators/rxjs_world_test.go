package operators

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing/synctest"
	"time"

	"github.com/thaw-go/thaw/stream"
)

// rxThrown is an error of the RxJS cases, which throw values.
type rxThrown struct{ value any }

func (e *rxThrown) Error() string { return rxText(e.value) }

type rxStream = stream.Observable[stream.Cold, any]

// rxWorld plays the inputs of a case in the virtual time of a synctest bubble. A
// frame is a millisecond. Within a frame the script comes first: who subscribes
// and leaves, then the events of hot inputs, then those of cold ones, and after
// each all comes to rest; then the operators' timers. So that timers come last,
// the script comes one more nanosecond early in each frame than in the one before
// it: a timer that was set in an earlier frame is then still to come.
//
// Inputs do not wait for who is slow: what has happened waits in the subscriber's
// queue, as a log keeps it, and a subscription is over when its end has been
// queued. That is where RxJS, which has no back-pressure, has to be met.
type rxWorld struct {
	began  time.Time
	inputs []*rxInput
	kick   chan struct{} // a cold input was subscribed

	mu    sync.Mutex
	step  int // counts how often all has come to rest
	plans []rxPlan
}

// rxPlan is one event of one subscription to a cold input.
type rxPlan struct {
	frame, step, input, seq int
	sub                     *rxSub
	point                   rxPoint
}

// rxInput is a stream that a case describes.
type rxInput struct {
	world  *rxWorld
	index  int
	hot    bool
	points []rxPoint
	past   *rxPoint // how a hot one ended
	subs   []*rxSub
}

// rxSub is one subscription to an input.
type rxSub struct {
	span  rxSpan
	queue []rxPoint
	wake  chan struct{}
}

func newRxWorld() *rxWorld { return &rxWorld{began: time.Now(), kick: make(chan struct{}, 1)} }

func (w *rxWorld) input(points []rxPoint, hot bool) *rxInput {
	in := &rxInput{world: w, index: len(w.inputs), hot: hot, points: points}
	w.inputs = append(w.inputs, in)
	return in
}

// frame is the present one.
func (w *rxWorld) frame() int {
	return int(time.Since(w.began).Round(time.Millisecond) / time.Millisecond)
}

// settle lets everything come to rest.
func (w *rxWorld) settle() {
	synctest.Wait()
	w.mu.Lock()
	defer w.mu.Unlock()
	w.step++
}

// observable is the input as operators see it.
func (in *rxInput) observable() rxStream {
	return stream.New[stream.Cold](nil, func(stream.Subscription) stream.Run[any] {
		return func(ctx context.Context, emit func(any) error) error {
			s := in.subscribe()
			defer in.leave(s)
			return in.deliver(ctx, s, emit)
		}
	})
}

func (in *rxInput) subscribe() *rxSub {
	w := in.world
	w.mu.Lock()
	defer w.mu.Unlock()
	now := w.frame()
	s := &rxSub{span: rxSpan{from: now, to: never}, wake: make(chan struct{}, 1)}
	in.subs = append(in.subs, s)
	if in.hot {
		if in.past != nil {
			s.put(*in.past, now)
		}
		return s
	}
	for seq, p := range in.points {
		w.plans = append(w.plans, rxPlan{frame: now + p.frame, step: w.step, input: in.index, seq: seq, sub: s, point: p})
	}
	select {
	case w.kick <- struct{}{}:
	default:
	}
	return s
}

// put queues what happens; the world's mutex is held.
func (s *rxSub) put(p rxPoint, now int) {
	if s.span.to != never {
		return
	}
	s.queue = append(s.queue, p)
	if p.kind != rxNext {
		s.span.to = now
	}
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

func (in *rxInput) leave(s *rxSub) {
	w := in.world
	w.mu.Lock()
	defer w.mu.Unlock()
	if s.span.to == never {
		s.span.to = w.frame()
	}
	w.plans = slices.DeleteFunc(w.plans, func(p rxPlan) bool { return p.sub == s })
}

func (in *rxInput) deliver(ctx context.Context, s *rxSub, emit func(any) error) error {
	for {
		in.world.mu.Lock()
		queue := s.queue
		s.queue = nil
		in.world.mu.Unlock()
		for _, p := range queue {
			switch p.kind {
			case rxComplete:
				return nil
			case rxError:
				return &rxThrown{p.value}
			}
			if err := ctx.Err(); err != nil {
				return err
			}
			if err := emit(p.value); err != nil {
				return err
			}
		}
		select {
		case <-s.wake:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// play plays the frames up to the last one, with what acts do in each, until
// over says that there is nothing more to see.
func (w *rxWorld) play(last int, acts map[int][]func(), over func() bool) {
	f := 0
	for instant := 0; f <= last && !over(); instant++ {
		for _, act := range acts[f] {
			act()
			w.settle()
		}
		for _, in := range w.inputs {
			w.happen(in, f)
		}
		w.happenCold()
		f = w.sleep(w.next(f+1, last, acts), instant+1)
	}
}

// next is the first frame from f on in which the script has something to do.
func (w *rxWorld) next(f, last int, acts map[int][]func()) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	next := last + 1
	for at := range acts {
		if at >= f {
			next = min(next, at)
		}
	}
	for _, in := range w.inputs {
		for _, p := range in.points {
			if in.hot && p.frame >= f {
				next = min(next, p.frame)
			}
		}
	}
	for _, p := range w.plans {
		next = min(next, max(p.frame, f))
	}
	return next
}

// sleep waits for a frame, and meanwhile plays what cold inputs do at the instant
// at which they are subscribed. It returns early, with the frame that it is then,
// when they have planned something that comes before.
func (w *rxWorld) sleep(frame, instant int) int {
	for {
		due := w.began.Add(time.Duration(frame)*time.Millisecond - time.Duration(instant))
		timer := time.NewTimer(time.Until(due))
		select {
		case <-timer.C:
			return frame
		case <-w.kick:
			timer.Stop()
			w.settle()
			w.happenCold()
			frame = w.next(w.frame()+1, frame-1, nil)
		}
	}
}

// happen plays what a hot input does in a frame.
func (w *rxWorld) happen(in *rxInput, frame int) {
	if !in.hot {
		return
	}
	for _, p := range in.points {
		if p.frame != frame {
			continue
		}
		w.mu.Lock()
		for _, s := range in.subs {
			s.put(p, frame)
		}
		if p.kind != rxNext {
			in.past = &p
		}
		w.mu.Unlock()
		w.settle()
	}
}

// happenCold plays what cold inputs have planned up to now, in the order in which
// they were subscribed; at one instant, in the order of the inputs.
func (w *rxWorld) happenCold() {
	for {
		if !w.takePlan() {
			return
		}
		w.settle()
	}
}

// takePlan queues the first of what is due.
func (w *rxWorld) takePlan() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	now, at := w.frame(), -1
	for i, p := range w.plans {
		if p.frame <= now && (at < 0 || p.before(w.plans[at])) {
			at = i
		}
	}
	if at < 0 {
		return false
	}
	plan := w.plans[at]
	w.plans = slices.Delete(w.plans, at, at+1)
	plan.sub.put(plan.point, now)
	return true
}

func (p rxPlan) before(q rxPlan) bool {
	return slices.Compare([]int{p.frame, p.step, p.input, p.seq}, []int{q.frame, q.step, q.input, q.seq}) < 0
}

// rxWatch is a subscriber to a result, and what it got.
type rxWatch struct {
	world  *rxWorld
	points []rxPoint
	cancel context.CancelFunc
	done   chan struct{}
	left   bool
}

// watch subscribes to a result.
func (w *rxWorld) watch(o rxStream) *rxWatch {
	ctx, cancel := context.WithCancel(context.Background())
	r := &rxWatch{world: w, cancel: cancel, done: make(chan struct{})}
	go func() { // stopped by cancel, waited for by leave
		defer close(r.done)
		err := o.Run(ctx, func(item any) error {
			r.note(rxNext, item)
			return nil
		})
		if err == nil {
			r.note(rxComplete, nil)
			return
		}
		r.note(rxError, rxErrorValue(err))
	}()
	return r
}

func (r *rxWatch) note(kind rxKind, value any) {
	r.world.mu.Lock()
	defer r.world.mu.Unlock()
	if !r.left {
		r.points = append(r.points, rxPoint{frame: r.world.frame(), kind: kind, value: value})
	}
}

// leave ends the subscription.
func (r *rxWatch) leave() {
	r.world.mu.Lock()
	r.left = true
	r.world.mu.Unlock()
	r.cancel()
	<-r.done
}

func (r *rxWatch) over() bool {
	select {
	case <-r.done:
		return true
	default:
		return false
	}
}

// rxErrorValue is an error as the cases name it.
func rxErrorValue(err error) any {
	var thrown *rxThrown
	if errors.As(err, &thrown) {
		return thrown.value
	}
	for _, known := range rxErrors {
		if errors.Is(err, known.err) {
			return known.name
		}
	}
	return err.Error()
}

// rxErrors are RxJS's own errors by their class names.
var rxErrors = []struct {
	name string
	err  error
}{
	{"TimeoutError", ErrTimeout},
}
