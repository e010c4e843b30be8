package aggregate

import (
	"cmp"
	"container/heap"
	"encoding/json"
	"fmt"
	"sort"
	"strconv"
	"time"

	"github.com/thaw-go/thaw/stream"
)

// timer is a durable timer of one saga instance.
type timer struct {
	Instance string
	Name     string
	Due      time.Time
	ID       stream.EventID // what the turn's commands derive their IDs from
	Cause    stream.Cause   // what the turn's commands are caused by
	Firing   bool           // its turn may have begun: nothing may come before it

	// Meta is what the turn's commands carry on of the causing event's.
	Meta stream.Metadata `json:",omitempty"`

	gone   bool // cancelled, replaced or fired: still in the heap, but of no effect
	queued bool // in the heap
}

// timerID names a timer: one of a name in an instance at a time.
type timerID struct{ instance, name string }

const timerPrefix = "t/"

// key is the timer's in the log; the length keeps any two names apart.
func (id timerID) key() string {
	return timerPrefix + strconv.Itoa(len(id.instance)) + ":" + id.instance + id.name
}

// timers are a saga's timers, all of them in memory, by what falls due first.
type timers struct {
	of    map[string]map[string]*timer // by instance, then by name
	order timerHeap
	dirty map[timerID]bool // changed since the last checkpoint
	held  map[string]bool  // instances whose timers wait
}

func newTimers() *timers {
	return &timers{of: map[string]map[string]*timer{}, dirty: map[timerID]bool{}, held: map[string]bool{}}
}

func (t *timers) put(w *timer) {
	if t.of[w.Instance] == nil {
		t.of[w.Instance] = map[string]*timer{}
	}
	t.of[w.Instance][w.Name] = w
	t.queue(w)
}

func (t *timers) queue(w *timer) {
	w.queued = true
	heap.Push(&t.order, w)
}

// load takes a stored timer.
func (t *timers) load(key string, value []byte) error {
	var stored timer
	if err := json.Unmarshal(value, &stored); err != nil {
		return fmt.Errorf("read timer %q: %w", key, err)
	}
	t.put(&stored)
	return nil
}

func (t *timers) set(w timer) {
	t.remove(timerID{w.Instance, w.Name})
	t.put(&w)
}

func (t *timers) remove(id timerID) {
	t.dirty[id] = true
	if old, ok := t.of[id.instance][id.name]; ok {
		old.gone = true
		delete(t.of[id.instance], id.name)
		if len(t.of[id.instance]) == 0 {
			delete(t.of, id.instance)
		}
	}
}

// forget removes an instance's timers.
func (t *timers) forget(instance string) {
	for name := range t.of[instance] {
		t.remove(timerID{instance, name})
	}
}

// release lets an instance's timers fall due again.
func (t *timers) release(instance string) {
	delete(t.held, instance)
	for _, w := range t.of[instance] {
		if !w.queued {
			t.queue(w)
		}
	}
}

// first is the timer that falls due first, or nil. Those of a held instance leave
// the heap when they come to its top.
func (t *timers) first() *timer {
	for len(t.order) > 0 && (t.order[0].gone || t.held[t.order[0].Instance]) {
		heap.Pop(&t.order).(*timer).queued = false
	}
	if len(t.order) == 0 {
		return nil
	}
	return t.order[0]
}

// due are the timers that are due by now, in order, at most so many of them.
func (t *timers) due(now time.Time, most int) (list []*timer) {
	for w := t.first(); w != nil && !w.Due.After(now) && len(list) < most; w = t.first() {
		list = append(list, heap.Pop(&t.order).(*timer))
	}
	for _, w := range list {
		heap.Push(&t.order, w)
	}
	return list
}

// dueOf is the first of an instance's timers that is due by now, or nil, whether or
// not the instance is held.
func (t *timers) dueOf(instance string, now time.Time) (first *timer) {
	for _, w := range t.of[instance] {
		if !w.Due.After(now) && (first == nil || w.before(first)) {
			first = w
		}
	}
	return first
}

// firing are the timers whose turns may have begun before the process died, in
// order.
func (t *timers) firing() (list []*timer) {
	for _, w := range t.order {
		if w.Firing && !w.gone {
			list = append(list, w)
		}
	}
	sort.Sort((*timerHeap)(&list))
	return list
}

// changes are what the next checkpoint has to store, in no particular order.
func (t *timers) changes() ([]stream.Change, error) {
	var list []stream.Change
	for id := range t.dirty {
		w, ok := t.of[id.instance][id.name]
		if !ok {
			list = append(list, stream.Change{Key: id.key()})
			continue
		}
		value, err := json.Marshal(w)
		if err != nil {
			return nil, fmt.Errorf("store timer %q of %q: %w", id.name, id.instance, err)
		}
		list = append(list, stream.Change{Key: id.key(), Value: value})
	}
	return list, nil
}

// timerHeap orders by due time, then instance, then name, so that what fires
// first does not depend on chance.
type timerHeap []*timer

func (h timerHeap) Len() int           { return len(h) }
func (h timerHeap) Less(i, j int) bool { return h[i].before(h[j]) }

func (w *timer) before(o *timer) bool {
	return cmp.Or(w.Due.Compare(o.Due), cmp.Compare(w.Instance, o.Instance), cmp.Compare(w.Name, o.Name)) < 0
}

func (h timerHeap) Swap(i, j int) { h[i], h[j] = h[j], h[i] }

// Push and Pop are for package heap.
func (h *timerHeap) Push(x any) { *h = append(*h, x.(*timer)) }

// Pop takes the last one.
func (h *timerHeap) Pop() any {
	old := *h
	last := old[len(old)-1]
	old[len(old)-1] = nil
	*h = old[:len(old)-1]
	return last
}
