package testkit

import (
	"context"
	"fmt"
	"strings"

	"github.com/thaw-go/thaw/internal/engine"
	"github.com/thaw-go/thaw/stream"
)

// refuse appends what must be refused and returns the error.
func (s *subject) refuse(id stream.ID, list ...stream.Record) error {
	s.t.Helper()
	before := s.head()
	stored, err := s.Append(s.ctx, id, stream.AnyVersion, list...)
	if err == nil {
		s.broken("an append to %.40q of %d events was stored, want it refused", id.String(), len(list))
	}
	s.same("what a refused append returned", len(stored), 0)
	s.same("head after a refused append", s.head(), before)
	return err
}

// refused is an append that must be.
type refused struct {
	name    string
	id      stream.ID
	records []stream.Record
}

func (s *subject) refuseAll(list []refused, check func(refused, error)) {
	s.t.Helper()
	want := s.fill(10)
	for _, c := range list {
		check(c, s.refuse(c.id, c.records...))
	}
	s.holds(want)
	s.append(ann, record("AFTER", "1"))
}

// Guarantee 11: no input, however malformed, panics an engine or corrupts it.
// Breaks when: an engine does not call engine.CheckAppend.
func invalidAppends(s *subject) {
	good := records(1)
	typed := func(typ string) []stream.Record { return []stream.Record{record(typ, "1")} }
	mixed := records(2)
	mixed[1].Command = stream.NewID()
	s.refuseAll([]refused{
		{"empty topic", stream.ID{Key: "k"}, good},
		{"empty key", stream.ID{Topic: "t"}, good},
		{"slash in the topic", stream.ID{Topic: "t/u", Key: "k"}, good},
		{"control character in the topic", stream.ID{Topic: "t\n", Key: "k"}, good},
		{"control character in the key", stream.ID{Topic: "t", Key: "k\x00"}, good},
		{"delete character in the key", stream.ID{Topic: "t", Key: "k\x7f"}, good},
		{"topic that is not UTF-8", stream.ID{Topic: "t\xff", Key: "k"}, good},
		{"key that is not UTF-8", stream.ID{Topic: "t", Key: "\xc3"}, good},
		{"empty type", ann, typed("")},
		{"control character in the type", ann, typed("A\tB")},
		{"type that is not UTF-8", ann, typed("A\xfe")},
		{"empty payload", ann, []stream.Record{record("A", "")}},
		{"no events", ann, nil},
		{"events of two commands", ann, mixed},
	}, func(c refused, err error) { failsWith[*stream.InvalidError](s, c.name, err) })
}

func tooLargeAppends(s *subject) {
	meta := record("A", "1")
	meta.Meta = stream.Metadata{"k": strings.Repeat("m", engine.MaxMetaBytes)}
	s.refuseAll([]refused{
		{"topic", stream.ID{Topic: strings.Repeat("t", stream.MaxTopicBytes+1), Key: "k"}, records(1)},
		{"key", stream.ID{Topic: "t", Key: strings.Repeat("k", stream.MaxKeyBytes+1)}, records(1)},
		{"payload", ann, []stream.Record{record("A", strings.Repeat("p", engine.MaxPayloadBytes+1))}},
		{"metadata", ann, []stream.Record{meta}},
	}, func(c refused, err error) {
		got := failsWith[*stream.TooLargeError](s, c.name, err)
		if got.Size <= got.Limit {
			s.broken("%s: the error speaks of %d bytes over a limit of %d", c.name, got.Size, got.Limit)
		}
	})
}

func tooMuchAtOnce(s *subject) {
	var heavy []stream.Record
	for range engine.MaxAppendBytes/engine.MaxPayloadBytes + 1 {
		heavy = append(heavy, record("HEAVY", strings.Repeat("h", engine.MaxPayloadBytes)))
	}
	s.refuseAll([]refused{
		{"events", ann, records(engine.MaxAppendEvents + 1)},
		{"bytes", ann, heavy},
	}, func(c refused, err error) {
		limit := map[string]int64{"events": engine.MaxAppendEvents, "bytes": engine.MaxAppendBytes}[c.name]
		s.same(c.name+": the limit in the error", failsWith[*stream.TooLargeError](s, c.name, err).Limit, limit)
		if !strings.Contains(err.Error(), fmt.Sprint(limit)) {
			s.broken("the error %q does not say the limit, %d", err, limit)
		}
	})
}

func oneBadEvent(s *subject) {
	for place := range 3 {
		list := records(3)
		list[place].Data = nil
		failsWith[*stream.InvalidError](s, fmt.Sprintf("append with event %d empty", place+1), s.refuse(ann, list...))
	}
	list := records(3)
	list[2].Type = strings.Repeat("T", stream.MaxTypeBytes+1)
	failsWith[*stream.InvalidError](s, "append with a type too long", s.refuse(ann, list...))
	s.holds(nil)
	got := s.append(ann, records(2)...)
	s.same("version of the first event that was not refused", got[0].Version, stream.Version(1))
	s.holds(got)
}

func cancelledAppend(s *subject) {
	ctx, cancel := context.WithCancel(s.ctx)
	cancel()
	stored, err := s.Append(ctx, ann, s.expect(0), records(1)...)
	s.failsAs("append with a cancelled context", err, context.Canceled)
	s.same("what it returned", len(stored), 0)
	s.holds(nil)
	_, err = s.Append(s.ctx, ann, s.expect(0), records(1)...)
	s.must(err, "the same append again, not cancelled")
}
