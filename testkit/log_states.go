package testkit

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/thaw-go/thaw/stream"
)

// remembered is everything that a consumer remembers under a prefix.
func (s *subject) remembered(name, prefix string) (keys []string, values map[string]string) {
	s.t.Helper()
	values = map[string]string{}
	s.must(s.States(s.ctx, name, prefix, func(key string, value []byte) error {
		keys = append(keys, key)
		values[key] = string(value)
		return nil
	}), "states of "+name)
	return keys, values
}

// checkpoint saves a consumer's place, and what it remembers if the log can.
func (s *subject) checkpoint(name string, to stream.Cursor, changes ...stream.Change) error {
	if s.lacks(CheckpointTogether) {
		return s.SaveCursor(s.ctx, name, to)
	}
	return s.Checkpoint(s.ctx, name, to, changes...)
}

// remembers ends the test unless a consumer remembers exactly this, by either
// way of asking. A log without states is not asked.
func (s *subject) remembers(name string, want map[string]string) {
	s.t.Helper()
	if s.lacks(CheckpointTogether) {
		return
	}
	_, got := s.remembered(name, "")
	s.same(fmt.Sprintf("what %.40q remembers", name), got, want)
	for key, value := range want {
		got, ok, err := s.State(s.ctx, name, key)
		s.must(err, "state")
		if !ok || string(got) != value {
			s.broken("state %q of %.40q: got %q (there: %t), want %q", key, name, got, ok, value)
		}
	}
}

// change is one change; values are text.
func change(key, value string) stream.Change {
	return stream.Change{Key: key, Value: []byte(value)}
}

func checkpointTogether(s *subject) {
	s.fill(5)
	s.must(s.Checkpoint(s.ctx, "sales", at(2), change("a", "1"), change("b", "2")), "checkpoint")
	s.hasPlace("sales", at(2))
	s.remembers("sales", map[string]string{"a": "1", "b": "2"})
	s.must(s.Checkpoint(s.ctx, "sales", at(5), change("b", "3"), change("c", "4")), "checkpoint")
	s.hasPlace("sales", at(5))
	s.remembers("sales", map[string]string{"a": "1", "b": "3", "c": "4"})
	s.must(s.SaveCursor(s.ctx, "sales", at(5)), "saving the place alone")
	s.remembers("sales", map[string]string{"a": "1", "b": "3", "c": "4"})
	s.must(s.Checkpoint(s.ctx, "sales", at(5), change("d", "1"), change("d", "2")), "checkpoint at the same place, one key twice")
	s.remembers("sales", map[string]string{"a": "1", "b": "3", "c": "4", "d": "2"})
}

func checkpointRefused(s *subject) {
	s.fill(5)
	s.must(s.Checkpoint(s.ctx, "sales", at(3), change("a", "1")), "checkpoint")
	for _, place := range []int{2, 6} {
		err := s.Checkpoint(s.ctx, "sales", at(place), change("a", "2"), change("b", "2"))
		failsWith[*stream.BackwardsError](s, fmt.Sprintf("checkpoint at %d after 3, of a log at 5", place), err)
		s.hasPlace("sales", at(3))
		s.remembers("sales", map[string]string{"a": "1"})
	}
	failsWith[*stream.BackwardsError](s, "first checkpoint past the head", s.Checkpoint(s.ctx, "new", at(6), change("a", "1")))
	if _, ok := s.place("new"); ok {
		s.broken("a first checkpoint past the head was refused and left a place")
	}
	s.remembers("new", map[string]string{})
	ctx, cancel := context.WithCancel(s.ctx)
	cancel()
	s.failsAs("checkpoint with a cancelled context", s.Checkpoint(ctx, "sales", at(4), change("a", "2")), context.Canceled)
	s.hasPlace("sales", at(3))
	s.remembers("sales", map[string]string{"a": "1"})
}

func stateForgotten(s *subject) {
	s.must(s.Checkpoint(s.ctx, "sales", at(0), change("a", "1"), change("b", ""), change("c", "3")), "checkpoint")
	s.remembers("sales", map[string]string{"a": "1", "b": "", "c": "3"})
	s.must(s.Checkpoint(s.ctx, "sales", at(0), stream.Change{Key: "a"}, stream.Change{Key: "never"}), "forgetting")
	s.remembers("sales", map[string]string{"b": "", "c": "3"})
	if got, ok, err := s.State(s.ctx, "sales", "a"); ok || got != nil || err != nil {
		s.broken("a forgotten key: got %q (there: %t, error %v), want nothing", got, ok, err)
	}
	s.must(s.Checkpoint(s.ctx, "sales", at(0), change("a", "2"), stream.Change{Key: "a"}), "setting and forgetting in one checkpoint")
	s.remembers("sales", map[string]string{"b": "", "c": "3"})
}

// stateKeys are keys that an engine might confuse or put in another order.
var stateKeys = []string{"a", "a\x00", "a\x00b", "a/", "a/b", "aa", "ab", "b", "\x00", "\xff", "\xff\xff", " ", "é", "0", "10", "9"}

func stateOrder(s *subject) {
	for _, key := range stateKeys {
		s.must(s.Checkpoint(s.ctx, "sales", at(0), change(key, "of "+key)), "checkpoint")
	}
	for _, prefix := range []string{"", "a", "a\x00", "a/", "aa", "\xff", "none", "b"} {
		var want []string
		for _, key := range stateKeys {
			if strings.HasPrefix(key, prefix) {
				want = append(want, key)
			}
		}
		slices.Sort(want)
		got, values := s.remembered("sales", prefix)
		s.same(fmt.Sprintf("keys with the prefix %q", prefix), got, want)
		for key, value := range values {
			s.same(fmt.Sprintf("the value of %q", key), value, "of "+key)
		}
	}
}

func stateEmitFails(s *subject) {
	s.must(s.Checkpoint(s.ctx, "sales", at(0), change("a", "1"), change("b", "2")), "checkpoint")
	stop := errors.New("stop here")
	calls := 0
	err := s.States(s.ctx, "sales", "", func(string, []byte) error {
		calls++
		return stop
	})
	s.failsAs("states", err, stop)
	s.same("calls of emit", calls, 1)
}

func statesApart(s *subject) {
	want := map[string]map[string]string{}
	for i, name := range consumers {
		want[name] = map[string]string{}
		for j, key := range stateKeys {
			if (i+j)%3 != 0 {
				want[name][key] = fmt.Sprintf("%d of %d", j, i)
				s.must(s.Checkpoint(s.ctx, name, at(0), change(key, want[name][key])), "checkpoint")
			}
		}
	}
	for _, name := range consumers {
		s.remembers(name, want[name])
	}
	for key := range want["a"] {
		s.must(s.Checkpoint(s.ctx, "a", at(0), stream.Change{Key: key}), "forgetting")
	}
	want["a"] = map[string]string{}
	for _, name := range consumers {
		s.remembers(name, want[name])
	}
}

func stateCopies(s *subject) {
	given := []byte("before")
	s.must(s.Checkpoint(s.ctx, "sales", at(0), stream.Change{Key: "a", Value: given}), "checkpoint")
	copy(given, "after!")
	got, _, err := s.State(s.ctx, "sales", "a")
	s.must(err, "state")
	copy(got, "after!")
	var kept [][]byte
	s.must(s.States(s.ctx, "sales", "", func(_ string, value []byte) error {
		copy(value, "after!")
		kept = append(kept, value)
		return nil
	}), "states")
	s.remembers("sales", map[string]string{"a": "before"})
	if !bytes.Equal(kept[0], []byte("after!")) {
		s.broken("a value that was handed over has changed to %q afterwards", kept[0])
	}
}

func manyChanges(s *subject) {
	s.fill(1)
	want := map[string]string{}
	var changes []stream.Change
	for i := range 2000 {
		key, value := fmt.Sprintf("timer/%04d", i), strings.Repeat("v", i%50)
		want[key] = value
		changes = append(changes, change(key, value))
	}
	s.must(s.Checkpoint(s.ctx, "sales", at(1), changes...), "checkpoint")
	s.remembers("sales", want)
}
