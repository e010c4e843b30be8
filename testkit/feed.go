package testkit

import (
	"context"
	"errors"
	"strings"
	"sync"
	"time"

	"github.com/thaw-go/thaw/stream"
	"github.com/thaw-go/thaw/testkit/marble"
)

// feed is a lane that says what happens: in the log, or in a source of the
// test's own.
type feed struct {
	lane marble.Lane
}

// Events lays out what is appended to the log: the events of one topic, each
// with its instance, as [stream.Topic.Event] makes them. Left of ^ is history.
// [ab] is one atomic append, which goes to one instance; (ab) are two at one
// instant; % crashes the process and opens the log again, | closes it. Several
// lanes may be laid out for several topics.
func Events[E any](b *Board, name string, topic *stream.Topic[E], marbles string, values Values[*stream.Event[E]]) {
	b.t.Helper()
	lane := b.parse(name, marbles)
	f := &feed{lane: lane}
	b.feeds = append(b.feeds, f)
	for i := 0; i < len(lane.Points); {
		p := lane.Points[i]
		n := 1
		switch p.Kind {
		case marble.Subscribe:
		case marble.Event:
			if b.planned[p.Name] {
				b.fatal("lane %s: %s: the letter %s stands for one event, and is there twice", name, marbles, p.Name)
			}
			b.planned[p.Name] = true
			b.names.Set(p.Name, planned(p.Name), "") // no other event gets this letter
			for p.Append != 0 && i+n < len(lane.Points) && lane.Points[i+n].Append == p.Append {
				n++
			}
			h, data := happening(b, name, topic, lane.Points[i:i+n], values)
			points := f.lane.Points[i : i+n]
			b.plan(p.At, phaseHappen, func() error { return b.append(h, points, data) })
		case marble.Crash:
			b.plan(p.At, phaseHappen, b.crash)
		case marble.Complete:
			b.plan(p.At, phaseHappen, b.end)
		default:
			b.fatal("lane %s: %s: a log has events, a ^, crashes and an end, nothing else", name, marbles)
		}
		i += n
	}
}

// planned stands for an event that is not there yet.
type planned string

// happening is the append that some letters stand for.
func happening[E any](b *Board, name string, topic *stream.Topic[E], points []marble.Point, values Values[*stream.Event[E]]) (h Happening, data []any) {
	b.t.Helper()
	var key string
	var events []E
	for i, p := range points {
		e, ok := values[p.Name]
		switch {
		case !ok || e == nil:
			b.fatal("lane %s: no value for the letter %s", name, p.Name)
		case i > 0 && e.Stream.Key != key:
			b.fatal("lane %s: one append goes to one instance: %s is of %q, %s of %q", name, points[0].Name, key, p.Name, e.Stream.Key)
		}
		key = e.Stream.Key
		events = append(events, e.Data)
		data = append(data, e.Data)
	}
	h = Happened(topic, key, events...)
	if h.err != nil {
		b.fatal("lane %s: %v", name, h.err)
	}
	return h, data
}

// append stores what letters stand for and remembers where.
func (b *Board) append(h Happening, points []marble.Point, data []any) error {
	stored, err := b.world.append(h)
	if err != nil {
		return err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for i, r := range stored {
		event := seen{Position: r.Position, Stream: r.Stream, Type: r.Type, Data: data[i]}
		b.letters[r.Position], b.events[points[i].Name] = points[i].Name, event
		if len(stored) > 1 {
			b.appends[r.Position] = int(stored[0].Position)
		}
		points[i].Value, points[i].Note = event, event.note()
	}
	return nil
}

// parse reads a lane.
func (b *Board) parse(name, marbles string) marble.Lane {
	b.t.Helper()
	lane, err := marble.Parse(marbles, b.tick)
	if err != nil {
		b.fatal("lane %s: %v", name, err)
	}
	lane.Name = name
	for _, p := range lane.Points {
		if p.At%precision != 0 {
			b.fatal("lane %s: %s: something is to happen at %s, and a board tells times %s apart", name, marbles, p.At, precision)
		}
	}
	if len(lane.Points) == 0 || -lane.Points[0].At <= b.history {
		return lane
	}
	if b.world != nil {
		b.fatal("lane %s begins %s before zero: lay it out before Time is asked for", name, -lane.Points[0].At)
	}
	b.history = -lane.Points[0].At
	return lane
}

// parseSubscriber reads a lane that begins at zero, wherever its ^ stands.
func (b *Board) parseSubscriber(name, marbles string) marble.Lane {
	b.t.Helper()
	lane := b.parse(name, marbles)
	before, _, _ := strings.Cut(marbles, "^")
	if open := strings.LastIndexByte(before, '('); open > strings.LastIndexByte(before, ')') {
		before = before[:open] // the ^ shares its instant with others
	}
	shift := b.parse(name, before).End
	for i := range lane.Points {
		lane.Points[i].At += shift
	}
	lane.End += shift
	return lane
}

// Items lays out a source of the test's own, without a log behind it. A cold one
// begins anew for each subscriber, when it subscribes. The others have their own
// time: a hot one is missed by who is not there, and of a cold+hot one a
// subscriber gets first what it has missed.
func Items[K stream.Kind, T any](b *Board, name, marbles string, values ...Values[T]) stream.Observable[K, T] {
	b.t.Helper()
	lane := b.parse(name, marbles)
	for i, p := range lane.Points {
		switch p.Kind {
		case marble.Event:
			lane.Points[i].Value = valueOf(b, name, p.Name, values)
		case marble.Subscribe, marble.Complete:
		case marble.Failed:
			lane.Points[i].Value = errItems
		default:
			b.fatal("lane %s: %s: a source has items, a ^ and an end, nothing else", name, marbles)
		}
	}
	b.feeds = append(b.feeds, &feed{lane: lane})
	var kind any = *new(K)
	if _, cold := kind.(stream.Cold); cold {
		return own[K](func(ctx context.Context, emit func(T) error) error { return coldRun(ctx, lane, emit) })
	}
	_, remembers := kind.(stream.ColdHot)
	s := &shared[T]{remembers: remembers}
	for _, p := range lane.Points {
		if p.Kind != marble.Subscribe {
			b.plan(p.At, phaseHappen, func() error { s.take(p); return nil })
		}
	}
	return own[K](s.run)
}

// errItems is what the # of a source of the test's own stands for.
var errItems = errors.New("testkit: the source failed, as its # says")

// own is an observable without a log.
func own[K stream.Kind, T any](run stream.Run[T]) stream.Observable[K, T] {
	return stream.New[K](nil, func(sub stream.Subscription) stream.Run[T] {
		return func(ctx context.Context, emit func(T) error) error {
			if sub.Consumer != "" || sub.From != nil {
				return &stream.NotDurableError{Consumer: sub.Consumer}
			}
			return run(ctx, emit)
		}
	})
}

// coldRun plays a lane to one subscriber.
func coldRun[T any](ctx context.Context, lane marble.Lane, emit func(T) error) error {
	began := time.Now()
	for _, p := range lane.Points {
		if wait := time.Until(began.Add(p.At)); wait > 0 {
			timer := time.NewTimer(wait)
			select {
			case <-timer.C:
			case <-ctx.Done():
				timer.Stop()
				return ctx.Err()
			}
		}
		if over, err := give(p, emit); over || err != nil {
			return err
		}
	}
	<-ctx.Done()
	return ctx.Err()
}

// give hands a point to a subscriber; over says that it was the last one.
func give[T any](p marble.Point, emit func(T) error) (over bool, err error) {
	switch p.Kind {
	case marble.Event:
		item, _ := p.Value.(T) // the nil of an interface type is no T
		return false, emit(item)
	case marble.Complete:
		return true, nil
	case marble.Failed:
		return true, p.Value.(error)
	}
	return false, nil
}

// shared is a source that happens whether anybody is there or not.
type shared[T any] struct {
	remembers bool

	mu    sync.Mutex
	past  []marble.Point
	there []chan struct{} // closed when past has grown
}

func (s *shared[T]) take(p marble.Point) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.past = append(s.past, p)
	for _, c := range s.there {
		close(c)
	}
	s.there = nil
}

// after is what has happened since the n-th point, or what is closed when
// something has.
func (s *shared[T]) after(n int) ([]marble.Point, <-chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if n < len(s.past) {
		return s.past[n:], nil
	}
	more := make(chan struct{})
	s.there = append(s.there, more)
	return nil, more
}

func (s *shared[T]) run(ctx context.Context, emit func(T) error) error {
	s.mu.Lock()
	n := len(s.past)
	switch {
	case s.remembers:
		n = 0
	case n > 0 && s.past[n-1].Kind != marble.Event:
		n-- // who comes after the end is told of the end
	}
	s.mu.Unlock()
	for {
		points, more := s.after(n)
		for _, p := range points {
			n++
			if over, err := give(p, emit); over || err != nil {
				return err
			}
		}
		if more == nil {
			continue
		}
		select {
		case <-more:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
