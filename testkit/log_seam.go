package testkit

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/thaw-go/thaw/stream"
)

// The seam is tried with writers at full speed. So that a fast engine and a
// slow one both write all the time, each subscription allows the writers a burst
// when it begins, another, which it waits for, when history has ended, and an
// append more with each live block.
const (
	seamAtOnce  = 8
	seamWriters = 8
	seamBurst   = 20 // appends
)

var seamSubscriptions int64 = 300

// Guarantee 5: every event once, in order, with no gap or double at the seam.
// Breaks when: a woken follower skips to the newest events, or now and then steps
// back by one.
//
// seam lets followers begin at random moments and places while writers are at
// work, and compares what each has seen with the log afterwards.
func seam(s *subject) {
	budget := make(chan struct{}, 4*seamSubscriptions*seamBurst)
	written := make([]error, seamWriters)
	var writers sync.WaitGroup
	for w := range seamWriters {
		writers.Go(func() { written[w] = s.writeWhile(budget, w) })
	}
	tapes := make([]*tape, seamSubscriptions)
	followed := make([]error, seamSubscriptions)
	var next atomic.Int64
	var followers sync.WaitGroup
	for range seamAtOnce {
		followers.Go(func() {
			for n := next.Add(1) - 1; n < seamSubscriptions; n = next.Add(1) - 1 {
				tapes[n], followed[n] = s.subscribe(n, budget)
			}
		})
	}
	followers.Wait()
	close(budget)
	writers.Wait()
	s.must(errors.Join(written...), "writing")
	s.must(errors.Join(followed...), "following")
	s.compareTapes(tapes)
}

// writeWhile appends as long as there is budget.
func (s *subject) writeWhile(budget <-chan struct{}, w int) error {
	random := rand.New(rand.NewPCG(1, uint64(w)))
	for range budget {
		id := stream.ID{Topic: []string{"users", "lots"}[w%2], Key: fmt.Sprint(random.IntN(5))}
		if _, err := s.Append(s.ctx, id, stream.AnyVersion, records(1+random.IntN(3))...); err != nil {
			return err
		}
	}
	return nil
}

// subscribe follows from a random place until some live events have come.
func (s *subject) subscribe(n int64, budget chan<- struct{}) (*tape, error) {
	random := rand.New(rand.NewPCG(2, uint64(n)))
	head, err := s.Head(s.ctx)
	if err != nil {
		return nil, err
	}
	q := stream.Query{Match: [][]stream.Match{nil, nil, {{Topic: "users"}}, {{Topic: "lots", Key: "1"}}}[n%4]}
	if n%15 > 0 { // at the head or near it; the rest begin at the beginning
		past := head.Position(0)
		q.From = at(past - min(past, stream.Position(n%3)*stream.Position(random.IntN(500))))
	}
	allow(budget, seamBurst)
	for range random.IntN(50) {
		runtime.Gosched() // a random moment within the burst
	}
	var enough stream.Cursor
	return s.follow(s.ctx, q, func(p *tape) bool {
		m := p.last()
		switch {
		case m.Live && enough.IsZero():
			enough = at(m.At.Position(0) + seamBurst)
			allow(budget, seamBurst)
		case m.Live:
			allow(budget, 1)
		}
		return m.Live && m.At.Reached(enough)
	})
}

// allow lets the writers make n more appends.
func allow(budget chan<- struct{}, n int) {
	for range n {
		budget <- struct{}{}
	}
}

// compareTapes ends the test unless each tape holds exactly what its query
// selects of the log between its beginning and its last mark.
func (s *subject) compareTapes(tapes []*tape) {
	s.t.Helper()
	all := s.read(stream.Query{}).records
	for n, p := range tapes {
		var want []stream.Record
		for i := range all[p.query.From.Position(0):p.last().At.Position(0)] {
			r := &all[int(p.query.From.Position(0))+i]
			if p.query.Accepts(r.Stream.Topic, r.Stream.Key, r.Type, r.Tags) {
				want = append(want, *r)
			}
		}
		s.sameRecords(fmt.Sprintf("what subscription %d saw of the log between %s and %s", n, p.query.From, p.last().At), p.records, want)
	}
}
