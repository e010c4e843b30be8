package aggregate

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/thaw-go/thaw/stream"
)

// Saga takes events and issues commands: a value without wiring, made once per
// package. It is never replayed: it runs on a hot source and nothing else
// compiles. Its functions must depend on their arguments alone.
type Saga[E, S any] struct {
	// Name is the durable consumer's.
	Name string
	// Correlate says which instance of the saga an event is for; "" if none.
	Correlate func(*stream.Event[E]) string
	// React folds an event into the instance's state, which is stored as JSON, and
	// says what is to be done about it.
	React func(S, *stream.Event[E]) (S, []Effect)
	// Expire does the same for a timer that has fallen due.
	Expire func(S, string) (S, []Effect)
	// Refused does the same for a command that an aggregate refused, in a turn of
	// its own after the whole list of effects. Without it a refusal ends the run.
	Refused func(S, Refusal) (S, []Effect)
	// Time, if set, puts timers in event time (as in Beam): it says when an event
	// happened, a timer set in its turn is due that much later, and timers fall due
	// before the first event that happened at or after their time is handled, in
	// order of time, so that the outcome depends on the log alone. One that is due
	// when it is set falls due at once. Every event of the source moves event time
	// on, also those that correlate to nothing; a late one does not. Without
	// it, timers fall due by the clock, counted from when the event was appended.
	Time func(*stream.Event[E]) time.Time
}

// Refusal is a command that was refused.
type Refusal struct {
	Effect Effect // what was asked for
	Err    error  // a [*RejectedError]; it holds no more than the text of what Decide returned
}

// Run runs the saga on the caller's goroutine; it is Runner(src, to...).Run(ctx).
func (g Saga[E, S]) Run(ctx context.Context, src stream.Source[stream.Hot, E], to ...Handler) error {
	return g.Runner(src, to...).Run(ctx)
}

// Runner makes a runner, which can also be asked how far the saga has come. The
// handlers are what its commands are for: repositories and functions, at most one
// for each topic. The run fails with
// [ErrNotHot] or a [*stream.NotDurableError] if the source is hot in name only,
// with a [*stream.PanicError] if a function of the saga panics, and with what a
// handler returns other than a refusal. All timers are kept in memory.
func (g Saga[E, S]) Runner(src stream.Source[stream.Hot, E], to ...Handler) *Runner {
	r := newRunner(g.Name)
	r.run = func(ctx context.Context) error {
		log, err := checkpoints(src, g.Name)
		if err != nil {
			return err
		}
		s := &sagaRun[E, S]{saga: g, handlers: map[string]Handler{}, states: map[string][]byte{}, refusals: map[stream.EventID]string{}, answered: map[stream.EventID]bool{}, timers: newTimers()}
		s.place = place{log: log, name: g.Name}
		if err := s.check(to); err != nil {
			return err
		}
		return consume[E](ctx, r, src, s)
	}
	return r
}

// sagaRun is one run of a saga. What it changes stays in memory until the next
// mark and is then stored in one write with the place: a crash before that
// undoes all of it, and the same events lead to the same commands again, whose
// IDs the aggregates know.
type sagaRun[E, S any] struct {
	place
	saga      Saga[E, S]
	handlers  map[string]Handler
	states    map[string][]byte         // as they are stored; changed since the last checkpoint
	refusals  map[stream.EventID]string // commands that were refused, and why; stored
	answered  map[stream.EventID]bool   // those of them whose turns have been taken since the last checkpoint
	timers    *timers
	watermark time.Time // event time; zero until the first event
}

const (
	statePrefix   = "s/"
	refusedPrefix = "r/"
	watermarkKey  = "watermark"
)

// check finds what would only show later: in the saga and among the handlers.
func (s *sagaRun[E, S]) check(to []Handler) error {
	switch {
	case s.saga.Name == "":
		return errors.New("the saga has no name")
	case s.saga.Correlate == nil || s.saga.React == nil:
		return errors.New("the saga lacks Correlate or React")
	}
	for _, h := range to {
		if h == nil {
			return errors.New("a handler is nil")
		}
		if _, taken := s.handlers[h.handles()]; taken {
			return fmt.Errorf("two handlers for topic %q, expected one", h.handles())
		}
		s.handlers[h.handles()] = h
	}
	return nil
}

func (s *sagaRun[E, S]) begin(ctx context.Context) error {
	if err := s.find(ctx); err != nil {
		return err
	}
	if err := s.log.States(ctx, s.name, timerPrefix, s.timers.load); err != nil {
		return err
	}
	if err := s.log.States(ctx, s.name, refusedPrefix, s.loadRefused); err != nil {
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
	return s.finish(ctx, s.timers.firing())
}

func (s *sagaRun[E, S]) handle(ctx context.Context, e *stream.Event[E]) (err error) {
	at := e.Time
	var instance string
	if err := s.contained("Correlate", func() {
		instance = s.saga.Correlate(e)
		if s.saga.Time != nil {
			at = s.saga.Time(e)
		}
	}); err != nil {
		return err
	}
	if s.saga.Time != nil && at.After(s.watermark) {
		s.watermark = at
		if err := s.expire(ctx, at); err != nil {
			return err
		}
	}
	if instance == "" {
		return nil
	}
	t := turn{instance: instance, id: e.ID, cause: e.Cause(), at: at}
	err = s.turn(ctx, t, "React", func(state S) (S, []Effect) { return s.saga.React(state, e) })
	if err != nil {
		return fmt.Errorf("at event %d of %s, %s: %w", e.Position, e.Stream, e.Type, err)
	}
	if s.saga.Time == nil {
		return nil
	}
	return s.expire(ctx, s.watermark) // what was due when it was set
}

// expire handles the timers due by now in event time, also those that their
// turns set.
func (s *sagaRun[E, S]) expire(ctx context.Context, now time.Time) error {
	for due := s.timers.due(now, 1); len(due) > 0; due = s.timers.due(now, 1) {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := s.expired(ctx, due[0]); err != nil {
			return err
		}
	}
	return nil
}

// expired gives one timer its turn.
func (s *sagaRun[E, S]) expired(ctx context.Context, w *timer) error {
	s.timers.remove(timerID{w.Instance, w.Name})
	if s.saga.Expire == nil { // set by an earlier version of the saga
		return fmt.Errorf("timer %q of %q fell due, and the saga lacks Expire", w.Name, w.Instance)
	}
	t := turn{instance: w.Instance, id: w.ID, cause: w.Cause, at: w.Due}
	err := s.turn(ctx, t, "Expire", func(state S) (S, []Effect) { return s.saga.Expire(state, w.Name) })
	if err != nil {
		return fmt.Errorf("at timer %q of %q: %w", w.Name, w.Instance, err)
	}
	return nil
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

// finish gives firing timers their turns. One of them may cancel the next.
func (s *sagaRun[E, S]) finish(ctx context.Context, firing []*timer) error {
	for _, w := range firing {
		if w.gone {
			continue
		}
		if err := s.expired(ctx, w); err != nil {
			return err
		}
	}
	if len(firing) == 0 {
		return nil
	}
	return s.store(ctx, s.at)
}

func (s *sagaRun[E, S]) pass(ctx context.Context, m stream.Mark) error { return s.store(ctx, m.At) }

// rest does nothing if only the place has moved in event time, as the place and
// the watermark belong together.
func (s *sagaRun[E, S]) rest(ctx context.Context) error {
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
	changes, err := s.timers.changes()
	if err != nil {
		return err
	}
	for instance, state := range s.states {
		changes = append(changes, stream.Change{Key: statePrefix + instance, Value: state})
	}
	for id := range s.answered {
		changes = append(changes, stream.Change{Key: refusedPrefix + id.String()})
	}
	if len(changes) == 0 && at.Position(0) < s.saved.Position(0)+saveEvery {
		s.at = at
		return nil
	}
	mark, err := s.watermarkChange()
	if err != nil {
		return err
	}
	s.at = at
	if err := s.save(ctx, append(changes, mark...)...); err != nil {
		return err
	}
	clear(s.states)
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

// handler takes the commands for a topic; nil if none does.
func (s *sagaRun[E, S]) handler(topic string) Handler {
	if h, ok := s.handlers[topic]; ok {
		return h
	}
	return s.handlers[""]
}

// served is the topics that commands can be sent to, for an error.
func (s *sagaRun[E, S]) served() string {
	return strings.Join(slices.Sorted(maps.Keys(s.handlers)), ", ")
}
