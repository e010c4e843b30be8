package testkit

import (
	"fmt"
	"math/rand/v2"

	"github.com/thaw-go/thaw/stream"
)

// tryBatch makes a random append to several streams; a log that can not is spared.
func (s *subject) tryBatch(m *model, random *rand.Rand) {
	s.t.Helper()
	log, ok := s.Log.(stream.MultiStore)
	if !ok {
		return
	}
	b := s.randomBatch(m, random)
	got, err := log.AppendAll(s.ctx, b)
	want, wantErr := m.appendAll(b, got)
	step := fmt.Sprintf("append of the batch %+v", b)
	if reused, ok := wantErr.(*stream.CommandReusedError); ok { // of several streams it names any
		s.same(step, failsWith[*stream.CommandReusedError](s, step, err).Command, reused.Command)
		return
	}
	s.sameError(step, err, wantErr)
	s.sameRecords(step, got, want)
}

func (s *subject) randomBatch(m *model, random *rand.Rand) (b stream.Batch) {
	command := stream.EventID{byte(random.IntN(120))} // 0: none
	if s.lacks(CommandOnce) {
		command = stream.EventID{}
	}
	for i, at := range random.Perm(len(modelStreams))[:1+random.IntN(3)] {
		id := modelStreams[at]
		version := m.version(id)
		w := stream.Write{Stream: id, Expected: s.expect(pick(random, []stream.Version{version, version, version, stream.AnyVersion, version + 1}))}
		if i == 0 || random.IntN(4) > 0 {
			w.Records = records(1 + random.IntN(3))
		}
		for j := range w.Records {
			r := &w.Records[j]
			r.Type, r.Command, r.Tags, r.Depth = pick(random, modelTypes), command, pick(random, modelTags), random.Uint32N(9)
		}
		b.Writes = append(b.Writes, w)
	}
	for range random.IntN(3) {
		c := stream.Condition{After: at(max(0, len(m.records)-random.IntN(9)))}
		for range random.IntN(3) {
			c.Match = append(c.Match, stream.Match{Topic: pick(random, []string{"", "users", "lots"}), Tags: pick(random, modelTags), Types: []string{pick(random, modelTypes)}})
		}
		b.Conditions = append(b.Conditions, c)
	}
	return b
}

// appendAll says what an append of a batch must return.
func (m *model) appendAll(b stream.Batch, got []stream.Record) (stored []stream.Record, err error) {
	if stored, err := m.before(b); stored != nil || err != nil {
		return stored, err
	}
	for _, w := range b.Writes {
		if version := m.version(w.Stream); w.Expected != stream.AnyVersion && w.Expected != version {
			return nil, &stream.ConflictError{Stream: w.Stream, Expected: w.Expected, Actual: version}
		}
	}
	for _, c := range b.Conditions {
		q := stream.Query{Match: c.Match}
		for _, r := range m.records[c.After.Position(0):] {
			if q.Accepts(r.Stream.Topic, r.Stream.Key, r.Type, r.Tags) {
				return nil, &stream.ConditionError{Condition: c, Found: r.Cursor()}
			}
		}
	}
	for _, w := range b.Writes {
		if n := len(w.Records); n > 0 {
			stored = append(stored, m.store(w.Stream, w.Records, got[min(len(stored), len(got)):min(len(stored)+n, len(got))])...)
		}
	}
	return stored, nil
}

// before is what the batch's command did already, in the order of its writes; nil if
// nothing.
func (m *model) before(b stream.Batch) (stored []stream.Record, err error) {
	topics, wanted := map[string]bool{}, map[stream.ID]bool{}
	var command stream.EventID
	for _, w := range b.Writes {
		if len(w.Records) > 0 {
			topics[w.Stream.Topic], wanted[w.Stream], command = true, true, w.Records[0].Command
		}
	}
	reused := &stream.CommandReusedError{Command: command}
	did := map[stream.ID][]stream.Record{}
	for topic := range topics {
		for _, r := range m.commands[topic+" "+command.String()] {
			did[r.Stream] = append(did[r.Stream], r)
			if !wanted[r.Stream] {
				return nil, reused
			}
		}
	}
	if len(did) == 0 {
		return nil, nil
	}
	for _, w := range b.Writes {
		if len(w.Records) > 0 && len(did[w.Stream]) == 0 {
			return nil, reused
		}
		stored = append(stored, did[w.Stream]...)
	}
	return stored, nil
}
