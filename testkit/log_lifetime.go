package testkit

import (
	"errors"
	"fmt"
	"sync"

	"github.com/thaw-go/thaw/stream"
)

func closedCalls(s *subject) {
	s.fill(3)
	release, err := s.Claim(s.ctx, "mailer")
	s.must(err, "claim")
	s.must(s.Close(), "close")
	_, err = s.Head(s.ctx)
	s.failsAs("Head", err, stream.ErrClosed)
	_, err = s.Append(s.ctx, ann, stream.AnyVersion, records(1)...)
	s.failsAs("Append", err, stream.ErrClosed)
	for _, follow := range []bool{false, true} {
		err := s.Read(s.ctx, stream.Query{Follow: follow}, func([]stream.Record, stream.Mark) error {
			return errors.New("emit was called")
		})
		s.failsAs("Read", err, stream.ErrClosed)
	}
	for method, err := range s.callAll(s.ctx, "mailer") {
		s.failsAs(method, err, stream.ErrClosed)
	}
	release()
}

func closedAgain(s *subject) {
	s.together(4, func(int) error { return s.Close() })
	s.must(s.Close(), "close")
}

func closedFollowers(s *subject) {
	s.fill(3)
	const followers = 10
	var waiting sync.WaitGroup
	waiting.Add(followers)
	busy := make(chan struct{})
	s.together(followers+1, func(i int) error {
		if i == followers {
			waiting.Wait()
			defer close(busy)
			return s.Close()
		}
		_, err := s.follow(s.ctx, stream.Query{}, func(p *tape) bool {
			if p.last().Live && len(p.marks) > 0 {
				waiting.Done()
				if i%2 == 0 {
					<-busy // within a block when the log is closed
				}
			}
			return false
		})
		if !errors.Is(err, stream.ErrClosed) {
			return fmt.Errorf("a follower ended with %w, want %w", err, stream.ErrClosed)
		}
		return nil
	})
}

func closedAmongWriters(s *subject) {
	const writers = 8
	var some sync.WaitGroup
	some.Add(writers)
	acknowledged := make([][]stream.Record, writers)
	s.together(writers+1, func(w int) error {
		if w == writers {
			some.Wait()
			return s.Close()
		}
		for n := 0; ; n++ {
			stored, err := s.Append(s.ctx, stream.ID{Topic: "users", Key: fmt.Sprint(w)}, s.expect(stream.Version(len(acknowledged[w]))), records(2)...)
			if errors.Is(err, stream.ErrClosed) {
				return nil
			}
			if err != nil {
				return err
			}
			acknowledged[w] = append(acknowledged[w], stored...)
			if n == 2 {
				some.Done()
			}
		}
	})
	if !s.run.engine.Durable {
		return
	}
	s.reopen()
	for w, want := range acknowledged {
		q := stream.Query{Match: []stream.Match{{Topic: "users", Key: fmt.Sprint(w)}}}
		got := s.read(q).records
		s.sameRecords(fmt.Sprintf("the first events of writer %d", w), got[:min(len(want), len(got))], want)
	}
}

// reopen closes a durable log and opens it again; it skips the test for others.
func (s *subject) reopen() {
	s.t.Helper()
	if !s.run.engine.Durable {
		s.t.Skip("the engine does not keep anything")
	}
	s.must(s.Close(), "close")
	s.again()
}

func durableEvents(s *subject) {
	want := s.fill(3000)
	list := records(2)
	list[0].Meta = stream.Metadata{"\x00": "\xff", "k": ""}
	list[0].CausedBy, list[0].Correlation, list[0].Schema = stream.NewID(), stream.NewID(), 9
	want = append(want, s.append(bob, list...)...)
	for range 3 {
		s.reopen()
		s.holds(want)
		q := stream.Query{Match: []stream.Match{{Topic: bob.Topic, Key: bob.Key}}}
		last := s.read(q).records
		s.same("the last event of an instance", last[len(last)-1], want[len(want)-1])
	}
}

func durableDense(s *subject) {
	var want []stream.Record
	for round := range 4 {
		want = append(want, s.fill(10+round)...)
		s.reopen()
	}
	s.holds(want)
	next := map[stream.ID]stream.Version{}
	for i, r := range want {
		next[r.Stream]++
		s.same("position", r.Position, stream.Position(i+1))
		s.same("version", r.Version, next[r.Stream])
		if i > 0 && r.Time.Before(want[i-1].Time) {
			s.broken("event %d is of %s, before the event in front of it, of %s", r.Position, r.Time, want[i-1].Time)
		}
	}
	if s.lacks(ExpectedVersion) {
		return
	}
	_, err := s.Append(s.ctx, ann, 0, records(1)...)
	failsWith[*stream.ConflictError](s, "append to a stream that must not exist, after reopening", err)
}

func durableCommands(s *subject) {
	command := stream.NewID()
	first := s.append(ann, commanded(command, 3)...)
	s.reopen()
	again, err := s.Append(s.ctx, ann, s.expect(0), commanded(command, 1)...)
	s.must(err, "the command again")
	s.sameRecords("what it returned", again, first)
	_, err = s.Append(s.ctx, bob, stream.AnyVersion, commanded(command, 1)...)
	got := failsWith[*stream.CommandReusedError](s, "the command sent to another stream", err)
	s.same("the error", *got, stream.CommandReusedError{Command: command, First: ann, Again: bob})
	s.holds(first)
}

func durableConsumers(s *subject) {
	s.fill(len(consumers))
	for i, name := range consumers {
		s.must(s.checkpoint(name, at(i), change("a", name), change("b", "gone"), change("c", "")), "checkpoint")
		s.must(s.checkpoint(name, at(i), stream.Change{Key: "b"}), "checkpoint")
	}
	_, err := s.Claim(s.ctx, "a")
	s.must(err, "claim")
	s.reopen()
	for i, name := range consumers {
		s.hasPlace(name, at(i))
		s.remembers(name, map[string]string{"a": name, "c": ""})
	}
	release, err := s.Claim(s.ctx, "a")
	s.must(err, "claim after reopening")
	release()
	failsWith[*stream.BackwardsError](s, "moving back after reopening", s.SaveCursor(s.ctx, consumers[5], at(4)))
}
