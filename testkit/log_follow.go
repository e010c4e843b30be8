package testkit

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/thaw-go/thaw/stream"
)

func followNew(s *subject) {
	want := s.fill(10)
	next := 0
	p, err := s.follow(s.ctx, stream.Query{}, func(p *tape) bool {
		if p.last().Live && next < 5 && len(p.records) == len(want) {
			next++
			want = append(want, s.append(ann, records(next)...)...)
		}
		return len(p.records) >= 25
	})
	s.must(err, "follow")
	s.sameRecords("what the follower saw", p.records, want)
	s.same("its last mark", p.last(), stream.Mark{At: at(25), Head: at(25), Live: true})
}

func followLive(s *subject) {
	for _, n := range []int{0, 2000} {
		if n > 0 {
			s.fill(n)
		}
		for _, match := range [][]stream.Match{nil, {{Topic: "none"}}, {{Topic: "users", Key: "none"}}} {
			for _, from := range []int{0, n / 2, n} {
				p, err := s.follow(s.ctx, stream.Query{Match: match, From: at(from)}, live)
				s.must(err, "follow")
				s.same(fmt.Sprintf("the first live mark of %v after %d", match, from), p.last(), stream.Mark{At: at(n), Head: at(n), Live: true})
			}
		}
	}
}

func followMarks(s *subject) {
	for _, match := range []stream.Match{{Topic: "none"}, {Topic: "users", Key: "none"}} {
		begun := s.head()
		_, err := s.follow(s.ctx, stream.Query{Match: []stream.Match{match}}, func(p *tape) bool {
			if p.last().At.Equal(begun) {
				s.append(ann, records(3)...)
			}
			return p.last().At.Reached(at(begun.Position(0) + 3))
		})
		s.must(err, fmt.Sprintf("following %+v until the mark has passed an append", match))
	}
}

func followIgnoresTo(s *subject) {
	want := s.fill(10)
	appended := false
	p, err := s.follow(s.ctx, stream.Query{To: at(5)}, func(p *tape) bool {
		if p.last().Live && !appended {
			appended = true
			want = append(want, s.append(ann, records(1)...)...)
		}
		return len(p.records) >= 11
	})
	s.must(err, "follow")
	s.sameRecords("what the follower saw", p.records, want)
}

// manyFollowers has followers wait for what writers append.
func manyFollowers(s *subject) {
	const followers, writers, appends = 50, 4, 20
	tapes := make([]*tape, followers)
	var want []stream.Record
	s.together(followers+1, func(i int) error {
		if i < followers {
			var err error
			tapes[i], err = s.follow(s.ctx, stream.Query{}, upTo(at(writers*appends)))
			return err
		}
		for n := range writers * appends {
			if _, err := s.Append(s.ctx, stream.ID{Topic: "users", Key: fmt.Sprint(n % writers)}, stream.AnyVersion, records(1)...); err != nil {
				return err
			}
		}
		return nil
	})
	want = s.read(stream.Query{}).records
	for i, p := range tapes {
		s.sameRecords(fmt.Sprintf("what follower %d saw", i), p.records, want)
	}
}

// Guarantee 9: a slow subscriber harms no one and loses nothing.
// Breaks when: an engine holds its lock while it hands a block over, or hands a
// woken follower only the newest events.
//
// slowFollower holds a follower back within a block while a writer appends far
// more than any buffer between them should hold.
func slowFollower(s *subject) {
	const appends, size = 200, 100
	began, release := make(chan struct{}), make(chan struct{})
	begin := sync.OnceFunc(func() { close(began) })
	var p *tape
	var followed error
	var follower sync.WaitGroup
	follower.Go(func() {
		defer begin()
		p, followed = s.follow(s.ctx, stream.Query{}, func(p *tape) bool {
			begin()
			<-release
			return p.last().At.Reached(at(appends * size))
		})
	})
	_, err := s.Append(s.ctx, ann, stream.AnyVersion, records(size)...)
	s.must(err, "append")
	<-began // else it is all history to a follower that begins late
	written := make(chan error, 1)
	go func() {
		var err error
		for n := 1; n < appends && err == nil; n++ {
			_, err = s.Append(s.ctx, ann, stream.AnyVersion, records(size)...)
		}
		written <- err
	}()
	select {
	case err = <-written:
	case <-s.ctx.Done():
		err = errors.New("the writer waits for the follower")
	}
	close(release)
	follower.Wait()
	s.must(err, "appending while a follower is held back")
	s.must(followed, "following slowly")
	s.sameRecords("what the slow follower saw", p.records, s.read(stream.Query{}).records)
}

func followCancelled(s *subject) {
	s.fill(10)
	for _, match := range [][]stream.Match{nil, {{Topic: "users", Key: "ann"}}, {{Topic: "none"}}} {
		ctx, cancel := context.WithCancel(s.ctx)
		_, err := s.follow(ctx, stream.Query{Match: match}, func(p *tape) bool {
			if p.last().Live {
				go cancel() // while the follower waits, or is about to
			}
			return false
		})
		cancel()
		s.failsAs("follow", err, context.Canceled)
	}
}

func followCancelledBusy(s *subject) {
	s.fill(10)
	ctx, cancel := context.WithCancel(s.ctx)
	defer cancel()
	calls := 0
	_, err := s.follow(ctx, stream.Query{}, func(*tape) bool {
		calls++
		cancel()
		s.append(ann, records(1)...) // there is always more to read
		return false
	})
	s.failsAs("follow", err, context.Canceled)
	s.same("calls of emit", calls, 1)
}

func followEmitFails(s *subject) {
	s.fill(10)
	stop := errors.New("stop here")
	after := 0
	err := s.Read(s.ctx, stream.Query{Follow: true}, func(block []stream.Record, m stream.Mark) error {
		if m.Live && after == 0 {
			s.append(ann, records(1)...)
		}
		if m.Live {
			after++
		}
		if m.At.Reached(at(11)) {
			return stop
		}
		return nil
	})
	s.failsAs("follow", err, stop)
}

// Guarantee 3: an append that was refused is never seen.
// Breaks when: an engine stores the first record before it compares versions.
func followRefused(s *subject) {
	want := s.append(ann, records(2)...)
	refused := false
	p, err := s.follow(s.ctx, stream.Query{}, func(p *tape) bool {
		if p.last().Live && !refused {
			refused = true
			_, err := s.Append(s.ctx, ann, 7, record("REFUSED", "1"))
			failsWith[*stream.ConflictError](s, "append at the wrong version", err)
			want = append(want, s.append(ann, record("STORED", "1"))...)
		}
		return len(p.records) >= 3
	})
	s.must(err, "follow")
	s.sameRecords("what the follower saw", p.records, want)
}
