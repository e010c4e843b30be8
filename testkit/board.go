package testkit

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/thaw-go/thaw/stream"
	"github.com/thaw-go/thaw/testkit/marble"
)

// Values says what the letters of a diagram stand for.
type Values[T any] map[string]T

// Board is a diagram that is played: a log that events are appended to, and
// pipelines that read it, in virtual time. [Marbles] makes one. It belongs to
// the goroutine of its test.
type Board struct {
	t       *testing.T // is told what is wrong, and goes on
	bubble  *testing.T // ends with the bubble
	line    string
	world   *world
	medium  Medium
	tick    time.Duration
	log     Log
	ctx     context.Context
	script  []action
	feeds   []*feed
	outs    []*Expectation
	history time.Duration // how far the lanes reach back

	mu      sync.Mutex
	names   marble.Names               // of the log's events
	letters map[stream.Position]string // the same by position
	appends map[stream.Position]int    // which of them were appended together
	events  map[string]seen            // what its letters stand for
	planned map[string]bool            // the letters that are to be appended
	closed  bool                       // the log, by a |
}

// action is something that the script does.
type action struct {
	at    time.Duration
	phase int // within an instant: who leaves or comes, then what happens, then checkpoints
	do    func() error
}

const (
	phaseSubscribe = iota
	phaseHappen
	phaseCheckpoint
)

// grace is how long the lanes are watched after all has happened that the
// diagrams speak of.
const grace = time.Minute

// Marbles plays diagrams: f lays them out with [Events], [Items] and [Expect],
// and when it has returned they are played in virtual time and compared. A tick
// is a millisecond unless [Board.Tick] says otherwise.
//
//	testkit.Marbles(t, func(b *testkit.Board) {
//		testkit.Events(b, "log", users, "ab ^ - c - [de] - |", letters)
//		testkit.Expect(b, "cold", replay.Cold(b.Log(), users), "(ab|)")
//		testkit.Expect(b, "cold+hot", replay.ColdHot(b.Log(), users), "(ab~)- c - [de] - |")
//		testkit.Expect(b, "hot", replay.Hot(b.Log(), users), "- - c - [de] - |")
//	})
//
// Zero is where the log's ^ stands; what is left of it is history, and every
// pipeline is subscribed there unless [Expectation.Subscribed] says otherwise.
// Within one instant consumers come and go first, then events happen, in the
// order in which their lanes were laid out, then checkpoints are stored; after
// each the whole pipeline comes to rest. A pipeline that has not ended is
// watched for a minute of virtual time after the last diagram is over, so what
// comes too late is seen. Marbles returns what happened.
func Marbles(t *testing.T, f func(*Board)) (trace marble.Trace) {
	t.Helper()
	line := caller()
	inOwnBubble(t, func(bubble *testing.T) {
		b := &Board{t: t, bubble: bubble, line: line, tick: time.Millisecond, letters: map[stream.Position]string{}, appends: map[stream.Position]int{}, events: map[string]seen{}, planned: map[string]bool{}}
		l := &intercepted{log: func() Log { return b.start().log }, around: pass}
		b.log = interceptedBoth{interceptedTruncater{l}, interceptedMulti{l}, l}
		ctx, cancel := context.WithCancel(context.Background())
		b.ctx = ctx
		defer cancel()
		f(b)
		trace = b.play()
	})
	return trace
}

// Log is the log that the diagrams are about, for the sources and repositories
// of the pipelines. It is empty until the diagrams are played.
func (b *Board) Log() Log { return b.log }

// On says which kind of log the diagrams are played on; without it the
// environment variable THAW_TESTKIT_LOG says so, and the default is [InMemory].
func (b *Board) On(m Medium) { b.medium = m }

// Tick says how long a tick is, for the diagrams that follow.
func (b *Board) Tick(d time.Duration) {
	if d <= 0 {
		b.fatal("a tick of %s: want more than none", d)
	}
	b.tick = d
}

// Time is the time on the clock so long after zero, as for replay.AsOf. The
// lanes that reach back furthest must have been laid out by then.
func (b *Board) Time(after time.Duration) time.Time { return b.start().began.Add(after) }

func (b *Board) fatal(format string, args ...any) {
	b.t.Helper()
	tell(b.t, "%s: %s", b.line, fmt.Sprintf(format, args...))
	b.bubble.FailNow()
}

// start opens the log. Zero is as far ahead as history needs to be written before
// it.
func (b *Board) start() *world {
	if b.world != nil {
		return b.world
	}
	w, err := newWorld(b.bubble, b.medium)
	if err != nil {
		b.fatal("%v", err)
	}
	w.began = w.began.Add(b.history + time.Millisecond)
	b.world = w
	b.bubble.Cleanup(func() {
		if err := w.ground.close(); err != nil {
			tell(b.t, "%s: close the log: %v", b.line, err)
		}
	})
	return w
}

func (b *Board) plan(at time.Duration, phase int, do func() error) {
	b.script = append(b.script, action{at: at, phase: phase, do: do})
}

// play does what the script says and compares.
func (b *Board) play() marble.Trace {
	b.t.Helper()
	if len(b.outs) == 0 {
		tell(b.t, "%s: Marbles without an Expect: nothing was tested", b.line)
		return marble.Trace{}
	}
	b.start()
	b.perform()
	trace := b.trace()
	for _, e := range b.outs {
		e.compare()
	}
	return trace
}

// perform plays the script to its end, and some time on.
func (b *Board) perform() {
	slices.SortStableFunc(b.script, func(x, y action) int {
		return cmp.Or(cmp.Compare(x.at, y.at), cmp.Compare(x.phase, y.phase))
	})
	last, instants := time.Duration(0), time.Duration(-1)
	b.wantFew()
	for i, a := range b.script {
		if i == 0 || a.at != b.script[i-1].at {
			instants++
		}
		// Each instant of the script comes a nanosecond earlier in the clock than
		// the one before it: of what is due at one instant the script's part comes
		// first, before timers that were set at an earlier one.
		time.Sleep(time.Until(b.world.began.Add(a.at - instants)))
		if err := a.do(); err != nil {
			tell(b.t, "%s: at %s: %v", b.line, a.at, err)
		}
		synctest.Wait()
		last = a.at
	}
	for _, e := range b.outs {
		last = max(last, e.want.End)
	}
	time.Sleep(time.Until(b.world.began.Add(last)))
	synctest.Wait()
	if slices.ContainsFunc(b.outs, func(e *Expectation) bool { return e.running != nil && !e.running.over() }) {
		time.Sleep(grace)
		synctest.Wait()
	}
	for _, e := range b.outs {
		e.until = last
		e.stop()
	}
}

// wantFew fails the test if there are so many instants that they would be taken
// for one another.
func (b *Board) wantFew() {
	instants := map[time.Duration]bool{}
	for _, a := range b.script {
		instants[a.at] = true
	}
	const most = int(precision/2) - 1
	if len(instants) > most {
		b.fatal("the diagrams have %d instants at which something happens, and a board plays %d: make several", len(instants), most)
	}
}

// trace is what happened, as a diagram.
func (b *Board) trace() marble.Trace {
	tr := marble.Trace{Tick: b.tick}
	for _, f := range b.feeds {
		tr.Lanes = append(tr.Lanes, f.lane)
	}
	for _, e := range b.outs {
		if e.scripted {
			tr.Lanes = append(tr.Lanes, e.sub)
		}
		tr.Lanes = append(tr.Lanes, e.got())
	}
	tr.Names = explain(nil, tr.Lanes...)
	return tr
}

// crash ends every pipeline as a kill would, and opens the log again.
func (b *Board) crash() error {
	b.world.crash()
	for _, e := range b.outs {
		e.stop()
	}
	return b.world.reopen()
}

// end closes the log: live sources end with it.
func (b *Board) end() error {
	b.mu.Lock()
	b.closed = true
	b.mu.Unlock()
	return b.world.raw.Close()
}

// pass does an operation and nothing else.
func pass(ctx context.Context, _ *Op, do func(context.Context) error) error { return do(ctx) }
