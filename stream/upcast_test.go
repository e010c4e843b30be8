package stream_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/thaw-go/thaw/stream"
)

// addressToEmail is schema 1 to 2: a field has another name.
func addressToEmail(data []byte) ([]byte, error) {
	var old struct{ Address string }
	if err := json.Unmarshal(data, &old); err != nil {
		return nil, err
	}
	return json.Marshal(map[string]string{"Email": old.Address})
}

// addNote is schema 2 to 3: a field is new.
func addNote(data []byte) ([]byte, error) {
	return append(bytes.TrimSuffix(data, []byte("}")), `,"Note":"from before notes"}`...), nil
}

var upcast = stream.NewTopicWith("users", userCatalogue, stream.TopicOptions[userEvent]{
	Upcasters: map[string][]stream.Upcaster{"EMAIL_SET": {addressToEmail, addNote}},
})

// The payloads are as each release of such a program wrote them.
func TestUpcasters(t *testing.T) {
	for _, c := range []struct {
		claim, golden string
		schema        uint32
		want          emailSet
	}{
		{"schema 1 goes through both", `{"Address":"a@b"}`, 1, emailSet{"a@b", "from before notes"}},
		{"no schema is the first", `{"Address":"a@b"}`, 0, emailSet{"a@b", "from before notes"}},
		{"schema 2 goes through the second", `{"Email":"a@b"}`, 2, emailSet{"a@b", "from before notes"}},
		{"schema 3 is today's", `{"Email":"a@b","Note":"n"}`, 3, emailSet{"a@b", "n"}},
	} {
		t.Run(c.claim, func(t *testing.T) {
			if diff := cmp.Diff(userEvent(c.want), decode(t, upcast, record("users", "EMAIL_SET", c.schema, c.golden))); diff != "" {
				t.Error(diff)
			}
		})
	}
	t.Run("what is written has today's schema", func(t *testing.T) {
		rec, err := upcast.Encode(emailSet{})
		if err != nil || rec.Schema != 3 {
			t.Errorf("got schema %d, %v, want 3", rec.Schema, err)
		}
		if rec, err = upcast.Encode(nameSet{}); err != nil || rec.Schema != 1 {
			t.Errorf("got schema %d, %v, want 1", rec.Schema, err)
		}
	})
	t.Run("a newer schema is an error that says so", func(t *testing.T) {
		err := wantDecodeError(t, upcast, record("users", "EMAIL_SET", 4, `{}`))
		if got, want := err.Err.Error(), "schema 4 is newer than 3, the newest known here"; got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	})
	t.Run("an upcaster's error names the schema", func(t *testing.T) {
		err := wantDecodeError(t, upcast, record("users", "EMAIL_SET", 1, `nonsense`))
		var syntax *json.SyntaxError
		if !errors.As(err, &syntax) {
			t.Errorf("got %v, want the upcaster's error", err)
		}
	})
	t.Run("an upcaster's panic is an error, not a crash", func(t *testing.T) {
		topic := stream.NewTopicWith("users", userCatalogue, stream.TopicOptions[userEvent]{
			Upcasters: map[string][]stream.Upcaster{"NAME_SET": {func([]byte) ([]byte, error) { panic("oops") }}},
		})
		var panicked *stream.PanicError
		if err := wantDecodeError(t, topic, record("users", "NAME_SET", 1, `{}`)); !errors.As(err, &panicked) {
			t.Errorf("got %v, want a *PanicError", err)
		}
	})
	t.Run("a narrowed topic and a union upcast, too", func(t *testing.T) {
		old := record("users", "EMAIL_SET", 2, `{"Email":"a@b"}`)
		want := emailSet{"a@b", "from before notes"}
		if diff := cmp.Diff(want, decode(t, stream.Only[emailSet](upcast), old)); diff != "" {
			t.Error(diff)
		}
		if diff := cmp.Diff(any(want), decode(t, stream.Union[any](lots, upcast), old)); diff != "" {
			t.Error(diff)
		}
	})
}
