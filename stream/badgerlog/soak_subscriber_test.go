package badgerlog_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"github.com/thaw-go/thaw/replay"
	"github.com/thaw-go/thaw/stream"
)

// soakKind is how a subscriber reads.
type soakKind int

const (
	soakCold    soakKind = iota // history, again and again
	soakHistory                 // of one instance
	soakColdHot                 // history, then what is new
	soakHot                     // what is new
	soakDurable                 // the same, resumed where it stopped
)

func (k soakKind) String() string {
	return [...]string{"cold", "history", "cold+hot", "hot", "durable"}[k]
}

// soakSubscriber reads some lanes and checks that nothing is missing from them.
// It lives many lives, one after another.
type soakSubscriber struct {
	s     *soak
	name  string
	kind  soakKind
	lanes []int
	topic *stream.Topic[ticked]
	slow  bool // pauses now and then
	dies  bool // now and then, and comes back

	soakPlace
	saved *soakPlace   // what a durable one saved last
	born  map[int]tick // what it knew when it was born
	life  int          // how many events are left of this life, if it ends
	ends  bool         // it does
	marks int          // of this life

	// For those who watch: the place of a mark that it has handled for certain, of
	// the one after, and which life they are of; 0: none.
	passed, begun, steady atomic.Uint64
	lives                 uint64
}

// soakPlace is a subscriber's place and what it knows there.
type soakPlace struct {
	At    stream.Position
	Birth stream.Position // of one that was born: it gets what came later
	Next  map[int]tick    // by lane
}

// tick is which event of a lane comes next: this one or, if it is not known which,
// this one at the latest.
type tick struct {
	N     uint64
	Known bool
}

var (
	errSoakDies = errors.New("the subscriber dies")
	errSoakEnds = errors.New("the subscriber has everything")
)

// run lives until the log has ended and the subscriber has all of it.
func (b *soakSubscriber) run(ctx context.Context) error {
	var from *stream.Cursor
	for {
		begun := b.acknowledged()
		if err := b.begin(ctx, from); err != nil {
			return fmt.Errorf("%s begins: %w", b.name, err)
		}
		err := b.subscribe(ctx, from)
		b.steady.Store(0)
		from = nil
		var gone *stream.TruncatedError
		switch {
		case errors.Is(err, errSoakDies):
			b.s.deaths.Add(1)
		case errors.As(err, &gone):
			b.s.overtaken.Add(1)
			if cut := gone.Cut.Position(0); cut <= b.At || uint64(cut) > b.s.removed.Load() {
				return fmt.Errorf("%s, at %d: %w, though that was not removed", b.name, b.At, err)
			}
			from = &gone.Cut
			continue
		case errors.Is(err, errSoakEnds):
			return b.complete(b.acknowledged())
		case err == nil:
			if err := b.complete(begun); err != nil || b.s.end.Load() != nil {
				return err
			}
		default:
			return fmt.Errorf("%s, at %d: %w", b.name, b.At, err)
		}
		b.rest(ctx)
	}
}

// rest passes the time until the next life.
func (b *soakSubscriber) rest(ctx context.Context) {
	timer := time.NewTimer(time.Duration(rand.IntN(800)) * time.Millisecond)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-b.s.ended:
	case <-ctx.Done():
	}
}

// begin prepares a life: what the subscriber knows of what comes.
func (b *soakSubscriber) begin(ctx context.Context, from *stream.Cursor) error {
	b.lives++
	b.marks = 0
	b.life, b.ends = 1+rand.IntN(6000), b.dies && b.s.end.Load() == nil
	if b.kind == soakDurable && b.lives == 1 {
		b.life = 1 // before it has saved any place itself
	}
	head, err := b.s.log.Head(ctx)
	if err != nil {
		return err
	}
	switch {
	case from != nil: // which events were removed is not known
		b.At, b.Next = from.Position(0), b.begunBy()
	case b.born != nil:
		return b.restore(ctx)
	case b.kind >= soakHot:
		b.soakPlace = soakPlace{Birth: head.Position(0)} // or somewhat later
	default:
		b.soakPlace = soakPlace{Next: map[int]tick{}}
		for _, lane := range b.lanes {
			b.Next[lane] = tick{N: 1, Known: true}
		}
	}
	return nil
}

// restore brings back what a durable subscriber saved.
func (b *soakSubscriber) restore(ctx context.Context) error {
	at, known, err := b.s.log.Cursor(ctx, b.name)
	if b.saved == nil {
		if err != nil || !known || at.Position(0) < b.Birth {
			return fmt.Errorf("it was born at %d or later, its cursor is %s: %v", b.Birth, at, err)
		}
		b.soakPlace = soakPlace{At: at.Position(0), Birth: at.Position(0), Next: maps.Clone(b.born)}
		return nil
	}
	if err != nil || at.Position(0) != b.saved.At {
		return fmt.Errorf("its cursor is %s, it saved %d: %v", at, b.saved.At, err)
	}
	value, _, err := b.s.log.State(ctx, b.name, "place")
	if err != nil {
		return err
	}
	b.soakPlace = soakPlace{}
	if err := json.Unmarshal(value, &b.soakPlace); err != nil || b.At != b.saved.At {
		return fmt.Errorf("at %s it remembers %q: %v", at, value, err)
	}
	return nil
}

func (b *soakSubscriber) subscribe(ctx context.Context, from *stream.Cursor) error {
	sub := stream.Subscription{From: from, Mark: func(m stream.Mark) error { return b.mark(ctx, m) }}
	switch b.kind {
	case soakCold:
		return replay.Cold(b.s.log, b.topic).Subscribe(ctx, sub, b.take)
	case soakHistory:
		return replay.History(b.s.log, b.topic, soakKey(0)).Subscribe(ctx, sub, b.take)
	case soakColdHot:
		return replay.ColdHot(b.s.log, b.topic).Subscribe(ctx, sub, b.take)
	case soakDurable:
		sub.Consumer = b.name
	}
	return replay.Hot(b.s.log, b.topic).Subscribe(ctx, sub, b.take)
}

// count is what counts the events that the subscriber sees of a lane.
func (b *soakSubscriber) count(lane int) *soakCount {
	if b.kind == soakHistory {
		return &b.s.lanes[lane].first
	}
	return &b.s.lanes[lane].all
}

// acknowledged is how many events each lane has at least.
func (b *soakSubscriber) acknowledged() map[int]uint64 {
	had := map[int]uint64{}
	for _, lane := range b.lanes {
		had[lane] = b.count(lane).acked.Load()
	}
	return had
}

// begunBy is for each lane the first event that was certainly not sent yet: for
// who reads from now on, it is at the latest the next.
func (b *soakSubscriber) begunBy() map[int]tick {
	next := map[int]tick{}
	for _, lane := range b.lanes {
		next[lane] = tick{N: b.count(lane).begun.Load() + 1}
	}
	return next
}

// online notes, once a hot subscriber was born, what it may not miss: all that is
// appended from now on.
func (b *soakSubscriber) online() {
	if b.Next == nil {
		b.Next = b.begunBy()
		if b.kind == soakDurable {
			b.born = maps.Clone(b.Next)
		}
	}
}

// take checks that an event is the next one of its lane.
func (b *soakSubscriber) take(e *stream.Event[ticked]) error {
	b.s.deliveries.Add(1)
	b.online()
	lane, n := e.Data.Lane, e.Data.N
	if b.kind == soakHistory {
		n = uint64(e.Version)
	}
	next, mine := b.Next[lane]
	switch {
	case !mine:
		return fmt.Errorf("got %d, of lane %d, which it does not read", e.Position, lane)
	case e.Position <= b.Birth || e.Position <= b.At:
		return fmt.Errorf("got %d, which is not behind its birth at %d and its place", e.Position, b.Birth)
	case next.Known && n != next.N || n > next.N:
		return fmt.Errorf("got event %d of lane %d at %d, expected %d: some are missing", n, lane, e.Position, next.N)
	case len(b.lanes) == soakLanes && e.Position != b.At+1:
		return fmt.Errorf("got %d: some before it are missing", e.Position)
	}
	b.At, b.Next[lane] = e.Position, tick{n + 1, true}
	if b.slow && rand.IntN(800) == 0 {
		b.s.pauses.Add(1)
		time.Sleep(time.Duration(rand.IntN(250)) * time.Millisecond)
	}
	if b.life--; b.life <= 0 && b.ends {
		b.steady.Store(0) // no mark will say where it was
		return errSoakDies
	}
	return nil
}

// mark notes how far the subscriber has come, saves that if it is durable, and
// ends it once it has everything.
func (b *soakSubscriber) mark(ctx context.Context, m stream.Mark) error {
	b.online()
	at := m.At.Position(0)
	b.passed.Store(b.begun.Load())
	b.begun.Store(uint64(at))
	if b.marks++; b.marks == 2 {
		b.steady.Store(b.lives)
	}
	if at < b.At || !m.Head.Reached(m.At) {
		return fmt.Errorf("a mark at %s of %s", m.At, m.Head)
	}
	b.At = at
	end := b.s.end.Load()
	over := end != nil && m.At.Reached(*end)
	saves := over || b.saved == nil || rand.IntN(50) == 0
	if b.kind == soakDurable && saves && (over || !b.dies || b.lives > 1) { // else it dies first
		if err := b.save(ctx); err != nil {
			return err
		}
	}
	if over && b.kind >= soakColdHot {
		return errSoakEnds
	}
	return nil
}

func (b *soakSubscriber) save(ctx context.Context) error {
	value, err := json.Marshal(b.soakPlace)
	if err != nil {
		return err
	}
	if err := b.s.log.Checkpoint(ctx, b.name, stream.At(b.At), stream.Change{Key: "place", Value: value}); err != nil {
		return err
	}
	b.saved = &soakPlace{At: b.At}
	b.s.saves.Add(1)
	return nil
}

// complete checks that a life that ended well has got what each lane had.
func (b *soakSubscriber) complete(had map[int]uint64) error {
	for _, lane := range b.lanes {
		if next := b.Next[lane]; next.N <= had[lane] {
			return fmt.Errorf("%s ended at %d before event %d of lane %d, which had %d", b.name, b.At, next.N, lane, had[lane])
		}
	}
	return nil
}

// crowd is so many subscribers of all kinds. Those that follow read combinations
// of lanes that nobody else reads, so that they can be told apart in Stats.
func (s *soak) crowd(n int) (list []*soakSubscriber) {
	for i := range n {
		b := &soakSubscriber{s: s, slow: i%7 == 0, dies: i%3 == 0}
		b.kind = [10]soakKind{soakCold, soakCold, soakHistory, soakColdHot, soakColdHot, soakColdHot, soakHot, soakHot, soakDurable, soakDurable}[i%10]
		lanes := i + 1
		switch {
		case i%10 == 0:
			lanes = 1<<soakLanes - 1
		case b.kind == soakHistory:
			lanes = 1 << (i % soakLanes)
		}
		topics := []stream.AnyTopic{}
		for lane := range soakLanes {
			if lanes>>lane&1 == 1 {
				b.lanes = append(b.lanes, lane)
				topics = append(topics, s.lanes[lane].topic)
			}
		}
		b.topic = stream.Union[ticked](topics...)
		b.name = fmt.Sprintf("%s-%d", b.kind, i)
		list = append(list, b)
	}
	return list
}
