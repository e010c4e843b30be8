package operators

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/thaw-go/thaw/stream"
)

// Windows and watermarks are Beam's and Flink's
// (https://beam.apache.org/documentation/programming-guide/#windowing,
// https://nightlies.apache.org/flink/flink-docs-stable/docs/dev/datastream/operators/windows/).
// A window is from its start up to, but not including, its end, in the items' own
// time. The watermark says how far that time has come: to the greatest time that
// was seen less how far out of order items may be. A window fires when the
// watermark reaches its end. It is kept for the allowed lateness; each item that
// comes for it until then makes it fire again, with the whole window's result, as
// Flink does and Beam calls accumulating. What comes later still is too late.

// Timing is when a window fired, as Beam's panes say it.
type Timing int

// A window fires once on time, and again for each late item. One that fires early
// had to make room.
const (
	OnTime Timing = iota // the watermark had reached the window's end
	Early                // before that
	Late                 // again, with an item that came after that
)

// String is the timing in lower case.
func (t Timing) String() string {
	switch t {
	case OnTime:
		return "on time"
	case Early:
		return "early"
	case Late:
		return "late"
	}
	return fmt.Sprintf("timing %d", int(t))
}

// Windowed is what a window of a key holds when it fires.
type Windowed[Key comparable, S any] struct {
	Key    Key       // whose it is
	Value  S         // the fold of its items
	Count  int       // how many they are
	Opened time.Time // the window's start; it includes this instant
	Closed time.Time // the window's end; it does not include this instant
	Fired  time.Time // where the watermark was; zero: the source had ended
	Timing Timing    // whether that was early, on time or late
}

// ByTime says what an item's key and time are, how late items may be, and how many
// windows are held.
type ByTime[T any, Key comparable] struct {
	Key        func(T) Key       // the key of an item
	Time       func(T) time.Time // when it happened, between the years 1717 and 2223
	OutOfOrder time.Duration     // how far behind the latest time an item may be, and not be late
	Lateness   time.Duration     // how long a window is kept after the watermark has reached its end
	Most       int               // how many windows of how many keys are held; 0: 1,048,576
	TooLate    func(T)           // is told of each item that is too late; may be nil
	Meter      *Meter            // counts what is too late and what was let go; may be nil
}

// check says what is wrong with it.
func (by *ByTime[T, Key]) check(durations ...time.Duration) error {
	if by.Key == nil || by.Time == nil {
		return errors.New("expected functions for an item's key and time")
	}
	for _, d := range append(durations, by.OutOfOrder, by.Lateness) {
		if d < 0 || d > longest {
			return fmt.Errorf("expected durations from 0 to 15 years, found %s", d)
		}
	}
	return nil
}

// Windows is how time is cut into windows of one length.
type Windows struct{ size, every time.Duration }

// Tumbling is one window after another, from 1970 on in UTC. Beam calls them fixed.
func Tumbling(size time.Duration) Windows { return Windows{size, size} }

// Hopping is windows that begin every so often and overlap. Beam and Flink call
// them sliding.
func Hopping(size, every time.Duration) Windows { return Windows{size, every} }

func (w Windows) check() error {
	if w.every <= 0 || w.size < w.every {
		return fmt.Errorf("expected windows longer than 0 that begin at least as often as they are long, found %s every %s", w.size, w.every)
	}
	return nil
}

// Window folds each key's items by windows of their own time, and emits a result
// when a window fires: what fires at one watermark comes by the windows' ends, and
// in a window in the order in which the keys came. The outcome depends on the
// items and their order alone. Once the source has completed, all fires.
//
//	in   a1--b2--a4-----b12---|
//	out  ---------------(xy)--(z|)    (Tumbling(10), counts; x: a 0–10: 2, y: b 0–10: 1, z: b 10–20: 1)
//
// Errors: the source's; a [*TooLateError] if an item is too late for all its windows
// and neither TooLate nor Meter is set.
// Back-pressure: the call stack.
// State: a result for each window of each key that is open or kept for late items,
// as many as ByTime allows. Then the windows that end first are let go for all
// keys: if they have fired they are forgotten, so that what still comes for them is
// too late; if not, they fire early and begin anew, so that their later result is
// of later items only. A durable consumer is refused.
// Goroutines: none.
func Window[K stream.Kind, T, S any, Key comparable](o stream.Observable[K, T], windows Windows, by ByTime[T, Key], seed S, f func(S, T) S) stream.Observable[K, Windowed[Key, S]] {
	return stream.Holding(o, "Window", func(run stream.Run[T]) stream.Run[Windowed[Key, S]] {
		return func(ctx context.Context, emit func(Windowed[Key, S]) error) (err error) {
			if err := cmp.Or(windows.check(), by.check(windows.size)); err != nil {
				return fmt.Errorf("operators: Window: %w", err)
			}
			w := &aligned[T, S, Key]{
				timeline: newTimeline("Window", &by),
				size:     int64(windows.size), every: int64(windows.every),
				most: mostOf(by.Most), seed: seed, f: f, emit: emit,
			}
			defer stream.Contain("Window", &w.in, &err)
			if err := run(ctx, w.take); err != nil {
				return err
			}
			return w.advance(never64)
		}
	})
}

// timeline is how far event time has come.
type timeline[T any, Key comparable] struct {
	stage     string
	by        *ByTime[T, Key]
	disorder  int64
	lateness  int64
	watermark int64
	closed    int64 // windows that end by then were forgotten before their time
	in        bool  // a user's function is being called
}

func newTimeline[T any, Key comparable](stage string, by *ByTime[T, Key]) timeline[T, Key] {
	return timeline[T, Key]{
		stage: stage, by: by, disorder: int64(by.OutOfOrder), lateness: int64(by.Lateness),
		watermark: always64, closed: always64,
	}
}

// read is an item's key and time.
func (l *timeline[T, Key]) read(item T) (key Key, at int64, err error) {
	l.in = true
	key = l.by.Key(item)
	when := l.by.Time(item)
	l.in = false
	at, err = nanos(l.stage, when)
	return key, at, err
}

// over reports whether a window is no longer kept.
func (l *timeline[T, Key]) over(end int64) bool {
	return end <= l.closed || end+l.lateness <= l.watermark
}

// tooLate tells of an item that is.
func (l *timeline[T, Key]) tooLate(item T, at int64) error {
	if l.by.TooLate == nil && l.by.Meter == nil {
		return &TooLateError{l.stage, instant(at), instant(l.watermark)}
	}
	if l.by.Meter != nil {
		l.by.Meter.late.Add(1)
	}
	if l.by.TooLate != nil {
		l.in = true
		l.by.TooLate(item)
		l.in = false
	}
	return nil
}

// fired is the watermark as results tell it.
func (l *timeline[T, Key]) fired() time.Time {
	if l.watermark == never64 {
		return time.Time{}
	}
	return instant(l.watermark)
}

func (l *timeline[T, Key]) evicted(n int) {
	if l.by.Meter != nil {
		l.by.Meter.evicted.Add(int64(n))
	}
}
