package engine_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/thaw-go/thaw/internal/engine"
	"github.com/thaw-go/thaw/stream"
)

var (
	bob = stream.ID{Topic: "users", Key: "bob"}
	lot = stream.ID{Topic: "lots", Key: "1"}
)

func to(id stream.ID, records ...stream.Record) stream.Write {
	return stream.Write{Stream: id, Records: records}
}

func writes(n int) []stream.Write {
	list := make([]stream.Write, n)
	for i := range list {
		list[i] = to(stream.ID{Topic: "users", Key: fmt.Sprint(i)}, rec(nil))
	}
	return list
}

func remembered(seconds uint32) func(*stream.Record) {
	return func(r *stream.Record) { r.Remember = seconds }
}

func under(command byte) func(*stream.Record) {
	return func(r *stream.Record) { r.Command = stream.EventID{command} }
}

// Breaks when: a limit is off by one, or times to remember are compared over topics.
func TestCheckBatchAccepts(t *testing.T) {
	for claim, b := range map[string]stream.Batch{
		"one write":                    {Writes: writes(1)},
		"as many streams as can be":    {Writes: writes(engine.MaxBatchStreams)},
		"as many conditions as can be": {Writes: writes(1), Conditions: make([]stream.Condition, engine.MaxConditions)},
		"as many events as can be":     {Writes: []stream.Write{to(ann, many(engine.MaxAppendEvents-1, nil)...), to(bob, rec(nil))}},
		"a write that only checks":     {Writes: []stream.Write{to(ann), to(bob, rec(nil))}},
		"a time for each topic":        {Writes: []stream.Write{to(ann, rec(remembered(1))), to(lot, rec(remembered(2)))}},
	} {
		t.Run(claim, func(t *testing.T) {
			if err := engine.CheckBatch(b); err != nil {
				t.Errorf("got %v, want no error", err)
			}
		})
	}
}

// Breaks when: writes are checked apart only, or those without records not at all.
func TestCheckBatchRefuses(t *testing.T) {
	full := many(engine.MaxAppendBytes/engine.MaxPayloadBytes, sized(engine.MaxPayloadBytes))
	for claim, c := range map[string]struct {
		batch stream.Batch
		large bool // *TooLargeError instead of *InvalidError
	}{
		"nothing":                     {stream.Batch{}, false},
		"only checks":                 {stream.Batch{Writes: []stream.Write{to(ann)}}, false},
		"a stream twice":              {stream.Batch{Writes: []stream.Write{to(ann, rec(nil)), to(ann)}}, false},
		"a check of no stream":        {stream.Batch{Writes: []stream.Write{to(ann, rec(nil)), to(stream.ID{Topic: "users"})}}, false},
		"a mistake in an event":       {stream.Batch{Writes: []stream.Write{to(ann, rec(nil)), to(bob, rec(sized(0)))}}, false},
		"two commands":                {stream.Batch{Writes: []stream.Write{to(ann, rec(under(1))), to(bob, rec(under(2)))}}, false},
		"two times in a topic":        {stream.Batch{Writes: []stream.Write{to(ann, rec(remembered(1))), to(bob, rec(remembered(2)))}}, false},
		"two times in a stream":       {stream.Batch{Writes: []stream.Write{to(ann, rec(remembered(1)), rec(nil))}}, false},
		"too many streams":            {stream.Batch{Writes: writes(engine.MaxBatchStreams + 1)}, true},
		"too many conditions":         {stream.Batch{Writes: writes(1), Conditions: make([]stream.Condition, engine.MaxConditions+1)}, true},
		"too many events together":    {stream.Batch{Writes: []stream.Write{to(ann, many(engine.MaxAppendEvents, nil)...), to(bob, rec(nil))}}, true},
		"too many bytes together":     {stream.Batch{Writes: []stream.Write{to(ann, full...), to(bob, rec(nil))}}, true},
		"too many bytes of tags":      {stream.Batch{Writes: []stream.Write{to(ann, many(200, longTags)...), to(bob, many(200, longTags)...)}}, true},
		"tags that are not in order":  {stream.Batch{Writes: []stream.Write{to(ann, rec(func(r *stream.Record) { r.Tags = []string{"b", "a"} }))}}, false},
		"a tag twice":                 {stream.Batch{Writes: []stream.Write{to(ann, rec(func(r *stream.Record) { r.Tags = []string{"a", "a"} }))}}, false},
		"more tags than there may be": {stream.Batch{Writes: []stream.Write{to(ann, rec(func(r *stream.Record) { r.Tags = make([]string, engine.MaxTags+1) }))}}, true},
	} {
		t.Run(claim, func(t *testing.T) {
			err := engine.CheckBatch(c.batch)
			var invalid *stream.InvalidError
			var large *stream.TooLargeError
			if c.large && !errors.As(err, &large) || !c.large && !errors.As(err, &invalid) {
				t.Errorf("got %v, want large: %v", err, c.large)
			}
		})
	}
}

// Breaks when: CheckTag says of what it refuses that it is a key.
func TestCheckTag(t *testing.T) {
	for _, tag := range []string{"a", "mail:ann@example.com", "a/b", strings.Repeat("t", stream.MaxKeyBytes)} {
		if err := engine.CheckTag(tag); err != nil {
			t.Errorf("%.20q: got %v, want no error", tag, err)
		}
	}
	var invalid *stream.InvalidError
	for _, tag := range []string{"", "a\x00b", "\xff"} {
		if err := engine.CheckTag(tag); !errors.As(err, &invalid) || invalid.What != "tag" {
			t.Errorf("%q: got %v, want an *InvalidError about a tag", tag, err)
		}
	}
	var large *stream.TooLargeError
	if err := engine.CheckTag(strings.Repeat("t", stream.MaxKeyBytes+1)); !errors.As(err, &large) || large.What != "tag" {
		t.Errorf("a long one: got %v, want a *TooLargeError about a tag", err)
	}
}
