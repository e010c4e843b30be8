package testkit

import (
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/thaw-go/thaw/stream"
)

// batchCondition asks which events break a condition, and from where on.
func batchCondition(s *subject) {
	s.multi()
	s.append(ann, tagged(record("A", "1"), "mail:a", "red"))
	s.append(bob, tagged(record("B", "2"), "mail:b", "red"))
	want := append(s.append(lot, record("A", "3")), s.append(ann, record("C", "4"))...)
	for _, c := range []struct {
		match []stream.Match
		found int // the position of the first that breaks it after 0; none may be after it
	}{
		{nil, 1},
		{[]stream.Match{{Tags: []string{"red"}}}, 1},
		{[]stream.Match{{Tags: []string{"mail:b", "red"}}}, 2},
		{[]stream.Match{{Tags: []string{"mail:a", "mail:b"}}}, 0},
		{[]stream.Match{{Topic: lot.Topic}}, 3},
		{[]stream.Match{{Topic: ann.Topic, Key: ann.Key, Types: []string{"C"}}}, 4},
		{[]stream.Match{{Types: []string{"D"}}, {Tags: []string{"mail:b"}, Topic: "users"}}, 2},
		{[]stream.Match{{Tags: []string{"mail:b"}, Topic: "lots"}}, 0},
	} {
		for after := range len(want) + 3 {
			holds := stream.Condition{Match: []stream.Match{{Tags: []string{"none"}}}}
			breaks := stream.Condition{Match: c.match, After: at(after)}
			found := s.firstOf(breaks)
			if after == 0 && found != stream.Position(c.found) {
				s.broken("the condition %+v selects position %d, want %d", c.match, found, c.found)
			}
			if found == 0 {
				continue
			}
			_, err := s.multi().AppendAll(s.ctx, stream.Batch{Writes: []stream.Write{write(bob, stream.AnyVersion, record("X", "x"))}, Conditions: []stream.Condition{holds, breaks}})
			got := failsWith[*stream.ConditionError](s, fmt.Sprintf("a batch under the condition %+v", breaks), err)
			s.same("the error", *got, stream.ConditionError{Condition: breaks, Found: stream.At(found)})
		}
	}
	head := s.head()
	s.appendAll(stream.Batch{
		Writes:     []stream.Write{write(bob, stream.AnyVersion, tagged(record("X", "x"), "red"))},
		Conditions: []stream.Condition{{After: head}, {Match: []stream.Match{{Tags: []string{"mail:b"}}}, After: at(2)}},
	})
	s.same("the head", s.head(), at(int(head.Position(0))+1))
}

// firstOf is where the first event is that breaks a condition, as a read tells.
func (s *subject) firstOf(c stream.Condition) stream.Position {
	s.t.Helper()
	list := s.read(stream.Query{Match: c.Match, From: c.After}).records
	if len(list) == 0 {
		return 0
	}
	return list[0].Position
}

// Breaks when: an engine compares conditions with what readers can see, and not
// with what it is about to store.
func conditionOneWinner(s *subject) {
	const writers, rounds = 16, 10
	s.multi()
	var won atomic.Int64
	for round := range rounds {
		tag := fmt.Sprintf("mail:%d", round)
		only := []stream.Condition{{Match: []stream.Match{{Tags: []string{tag}}}}}
		s.together(writers, func(w int) error {
			id := stream.ID{Topic: []string{"users", "lots"}[w%2], Key: fmt.Sprintf("%d of %d", w, round)}
			_, err := s.multi().AppendAll(s.ctx, stream.Batch{Writes: []stream.Write{write(id, stream.AnyVersion, tagged(record("TAKEN", "1"), tag))}, Conditions: only})
			var condition *stream.ConditionError
			switch {
			case err == nil:
				won.Add(1)
			case !errors.As(err, &condition):
				return err
			}
			return nil
		})
	}
	s.same("how many batches won", won.Load(), int64(rounds))
	s.same("how many events there are", len(s.read(stream.Query{}).records), rounds)
}
