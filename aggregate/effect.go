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
	// RecordStep puts a step on the instance's stack of what is to be undone.
	RecordStep
	// UndoSteps compensates the steps on the stack.
	UndoSteps
	// CompleteInstance ends the instance.
	CompleteInstance
)

// Effect is what a saga wants done: plain data that tests compare. Decider.Send,
// [After], [At], [Cancel], [Did], [Compensate] and [Done] make them.
type Effect struct {
	Kind    EffectKind    // what is to be done; it says which other fields count
	Topic   string        // SendCommand: the aggregate's topic
	Key     string        // SendCommand: the instance
	Command any           // SendCommand: the command
	Timer   string        // SetTimer, CancelTimer: the timer's name in its instance
	Wait    time.Duration // SetTimer: how long after the trigger's time
	Due     time.Time     // SetTimer: when, if it is not zero; Wait does not count then
	Step    string        // RecordStep: the step's name
}

// After sets a timer of the saga's instance: Expire is called with its name once
// wait has passed since the time of what triggered this turn. A timer of the
// same name is replaced. Timers survive restarts and fire once.
func After(wait time.Duration, timer string) Effect {
	return Effect{Kind: SetTimer, Timer: timer, Wait: wait}
}

// At sets a timer as [After] does, for a fixed time.
func At(due time.Time, timer string) Effect {
	return Effect{Kind: SetTimer, Timer: timer, Due: due}
}

// Cancel takes a timer of the saga's instance back; if there is none, it does
// nothing.
func Cancel(timer string) Effect { return Effect{Kind: CancelTimer, Timer: timer} }

// Did says that a step has been taken which may have to be undone: its name goes on
// top of the instance's stack, which is stored with its state. A step may be on it
// more than once.
func Did(step string) Effect { return Effect{Kind: RecordStep, Step: step} }

// Compensate undoes the instance's steps, those of this turn included: after the whole
// list of effects, and in its place among what is done about refusals, the saga's Undo
// is asked about each, the last one first, in a turn of its own, and what it wants is
// done before the next. Steps are off the stack then. Undo, and what it leads to, may
// add no steps; to compensate meanwhile changes nothing.
func Compensate() Effect { return Effect{Kind: UndoSteps} }

// Done completes the instance: once its turn and all that follows from it are over
// (refusals, compensation), its state, its timers and its steps are removed. A later
// event begins a new instance if the saga's Starts says so.
func Done() Effect { return Effect{Kind: CompleteInstance} }

// String is the effect in words, for failing tests and errors.
func (e Effect) String() string {
	switch e.Kind {
	case SendCommand:
		return fmt.Sprintf("send %#v to %s/%s", e.Command, e.Topic, e.Key)
	case SetTimer:
		if !e.Due.IsZero() {
			return fmt.Sprintf("timer %q at %s", e.Timer, e.Due.Format(time.RFC3339Nano))
		}
		return fmt.Sprintf("timer %q after %s", e.Timer, e.Wait)
	case CancelTimer:
		return fmt.Sprintf("cancel timer %q", e.Timer)
	case RecordStep:
		return fmt.Sprintf("did %q", e.Step)
	case UndoSteps:
		return "compensate"
	case CompleteInstance:
		return "done"
	}
	return fmt.Sprintf("effect of unknown kind %d", e.Kind)
}
