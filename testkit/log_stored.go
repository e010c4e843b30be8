package testkit

import (
	"fmt"
	"strings"

	"github.com/thaw-go/thaw/internal/engine"
	"github.com/thaw-go/thaw/stream"
)

func headers(s *subject) {
	cause, command, story := stream.NewID(), stream.NewID(), stream.NewID()
	s.append(bob, record("FIRST", "1"))
	got := s.append(ann, stream.Record{
		Header: stream.Header{
			Shard: 7, Schema: 3, Position: 99, Stream: bob, Version: 99, Type: "NAMED",
			CausedBy: cause, Command: command, Correlation: story, Meta: stream.Metadata{"by": "test"},
		},
		Data: []byte("ann"),
	})
	want := []stream.Record{{
		Header: stream.Header{
			Shard: 0, Schema: 3, Position: 2, Stream: ann, Version: 1, Type: "NAMED",
			CausedBy: cause, Command: command, Correlation: story, Meta: stream.Metadata{"by": "test"},
			ID: got[0].ID, Time: got[0].Time,
		},
		Data: []byte("ann"),
	}}
	s.sameRecords("what append returned", got, want)
	s.sameRecords("what is read", s.read(stream.Query{From: stream.At(1)}).records, want)
}

func eventIDs(s *subject) {
	given := record("A", "1")
	given.ID = stream.DeriveID(stream.NewID(), "A", 0)
	got := s.append(ann, given, record("B", "2"), record("C", "3"))
	s.same("the given ID", got[0].ID, given.ID)
	if got[1].ID.IsZero() || got[2].ID.IsZero() || got[1].ID == got[2].ID {
		s.broken("the IDs that the log made up are %s and %s, want two different ones", got[1].ID, got[2].ID)
	}
	s.holds(got)
}

func byteExact(s *subject) {
	keys := []string{
		"a", "a/", "a//", "a/b", "ab", "/", "//", " ", "  a", "a ", "A", "%00", "..", "\\", "'\";--", "ключ",
		"é", "e\u0301", "日本", "👩‍👩‍👧", "\u00a0", "\u200b", "\ufffd", "\U0010ffff", strings.Repeat("k", stream.MaxKeyBytes),
		strings.Repeat("k", stream.MaxKeyBytes-1), strings.Repeat("я", stream.MaxKeyBytes/2),
	}
	topics := []string{"t", "tt", "t t", "т", strings.Repeat("t", stream.MaxTopicBytes)}
	byStream := map[stream.ID][]stream.Record{}
	var all []stream.Record
	for _, topic := range topics {
		for i, key := range keys {
			id := stream.ID{Topic: topic, Key: key}
			r := record("TYPE "+key[:min(len(key), 1)]+"!", "")
			r.Type = strings.ToValidUTF8(r.Type, "?")
			r.Data = append([]byte{0, byte(i), 0xff, '\n'}, topic+key...)
			r.Meta = stream.Metadata{"": "empty", "\xff\x00": "\x00\xfe", key: topic, "none": ""}
			stored := s.append(id, r)
			s.same("payload", stored[0].Data, r.Data)
			s.same("metadata", stored[0].Meta, r.Meta)
			s.same("stream", stored[0].Stream, id)
			s.same("version", stored[0].Version, stream.Version(1))
			byStream[id] = stored
			all = append(all, stored...)
		}
	}
	s.holds(all)
	for id, want := range byStream {
		q := stream.Query{Match: []stream.Match{{Topic: id.Topic, Key: id.Key}}}
		s.sameRecords("what is read of "+id.String(), s.read(q).records, want)
	}
}

func callersSlices(s *subject) {
	list := records(3)
	list[0].Data = []byte("before")
	list[0].Meta = stream.Metadata{"when": "before"}
	s.append(ann, list...)
	want := s.read(stream.Query{}).records
	copy(list[0].Data, "after!")
	list[0].Meta["when"] = "after"
	list[0].Meta["more"] = "after"
	list[1] = record("AFTER", "after")
	s.append(bob, record("NEXT", "1"))
	got := s.read(stream.Query{}).records
	s.sameRecords("what is read after the caller's changes", got[:3], want)
	s.same("payload", string(got[0].Data), "before")
	s.same("metadata", got[0].Meta, stream.Metadata{"when": "before"})
}

func times(s *subject) {
	s.writeAlong(8, 25, func(w int) stream.ID { return stream.ID{Topic: "users", Key: fmt.Sprint(w)} })
	list := s.read(stream.Query{}).records
	for i := range list {
		if list[i].Time.IsZero() {
			s.broken("event %d has no time", list[i].Position)
		}
		if i > 0 && list[i].Time.Before(list[i-1].Time) {
			s.broken("event %d is of %s, before the event in front of it, of %s", list[i].Position, list[i].Time, list[i-1].Time)
		}
	}
}

func atTheLimits(s *subject) {
	id := stream.ID{Topic: strings.Repeat("t", stream.MaxTopicBytes), Key: strings.Repeat("k", stream.MaxKeyBytes)}
	large := record(strings.Repeat("T", stream.MaxTypeBytes), strings.Repeat("p", engine.MaxPayloadBytes))
	large.Meta = stream.Metadata{"k": strings.Repeat("m", engine.MaxMetaBytes-1)}
	want := s.append(id, large)
	want = append(want, s.append(id, records(engine.MaxAppendEvents)...)...)
	var full []stream.Record
	for range engine.MaxAppendBytes / engine.MaxPayloadBytes {
		full = append(full, record("FULL", strings.Repeat("f", engine.MaxPayloadBytes)))
	}
	want = append(want, s.append(id, full...)...)
	s.holds(want)
}
