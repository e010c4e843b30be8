package aggregate

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/thaw-go/thaw/stream"
)

// sagaRun is one run of a saga. What it changes stays in memory until the next
// mark and is then stored in one write with the place: a crash before that
// undoes all of it, and the same events lead to the same commands again, whose
// IDs the aggregates know.
type sagaRun[E, S any] struct {
	place
	saga      Saga[E, S]
	src       stream.Source[stream.Hot, E]
	runner    *Runner
	handlers  map[string]Handler
	policy    retries
	item      done          // the event being handled
	watermark time.Time     // event time; zero until the first event
	pending   []*trigger[E] // that the workers have not taken yet
	unstored  int           // events handled since the last checkpoint
	stored    time.Time     // when that was
	late      stream.Cursor // the last mark, if it was left to a later one; else zero

	mu       sync.Mutex                // guards what follows while workers run
	changed  map[string]instance       // since the last checkpoint
	refusals map[stream.EventID]string // commands that were refused, and why; stored
	answered map[stream.EventID]bool   // those of them whose turns have been taken since the last checkpoint
	timers   *timers
	parked   map[string]int  // how many turns of each instance wait
	lot      []stream.Change // to what is parked, since the last checkpoint
	ticket   uint64          // the last one that was given out
}

// trigger is what an instance takes a turn about: an event, or a timer.
type trigger[E any] struct {
	instance  string
	event     *stream.Event[E]
	at        done      // the event's place
	happened  time.Time // when it did; timers count from here
	timer     *timer
	watermark time.Time // event time right before its turn
}

const (
	statePrefix   = "s/"
	refusedPrefix = "r/"
	watermarkKey  = "watermark"
)

func newSagaRun[E, S any](g Saga[E, S], src stream.Source[stream.Hot, E], r *Runner) *sagaRun[E, S] {
	return &sagaRun[E, S]{
		saga: g, src: src, runner: r, handlers: map[string]Handler{}, policy: newRetries(g.Attempts, g.Wait, g.MaxWait),
		changed: map[string]instance{}, refusals: map[stream.EventID]string{}, answered: map[stream.EventID]bool{},
		timers: newTimers(), parked: map[string]int{},
	}
}

func (s *sagaRun[E, S]) begin(ctx context.Context) error {
	if err := s.find(ctx); err != nil {
		return err
	}
	if err := s.settle(ctx); err != nil { // what a process that died has left
		return err
	}
	if err := s.log.States(ctx, s.name, timerPrefix, s.timers.load); err != nil {
		return err
	}
	if err := s.log.States(ctx, s.name, refusedPrefix, s.loadRefused); err != nil {
		return err
	}
	if err := s.log.States(ctx, s.name, parkedPrefix, s.loadParked); err != nil {
		return err
	}
	text, ok, err := s.log.State(ctx, s.name, watermarkKey)
	if err != nil {
		return err
	}
	if ok {
		if err := s.watermark.UnmarshalText(text); err != nil {
			return fmt.Errorf("read the event time: %w", err)
		}
	}
	if s.saga.Time == nil {
		return s.finish(ctx, s.timers.firing())
	}
	// What is due in event time has had its turn before its place was stored, but for
	// the timers of an instance that went on from the parking lot right before the end.
	if err := s.expire(ctx, s.watermark); err != nil {
		return err
	}
	return s.store(ctx, s.at)
}

func (s *sagaRun[E, S]) handle(ctx context.Context, e *stream.Event[E]) (err error) {
	s.item = s.item.next(e.Position)
	s.unstored++
	t := &trigger[E]{event: e, at: s.item, happened: e.Time}
	if err := s.contained("Correlate", func() {
		t.instance = s.saga.Correlate(e)
		if s.saga.Time != nil {
			t.happened = s.saga.Time(e)
		}
	}); err != nil {
		return err
	}
	if s.saga.Time != nil && t.happened.After(s.watermark) {
		if err := s.join(ctx); err != nil {
			return err
		}
		s.watermark = t.happened
		if err := s.expire(ctx, s.watermark); err != nil {
			return err
		}
	}
	if t.instance == "" {
		return nil
	}
	if t.watermark = s.watermark; int64(e.Depth) > int64(s.saga.MaxDepth) {
		if err := s.join(ctx); err != nil {
			return err
		}
		return s.loop(ctx, t)
	}
	return s.put(ctx, t)
}

// take gives an instance its turn about a trigger, and the turns of its timers that
// are due then in event time; or it parks the trigger.
func (s *sagaRun[E, S]) take(ctx context.Context, t *trigger[E]) error {
	if s.waits(t.instance) {
		return s.park(t, 0, errBehind, nil)
	}
	err := s.attempt(ctx, t)
	if stuck := stuckBy(ctx, err); stuck != nil {
		s.runner.trouble(ctx, fmt.Errorf("instance %q is parked: %w", t.instance, err))
		return s.park(t, stuck.attempts, err, stuck.refused)
	}
	if err != nil || s.saga.Time == nil || t.event == nil {
		return err
	}
	return s.expireOf(ctx, t.instance, t.watermark, s.take) // what was due when it was set
}

// expire handles the timers due by now in event time, also those that their
// turns set.
func (s *sagaRun[E, S]) expire(ctx context.Context, now time.Time) error {
	for due := s.timers.due(now, 1); len(due) > 0; due = s.timers.due(now, 1) {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := s.take(ctx, s.expired(due[0])); err != nil {
			return err
		}
	}
	return nil
}

// expireOf does the same for one instance's timers.
func (s *sagaRun[E, S]) expireOf(ctx context.Context, instance string, now time.Time, take func(context.Context, *trigger[E]) error) error {
	for {
		s.mu.Lock()
		w := s.timers.dueOf(instance, now)
		s.mu.Unlock()
		if w == nil {
			return nil
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := take(ctx, s.expired(w)); err != nil {
			return err
		}
		if s.waits(instance) { // its turn has parked it
			return nil
		}
	}
}

// expired is what a timer triggers.
func (s *sagaRun[E, S]) expired(w *timer) *trigger[E] {
	return &trigger[E]{instance: w.Instance, timer: w, happened: w.Due, watermark: w.Due}
}

func (s *sagaRun[E, S]) next() (time.Time, bool) {
	w := s.timers.first()
	if w == nil || s.saga.Time != nil {
		return time.Time{}, false
	}
	return w.Due, true
}

// maxFiring is how many clock timers take their turns between two checkpoints.
const maxFiring = 256

// fire handles clock timers. That they have begun is stored first: the clock is
// not in the log, so after a crash nothing else would say that their turns came
// before those of the events that are delivered then.
func (s *sagaRun[E, S]) fire(ctx context.Context, now time.Time) error {
	due := s.timers.due(now, maxFiring)
	for _, w := range due {
		w.Firing = true
		s.timers.dirty[timerID{w.Instance, w.Name}] = true
	}
	if err := s.store(ctx, s.at); err != nil {
		return err
	}
	return s.finish(ctx, due)
}

// finish gives firing timers their turns. One of them may cancel the next, or park
// its instance.
func (s *sagaRun[E, S]) finish(ctx context.Context, firing []*timer) error {
	for _, w := range firing {
		if w.gone || s.waits(w.Instance) {
			continue
		}
		if err := s.take(ctx, s.expired(w)); err != nil {
			return err
		}
	}
	if len(firing) == 0 {
		return nil
	}
	return s.store(ctx, s.at)
}

// While it is behind, a saga stores what it has done once for so many events, or so
// often: a crash makes it take more turns again, and repeats nothing.
const (
	maxUnstored    = 1024
	maxUnstoredFor = 100 * time.Millisecond
)

func (s *sagaRun[E, S]) pass(ctx context.Context, m stream.Mark) (bool, error) {
	if !m.At.Reached(m.Head) && s.unstored < maxUnstored && time.Since(s.stored) < maxUnstoredFor {
		s.late = m.At
		return false, nil
	}
	if err := s.join(ctx); err != nil {
		return false, err
	}
	if err := s.store(ctx, m.At); err != nil {
		return false, err
	}
	s.late = stream.Cursor{}
	return true, nil
}

// rest stores a mark that was left to a later one, unless turns are pending, which
// who stops the run need not wait for. In event time the place and the watermark are
// stored together or not at all, as they belong together.
func (s *sagaRun[E, S]) rest(ctx context.Context) error {
	if !s.late.IsZero() {
		if len(s.pending) > 0 {
			return nil
		}
		if err := s.store(ctx, s.late); err != nil && !errors.Is(err, stream.ErrClosed) {
			return err
		}
	}
	if s.at.Equal(s.saved) {
		return nil
	}
	change, err := s.watermarkChange()
	if err != nil {
		return err
	}
	if err := s.save(ctx, change...); err != nil && !errors.Is(err, stream.ErrClosed) {
		return err
	}
	return nil
}

// store writes what has changed and the place, in one write. The watermark goes
// with every write: at the place it belongs to, it is known again.
func (s *sagaRun[E, S]) store(ctx context.Context, at stream.Cursor) error {
	s.unstored, s.stored = 0, time.Now()
	changes, err := s.timers.changes()
	if err != nil {
		return err
	}
	for name, i := range s.changed {
		change := stream.Change{Key: statePrefix + name}
		if change.Value, err = i.encode(s.saga.Version); err != nil {
			return fmt.Errorf("store the state of %q: %w", name, err)
		}
		changes = append(changes, change)
	}
	for id := range s.answered {
		changes = append(changes, stream.Change{Key: refusedPrefix + id.String()})
	}
	changes = append(changes, s.lot...)
	if len(changes) == 0 && at.Position(0) < s.saved.Position(0)+saveEvery {
		s.at = at
		return nil
	}
	mark, err := s.watermarkChange()
	if err != nil {
		return err
	}
	s.at = at
	if err := s.saveAll(ctx, append(changes, mark...)); err != nil {
		return err
	}
	s.lot = nil
	clear(s.changed)
	for id := range s.answered {
		delete(s.refusals, id)
	}
	clear(s.answered)
	clear(s.timers.dirty)
	return nil
}

func (s *sagaRun[E, S]) watermarkChange() ([]stream.Change, error) {
	if s.watermark.IsZero() {
		return nil, nil
	}
	text, err := s.watermark.MarshalText()
	if err != nil {
		return nil, fmt.Errorf("store the event time: %w", err)
	}
	return []stream.Change{{Key: watermarkKey, Value: text}}, nil
}

// contained calls a function of the saga's and returns its panic as an error.
func (s *sagaRun[E, S]) contained(function string, f func()) (err error) {
	in := true
	defer stream.Contain(function+" of saga "+s.name, &in, &err)
	f()
	in = false
	return nil
}
