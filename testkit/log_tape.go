package testkit

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/thaw-go/thaw/stream"
)

// tape is what one read has handed over. It checks what is true of every read.
type tape struct {
	query   stream.Query
	records []stream.Record
	marks   []stream.Mark
}

// take keeps a copy of a block. The error says what a read must not do.
func (p *tape) take(block []stream.Record, m stream.Mark) error {
	last := p.last()
	at := last.At.Position(0)
	for i := range block {
		r := &block[i]
		if r.Position <= at {
			return fmt.Errorf("the read handed over position %d behind position %d: events come in order, and once", r.Position, at)
		}
		if !p.query.Accepts(r.Stream.Topic, r.Stream.Key, r.Type, r.Tags) {
			return fmt.Errorf("the read handed over event %d, %s of %s, which the query does not select", r.Position, r.Type, r.Stream)
		}
		at = r.Position
		p.records = append(p.records, keep(r))
	}
	switch {
	case m.At.Position(0) < at:
		return fmt.Errorf("the mark is at %s, but event %d came with it or before it: marks never go back and cover their block", m.At, at)
	case !m.Head.Reached(m.At):
		return fmt.Errorf("the mark is at %s, past the head it names, %s", m.At, m.Head)
	case !m.Head.Reached(last.Head):
		return fmt.Errorf("the mark's head went back from %s to %s", last.Head, m.Head)
	case last.Live && !m.Live:
		return fmt.Errorf("the mark at %s is not live, though the one at %s was", m.At, last.At)
	}
	p.marks = append(p.marks, m)
	return nil
}

// last is the newest mark, or the place where the read began.
func (p *tape) last() stream.Mark {
	if len(p.marks) == 0 {
		return stream.Mark{At: p.query.From}
	}
	return p.marks[len(p.marks)-1]
}

// positions are where the records handed over are.
func (p *tape) positions() []stream.Position { return positions(p.records) }

func positions(list []stream.Record) []stream.Position {
	var all []stream.Position
	for i := range list {
		all = append(all, list[i].Position)
	}
	return all
}

// keep copies a record that is valid only for now.
func keep(r *stream.Record) stream.Record {
	c := *r
	c.Data = bytes.Clone(r.Data)
	c.Meta, c.Tags = maps.Clone(r.Meta), slices.Clone(r.Tags)
	return c
}

// read is a finite read to its end.
func (s *subject) read(q stream.Query) *tape {
	s.t.Helper()
	p := &tape{query: q}
	s.must(s.Read(s.ctx, q, p.take), "read")
	if len(p.marks) == 0 {
		s.broken("the read ended without a mark at its end")
	}
	return p
}

// follow reads on until enough says so, and returns what it has read. The error
// is the read's, nil if it ended because of enough.
func (s *subject) follow(ctx context.Context, q stream.Query, enough func(*tape) bool) (*tape, error) {
	q.Follow = true
	p := &tape{query: q}
	err := s.Read(ctx, q, func(block []stream.Record, m stream.Mark) error {
		if err := p.take(block, m); err != nil {
			return err
		}
		if enough(p) {
			return errEnough
		}
		return nil
	})
	if errors.Is(err, errEnough) {
		return p, nil
	}
	if err == nil {
		err = errors.New("a following read ended without an error")
	}
	return p, err
}

type enoughError struct{}

func (enoughError) Error() string { return "testkit: the test has seen enough" }

var errEnough error = enoughError{}

// upTo is enough when the mark has reached a place.
func upTo(place stream.Cursor) func(*tape) bool {
	return func(p *tape) bool { return p.last().At.Reached(place) }
}

// live is enough when history has been handed over.
func live(p *tape) bool { return p.last().Live }
