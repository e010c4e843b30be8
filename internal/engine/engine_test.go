package engine_test

import (
	"bytes"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/thaw-go/thaw/internal/engine"
	"github.com/thaw-go/thaw/stream"
)

var ann = stream.ID{Topic: "users", Key: "ann"}

func rec(change func(*stream.Record)) stream.Record {
	r := stream.Record{Header: stream.Header{Type: "EMAIL_SET", Schema: 1}, Data: []byte("{}")}
	if change != nil {
		change(&r)
	}
	return r
}

func many(n int, change func(*stream.Record)) []stream.Record {
	list := make([]stream.Record, n)
	for i := range list {
		list[i] = rec(change)
	}
	return list
}

func sized(n int) func(*stream.Record) {
	data := bytes.Repeat([]byte("x"), n)
	return func(r *stream.Record) { r.Data = data }
}

// longTags gives an event as many tags as it can have, as long as they can be.
func longTags(r *stream.Record) {
	for i := range engine.MaxTags {
		r.Tags = append(r.Tags, string(rune('A'+i))+strings.Repeat("t", stream.MaxKeyBytes-1))
	}
}

func TestCheckAppendAccepts(t *testing.T) {
	for claim, records := range map[string][]stream.Record{
		"one event":                 {rec(nil)},
		"as many as there may be":   many(engine.MaxAppendEvents, nil),
		"the largest payload":       many(1, sized(engine.MaxPayloadBytes)),
		"the most bytes":            many(engine.MaxAppendBytes/engine.MaxPayloadBytes, sized(engine.MaxPayloadBytes)),
		"the longest type":          many(1, func(r *stream.Record) { r.Type = strings.Repeat("T", stream.MaxTypeBytes) }),
		"the most metadata":         many(1, func(r *stream.Record) { r.Meta = stream.Metadata{"k": strings.Repeat("v", engine.MaxMetaBytes-1)} }),
		"several under one command": many(2, func(r *stream.Record) { r.Command = stream.EventID{1} }),
	} {
		t.Run(claim, func(t *testing.T) {
			if err := engine.CheckAppend(ann, records); err != nil {
				t.Errorf("got %v, want no error", err)
			}
		})
	}
}

func TestCheckAppendRefuses(t *testing.T) {
	two := many(2, nil)
	two[1].Command = stream.EventID{1}
	for claim, c := range map[string]struct {
		id      stream.ID
		records []stream.Record
		large   bool // *TooLargeError instead of *InvalidError
	}{
		"a stream without a key":      {stream.ID{Topic: "users"}, many(1, nil), false},
		"no events":                   {ann, nil, false},
		"too many events":             {ann, many(engine.MaxAppendEvents+1, nil), true},
		"an event without a type":     {ann, many(1, func(r *stream.Record) { r.Type = "" }), false},
		"a type too long":             {ann, many(1, func(r *stream.Record) { r.Type = strings.Repeat("T", stream.MaxTypeBytes+1) }), false},
		"a type that is not UTF-8":    {ann, many(1, func(r *stream.Record) { r.Type = "\xff" }), false},
		"a type with a new line":      {ann, many(1, func(r *stream.Record) { r.Type = "A\nB" }), false},
		"no payload":                  {ann, many(1, sized(0)), false},
		"a payload too large":         {ann, many(1, sized(engine.MaxPayloadBytes+1)), true},
		"too much metadata":           {ann, many(1, func(r *stream.Record) { r.Meta = stream.Metadata{"k": strings.Repeat("v", engine.MaxMetaBytes)} }), true},
		"too many bytes together":     {ann, append(many(engine.MaxAppendBytes/engine.MaxPayloadBytes, sized(engine.MaxPayloadBytes)), rec(nil)), true},
		"too many bytes of tags":      {ann, many(engine.MaxAppendEvents, longTags), true},
		"events of several commands":  {ann, two, false},
		"a mistake in the last event": {ann, append(many(2, nil), rec(sized(0))), false},
	} {
		t.Run(claim, func(t *testing.T) {
			err := engine.CheckAppend(c.id, c.records)
			var invalid *stream.InvalidError
			var large *stream.TooLargeError
			if c.large && !errors.As(err, &large) || !c.large && !errors.As(err, &invalid) {
				t.Errorf("got %v, want large: %v", err, c.large)
			}
			if large != nil && large.Size <= large.Limit {
				t.Errorf("got size %d within the limit %d", large.Size, large.Limit)
			}
		})
	}
}

func TestCheckForward(t *testing.T) {
	for _, c := range []struct {
		claim              string
		saved, head, asked stream.Cursor
		ok                 bool
	}{
		{"a consumer may move forward", stream.At(3), stream.At(9), stream.At(4), true},
		{"it may stay", stream.At(3), stream.At(9), stream.At(3), true},
		{"it may go up to the head", stream.At(3), stream.At(9), stream.At(9), true},
		{"it may not go back", stream.At(3), stream.At(9), stream.At(2), false},
		{"it may not pass the head", stream.At(3), stream.At(9), stream.At(10), false},
		{"it may not go back in one shard", stream.At(3, 3), stream.At(9, 9), stream.At(9, 2), false},
	} {
		t.Run(c.claim, func(t *testing.T) {
			err := engine.CheckForward("mailer", c.saved, c.head, c.asked)
			var backwards *stream.BackwardsError
			if c.ok != (err == nil) || err != nil && !errors.As(err, &backwards) {
				t.Errorf("got %v, want allowed: %v", err, c.ok)
			}
		})
	}
}

func TestCheckFrom(t *testing.T) {
	if err := engine.CheckFrom(stream.At(9), stream.At(9)); err != nil {
		t.Errorf("at the head: got %v, want no error", err)
	}
	var invalid *stream.InvalidError
	if err := engine.CheckFrom(stream.At(10), stream.At(9)); !errors.As(err, &invalid) {
		t.Errorf("past the head: got %v, want an *InvalidError", err)
	}
}

func TestCheckConsumer(t *testing.T) {
	if err := engine.CheckConsumer("billing/eu"); err != nil {
		t.Errorf("got %v, want no error", err)
	}
	for _, name := range []string{"", "a\x00b", "\xff", strings.Repeat("n", stream.MaxKeyBytes+1)} {
		if err := engine.CheckConsumer(name); err == nil {
			t.Errorf("%.20q: got no error", name)
		}
	}
}

func TestClaims(t *testing.T) {
	t.Run("of many at once, one holds a name", func(t *testing.T) {
		var claims engine.Claims
		var held atomic.Int32
		var all sync.WaitGroup
		for range 50 {
			all.Go(func() {
				_, err := claims.Claim("mailer")
				var busy *stream.BusyError
				if err == nil {
					held.Add(1)
				} else if !errors.As(err, &busy) || busy.Consumer != "mailer" {
					t.Errorf("got %v, want a *BusyError of mailer", err)
				}
			})
		}
		all.Wait()
		if got := held.Load(); got != 1 {
			t.Errorf("got %d holders, want 1", got)
		}
	})
	t.Run("a released name is free, and an old release does not free it again", func(t *testing.T) {
		var claims engine.Claims
		release, err := claims.Claim("mailer")
		if err != nil {
			t.Fatal(err)
		}
		release()
		if _, err := claims.Claim("mailer"); err != nil {
			t.Fatal(err)
		}
		release()
		if _, err := claims.Claim("mailer"); err == nil {
			t.Error("got a second holder")
		}
	})
	t.Run("names do not stand in each other's way", func(t *testing.T) {
		var claims engine.Claims
		for _, name := range []string{"a", "b"} {
			if _, err := claims.Claim(name); err != nil {
				t.Error(err)
			}
		}
	})
}
