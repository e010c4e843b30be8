package testkit

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"

	"github.com/thaw-go/thaw/stream"
)

// model is a log so simple that it is plainly right.
type model struct {
	records  []stream.Record
	commands map[string][]stream.Record // by topic and command
	places   map[string]stream.Cursor
	state    map[string]map[string]string
}

// randomHistories tries three histories, each on a log of its own.
func randomHistories(s *subject) {
	for seed := uint64(1); seed <= 3; seed++ {
		log := s.another()
		log.randomHistory(seed, 400)
		s.must(log.Close(), "close")
	}
}

// randomHistory makes random calls to the log and to the model and ends the
// test when they differ.
func (s *subject) randomHistory(seed uint64, steps int) {
	s.t.Helper()
	random := rand.New(rand.NewPCG(seed, 0))
	m := &model{commands: map[string][]stream.Record{}, places: map[string]stream.Cursor{}, state: map[string]map[string]string{}}
	for range steps {
		switch n := random.IntN(100); {
		case n < 40:
			s.tryAppend(m, random)
		case n < 55:
			s.tryBatch(m, random)
		case n < 75:
			s.tryRead(m, random)
		case n < 98:
			s.tryCheckpoint(m, random)
		case s.run.engine.Durable:
			s.reopen()
		}
	}
	s.holds(m.records)
	for _, name := range modelConsumers {
		want := m.state[name]
		if want == nil {
			want = map[string]string{}
		}
		s.remembers(name, want)
	}
}

var (
	modelStreams   = []stream.ID{ann, bob, lot, {Topic: "lots", Key: "a/b"}, {Topic: "users", Key: "an"}}
	modelConsumers = []string{"c", "cc", "c/c"}
	modelTypes     = []string{"A", "B", "AB"}
	modelTags      = [][]string{nil, nil, {"a"}, {"a", "b"}, {"b"}}
)

func pick[T any](random *rand.Rand, list []T) T { return list[random.IntN(len(list))] }

func (s *subject) tryAppend(m *model, random *rand.Rand) {
	s.t.Helper()
	id := pick(random, modelStreams)
	version := m.version(id)
	expected := pick(random, []stream.Version{version, version, version, stream.AnyVersion, 0, version + 1, stream.Version(random.IntN(20))})
	list := records(1 + random.IntN(4))
	command := stream.EventID{byte(random.IntN(120))} // 0: none
	if expected = s.expect(expected); s.lacks(CommandOnce) {
		command = stream.EventID{}
	}
	for i := range list {
		list[i].Type, list[i].Command, list[i].Tags = pick(random, modelTypes), command, pick(random, modelTags)
		if random.IntN(3) == 0 {
			list[i].Meta = stream.Metadata{"n": fmt.Sprint(random.IntN(9))}
		}
	}
	got, err := s.Append(s.ctx, id, expected, list...)
	want, wantErr := m.append(id, expected, list, got)
	step := fmt.Sprintf("append to %s at %d, expecting %d, of command %s", id, version, expected, command)
	s.sameError(step, err, wantErr)
	s.sameRecords(step, got, want)
}

func (m *model) version(id stream.ID) (v stream.Version) {
	for i := range m.records {
		if m.records[i].Stream == id {
			v++
		}
	}
	return v
}

// append says what an append must return. IDs and times, which the log makes up,
// are taken from what it returned.
func (m *model) append(id stream.ID, expected stream.Version, list, got []stream.Record) ([]stream.Record, error) {
	command := list[0].Command
	name := id.Topic + " " + command.String()
	if first, ok := m.commands[name]; ok {
		if slices.ContainsFunc(first, func(r stream.Record) bool { return r.Stream != id }) {
			return nil, &stream.CommandReusedError{Command: command, First: first[0].Stream, Again: id}
		}
		return first, nil
	}
	version := m.version(id)
	if expected != stream.AnyVersion && expected != version {
		return nil, &stream.ConflictError{Stream: id, Expected: expected, Actual: version}
	}
	return m.store(id, list, got), nil
}

// store is an append that nothing speaks against.
func (m *model) store(id stream.ID, list, got []stream.Record) []stream.Record {
	version := m.version(id)
	stored := slices.Clone(list)
	for i := range stored {
		r := &stored[i]
		r.Stream, r.Version, r.Position = id, version+stream.Version(i)+1, stream.Position(len(m.records)+1)
		if i < len(got) {
			r.ID, r.Time = got[i].ID, got[i].Time
		}
		m.records = append(m.records, *r)
	}
	if command := list[0].Command; !command.IsZero() {
		name := id.Topic + " " + command.String()
		m.commands[name] = append(m.commands[name], stored...)
	}
	return stored
}

func (s *subject) tryRead(m *model, random *rand.Rand) {
	s.t.Helper()
	q := stream.Query{From: at(random.IntN(len(m.records) + 2)), To: at(random.IntN(len(m.records) + 2))}
	for range random.IntN(3) {
		id := pick(random, modelStreams)
		match := stream.Match{Topic: pick(random, []string{"", id.Topic}), Key: pick(random, []string{"", id.Key}), Tags: pick(random, modelTags)}
		if random.IntN(2) == 0 {
			match.Types = []string{pick(random, modelTypes), pick(random, modelTypes)}
		}
		q.Match = append(q.Match, match)
	}
	p := &tape{query: q}
	err := s.Read(s.ctx, q, p.take)
	if head := at(len(m.records)); !head.Reached(q.From) {
		failsWith[*stream.InvalidError](s, "read from past the head", err)
		return
	}
	s.must(err, "read")
	var want []stream.Record
	for i := range m.records {
		r := &m.records[i]
		within := r.Position > q.From.Position(0) && (q.To.IsZero() || r.Position <= q.To.Position(0))
		if within && q.Accepts(r.Stream.Topic, r.Stream.Key, r.Type, r.Tags) {
			want = append(want, *r)
		}
	}
	s.sameRecords(fmt.Sprintf("read of %+v", q), p.records, want)
}

func (s *subject) tryCheckpoint(m *model, random *rand.Rand) {
	s.t.Helper()
	name := pick(random, modelConsumers)
	saved := m.places[name].Position(0)
	to := at(min(saved+stream.Position(random.IntN(8)), stream.Position(len(m.records))) + stream.Position(random.IntN(2)))
	if random.IntN(5) == 0 {
		to = at(random.IntN(len(m.records) + 1))
	}
	var changes []stream.Change
	for range random.IntN(4) {
		c := change(pick(random, stateKeys), fmt.Sprint(random.Uint64()))
		if random.IntN(3) == 0 {
			c.Value = nil
		}
		changes = append(changes, c)
	}
	err := s.checkpoint(name, to, changes...)
	s.sameError(fmt.Sprintf("checkpoint of %s at %s", name, to), err, m.checkpoint(name, to, changes))
	if place, ok := m.places[name]; ok {
		s.hasPlace(name, place)
	}
}

func (m *model) checkpoint(name string, to stream.Cursor, changes []stream.Change) error {
	saved, head := m.places[name], at(len(m.records))
	if !to.Reached(saved) || !head.Reached(to) {
		return &stream.BackwardsError{Consumer: name, Saved: saved, Head: head, Asked: to}
	}
	m.places[name] = to
	state := maps.Clone(m.state[name])
	if state == nil {
		state = map[string]string{}
	}
	for _, c := range changes {
		if c.Value == nil {
			delete(state, c.Key)
			continue
		}
		state[c.Key] = string(c.Value)
	}
	m.state[name] = state
	return nil
}

// sameError ends the test unless both errors are nil or of one type with the
// same fields.
func (s *subject) sameError(step string, got, want error) {
	s.t.Helper()
	switch want := want.(type) {
	case nil:
		s.must(got, step)
	case *stream.ConflictError:
		s.same(step, *failsWith[*stream.ConflictError](s, step, got), *want)
	case *stream.CommandReusedError:
		s.same(step, *failsWith[*stream.CommandReusedError](s, step, got), *want)
	case *stream.ConditionError:
		s.same(step, *failsWith[*stream.ConditionError](s, step, got), *want)
	case *stream.BackwardsError:
		s.same(step, *failsWith[*stream.BackwardsError](s, step, got), *want)
	default:
		s.broken("%s: got %v, want %v", step, got, errors.Unwrap(want))
	}
}
