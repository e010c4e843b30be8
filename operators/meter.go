package operators

import (
	"fmt"
	"sync/atomic"
	"time"
)

// mostHeld is how much an operator holds that is not told otherwise.
const mostHeld = 1 << 20

// Meter counts what an operator could not make use of. Hand a pointer to it to one
// operator; it counts on over all of that operator's runs. The zero value is ready
// for use; its methods may be called concurrently with them.
type Meter struct{ late, evicted atomic.Int64 }

// Late is how many items came too late.
func (m *Meter) Late() int { return int(m.late.Load()) }

// Evicted is how many keys, windows or items were let go because of a bound.
func (m *Meter) Evicted() int { return int(m.evicted.Load()) }

// TooLateError says that an item came later than was allowed, and nobody had
// asked to be told of it.
type TooLateError struct {
	Stage     string    // the operator
	Time      time.Time // the item's
	Watermark time.Time // how far event time had come
}

func (e *TooLateError) Error() string {
	return fmt.Sprintf("operators: %s: an item of %s is too late at %s: allow more lateness, or set TooLate or Meter",
		e.Stage, e.Time.Format(time.RFC3339Nano), e.Watermark.Format(time.RFC3339Nano))
}

// FullError says that an operator would have had to forget something because it
// held as much as it may, and nobody had asked to be told of it.
type FullError struct {
	Stage string // the operator
	Most  int    // how much it may hold
}

func (e *FullError) Error() string {
	return fmt.Sprintf("operators: %s: full with %d: raise Most, or ask to be told what is let go", e.Stage, e.Most)
}

// mostOf is a bound, or what stands for none.
func mostOf(n int) int {
	if n < 1 {
		return mostHeld
	}
	return n
}

// Event times are nanoseconds since 1970, so that windows are whole numbers. They
// keep away from the ends of what an int64 can tell, so that adding the longest
// duration can not run over.
const (
	farthest = 8_000_000_000             // seconds: 1716 to 2223
	longest  = 15 * 365 * 24 * time.Hour // of any duration
	never64  = 1<<63 - 1                 // the watermark after a source's end
	always64 = -1 << 63                  // and before its first item
)

// nanos is an event time as a number.
func nanos(stage string, t time.Time) (int64, error) {
	if s := t.Unix(); s < -farthest || s > farthest {
		return 0, fmt.Errorf("operators: %s: an item's time is %s, expected one between 1717 and 2223", stage, t.Format(time.RFC3339))
	}
	return t.UnixNano(), nil
}

// instant is the time that a number stands for.
func instant(n int64) time.Time { return time.Unix(0, n).UTC() }
