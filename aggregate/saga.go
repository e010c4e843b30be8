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
// compiles. Its functions must depend on their arguments alone; with more than one
// worker they are called concurrently, for different instances.
type Saga[E, S any] struct {
	// Name is the durable consumer's.
	Name string
	// Correlate says which instance of the saga an event is for; "" if none.
	Correlate func(*stream.Event[E]) string
	// Starts says whether an event may begin an instance; nil: every event may. An
	// event that finds no instance and begins none is ignored, so that what comes
	// after [Done] finds the instance done.
	Starts func(*stream.Event[E]) bool
	// React folds an event into the instance's state, which is stored as JSON, and
	// says what is to be done about it.
	React func(S, *stream.Event[E]) (S, []Effect)
	// Expire does the same for a timer that has fallen due.
	Expire func(S, string) (S, []Effect)
	// Refused does the same for a command that an aggregate refused, in a turn of
	// its own after the whole list of effects. Without it a refusal ends the run.
	Refused func(S, Refusal) (S, []Effect)
	// Undo does the same for a step that was [Did] and is to be compensated; see
	// [Compensate].
	Undo func(S, string) (S, []Effect)
	// Time, if set, puts timers in event time (as in Beam): it says when an event
	// happened, a timer set in its turn is due that much later, and timers fall due
	// before the first event that happened at or after their time is handled, in
	// order of time, so that the outcome depends on the log alone. One that is due
	// when it is set falls due at once. Every event of the source moves event time
	// on, also those that correlate to nothing; a late one does not. Without
	// it, timers fall due by the clock, counted from when the event was appended.
	Time func(*stream.Event[E]) time.Time

	// Version is the version of S, stored with every instance's state.
	Version int
	// Migrate makes today's state of one that an earlier version stored (0 is what
	// was stored before there were versions), when the instance is next needed; its
	// steps and timers stay. [ErrComplete] completes the instance instead, [ErrPark]
	// parks it. Without Migrate, and for a state of a later version, the run ends
	// with a [*StateVersionError].
	Migrate func(version int, state []byte) (S, error)

	// Workers is how many instances may take their turns side by side; default 1.
	// One instance's turns are taken in order, and all of them before a mark is
	// passed and before a timer fires, so in event time each event that moves it on
	// waits for the others.
	Workers int
	// Attempts is how often a command is given to a handler that fails, other than by
	// refusing it, before the instance is parked; default 5.
	Attempts int
	// Wait is how long to wait before the second attempt; default 100 ms. Each
	// further wait is about twice as long, up to MaxWait; default 10 s.
	Wait, MaxWait time.Duration
	// Park parks an instance also for what ends the run otherwise: a function of the
	// saga's that panics, an effect that can not be performed, a refusal without
	// Refused, a state that can not be read. What can not be put down to an instance
	// ends the run all the same: an event that can not be decoded or correlated, a
	// log that fails, and a [*LoopError].
	Park bool

	// MaxEffects is how many effects one turn may have; default 1000.
	MaxEffects int
	// MaxDepth is how long a chain of events that caused one another may be; default
	// 10,000. An event at its end stops the saga with a [*LoopError]: one that feeds
	// itself without end gets there in seconds. What is set off by a timer again and
	// again is such a chain, too, one link each time: a saga that means to go on for
	// longer says so here.
	MaxDepth int
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

// Runner makes a runner, which can also be asked how far the saga has come and what
// it has parked. The handlers are what its commands are for: repositories and
// functions, at most one for each topic; they are called under a context that
// carries on the event's cause, actor and trace. A command whose handler fails every
// attempt parks its instance: that turn, and all later ones of the instance, wait in
// order until they are retried or discarded; other instances go on. The run fails with
// [ErrNotHot] or a [*stream.NotDurableError] if the source is hot in name only, and
// with what Park speaks of; of several turns that fail side by side, with the earliest
// event's error. All timers are kept in memory.
func (g Saga[E, S]) Runner(src stream.Source[stream.Hot, E], to ...Handler) *SagaRunner {
	r := &SagaRunner{Runner: newRunner(g.Name)}
	r.Runner.run = func(ctx context.Context) error {
		log, err := checkpoints(src, g.Name)
		if err != nil {
			return err
		}
		s := newSagaRun(g.withDefaults(), src, r.Runner)
		s.place = place{log: log, name: g.Name}
		if err := s.check(to); err != nil {
			return err
		}
		r.serve(s)
		return consume[E](ctx, r.Runner, src, s)
	}
	return r
}

func (g Saga[E, S]) withDefaults() Saga[E, S] {
	g.Workers = max(g.Workers, 1)
	if g.MaxEffects < 1 {
		g.MaxEffects = 1000
	}
	if g.MaxDepth < 1 {
		g.MaxDepth = 10_000
	}
	return g
}

// check finds what would only show later: in the saga and among the handlers.
func (s *sagaRun[E, S]) check(to []Handler) error {
	switch {
	case s.saga.Name == "":
		return errors.New("the saga has no name")
	case s.saga.Correlate == nil || s.saga.React == nil:
		return errors.New("the saga lacks Correlate or React")
	case s.saga.Version < 0:
		return fmt.Errorf("the saga's version is %d, expected 0 or more", s.saga.Version)
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
