package stream_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/thaw-go/thaw/stream"
)

func TestCursorOrder(t *testing.T) {
	for _, c := range []struct {
		claim         string
		a, b          stream.Cursor
		reached, back bool // a reached b; b reached a
	}{
		{"the beginning has reached itself", stream.Cursor{}, stream.At(), true, true},
		{"position 0 is the beginning", stream.At(0), stream.Cursor{}, true, true},
		{"a later place has reached an earlier one", stream.At(5), stream.At(4), true, false},
		{"shards that are not named are at 0", stream.At(5), stream.At(5, 0, 0), true, true},
		{"every shard counts", stream.At(5, 7), stream.At(5, 8), false, true},
		{"the first shard counts", stream.At(4, 9), stream.At(5, 9), false, true},
		{"cursors may lie beside each other", stream.At(1, 2), stream.At(2, 1), false, false},
		{"a missing shard is behind", stream.At(9), stream.At(1, 1), false, false},
	} {
		t.Run(c.claim, func(t *testing.T) {
			if got := c.a.Reached(c.b); got != c.reached {
				t.Errorf("%v reached %v: got %v, want %v", c.a, c.b, got, c.reached)
			}
			if got := c.b.Reached(c.a); got != c.back {
				t.Errorf("%v reached %v: got %v, want %v", c.b, c.a, got, c.back)
			}
			if got, want := c.a.Equal(c.b), c.reached && c.back; got != want {
				t.Errorf("%v equals %v: got %v, want %v", c.a, c.b, got, want)
			}
		})
	}
	t.Run("a cursor does not change with the slice it was made of", func(t *testing.T) {
		places := []stream.Position{1, 2, 3}
		c := stream.At(places...)
		places[1] = 9
		if want := stream.At(1, 2, 3); !c.Equal(want) {
			t.Errorf("got %v, want %v", c, want)
		}
	})
	t.Run("an event's cursor is in its shard", func(t *testing.T) {
		got := []stream.Cursor{stream.Header{Position: 7}.Cursor(), stream.Header{Shard: 2, Position: 7}.Cursor()}
		if diff := cmp.Diff([]stream.Cursor{stream.At(7), stream.At(0, 0, 7)}, got); diff != "" {
			t.Error(diff)
		}
	})
	t.Run("a shard beyond all is at 0", func(t *testing.T) {
		if got := stream.At(1, 2).Position(1<<32 - 1); got != 0 {
			t.Errorf("got %d, want 0", got)
		}
	})
}

func TestCursorText(t *testing.T) {
	for text, c := range map[string]stream.Cursor{
		"0":                      {},
		"42":                     stream.At(42),
		"0,7":                    stream.At(0, 7),
		"1,0,3":                  stream.At(1, 0, 3, 0),
		"18446744073709551615,1": stream.At(1<<64-1, 1),
	} {
		t.Run(text+" survives", func(t *testing.T) {
			if got := c.String(); got != text {
				t.Errorf("got %s, want %s", got, text)
			}
			encoded, err := json.Marshal(c)
			if err != nil {
				t.Fatal(err)
			}
			var got stream.Cursor
			if err := json.Unmarshal(encoded, &got); err != nil || !got.Equal(c) {
				t.Errorf("got %v, %v, want %v", got, err, c)
			}
		})
	}
	for claim, text := range map[string]string{
		"nothing": "", "a word": "head", "a sign": "-1", "a gap": "1,,2", "an end left open": "1,",
		"a space": " 1", "more than fits": "18446744073709551616", "more shards than any log has": strings.Repeat("0,", 1<<16) + "0",
	} {
		t.Run(claim+" is no cursor, and leaves the cursor as it was", func(t *testing.T) {
			got := stream.At(3)
			var invalid *stream.InvalidError
			if err := got.UnmarshalText([]byte(text)); !errors.As(err, &invalid) {
				t.Errorf("got %v, want an *InvalidError", err)
			} else if len(invalid.Error()) > 300 {
				t.Errorf("the message has %d bytes, too many to read", len(invalid.Error()))
			}
			if !got.Equal(stream.At(3)) {
				t.Errorf("got %v, want 3", got)
			}
		})
	}
}

func FuzzParseCursor(f *testing.F) {
	for _, text := range []string{"0", "42", "1,2,3", "0,0", "1,", ",1", "007", "+1", "18446744073709551616"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		c, err := stream.ParseCursor(text)
		if err != nil {
			return
		}
		again, err := stream.ParseCursor(c.String())
		if err != nil || !again.Equal(c) || !again.Reached(c) {
			t.Errorf("%q: got %v, %v, want %v", text, again, err, c)
		}
	})
}
