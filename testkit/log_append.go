package testkit

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/thaw-go/thaw/stream"
)

// commit is one append as its writer saw it. Ticks order beginnings and ends
// over all writers.
type commit struct {
	began, ended int64
	stored       []stream.Record
}

// writeAlong has writers append at once and returns every commit in order of
// position.
func (s *subject) writeAlong(writers, appends int, target func(writer int) stream.ID) []commit {
	s.t.Helper()
	var tick atomic.Int64
	var mu sync.Mutex
	byPosition := map[stream.Position]commit{}
	s.together(writers, func(w int) error {
		for n := range appends {
			c := commit{began: tick.Add(1)}
			stored, err := s.Append(s.ctx, target(w), stream.AnyVersion, records(1+(w+n)%3)...)
			if err != nil {
				return err
			}
			c.stored, c.ended = stored, tick.Add(1)
			mu.Lock()
			byPosition[stored[0].Position] = c
			mu.Unlock()
		}
		return nil
	})
	if len(byPosition) != writers*appends {
		s.broken("%d appends began at %d different positions", writers*appends, len(byPosition))
	}
	var list []commit
	for next := stream.Position(1); len(list) < len(byPosition); {
		c, ok := byPosition[next]
		if !ok {
			s.broken("no append is at position %d: there is a gap, or two appends are mixed", next)
		}
		list = append(list, c)
		next += stream.Position(len(c.stored))
	}
	return list
}

// writeDense is writeAlong with several writers to a stream.
func (s *subject) writeDense() []commit {
	s.t.Helper()
	return s.writeAlong(16, 25, func(w int) stream.ID {
		return stream.ID{Topic: "users", Key: fmt.Sprint(w % 5)}
	})
}

// Guarantee 1: positions are dense.
// Breaks when: an engine numbers an append from the head plus two.
func densePositions(s *subject) {
	var want []stream.Record
	for _, c := range s.writeDense() {
		for i := range c.stored {
			if got, dense := c.stored[i].Position, stream.Position(len(want)+1); got != dense {
				s.broken("event %d of an append is at position %d, want %d", i+1, got, dense)
			}
			want = append(want, c.stored[i])
		}
	}
	s.holds(want)
}

// Guarantee 1: positions are in commit order.
// Breaks when: an engine lets an append go that it has stored for later.
func commitOrder(s *subject) {
	var lastBegan int64
	for _, c := range s.writeDense() {
		if c.ended < lastBegan {
			s.broken("the append at position %d had returned before one that is at an earlier position began", c.stored[0].Position)
		}
		lastBegan = max(lastBegan, c.began)
	}
}

func denseVersions(s *subject) {
	s.writeAlong(16, 25, func(w int) stream.ID {
		return stream.ID{Topic: []string{"users", "lots"}[w%2], Key: fmt.Sprint(w % 3)}
	})
	next := map[stream.ID]stream.Version{}
	for _, r := range s.read(stream.Query{}).records {
		next[r.Stream]++
		if r.Version != next[r.Stream] {
			s.broken("event %d of %s has version %d, want %d", r.Position, r.Stream, r.Version, next[r.Stream])
		}
	}
}

func expectedVersion(s *subject) {
	var want []stream.Record
	for version := stream.Version(0); version < 6; version += 2 {
		stored, err := s.Append(s.ctx, ann, version, records(2)...)
		s.must(err, fmt.Sprintf("append at version %d", version))
		want = append(want, stored...)
	}
	s.holds(append(want, s.append(ann, record("ANY", "1"))...))
}

// Guarantee 3: a conflict stores nothing.
// Breaks when: an engine stores the first record before it compares versions, or
// compares with < instead of !=.
func conflicts(s *subject) {
	want := s.append(ann, records(3)...)
	for _, c := range []struct {
		id               stream.ID
		expected, actual stream.Version
	}{
		{ann, 0, 3},                     // must not exist, but does
		{ann, 2, 3},                     // stale
		{ann, 4, 3},                     // in the future
		{ann, stream.AnyVersion - 1, 3}, // as far in the future as can be
		{bob, 1, 0},                     // does not exist
		{lot, 3, 0},                     // the same key in another topic
	} {
		stored, err := s.Append(s.ctx, c.id, c.expected, records(2)...)
		step := fmt.Sprintf("append to %s at %d, expecting %d", c.id, c.actual, c.expected)
		got := failsWith[*stream.ConflictError](s, step, err)
		s.same(step, *got, stream.ConflictError{Stream: c.id, Expected: c.expected, Actual: c.actual})
		s.same(step+": what was returned", len(stored), 0)
		s.holds(want)
	}
}

func oneWinner(s *subject) {
	const writers, rounds = 16, 10
	var won atomic.Int64
	for version := range stream.Version(rounds) {
		s.together(writers, func(int) error {
			_, err := s.Append(s.ctx, ann, version, record("WON", "1"))
			if err == nil {
				won.Add(1)
				return nil
			}
			return onlyConflict(err, version)
		})
	}
	s.same("how many appends won", won.Load(), int64(rounds))
	s.same("how many events there are", len(s.read(stream.Query{}).records), rounds)
}

func onlyConflict(err error, expected stream.Version) error {
	var conflict *stream.ConflictError
	if errors.As(err, &conflict) && conflict.Expected == expected && conflict.Actual > expected {
		return nil
	}
	return fmt.Errorf("losing at version %d: %w, want a conflict with a later version", expected, err)
}

// Guarantee 3: an append is all or nothing to every reader.
// Breaks when: an engine lets go of its lock between two records of an append.
func wholeAppends(s *subject) {
	const size, writers, appends = 7, 4, 50
	ctx, stop := context.WithCancel(s.ctx)
	var reader sync.WaitGroup
	var split error
	reader.Go(func() {
		for ctx.Err() == nil && split == nil {
			split = s.findSplit(size)
		}
	})
	s.together(writers, func(w int) error {
		for range appends {
			if _, err := s.Append(s.ctx, stream.ID{Topic: "users", Key: fmt.Sprint(w)}, stream.AnyVersion, records(size)...); err != nil {
				return err
			}
		}
		return nil
	})
	stop()
	reader.Wait()
	s.must(split, "reading while writers append")
	s.must(s.findSplit(size), "reading afterwards")
}

// findSplit returns an error if a reader can see part of an append of size
// events.
func (s *subject) findSplit(size int) error {
	head, err := s.Head(s.ctx)
	if err != nil {
		return err
	}
	if n := int(head.Position(0)); n%size != 0 {
		return fmt.Errorf("the head is at %d, within an append of %d events", n, size)
	}
	from := stream.Position(0)
	if n := head.Position(0); n > stream.Position(10*size) {
		from = n - stream.Position(10*size)
	}
	p := &tape{query: stream.Query{From: stream.At(from)}}
	if err := s.Read(s.ctx, p.query, p.take); err != nil {
		return err
	}
	if len(p.records)%size != 0 {
		return fmt.Errorf("a read from %d ended at %s, within an append of %d events", from, p.last().At, size)
	}
	return nil
}
