package testkit

import (
	"fmt"

	"github.com/thaw-go/thaw/stream"
)

// commanded are n events of one command.
func commanded(command stream.EventID, n int) []stream.Record {
	list := records(n)
	for i := range list {
		list[i].Command = command
		list[i].ID = stream.DeriveID(command, "events", i)
	}
	return list
}

// Guarantee 7: a command ID takes effect once.
// Breaks when: an engine does not look the command up, compares versions before
// it does, or remembers only the command's first event.
func commandTwice(s *subject) {
	command := stream.NewID()
	s.append(bob, records(2)...)
	first := s.append(ann, commanded(command, 3)...)
	second := s.append(ann, record("LATER", "1"))
	other := commanded(command, 1) // decided anew, and differently
	for _, expected := range []stream.Version{0, 1, 3, 4, 9, stream.AnyVersion} {
		again, err := s.Append(s.ctx, ann, s.expect(expected), other...)
		step := fmt.Sprintf("the command again, expecting version %d", expected)
		s.must(err, step)
		s.sameRecords(step+": what was returned", again, first)
	}
	s.sameRecords("events of the stream", s.read(stream.Query{From: stream.At(2)}).records, append(first, second...))
}

func commandAtOnce(s *subject) {
	const callers = 32
	command := stream.NewID()
	got := make([][]stream.Record, callers)
	s.together(callers, func(i int) error {
		stored, err := s.Append(s.ctx, ann, s.expect(0), commanded(command, 1+i%3)...)
		got[i] = stored
		return err
	})
	for i := range got {
		s.sameRecords(fmt.Sprintf("what caller %d got, beside what caller 0 got", i), got[i], got[0])
	}
	s.holds(got[0])
}

func commandReused(s *subject) {
	command := stream.NewID()
	want := s.append(ann, commanded(command, 2)...)
	_, err := s.Append(s.ctx, bob, stream.AnyVersion, commanded(command, 2)...)
	got := failsWith[*stream.CommandReusedError](s, "the command sent to another stream", err)
	s.same("the error", *got, stream.CommandReusedError{Command: command, First: ann, Again: bob})
	s.holds(want)
}

func commandInAnotherTopic(s *subject) {
	command := stream.NewID()
	first := s.append(ann, commanded(command, 2)...)
	s.holds(append(first, s.append(lot, commanded(command, 1)...)...))
}

func commandsApart(s *subject) {
	var want []stream.Record
	for range 3 {
		want = append(want, s.append(ann, commanded(stream.NewID(), 2)...)...)
		want = append(want, s.append(ann, commanded(stream.EventID{}, 1)...)...)
		want = append(want, s.append(bob, commanded(stream.EventID{}, 1)...)...)
	}
	s.holds(want)
}

func commandRefused(s *subject) {
	command := stream.NewID()
	want := s.append(ann, records(1)...)
	_, err := s.Append(s.ctx, ann, 0, commanded(command, 2)...)
	failsWith[*stream.ConflictError](s, "the command at a stale version", err)
	stored, err := s.Append(s.ctx, ann, 1, commanded(command, 2)...)
	s.must(err, "the command at the right version")
	s.same("version of its first event", stored[0].Version, stream.Version(2))
	s.holds(append(want, stored...))
}
