package testkit

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/thaw-go/thaw/stream"
)

// at is a cursor for a number of events.
func at[N int | stream.Position](n N) stream.Cursor { return stream.At(stream.Position(n)) }

func emptyLog(s *subject) {
	s.same("head", s.head(), stream.Cursor{})
	p := s.read(stream.Query{})
	s.same("marks", p.marks, []stream.Mark{{Live: true}})
	s.same("events", len(p.records), 0)
}

// Guarantee 4: cold ends at the head it saw.
// Breaks when: a finite read looks at the head again for each block.
func coldEnds(s *subject) {
	for _, n := range []int{1, 30, 2500} {
		for len(s.read(stream.Query{}).records) < n {
			s.append(ann, records(50)...)
		}
		want := s.head()
		p := &tape{}
		err := s.Read(s.ctx, p.query, func(block []stream.Record, m stream.Mark) error {
			if err := p.take(block, m); err != nil {
				return err
			}
			_, err := s.Append(s.ctx, bob, stream.AnyVersion, records(3)...)
			return err
		})
		s.must(err, "read")
		s.same("the place where the read ended", p.last().At, want)
		s.same("how many events it delivered", at(len(p.records)), want)
	}
}

func coldAmongWriters(s *subject) {
	var done atomic.Bool
	const writers = 4
	s.together(writers+2, func(i int) error {
		if i >= writers {
			for !done.Load() {
				if err := s.readPrefix(); err != nil {
					return err
				}
			}
			return nil
		}
		defer done.Store(true)
		for range 50 {
			if _, err := s.Append(s.ctx, stream.ID{Topic: "users", Key: fmt.Sprint(i)}, stream.AnyVersion, records(3)...); err != nil {
				return err
			}
		}
		return nil
	})
	s.must(s.readPrefix(), "reading afterwards")
}

// readPrefix returns an error unless a cold read delivers every event from the
// beginning to a head that it saw.
func (s *subject) readPrefix() error {
	before, err := s.Head(s.ctx)
	if err != nil {
		return err
	}
	p := &tape{}
	if err := s.Read(s.ctx, p.query, p.take); err != nil {
		return err
	}
	after, err := s.Head(s.ctx)
	if err != nil {
		return err
	}
	end := p.last().At
	if !end.Reached(before) || !after.Reached(end) {
		return fmt.Errorf("a cold read ended at %s, but the head was at %s before and at %s after it", end, before, after)
	}
	if !at(len(p.records)).Equal(end) {
		return fmt.Errorf("a cold read to %s delivered %d events", end, len(p.records))
	}
	return nil
}

func readBounds(s *subject) {
	const n = 7
	all := s.fill(n)
	for from := range n + 1 {
		for to := 1; to <= n+2; to++ { // 0 is "to the head"
			end := max(from, min(to, n))
			p := s.read(stream.Query{From: at(from), To: at(to)})
			step := fmt.Sprintf("after %d, up to %d", from, to)
			s.same(step+": positions", p.positions(), positions(all[from:end]))
			s.same(step+": last mark", p.last().At, at(end))
		}
		p := s.read(stream.Query{From: at(from)})
		s.sameRecords(fmt.Sprintf("after %d, up to the head", from), p.records, all[from:])
	}
}

func readMatches(s *subject) {
	all := s.fill(60)
	for name, match := range map[string][]stream.Match{
		"all":                        {},
		"an empty match":             {{}},
		"a topic":                    {{Topic: "users"}},
		"a key in any topic":         {{Key: "ann"}},
		"an instance":                {{Topic: "users", Key: "ann"}},
		"a type":                     {{Types: []string{"ODD"}}},
		"two types":                  {{Types: []string{"ODD", "EVEN"}}},
		"a type of an instance":      {{Topic: "users", Key: "bob", Types: []string{"EVEN", "NONE"}}},
		"two instances":              {{Topic: "users", Key: "ann"}, {Topic: "lots", Key: "ann"}},
		"the same instance twice":    {{Topic: "users", Key: "ann"}, {Topic: "users", Key: "ann"}},
		"matches that overlap":       {{Topic: "users"}, {Key: "ann"}, {Types: []string{"ODD"}}},
		"two topics":                 {{Topic: "lots"}, {Topic: "users"}},
		"one of two that is nothing": {{Topic: "none"}, {Topic: "lots", Types: []string{"ODD"}}},
		"part of a topic's name":     {{Topic: "user"}},
		"part of a key":              {{Topic: "users", Key: "an"}},
	} {
		for _, from := range []int{0, 1, 29, 59, 60} {
			q := stream.Query{Match: match, From: at(from)}
			var want []stream.Record
			for i := range all[from:] {
				if r := &all[from+i]; q.Accepts(r.Stream.Topic, r.Stream.Key, r.Type, r.Tags) {
					want = append(want, *r)
				}
			}
			p := s.read(q)
			s.sameRecords(fmt.Sprintf("%s, after %d", name, from), p.records, want)
			s.same(name+": last mark", p.last().At, at(60))
		}
	}
}

func nothingSelected(s *subject) {
	s.fill(2500)
	for _, match := range []stream.Match{{Topic: "none"}, {Key: "none"}, {Topic: "users", Key: "none"}, {Types: []string{"NONE"}}} {
		p := s.read(stream.Query{Match: []stream.Match{match}})
		s.same("events", len(p.records), 0)
		s.same(fmt.Sprintf("last mark of %+v", match), p.last(), stream.Mark{At: at(2500), Head: at(2500), Live: true})
	}
}

func pastHead(s *subject) {
	s.fill(3)
	for _, from := range []stream.Cursor{at(4), at(5000), stream.At(3, 1), stream.At(0, 1), stream.At(1<<63 + 5)} {
		for _, follow := range []bool{false, true} {
			err := s.Read(s.ctx, stream.Query{From: from, Follow: follow}, func([]stream.Record, stream.Mark) error {
				return errors.New("emit was called")
			})
			failsWith[*stream.InvalidError](s, "read from "+from.String()+" of a log at 3", err)
		}
	}
}

func instances(s *subject) {
	want := map[stream.ID][]stream.Record{}
	for i := range 200 {
		for _, key := range []string{"a", "ab", "a/b", "b"}[:1+i%4] {
			for _, topic := range []string{"t", "tt"} {
				id := stream.ID{Topic: topic, Key: key}
				want[id] = append(want[id], s.append(id, records(1+i%3)...)...)
			}
		}
	}
	end := s.head()
	for id, list := range want {
		match := []stream.Match{{Topic: id.Topic, Key: id.Key}}
		p := s.read(stream.Query{Match: match})
		s.sameRecords("history of "+id.String(), p.records, list)
		s.same("its last mark", p.last(), stream.Mark{At: end, Head: end, Live: true})
		half := list[len(list)/2]
		p = s.read(stream.Query{Match: match, From: half.Cursor()})
		s.same("the second half of "+id.String(), positions(p.records), positions(list[len(list)/2+1:]))
		p = s.read(stream.Query{Match: match, To: half.Cursor()})
		s.same("the first half of "+id.String(), positions(p.records), positions(list[:len(list)/2+1]))
		s.same("its last mark", p.last().At, half.Cursor())
	}
}

func readMarks(s *subject) {
	const n = 5000
	s.append(ann, records(n/2)...)
	s.append(bob, records(n/2)...)
	for _, from := range []int{0, 1, 999, 1000, 1001, 2500, 4999, n} {
		p := s.read(stream.Query{From: at(from)})
		s.same("last mark", p.last(), stream.Mark{At: at(n), Head: at(n), Live: true})
		s.same("how many events were delivered", len(p.records), n-from)
		for _, m := range p.marks[:len(p.marks)-1] {
			if m.Live && !m.At.Reached(at(n)) {
				s.broken("the mark at %s is live, though the head was at %d", m.At, n)
			}
		}
	}
}

func emitFails(s *subject) {
	s.fill(5000)
	stop := errors.New("stop here")
	for _, follow := range []bool{false, true} {
		calls := 0
		err := s.Read(s.ctx, stream.Query{Follow: follow}, func([]stream.Record, stream.Mark) error {
			calls++
			return stop
		})
		s.failsAs("read", err, stop)
		s.same("calls of emit", calls, 1)
	}
}

func readCancelled(s *subject) {
	s.fill(10)
	ctx, cancel := context.WithCancel(s.ctx)
	cancel()
	for _, follow := range []bool{false, true} {
		err := s.Read(ctx, stream.Query{Follow: follow}, func([]stream.Record, stream.Mark) error {
			return errors.New("emit was called")
		})
		s.failsAs("read with a cancelled context", err, context.Canceled)
	}
	if _, err := s.Head(ctx); !errors.Is(err, context.Canceled) {
		s.broken("head with a cancelled context: got the error %v, want %v", err, context.Canceled)
	}
}

func reentrant(s *subject) {
	s.fill(10)
	nested := 0
	err := s.Read(s.ctx, stream.Query{}, func([]stream.Record, stream.Mark) error {
		if _, err := s.Append(s.ctx, ann, stream.AnyVersion, records(1)...); err != nil {
			return err
		}
		if err := s.SaveCursor(s.ctx, "reader", at(10)); err != nil {
			return err
		}
		nested = len(s.read(stream.Query{}).records)
		return nil
	})
	s.must(err, "read")
	if nested < 11 {
		s.broken("a read within a read saw %d events, want at least 11", nested)
	}
}
