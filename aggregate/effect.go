package aggregate

import (
	"fmt"
	"time"
)

// EffectKind says what an effect does.
type EffectKind int

const (
	// SendCommand gives an aggregate a command.
	SendCommand EffectKind = iota + 1
	// SetTimer lets a timer fall due after a wait, in place of one of that name.
	SetTimer
	// CancelTimer takes a timer back, if it has not fallen due.
	CancelTimer
)

// Effect is what a saga wants done: plain data that tests compare. Decider.Send,
// [After] and [Cancel] make them.
type Effect struct {
	Kind    EffectKind    // what is to be done; it says which other fields count
	Topic   string        // SendCommand: the aggregate's topic
	Key     string        // SendCommand: the instance
	Command any           // SendCommand: the command
	Timer   string        // SetTimer, CancelTimer: the timer's name in its instance
	Wait    time.Duration // SetTimer: how long after the trigger's time
}

// After sets a timer of the saga's instance: Expire is called with its name once
// wait has passed since the time of what triggered this turn. A timer of the
// same name is replaced. Timers survive restarts and fire once.
func After(wait time.Duration, timer string) Effect {
	return Effect{Kind: SetTimer, Timer: timer, Wait: wait}
}

// Cancel takes a timer of the saga's instance back; if there is none, it does
// nothing.
func Cancel(timer string) Effect { return Effect{Kind: CancelTimer, Timer: timer} }

// String is the effect in words, for failing tests and errors.
func (e Effect) String() string {
	switch e.Kind {
	case SendCommand:
		return fmt.Sprintf("send %#v to %s/%s", e.Command, e.Topic, e.Key)
	case SetTimer:
		return fmt.Sprintf("timer %q after %s", e.Timer, e.Wait)
	case CancelTimer:
		return fmt.Sprintf("cancel timer %q", e.Timer)
	}
	return fmt.Sprintf("effect of unknown kind %d", e.Kind)
}
