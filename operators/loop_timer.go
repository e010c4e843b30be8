package operators

import (
	"container/heap"
	"time"
)

// timers are a loop's timers over one clock. Of what is due at one instant, what
// was planned first comes first.
type timers struct {
	heap  timerHeap
	plans int
	clock *time.Timer
	armed time.Time // what the clock is set to; zero: to nothing
}

// timer does something when it is due. It is set again and again.
type timer struct {
	of    *timers
	do    func() error
	due   time.Time
	plan  int // the order of planning
	index int // in the heap, from 1; 0: not set
}

// set sets the timer, from now; one that was set already is set anew.
func (t *timer) set(d time.Duration) { t.at(time.Now().Add(d)) }

// at sets the timer to a time.
func (t *timer) at(due time.Time) {
	t.of.plans++
	t.due, t.plan = due, t.of.plans
	if t.isSet() {
		heap.Fix(&t.of.heap, t.index-1)
	} else {
		heap.Push(&t.of.heap, t)
	}
}

func (t *timer) isSet() bool { return t.index > 0 }

// stop makes the timer not set.
func (t *timer) stop() {
	if t.isSet() {
		heap.Remove(&t.of.heap, t.index-1)
	}
}

func (q *timers) any() bool { return len(q.heap) > 0 }

// ring is what to wait on for the first timer; nil if none is set. The clock is
// moved only to an earlier time: when it rings too early, it is set again.
func (q *timers) ring() <-chan time.Time {
	if len(q.heap) == 0 {
		return nil
	}
	first := q.heap[0].due
	switch {
	case q.clock == nil:
		q.clock = time.NewTimer(time.Until(first))
	case q.armed.IsZero() || first.Before(q.armed):
		q.clock.Reset(time.Until(first))
	default:
		return q.clock.C
	}
	q.armed = first
	return q.clock.C
}

// rang notes that the clock has rung.
func (q *timers) rang() { q.armed = time.Time{} }

// take takes out the first timer that is due and was planned by then; nil if
// there is none.
func (q *timers) take(now time.Time, last int) *timer {
	if len(q.heap) == 0 {
		return nil
	}
	first := q.heap[0]
	if first.due.After(now) || first.plan > last {
		return nil
	}
	heap.Pop(&q.heap)
	return first
}

func (q *timers) close() {
	if q.clock != nil {
		q.clock.Stop()
	}
}

// timerHeap is a heap by due time and then by order of planning.
type timerHeap []*timer

func (h timerHeap) Len() int { return len(h) }

func (h timerHeap) Less(i, j int) bool {
	if h[i].due.Equal(h[j].due) {
		return h[i].plan < h[j].plan
	}
	return h[i].due.Before(h[j].due)
}

func (h timerHeap) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].index, h[j].index = i+1, j+1
}

// Push is heap.Interface's.
func (h *timerHeap) Push(x any) {
	t := x.(*timer)
	*h = append(*h, t)
	t.index = len(*h)
}

// Pop is heap.Interface's.
func (h *timerHeap) Pop() any {
	last := len(*h) - 1
	t := (*h)[last]
	(*h)[last] = nil
	*h, t.index = (*h)[:last], 0
	return t
}
