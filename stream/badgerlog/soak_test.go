package badgerlog_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/thaw-go/thaw/stream"
	"github.com/thaw-go/thaw/stream/badgerlog"
)

const (
	soakSubscribers = 200
	soakWriters     = 12
	soakLanes       = 8
	soakKeys        = 5    // instances of each lane
	soakKept        = 4000 // events; those before are removed
)

func soakKey(n int) string { return fmt.Sprintf("key-%d", n) }

// ticked is an event: the n-th of its lane.
type ticked struct {
	Lane int
	N    uint64
	Fill string
}

// soakLane is a topic whose events are numbered in the order of the log, as only
// one append to it is under way at a time.
type soakLane struct {
	topic *stream.Topic[ticked]
	turn  sync.Mutex
	// Of the lane, and of its first instance alone, whose events are told apart by
	// their versions.
	all, first soakCount
}

// soakCount is how many events were sent, and how many were acknowledged.
type soakCount struct{ begun, acked atomic.Uint64 }

// soak is a log under load.
type soak struct {
	t     *testing.T
	log   *badgerlog.Log
	lanes [soakLanes]*soakLane

	end     atomic.Pointer[stream.Cursor] // where the log will end, once that is known
	ended   chan struct{}                 // closed then
	removed atomic.Uint64                 // history up to here may be gone

	deliveries, deaths, overtaken, pauses, saves atomic.Int64
	lagsSeen                                     int
	base, most                                   soakFigures
	heaps                                        []uint64 // MiB
}

// soakFigures are what a process holds.
type soakFigures struct {
	goroutines, files int
	lag, heap         uint64 // heap in MiB
}

// Guarantees 4, 5, 6, 9 and 10 under load: writers, and 200 subscribers of all
// kinds of which some are slow and some die and come back, on a log whose oldest
// events are removed. Each of them checks that it gets every event that it should,
// once and in order, or is told by a typed error what it does not get; what Stats
// say of it is true; and goroutines, files and memory do not grow.
//
// THAW_SOAK is how long: 12s if it is not set, 1h in a long run.
//
// Breaks when: after returns the records of the next group, step does not ask for
// the cut, Hot does not save a consumer's first place, or place.at is not moved.
func TestALogUnderLoadLosesNothingAndDoesNotGrow(t *testing.T) {
	span := 12 * time.Second
	if testing.Short() {
		span = 3 * time.Second
	}
	if text := os.Getenv("THAW_SOAK"); text != "" {
		var err error
		if span, err = time.ParseDuration(text); err != nil {
			t.Fatalf("THAW_SOAK: %v", err)
		}
	}
	leaked := goleak.IgnoreCurrent()
	files := openFiles(t)
	s := newSoak(t)
	s.base = soakFigures{goroutines: runtime.NumGoroutine(), files: files}
	s.base.heap = heap()
	s.run(span)
	quiet := heap()
	if err := s.log.Close(); err != nil {
		t.Error(err)
	}
	if err := goleak.Find(leaked); err != nil {
		t.Error(err)
	}
	if now := openFiles(t); now > files {
		t.Errorf("%d files are open, %d were before", now, files)
	}
	s.checkHeap(quiet)
	t.Logf("%s: %d events, %d deliveries, %d lives ended and begun again, %d pauses, %d places saved, %d times removed events were missed by name; "+
		"%d lags compared; at most %d goroutines, %d files, a lag of %d; heap in MiB: %v, without subscribers %d before and %d after",
		span, s.acknowledgedInAll(), s.deliveries.Load(), s.deaths.Load(), s.pauses.Load(), s.saves.Load(), s.overtaken.Load(),
		s.lagsSeen, s.most.goroutines, s.most.files, s.most.lag, s.heaps, s.base.heap, quiet)
	if s.deaths.Load() == 0 || !testing.Short() && s.overtaken.Load() == 0 || s.lagsSeen == 0 || s.saves.Load() < soakSubscribers/5 {
		t.Error("too little happened: the test proves too little")
	}
}

func newSoak(t *testing.T) *soak {
	t.Helper()
	s := &soak{t: t, ended: make(chan struct{})}
	s.log = open(t, t.TempDir(), badgerlog.Options{TailEvents: 2000}.SmallGenerations(500).SmallFiles())
	for i := range s.lanes {
		s.lanes[i] = &soakLane{topic: stream.NewTopic(fmt.Sprintf("lane-%d", i), stream.Catalogue[ticked]{"TICKED": {}})}
		if err := s.append(t.Context(), i, 1); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

// run has everybody work for so long, and waits until every subscriber has
// everything.
func (s *soak) run(span time.Duration) {
	ctx, stop := context.WithCancel(s.t.Context())
	defer stop()
	var all, working sync.WaitGroup
	does := func(group *sync.WaitGroup, work func(context.Context) error) {
		group.Go(func() {
			if err := work(ctx); err != nil && ctx.Err() == nil {
				s.t.Error(err)
				stop() // the others need not go on
			}
		})
	}
	crowd := s.crowd(soakSubscribers)
	for _, b := range crowd {
		does(&all, b.run)
	}
	over := make(chan struct{})
	until := func(step func(context.Context) error) func(context.Context) error {
		return func(ctx context.Context) error {
			for {
				select {
				case <-over:
					return nil
				case <-ctx.Done():
					return nil
				default:
				}
				if err := step(ctx); err != nil {
					return err
				}
			}
		}
	}
	for range soakWriters {
		does(&working, until(s.write))
	}
	does(&working, until(s.truncate))
	does(&working, until(func(ctx context.Context) error { return s.watch(ctx, crowd) }))
	beat := max(span/24, time.Second/2)
	least := uint64(2 * soakKept) // however slow the machine is
	if testing.Short() {
		least = 0
	}
	for began := time.Now(); (time.Since(began) < span || s.acknowledgedInAll() < least) && ctx.Err() == nil; {
		nap(ctx, beat)
		s.measure()
	}
	close(over)
	working.Wait()
	if ctx.Err() == nil {
		does(&all, s.finish)
	}
	all.Wait()
	if st, err := s.log.Stats(s.t.Context()); err != nil || len(st.Readers) > 0 {
		s.t.Errorf("%d reads are still counted: %v", len(st.Readers), err)
	}
}

func nap(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// finish says where the log ends, and appends the last event.
func (s *soak) finish(ctx context.Context) error {
	head, err := s.log.Head(ctx)
	if err != nil {
		return err
	}
	end := stream.At(head.Position(0) + 1)
	s.end.Store(&end)
	close(s.ended)
	return s.append(ctx, 0, 1)
}

// write appends some events to a lane, and pauses.
func (s *soak) write(ctx context.Context) error {
	if err := s.append(ctx, rand.IntN(soakLanes), 1+rand.IntN(40)); err != nil {
		return err
	}
	nap(ctx, time.Duration(rand.IntN(30))*time.Millisecond)
	return nil
}

// append adds events to one instance of a lane.
func (s *soak) append(ctx context.Context, lane, n int) error {
	l, key := s.lanes[lane], rand.IntN(soakKeys)
	l.turn.Lock()
	defer l.turn.Unlock()
	counts := []*soakCount{&l.all}
	if key == 0 {
		counts = append(counts, &l.first)
	}
	var records []stream.Record
	for i := range n {
		r, err := l.topic.Encode(ticked{Lane: lane, N: l.all.begun.Load() + uint64(i+1), Fill: strings.Repeat("x", rand.IntN(200))})
		if err != nil {
			return err
		}
		records = append(records, r)
	}
	for _, c := range counts {
		c.begun.Add(uint64(n))
	}
	if _, err := s.log.Append(ctx, stream.ID{Topic: l.topic.Name(), Key: soakKey(key)}, stream.AnyVersion, records...); err != nil {
		return err
	}
	for _, c := range counts {
		c.acked.Add(uint64(n))
	}
	return nil
}

func (s *soak) acknowledgedInAll() (n uint64) {
	for _, l := range s.lanes {
		n += l.all.acked.Load()
	}
	return n
}

// truncate removes all but the newest events.
func (s *soak) truncate(ctx context.Context) error {
	nap(ctx, 400*time.Millisecond)
	head, err := s.log.Head(ctx)
	if err != nil || head.Position(0) <= soakKept {
		return err
	}
	upTo := head.Position(0) - soakKept
	s.removed.Store(uint64(upTo))
	_, err = s.log.Truncate(ctx, stream.At(upTo))
	return err
}

// watch compares what Stats say of who reads with what those know.
func (s *soak) watch(ctx context.Context, crowd []*soakSubscriber) error {
	nap(ctx, 50*time.Millisecond)
	type place struct{ steady, passed uint64 }
	before := make([]place, len(crowd))
	for i, b := range crowd {
		before[i] = place{b.steady.Load(), b.passed.Load()}
	}
	st, err := s.log.Stats(ctx)
	if err != nil {
		return err
	}
	if len(st.Readers) > len(crowd) {
		return fmt.Errorf("stats: %d reads are running, %d subscribers are", len(st.Readers), len(crowd))
	}
	readers := map[string]badgerlog.Reader{}
	for _, r := range st.Readers {
		if r.Lag != uint64(st.Head)-min(uint64(r.At), uint64(st.Head)) {
			return fmt.Errorf("stats: a lag of %d at %d of %d", r.Lag, r.At, st.Head)
		}
		s.most.lag = max(s.most.lag, r.Lag)
		readers[fmt.Sprint(r.Query.Match)] = r
	}
	for i, b := range crowd {
		r, ok := readers[fmt.Sprint(b.topic.Match(""))]
		begun := b.begun.Load()
		if !ok || b.kind < soakColdHot || before[i].steady == 0 || b.steady.Load() != before[i].steady {
			continue
		}
		s.lagsSeen++
		if at := uint64(r.At); at < before[i].passed || at > begun {
			return fmt.Errorf("stats: %s is at %d, expected between %d and %d", b.name, at, before[i].passed, begun)
		}
	}
	return nil
}
