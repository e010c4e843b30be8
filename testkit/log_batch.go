package testkit

import (
	"errors"
	"fmt"

	"github.com/thaw-go/thaw/internal/engine"
	"github.com/thaw-go/thaw/stream"
)

// multi is the log as one that appends to several streams at once. The test is
// skipped if it does not.
func (s *subject) multi() stream.MultiStore {
	s.t.Helper()
	log, ok := s.Log.(stream.MultiStore)
	if !ok {
		s.t.Skip("this log does not append to several streams at once")
	}
	return log
}

// appendAll appends a batch and ends the test if that fails.
func (s *subject) appendAll(b stream.Batch) []stream.Record {
	s.t.Helper()
	stored, err := s.multi().AppendAll(s.ctx, b)
	s.must(err, "append of a batch")
	return stored
}

func write(id stream.ID, expected stream.Version, list ...stream.Record) stream.Write {
	return stream.Write{Stream: id, Expected: expected, Records: list}
}

// anywhere is a batch of writes that expect no version.
func anywhere(list ...stream.Write) stream.Batch {
	for i := range list {
		list[i].Expected = stream.AnyVersion
	}
	return stream.Batch{Writes: list}
}

func tagged(r stream.Record, tags ...string) stream.Record {
	r.Tags = tags
	return r
}

// batchStored has writers append batches at once.
func batchStored(s *subject) {
	s.multi()
	s.together(8, func(w int) error {
		for n := range 20 {
			mine := stream.ID{Topic: "users", Key: fmt.Sprint(w)}
			b := anywhere(write(lot, 0, records(2)...), write(bob, 0), write(mine, 0, records(1+n%3)...), write(ann, 0, records(1)...))
			stored, err := s.multi().AppendAll(s.ctx, b)
			if err != nil {
				return err
			}
			if err := inOrder(stored, b); err != nil {
				return err
			}
		}
		return nil
	})
	next := map[stream.ID]stream.Version{}
	for _, r := range s.read(stream.Query{}).records {
		if next[r.Stream]++; r.Version != next[r.Stream] {
			s.broken("event %d of %s has version %d, want %d", r.Position, r.Stream, r.Version, next[r.Stream])
		}
	}
}

// inOrder returns an error unless the records are those of the batch, in the order
// of its writes, one behind the other.
func inOrder(stored []stream.Record, b stream.Batch) error {
	i := 0
	for _, w := range b.Writes {
		for _, r := range w.Records {
			if i == len(stored) {
				return fmt.Errorf("a batch returned %d records, want more", i)
			}
			got := &stored[i]
			if want := stored[0].Position + stream.Position(i); got.Stream != w.Stream || string(got.Data) != string(r.Data) || got.Position != want {
				return fmt.Errorf("record %d of a batch is %q of %s at position %d, want %q of %s at %d", i+1, got.Data, got.Stream, got.Position, r.Data, w.Stream, want)
			}
			i++
		}
	}
	if i != len(stored) {
		return fmt.Errorf("a batch returned %d records, want %d", len(stored), i)
	}
	return nil
}

func batchConflict(s *subject) {
	s.multi()
	want := append(s.append(ann, records(2)...), s.append(bob, records(1)...)...)
	for _, c := range []struct {
		writes []stream.Write
		want   stream.ConflictError
	}{
		{[]stream.Write{write(ann, 1, records(1)...), write(bob, 1, records(1)...)}, stream.ConflictError{Stream: ann, Expected: 1, Actual: 2}},
		{[]stream.Write{write(ann, 2, records(1)...), write(bob, 0, records(1)...)}, stream.ConflictError{Stream: bob, Expected: 0, Actual: 1}},
		{[]stream.Write{write(ann, 2, records(1)...), write(bob, 2)}, stream.ConflictError{Stream: bob, Expected: 2, Actual: 1}},
		{[]stream.Write{write(lot, 1), write(ann, 2, records(1)...)}, stream.ConflictError{Stream: lot, Expected: 1}},
	} {
		_, err := s.multi().AppendAll(s.ctx, stream.Batch{Writes: c.writes})
		s.same("the conflict", *failsWith[*stream.ConflictError](s, "a batch of which a write is at another version", err), c.want)
		s.holds(want)
	}
	s.holds(append(want, s.appendAll(stream.Batch{Writes: []stream.Write{write(bob, 1), write(lot, 0), write(ann, 2, records(2)...)}})...))
}

func batchRefused(s *subject) {
	s.multi()
	want := s.append(ann, records(1)...)
	one, two := commanded(stream.NewID(), 1), commanded(stream.NewID(), 1)
	short := records(1)
	short[0].Remember = 60
	many := make([]stream.Write, engine.MaxBatchStreams+1)
	for i := range many {
		many[i] = write(stream.ID{Topic: "many", Key: fmt.Sprint(i)}, stream.AnyVersion, records(1)...)
	}
	for what, b := range map[string]stream.Batch{
		"nothing":                      {},
		"only checks":                  anywhere(write(ann, 0)),
		"a stream twice":               anywhere(write(ann, 0, records(1)...), write(ann, 0, records(1)...)),
		"two commands":                 anywhere(write(ann, 0, one...), write(bob, 0, two...)),
		"two times in one topic":       anywhere(write(ann, 0, records(1)...), write(bob, 0, short...)),
		"a stream without a key":       anywhere(write(ann, 0, records(1)...), write(stream.ID{Topic: "users"}, 0)),
		"an event without a payload":   anywhere(write(ann, 0, records(1)...), write(bob, 0, record("EMPTY", ""))),
		"a tag that can not be":        anywhere(write(ann, 0, tagged(record("A", "1"), "a\x00b"))),
		"tags that are not in order":   anywhere(write(ann, 0, tagged(record("A", "1"), "b", "a"))),
		"a condition from past a head": {Writes: anywhere(write(ann, 0, records(1)...)).Writes, Conditions: []stream.Condition{{After: at(2)}}},
	} {
		_, err := s.multi().AppendAll(s.ctx, b)
		failsWith[*stream.InvalidError](s, "a batch of "+what, err)
	}
	for what, b := range map[string]stream.Batch{
		"too many streams":    {Writes: many},
		"too many events":     anywhere(write(ann, 0, records(engine.MaxAppendEvents)...), write(bob, 0, records(1)...)),
		"too many conditions": {Writes: many[:1], Conditions: make([]stream.Condition, engine.MaxConditions+1)},
	} {
		_, err := s.multi().AppendAll(s.ctx, b)
		failsWith[*stream.TooLargeError](s, "a batch of "+what, err)
	}
	s.holds(want)
	s.same("events of a batch as large as can be", len(s.appendAll(stream.Batch{Writes: many[:engine.MaxBatchStreams]})), engine.MaxBatchStreams)
}

// Breaks when: an engine shows a batch's streams one after the other.
func batchWhole(s *subject) {
	const size, batches = 7, 50
	s.multi()
	done := make(chan error, 1)
	go func() { // ends when all batches are stored, or one fails
		for range batches {
			if _, err := s.multi().AppendAll(s.ctx, anywhere(write(ann, 0, records(3)...), write(lot, 0, records(2)...), write(bob, 0, records(2)...))); err != nil {
				done <- err
				return
			}
		}
		done <- nil
	}()
	var split error
	for {
		select {
		case err := <-done:
			s.must(errors.Join(err, split, s.findSplit(size)), "batches beside a reader")
			s.same("how many events there are", len(s.read(stream.Query{}).records), size*batches)
			return
		default:
			if split == nil {
				split = s.findSplit(size)
			}
		}
	}
}
