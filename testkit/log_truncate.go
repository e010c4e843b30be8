package testkit

import (
	"context"
	"errors"

	"github.com/thaw-go/thaw/stream"
)

// cutLog fills the log with more events than an engine keeps together, and
// removes the first part of them.
func (s *subject) cutLog() (all []stream.Record, cut stream.Position) {
	s.t.Helper()
	const events, most = 2500, 2000
	all = s.fill(events)
	at := s.truncate(most)
	if cut = at.Position(0); cut > most {
		s.broken("truncating at %d: got the place %s", most, at)
	}
	if cut == 0 {
		s.t.Skipf("this log removes nothing of %d events", events)
	}
	return all, cut
}

func (s *subject) truncate(at stream.Position) stream.Cursor {
	s.t.Helper()
	log, ok := s.Log.(stream.Truncater)
	if !ok {
		s.t.Skip("this log can not be truncated")
	}
	cut, err := log.Truncate(s.ctx, stream.At(at))
	s.must(err, "truncate")
	return cut
}

// missing ends the test unless the read hands over nothing and names the cut.
func (s *subject) missing(q stream.Query, cut stream.Position) {
	s.t.Helper()
	p := &tape{query: q}
	err := s.Read(s.ctx, q, func(block []stream.Record, m stream.Mark) error {
		if len(block) > 0 || m.Live {
			return errEnough
		}
		return p.take(block, m)
	})
	gone := failsWith[*stream.TruncatedError](s, "read from "+q.From.String(), err)
	s.same("the place that the error names", gone.Cut, stream.At(cut))
}

func instance(id stream.ID) []stream.Match { return []stream.Match{{Topic: id.Topic, Key: id.Key}} }

func truncatedReads(s *subject) {
	_, cut := s.cutLog()
	for _, from := range []stream.Position{0, cut / 2, cut - 1} {
		for _, follow := range []bool{false, true} {
			s.missing(stream.Query{From: stream.At(from), Follow: follow}, cut)
			s.missing(stream.Query{From: stream.At(from), Follow: follow, Match: []stream.Match{{Topic: ann.Topic}}}, cut)
		}
	}
	s.same("events of a read that ends where it begins", len(s.read(stream.Query{From: at(1), To: at(1)}).records), 0)
}

func truncatedRest(s *subject) {
	all, cut := s.cutLog()
	s.sameRecords("what is left", s.read(stream.Query{From: stream.At(cut)}).records, all[cut:])
	s.sameRecords("what is left of an instance", s.read(stream.Query{From: stream.At(cut), Match: instance(bob)}).records, of(all[cut:], bob))
	next := s.append(ann, record("NEXT", "next"))
	s.same("the next position", next[0].Position, stream.Position(len(all)+1))
	s.same("the next version", next[0].Version, stream.Version(len(of(all, ann))+1))
	if s.lacks(ExpectedVersion) {
		return
	}
	_, err := s.Append(s.ctx, bob, 0, record("NEW", "new"))
	conflict := failsWith[*stream.ConflictError](s, "append to what must not exist", err)
	s.same("the version it has", conflict.Actual, stream.Version(len(of(all, bob))))
}

// of are the records of one stream.
func of(all []stream.Record, id stream.ID) []stream.Record {
	var list []stream.Record
	for _, r := range all {
		if r.Stream == id {
			list = append(list, r)
		}
	}
	return list
}

func truncatedInstances(s *subject) {
	early, late := stream.ID{Topic: "users", Key: "early"}, stream.ID{Topic: "users", Key: "late"}
	s.append(early, records(3)...)
	all := s.fill(2500)
	want := s.append(late, records(3)...)
	cut := s.truncate(2000).Position(0)
	if cut < 3 {
		s.t.Skipf("this log removes %d of %d events", cut, len(all))
	}
	for _, id := range []stream.ID{early, ann} {
		s.missing(stream.Query{Match: instance(id)}, cut)
		s.missing(stream.Query{Match: instance(id), Follow: true}, cut)
	}
	s.sameRecords("an instance that has its first event", s.read(stream.Query{Match: instance(late)}).records, want)
	s.same("an instance that never was", len(s.read(stream.Query{Match: instance(stream.ID{Topic: "users", Key: "never"})}).records), 0)
	more := s.append(early, record("MORE", "more"))
	s.same("the version of one whose events are all gone", more[0].Version, stream.Version(4))
	s.missing(stream.Query{Match: instance(early)}, cut)
}

func truncatedCommands(s *subject) {
	send := func(n byte) []stream.Record {
		list := records(2)
		for i := range list {
			list[i].Command = stream.EventID{1, n}
		}
		return s.append(bob, list...)
	}
	old := send(1)
	s.fill(2500)
	kept := send(2)
	if s.truncate(2000).IsZero() {
		s.t.Skip("this log removes nothing")
	}
	s.sameRecords("a command whose events are there", send(2), kept)
	if again := send(1); again[0].Position <= kept[0].Position || again[0].Position == old[0].Position {
		s.broken("a command whose events were removed: got position %d again, want a new one", again[0].Position)
	}
}

func truncatedConsumers(s *subject) {
	s.fill(10)
	s.must(s.checkpoint("sales", at(5), change("a", "1")), "checkpoint")
	s.cutLog()
	s.hasPlace("sales", at(5))
	s.remembers("sales", map[string]string{"a": "1"})
}

func truncatedPlaces(s *subject) {
	all, cut := s.cutLog()
	_, err := s.Log.(stream.Truncater).Truncate(s.ctx, stream.At(stream.Position(len(all)+1)))
	failsWith[*stream.InvalidError](s, "truncate past the head", err)
	s.same("the cut after truncating before it", s.truncate(1), stream.At(cut))
	s.sameRecords("what is left", s.read(stream.Query{From: stream.At(cut)}).records, all[cut:])
}

// truncatedMeanwhile has a slow reader in the middle of what is removed. It may
// have the rest in hand; what it is given must be without a gap.
func truncatedMeanwhile(s *subject) {
	s.truncate(0)
	all := s.fill(2500)
	ctx, cancel := context.WithCancel(s.ctx)
	defer cancel()
	var cut stream.Position
	p := &tape{}
	err := s.Read(ctx, stream.Query{}, func(block []stream.Record, m stream.Mark) error {
		if cut == 0 && len(block) > 0 {
			cut = s.truncate(2000).Position(0)
		}
		return p.take(block, m)
	})
	for i, r := range p.records {
		if want := stream.Position(i + 1); r.Position != want {
			s.broken("got position %d, want %d or a TruncatedError", r.Position, want)
		}
	}
	var gone *stream.TruncatedError
	if !errors.As(err, &gone) && len(p.records) < len(all) {
		s.broken("got %d of %d events and the error %v, want all or a TruncatedError", len(p.records), len(all), err)
	}
}

func truncatedReopened(s *subject) {
	if !s.run.engine.Durable {
		s.t.Skip("this log keeps nothing")
	}
	all, cut := s.cutLog()
	s.reopen()
	s.missing(stream.Query{}, cut)
	s.missing(stream.Query{Match: instance(ann)}, cut)
	s.sameRecords("what is left", s.read(stream.Query{From: stream.At(cut)}).records, all[cut:])
	next := s.append(ann, record("NEXT", "next"))
	s.same("the next version", next[0].Version, stream.Version(len(of(all, ann))+1))
}
