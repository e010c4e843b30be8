package main

import (
	"errors"
	"fmt"
	"time"

	"github.com/thaw-go/thaw/aggregate"
	"github.com/thaw-go/thaw/stream"
)

// ClockEvent is what happens to the house's clock.
type ClockEvent interface{ clockEvent() }

// The clock is set once, to the seed of the world outside, and then ticks: so
// many of the world's wishes have been heard by then. It moves event time on
// when nothing else happens, and says where to go on after a restart.
type (
	ClockSet struct {
		Seed uint64
		At   time.Time
	}
	Ticked struct {
		Heard int
		At    time.Time
	}
)

func (ClockSet) clockEvent() {}
func (Ticked) clockEvent()   {}

// Clocks is the clock's topic; its only instance is "house".
var Clocks = stream.NewTopic("clocks", stream.Catalogue[ClockEvent]{
	"CLOCK_SET": ClockSet{},
	"TICKED":    Ticked{},
})

// ClockCommand is what the clock may be asked.
type ClockCommand interface{ clockCommand() }

// The commands of the clock.
type (
	SetClock ClockSet
	Tick     Ticked
)

func (SetClock) clockCommand() {}
func (Tick) clockCommand()     {}

// ClockState is where the house is.
type ClockState struct {
	Seed  uint64
	Set   bool
	Heard int
	At    time.Time
}

// ErrBackwards says that a tick would turn the clock back.
var ErrBackwards = errors.New("the clock does not go back")

// Clock decides about the clock.
var Clock = aggregate.New(Clocks, decideClock, evolveClock)

func decideClock(s ClockState, c ClockCommand) ([]ClockEvent, error) {
	switch c := c.(type) {
	case SetClock:
		switch {
		case !s.Set:
			return []ClockEvent{ClockSet(c)}, nil
		case s.Seed != c.Seed:
			return nil, fmt.Errorf("this house's world has seed %d, not %d", s.Seed, c.Seed)
		}
		return nil, nil
	case Tick:
		if c.At.Before(s.At) || c.Heard < s.Heard {
			return nil, ErrBackwards
		}
		return []ClockEvent{Ticked(c)}, nil
	}
	return nil, errors.New("a clock does not know this command")
}

func evolveClock(s ClockState, e ClockEvent) ClockState {
	switch e := e.(type) {
	case ClockSet:
		s.Seed, s.At, s.Set = e.Seed, e.At, true
	case Ticked:
		s.Heard, s.At = e.Heard, e.At
	}
	return s
}
