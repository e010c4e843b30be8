package operators

import (
	"context"
	"errors"
	"time"

	"github.com/thaw-go/thaw/stream"
)

// Groups bounds what [GroupBy] keeps. The zero value is ready for use.
type Groups struct {
	Most int           // how many groups at once, each with a goroutine; 0: 1,024
	Idle time.Duration // a group without an item for so long completes; 0: it stays
}

// mostGroups is how many groups there are at once if nothing else is said.
const mostGroups = 1024

// GroupBy splits the items by key: each key's go through a pipeline of their own,
// which f makes when the key appears, and all pipelines' items come out together.
//
//	in   a1--b1--a2--b2--|
//	out  a1--b1--a3--b3--|    (each group: the running sum)
//
// A group completes when the source does, when it was idle for too long, or when
// room is needed and it is the one that was used longest ago; at the source's end
// one after another, in the order in which they began. A group whose pipeline
// completes by itself, as with a [Take] in it, is forgotten: its key's next item
// begins a new one. That is what RxJS's duration is for. RxJS emits the groups
// themselves, without a bound; and the group ends there only as its duration says.
// The group's observable can be run once.
//
// Errors: the source's, which the groups get first, and a pipeline's.
// Back-pressure: an item is handled by its group, as far as the group's pipeline
// does that in line, before the source goes on; no group waits for another.
// State: the groups, as Groups allows; a durable consumer is refused.
// Goroutines: one for the source and one for each group. To fold by key without
// them, there are [ScanBy], [ReduceBy] and [Window].
func GroupBy[K stream.Kind, T, B any, Key comparable](o stream.Observable[K, T], key func(T) Key, groups Groups, f func(key Key, group stream.Observable[stream.Cold, T]) stream.Observable[stream.Cold, B]) stream.Observable[K, B] {
	return staged(stage{name: "GroupBy", holding: true}, func(l *loop, emit func(B) error) error {
		most := groups.Most
		if most < 1 {
			most = mostGroups
		}
		g := &grouping[T, B, Key]{
			crew: crew[T, B]{l: l, emit: emit}, most: most, idle: groups.Idle,
			byKey: map[Key]*group[T]{}, f: f,
		}
		g.clock = l.timer(g.endIdle)
		keys := withKeys(o, key)
		watchCrew(&g.crew, keys.Subscribe, func(k keyedItem[Key, T]) error { return g.take(k.key, k.item) })
		return nil
	}, stream.Upstream[K](o))
}

// keyedItem is an item with its key.
type keyedItem[Key comparable, T any] struct {
	key  Key
	item T
}

// withKeys is the items with their keys. The key's function is called where the
// source runs, so that the groups get its failure as they get the source's.
func withKeys[K stream.Kind, T any, Key comparable](o stream.Observable[K, T], key func(T) Key) stream.Observable[K, keyedItem[Key, T]] {
	return stream.Through(o, func(run stream.Run[T]) stream.Run[keyedItem[Key, T]] {
		return func(ctx context.Context, emit func(keyedItem[Key, T]) error) (err error) {
			var in bool
			defer stream.Contain("GroupBy", &in, &err)
			return run(ctx, func(item T) error {
				in = true
				k := key(item)
				in = false
				return emit(keyedItem[Key, T]{k, item})
			})
		}
	})
}

// grouping is one run of [GroupBy].
type grouping[T, B any, Key comparable] struct {
	crew[T, B]
	most  int
	idle  time.Duration
	byKey map[Key]*group[T]
	f     func(Key, stream.Observable[stream.Cold, T]) stream.Observable[stream.Cold, B]
	used  groupRing[T]
	clock *timer
}

func (g *grouping[T, B, Key]) take(key Key, item T) error {
	g.l.in = true // hashing a key can panic, too
	at := g.byKey[key]
	g.l.in = false
	if at != nil && !at.over {
		g.used.touch(at)
		g.tend(at)
		g.plan(stepTake, at, item)
		return g.work()
	}
	if len(g.open) >= g.most {
		g.planEnd(g.used.oldest(), nil)
	}
	at = g.begin(func(group stream.Observable[stream.Cold, T]) stream.Observable[stream.Cold, B] {
		return g.f(key, group)
	})
	g.byKey[key] = at
	began := at
	at.gone = func() {
		g.used.remove(began)
		if g.byKey[key] == began {
			delete(g.byKey, key)
		}
	}
	g.used.touch(at)
	g.tend(at)
	g.plan(stepOpen, at, item)
	g.plan(stepTake, at, item)
	return g.work()
}

// tend notes that a group was used.
func (g *grouping[T, B, Key]) tend(at *group[T]) {
	if g.idle <= 0 {
		return
	}
	at.idleAt = time.Now().Add(g.idle)
	if !g.clock.isSet() {
		g.clock.at(at.idleAt)
	}
}

// endIdle ends the groups that have been idle for too long.
func (g *grouping[T, B, Key]) endIdle() error {
	now := time.Now()
	for at := g.used.next; at != nil; at = at.newer {
		if at.idleAt.After(now) {
			g.clock.at(at.idleAt)
			break
		}
		g.planEnd(at, nil)
	}
	return g.work()
}

// WindowCount puts every size items in a row through a pipeline of their own, which
// f makes when the window opens: the first at the start, another after every so
// many items. All pipelines' items come out together.
//
//	in   a--b--c--d--e--|
//	out  ---x-----y-----(z|)    (size 2, every 2, each window: ToSlice; x: a b, y: c d, z: e)
//
// Errors: the source's, which the open windows get first, and a pipeline's.
// Back-pressure: an item is handled by all open windows, in the order of their
// opening, before the source goes on.
// State: size/every windows, rounded up, and one; a durable consumer is refused.
// every below 1 is size, and size below 1 is 1.
// Goroutines: one for the source and one for each open window.
func WindowCount[K stream.Kind, T, B any](o stream.Observable[K, T], size, every int, f func(window stream.Observable[stream.Cold, T]) stream.Observable[stream.Cold, B]) stream.Observable[K, B] {
	size = max(size, 1)
	if every < 1 {
		every = size
	}
	return staged(stage{name: "WindowCount", holding: true}, func(l *loop, emit func(B) error) error {
		w := &crew[T, B]{l: l, emit: emit}
		var windows []*countWindow[T] // that are open
		var none T
		open := func() {
			at := w.begin(f)
			windows = append(windows, &countWindow[T]{group: at})
			w.plan(stepOpen, at, none)
		}
		open()
		n := 0
		watchCrew(w, o.Subscribe, func(item T) error {
			for _, at := range windows {
				w.plan(stepTake, at.group, item)
				at.n++
			}
			if len(windows) > 0 && windows[0].n == size {
				w.planEnd(windows[0].group, nil)
				windows = windows[1:]
			}
			if n++; n%every == 0 {
				open()
			}
			return w.work()
		})
		return w.work()
	}, stream.Upstream[K](o))
}

// countWindow is a window and how many items it has had.
type countWindow[T any] struct {
	group *group[T]
	n     int
}

// errOneRun says that a group was run again.
var errOneRun = errors.New("operators: a group's or window's items can be run through once: nothing keeps them")

// refuseMarks are a subscription's wishes that a group can not fulfil.
func refuseMarks(sub stream.Subscription) error {
	switch {
	case sub.Consumer != "" || sub.From != nil:
		return &stream.NotDurableError{Consumer: sub.Consumer}
	case sub.Mark != nil:
		return stream.ErrNoMarks
	}
	return nil
}

// groupRun is the run that hands a group's items on, on a goroutine of its
// pipeline's.
func (at *group[T]) run(ctx context.Context, emit func(T) error) error {
	if !at.taken.CompareAndSwap(false, true) {
		return errOneRun
	}
	for {
		select {
		case at.l.queue <- at.ready:
		case <-ctx.Done():
			return ctx.Err()
		}
		select {
		case m := <-at.inbox:
			if m.over {
				return m.err
			}
			if err := emit(m.item); err != nil {
				return err
			}
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
