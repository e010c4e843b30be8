// Package third is somebody else's.
package third

import (
	"math/rand/v2"
	"time"
)

// Stamp is two calls away from the clock.
func Stamp() string { return format(time.Now()) }

func format(t time.Time) string { return t.String() }

// Double is pure.
func Double(n int) int { return 2 * n }

// Dice are thrown.
type Dice struct{ sides int }

// Throw throws them.
func (d Dice) Throw() int { return rand.IntN(d.sides) }
