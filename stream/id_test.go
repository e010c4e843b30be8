package stream_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/thaw-go/thaw/stream"
)

func TestIDText(t *testing.T) {
	for claim, id := range map[string]stream.ID{
		"a plain ID":             {Topic: "users", Key: "42"},
		"a key with slashes":     {Topic: "users", Key: "a/b/"},
		"a key that is a slash":  {Topic: "users", Key: "/"},
		"a key with spaces":      {Topic: "u s", Key: " ann "},
		"names beyond ASCII":     {Topic: "Käufer", Key: "日本"},
		"names of greatest size": {Topic: strings.Repeat("t", stream.MaxTopicBytes), Key: strings.Repeat("k", stream.MaxKeyBytes)},
	} {
		t.Run(claim+" survives its text form", func(t *testing.T) {
			text, err := id.MarshalText()
			if err != nil {
				t.Fatal(err)
			}
			var got stream.ID
			if err := got.UnmarshalText(text); err != nil {
				t.Fatal(err)
			}
			if got != id {
				t.Errorf("got %v, want %v", got, id)
			}
		})
	}
	t.Run("an ID is a JSON string", func(t *testing.T) {
		got, err := json.Marshal(stream.ID{Topic: "users", Key: "42"})
		if err != nil || string(got) != `"users/42"` {
			t.Errorf("got %s, %v, want \"users/42\"", got, err)
		}
	})
}

func TestIDRefused(t *testing.T) {
	for claim, id := range map[string]stream.ID{
		"no topic":                      {Key: "42"},
		"no key":                        {Topic: "users"},
		"a topic with a slash":          {Topic: "a/b", Key: "42"},
		"a new line in the key":         {Topic: "users", Key: "4\n2"},
		"a zero byte in the key":        {Topic: "users", Key: "4\x002"},
		"a delete character in a topic": {Topic: "us\x7fers", Key: "42"},
		"a topic that is not UTF-8":     {Topic: "\xff", Key: "42"},
		"a key that is not UTF-8":       {Topic: "users", Key: "4\xc3"},
	} {
		t.Run(claim+" is invalid", func(t *testing.T) {
			var invalid *stream.InvalidError
			if err := id.Validate(); !errors.As(err, &invalid) {
				t.Errorf("Validate: got %v, want an *InvalidError", err)
			}
			if _, err := id.MarshalText(); !errors.As(err, &invalid) {
				t.Errorf("MarshalText: got %v, want an *InvalidError", err)
			}
		})
	}
	for claim, id := range map[string]stream.ID{
		"a topic": {Topic: strings.Repeat("t", stream.MaxTopicBytes+1), Key: "42"},
		"a key":   {Topic: "users", Key: strings.Repeat("k", stream.MaxKeyBytes+1)},
	} {
		t.Run(claim+" may be too large", func(t *testing.T) {
			var large *stream.TooLargeError
			if err := id.Validate(); !errors.As(err, &large) {
				t.Fatalf("got %v, want a *TooLargeError", err)
			}
			if large.Size != large.Limit+1 {
				t.Errorf("got size %d and limit %d, want one more than the limit", large.Size, large.Limit)
			}
		})
	}
	t.Run("text without a slash is no ID, and leaves the ID as it was", func(t *testing.T) {
		got := stream.ID{Topic: "users", Key: "42"}
		var invalid *stream.InvalidError
		if err := got.UnmarshalText([]byte("users")); !errors.As(err, &invalid) {
			t.Errorf("got %v, want an *InvalidError", err)
		}
		if want := (stream.ID{Topic: "users", Key: "42"}); got != want {
			t.Errorf("got %v, want %v", got, want)
		}
	})
}

func FuzzParseID(f *testing.F) {
	for _, text := range []string{"users/42", "a/b/c", "/", "users/", "/42", "u\x00/1", "\xff/1", "日/本"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		id, err := stream.ParseID(text)
		if err != nil {
			return
		}
		if err := id.Validate(); err != nil {
			t.Errorf("%q was read as an ID that is not valid: %v", text, err)
		}
		if got := id.String(); got != text {
			t.Errorf("got %q, want %q", got, text)
		}
	})
}

func TestEventIDText(t *testing.T) {
	t.Run("an ID survives its text form", func(t *testing.T) {
		want := stream.NewID()
		got, err := stream.ParseEventID(want.String())
		if err != nil || got != want {
			t.Errorf("got %v, %v, want %v", got, err, want)
		}
	})
	t.Run("fresh IDs differ and are not zero", func(t *testing.T) {
		a, b := stream.NewID(), stream.NewID()
		if a == b || a.IsZero() || b.IsZero() {
			t.Errorf("got %v and %v", a, b)
		}
	})
	for _, text := range []string{"", "00", strings.Repeat("0", 31), strings.Repeat("0", 33), strings.Repeat("g", 32), strings.Repeat("日", 11)[:32]} {
		t.Run("this is none: "+text, func(t *testing.T) {
			var invalid *stream.InvalidError
			if _, err := stream.ParseEventID(text); !errors.As(err, &invalid) {
				t.Errorf("got %v, want an *InvalidError", err)
			}
		})
	}
}

// The values here may never change: IDs derived by one release must be derived
// by the next, or commands already taken would be taken again.
func TestDeriveIDIsForEver(t *testing.T) {
	parent, err := stream.ParseEventID("000102030405060708090a0b0c0d0e0f")
	if err != nil {
		t.Fatal(err)
	}
	type step struct {
		parent stream.EventID
		name   string
		i      int
	}
	got := map[string]string{}
	for claim, s := range map[string]step{
		"all zero":        {},
		"a name":          {parent, "billing", 0},
		"the next index":  {parent, "billing", 1},
		"another name":    {parent, "mailer", 0},
		"a negative":      {parent, "billing", -1},
		"beyond one hash": {parent, strings.Repeat("long", 100), 1 << 40},
	} {
		got[claim] = stream.DeriveID(s.parent, s.name, s.i).String()
	}
	want := map[string]string{
		"all zero":        "9d908ecfb6b256def8b49a7c504e6c88",
		"a name":          "18da1f686e389cc97dfacaa7805e4cfe",
		"the next index":  "2f607a34b8ccd66bf4ce6be4e39505b1",
		"another name":    "47db439d041f73a38448ee049aff78a9",
		"a negative":      "268af9b6b0a400f3c447682f8ed23fff",
		"beyond one hash": "49b818499ccfc37b3d28ecafd42a691a",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("derived IDs have changed (-want +got):\n%s", diff)
	}
}
