package testkit

import "github.com/thaw-go/thaw/stream"

func batchCommandTwice(s *subject) {
	s.multi()
	command := stream.NewID()
	s.append(bob, records(2)...)
	first := s.appendAll(anywhere(write(ann, 0, commanded(command, 2)...), write(bob, 0, commanded(command, 1)...), write(lot, 0, commanded(command, 1)...)))
	again := anywhere(write(lot, 0, commanded(command, 3)...), write(bob, 0, commanded(command, 1)...), write(ann, 0, commanded(command, 1)...))
	again.Writes[0].Expected = s.expect(0)
	again.Conditions = []stream.Condition{{}} // its own events break it
	s.sameRecords("what the command that comes again gets", s.appendAll(again), []stream.Record{first[3], first[2], first[0], first[1]})
	alone := s.append(lot, commanded(command, 1)...)
	s.sameRecords("what it gets in one topic alone", alone, first[3:])
	once := stream.NewID()
	single := s.append(ann, commanded(once, 2)...)
	s.sameRecords("what an append's command gets in a batch", s.appendAll(anywhere(write(ann, 0, commanded(once, 1)...), write(bob, 0))), single)
	s.same("how many events there are", len(s.read(stream.Query{}).records), 8)
}

func batchCommandReused(s *subject) {
	s.multi()
	command := stream.NewID()
	s.appendAll(anywhere(write(ann, 0, commanded(command, 1)...), write(bob, 0, commanded(command, 1)...)))
	cat := stream.ID{Topic: "users", Key: "cat"}
	want := s.read(stream.Query{}).records
	for what, b := range map[string]stream.Batch{
		"another stream":    anywhere(write(cat, 0, commanded(command, 1)...)),
		"one stream of two": anywhere(write(ann, 0, commanded(command, 1)...)),
		"one stream more":   anywhere(write(ann, 0, commanded(command, 1)...), write(bob, 0, commanded(command, 1)...), write(cat, 0, commanded(command, 1)...)),
		"one topic more":    anywhere(write(ann, 0, commanded(command, 1)...), write(bob, 0, commanded(command, 1)...), write(lot, 0, commanded(command, 1)...)),
	} {
		_, err := s.multi().AppendAll(s.ctx, b)
		got := failsWith[*stream.CommandReusedError](s, "the command again, on "+what, err)
		s.same("the command that the error names", got.Command, command)
	}
	for _, id := range []stream.ID{ann, cat} {
		r := commanded(command, 1)[0]
		r.ID = stream.EventID{}
		_, err := s.Append(s.ctx, id, stream.AnyVersion, r)
		failsWith[*stream.CommandReusedError](s, "the command again, on "+id.String()+" alone", err)
	}
	s.holds(want)
}
