package aggregate

import (
	"context"
	"time"

	"github.com/thaw-go/thaw/stream"
)

// Stats is how a consumer fares, in numbers that any telemetry can read.
type Stats struct {
	Handled   uint64    // events that were tried since the runner was made, until they were handled or parked
	Failed    uint64    // attempts that failed, other than by a refusal
	Parked    int       // turns or events that are parked
	Received  time.Time // when the last event was received; zero: none was
	Emitted   time.Time // when that event was appended
	Processed time.Time // when an event was last done with; zero: none was
	Behind    uint64    // events of the log, of any kind, between the last mark and its head
	// Lag is for how long the log may have held what has not been handled: the time
	// since Emitted while an event is being handled or events are behind, else zero.
	Lag time.Duration
}

// gauges is what Stats is made of, under the runner's lock.
type gauges struct {
	Stats
	inHand int // events being handled
}

// Stats returns how the consumer fares now.
func (r *Runner) Stats() Stats {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := r.gauges.Stats
	s.Behind = r.mark.Lag()
	if (r.gauges.inHand > 0 || s.Behind > 0) && !s.Emitted.IsZero() {
		s.Lag = time.Since(s.Emitted)
	}
	return s
}

// handling is called before what an event led to is handled, and what it returns
// afterwards. The context is the functions'.
func (r *Runner) handling(ctx context.Context, h *stream.Header) (context.Context, func(error)) {
	ctx = h.Following(ctx)
	if h.Position == 0 { // a timer
		return ctx, func(error) {}
	}
	told := func(error) {}
	if r.Hooks.Handle != nil {
		ctx, told = r.Hooks.Handle(ctx, r.name, h)
	}
	r.gauge(func(g *gauges) {
		g.inHand++
		g.Received, g.Emitted = time.Now(), h.Time
	})
	return ctx, func(err error) {
		r.gauge(func(g *gauges) {
			g.inHand--
			g.Handled++
			g.Processed = time.Now()
		})
		if told != nil {
			told(err)
		}
	}
}

// failed counts an attempt that failed.
func (r *Runner) failed(ctx context.Context, err error) {
	r.gauge(func(g *gauges) { g.Failed++ })
	r.trouble(ctx, err)
}

func (r *Runner) trouble(ctx context.Context, err error) {
	if r.Hooks.Trouble != nil {
		r.Hooks.Trouble(ctx, r.name, err)
	}
}

// parks counts what is parked.
func (r *Runner) parks(n int) { r.gauge(func(g *gauges) { g.Parked += n }) }

func (r *Runner) gauge(f func(*gauges)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	f(&r.gauges)
}
