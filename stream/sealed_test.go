package stream_test

import (
	"bytes"
	"context"
	"encoding/gob"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/thaw-go/thaw/stream"
	"github.com/thaw-go/thaw/stream/keyring"
)

const clearText = "ann@secret.example"

// close1 closes a payload's sealed values, or fails the test.
func close1(t testing.TB, keys stream.Keys, payload any) {
	t.Helper()
	if err := stream.CloseSealed(t.Context(), keys, payload); err != nil {
		t.Fatal(err)
	}
}

// closedMail is a closed value and the keys that open it.
func closedMail(t testing.TB) (stream.Sealed[string], stream.Keys) {
	keys, mail := keyring.InMemory(), stream.Seal("person/42", clearText)
	close1(t, keys, mail)
	return mail, keys
}

// ways are the forms that a sealed value is stored in.
var ways = map[string]struct {
	to   func(stream.Sealed[string]) ([]byte, error)
	from func([]byte, *stream.Sealed[string]) error
}{
	"JSON":   {func(s stream.Sealed[string]) ([]byte, error) { return json.Marshal(s) }, func(b []byte, s *stream.Sealed[string]) error { return json.Unmarshal(b, s) }},
	"text":   {stream.Sealed[string].MarshalText, func(b []byte, s *stream.Sealed[string]) error { return s.UnmarshalText(b) }},
	"binary": {stream.Sealed[string].MarshalBinary, func(b []byte, s *stream.Sealed[string]) error { return s.UnmarshalBinary(b) }},
	"gob": {func(s stream.Sealed[string]) ([]byte, error) {
		var out bytes.Buffer
		err := gob.NewEncoder(&out).Encode(s)
		return out.Bytes(), err
	}, func(b []byte, s *stream.Sealed[string]) error { return gob.NewDecoder(bytes.NewReader(b)).Decode(s) }},
}

// TestWhatWasNotClosedDoesNotMarshal: in no form, and the error names whose it is and
// not what it is.
// Breaks when: stored returns the value of an open box; CloseSealed lets nil keys pass.
func TestWhatWasNotClosedDoesNotMarshal(t *testing.T) {
	open := stream.Seal("person/42", clearText)
	for form, way := range ways {
		got, err := way.to(open)
		if err == nil {
			t.Errorf("%s: got %q, want an error", form, got)
		} else if text := err.Error(); !strings.Contains(text, "person/42") || strings.Contains(text, clearText) {
			t.Errorf("%s: got %q, want an error that names the subject only", form, text)
		}
	}
	topic := stream.NewTopic("mails", stream.Catalogue[stream.Sealed[string]]{"MAIL": {}})
	if rec, err := topic.Encode(open); err == nil {
		t.Errorf("a topic encoded it as %q", rec.Data)
	}
	if err := stream.CloseSealed(t.Context(), nil, open); err == nil || !strings.Contains(err.Error(), "Keys") {
		t.Errorf("closed without keys: got %v, want an error that says what to do", err)
	}
}

// TestAClosedValueMarshalsToTheSameBytes: each time, after decoding too, and without
// a key.
// Breaks when: MarshalJSON closes anew; restore keeps data of the caller.
func TestAClosedValueMarshalsToTheSameBytes(t *testing.T) {
	closed, keys := closedMail(t)
	for form, way := range ways {
		first, err := way.to(closed)
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(first, []byte(clearText)) {
			t.Errorf("%s: the clear text is in %q", form, first)
		}
		var back stream.Sealed[string]
		data := bytes.Clone(first)
		if err := way.from(data, &back); err != nil {
			t.Fatal(err)
		}
		clear(data) // it is the codec's
		again, err := way.to(back)
		if err != nil || !bytes.Equal(first, again) {
			t.Errorf("%s: got %q and %v, want %q", form, again, err, first)
		}
		if text, err := back.Open(t.Context(), keys); text != clearText || err != nil || back.Subject() != "person/42" {
			t.Errorf("%s: opened %q of %s and %v", form, text, back.Subject(), err)
		}
		var none, read stream.Sealed[string]
		empty, err := way.to(none)
		if form == "gob" {
			continue // writes no zero values
		}
		if err := errors.Join(err, way.from(empty, &back), way.from(empty, &read)); err != nil || !read.IsZero() || !back.IsZero() {
			t.Errorf("%s: a value that holds nothing comes back as %v and %v", form, read, err)
		}
		if text, err := read.Open(t.Context(), nil); text != "" || err != nil {
			t.Errorf("%s: what holds nothing holds %q, %v", form, text, err)
		}
	}
}

// TestNothingPrintsTheClearText, whether it is open, was closed here, or was decoded.
// Breaks when: Sealed has no Format or no LogValue; it holds its box by value.
func TestNothingPrintsTheClearText(t *testing.T) {
	type hidden struct{ mail stream.Sealed[string] }
	open := stream.Seal("person/42", clearText)
	closed, _ := closedMail(t)
	var decoded stream.Sealed[string]
	text, err := closed.MarshalText()
	if err := errors.Join(err, decoded.UnmarshalText(text)); err != nil {
		t.Fatal(err)
	}
	var printed strings.Builder
	for _, s := range []stream.Sealed[string]{open, closed, decoded, {}} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d"} {
			for _, what := range []any{s, &s, []any{s}, hidden{s}, &hidden{s}, map[string]any{"a": s}} {
				fmt.Fprintf(&printed, verb+"\n", what)
			}
		}
		for _, handler := range []slog.Handler{slog.NewTextHandler(&printed, nil), slog.NewJSONHandler(&printed, nil)} {
			slog.New(handler).Info("got", "mail", s, "in", hidden{s}, "list", []any{s})
		}
		printed.WriteString(s.String() + s.GoString())
	}
	for _, shown := range []string{clearText, fmt.Sprintf("%x", clearText), fmt.Sprintf("%X", clearText), strings.Trim(fmt.Sprint([]byte(clearText)), "[]")} {
		if strings.Contains(printed.String(), shown) {
			t.Errorf("the clear text is printed as %q", shown)
		}
	}
	if got := fmt.Sprintf("%X %x", open, &closed); got != "[sealed person/42] [sealed person/42]" {
		t.Errorf("got %s", got)
	}
	if strings.Count(printed.String(), `mail="[sealed person/42]"`) != 3 {
		t.Errorf("the log does not say whose it is:\n%s", &printed)
	}
	if got := fmt.Sprint(open, closed, decoded, stream.Sealed[int]{}); got != "[sealed person/42] [sealed person/42] [sealed person/42] [nothing sealed]" {
		t.Errorf("got %s", got)
	}
}

// TestAChangedOrMovedBoxIsAnError: every bit counts, and so does whose it is.
// Breaks when: boundTo leaves out the subject; openBox does not look at the version.
func TestAChangedOrMovedBoxIsAnError(t *testing.T) {
	closed, keys := closedMail(t)
	data, err := closed.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := keys.Key(t.Context(), "person/43"); err != nil {
		t.Fatal(err)
	}
	opened := func(data []byte, keys stream.Keys) error {
		var s stream.Sealed[string]
		if err := s.UnmarshalBinary(data); err != nil {
			return err
		}
		got, err := s.Open(t.Context(), keys)
		if got != "" && err != nil {
			t.Errorf("got %q with the error %v", got, err)
		}
		return err
	}
	if err := opened(data, keys); err != nil {
		t.Fatal(err)
	}
	for bit := range 8 * len(data) {
		changed := bytes.Clone(data)
		changed[bit/8] ^= 1 << (bit % 8)
		if opened(changed, keys) == nil {
			t.Errorf("bit %d is flipped, and it opens", bit)
		}
	}
	for n := range data {
		if opened(data[:n], keys) == nil {
			t.Errorf("cut off after %d bytes, it opens", n)
		}
	}
	moved := bytes.Replace(data, []byte("person/42"), []byte("person/43"), 1)
	if err := opened(moved, same{keys}); err == nil { // both have one key: the name alone tells
		t.Error("moved to another subject, it opens")
	}
	other := keyring.InMemory()
	if _, err := other.Key(t.Context(), "person/42"); err != nil {
		t.Fatal(err)
	}
	if err := opened(data, other); err == nil {
		t.Error("it opens under another key")
	}
	if err := opened(data, nil); err == nil {
		t.Error("it opens without keys")
	}
}

// same gives every subject the key of person/42.
type same struct{ stream.Keys }

func (s same) Find(ctx context.Context, _ string) ([]byte, error) {
	return s.Keys.Find(ctx, "person/42")
}

// TestWhatIsForgottenStaysUnreadable: to open it and to seal for the subject says so,
// and an open value, which has no key yet, is not closed.
// Breaks when: Open of a closed value returns the clear text that its box remembers.
func TestWhatIsForgottenStaysUnreadable(t *testing.T) {
	closed, keys := closedMail(t)
	if err := keys.Forget(t.Context(), "person/42"); err != nil {
		t.Fatal(err)
	}
	if got, err := closed.Open(t.Context(), keys); !errors.Is(err, stream.ErrForgotten) || got != "" {
		t.Errorf("opened %q and %v, want ErrForgotten", got, err)
	}
	if err := stream.CloseSealed(t.Context(), keys, stream.Seal("person/42", "again")); !errors.Is(err, stream.ErrForgotten) {
		t.Errorf("sealed again: got %v, want ErrForgotten", err)
	}
	if _, err := json.Marshal(closed); err != nil {
		t.Errorf("what is closed does not marshal any more: %v", err)
	}
}

// TestSealedValuesAreEqualByWhatTheyHold, as far as can be told.
// Breaks when: Equal leaves out the subject, or does not ask the box that was closed
// here; equalValues compares deeply what has its own Equal.
func TestSealedValuesAreEqualByWhatTheyHold(t *testing.T) {
	keys, others := keyring.InMemory(), keyring.InMemory()
	open := func(subject, text string) stream.Sealed[string] { return stream.Seal(subject, text) }
	closed := func(keys stream.Keys, subject, text string) stream.Sealed[string] {
		s := open(subject, text)
		close1(t, keys, s)
		return s
	}
	decoded := func(s stream.Sealed[string]) (back stream.Sealed[string]) {
		data, err := s.MarshalBinary()
		if err := errors.Join(err, back.UnmarshalBinary(data)); err != nil {
			t.Fatal(err)
		}
		return back
	}
	one := closed(keys, "p", "a")
	for _, c := range []struct {
		claim string
		a, b  stream.Sealed[string]
		want  bool
	}{
		{"nothing", stream.Sealed[string]{}, stream.Sealed[string]{}, true},
		{"nothing and something", stream.Sealed[string]{}, open("p", ""), false},
		{"open, the same", open("p", "a"), open("p", "a"), true},
		{"open, another value", open("p", "a"), open("p", "b"), false},
		{"open, of another", open("p", "a"), open("q", "a"), false},
		{"closed here and decoded", one, decoded(one), true},
		{"decoded twice", decoded(one), decoded(one), true},
		{"closed apart, under one key", one, decoded(closed(keys, "p", "a")), true},
		{"closed apart, another value", one, decoded(closed(keys, "p", "b")), false},
		{"closed apart, under two keys", one, decoded(closed(others, "p", "a")), false},
		{"never closed and decoded", open("p", "a"), decoded(one), false},
	} {
		if got := cmp.Equal(c.a, c.b); got != c.want || cmp.Equal(c.b, c.a) != c.want {
			t.Errorf("%s: got %v, want %v", c.claim, got, c.want)
		}
	}
	at := time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC)
	if a, b := stream.Seal("p", at), stream.Seal("p", at.In(time.FixedZone("far", 3600))); !a.Equal(b) {
		t.Error("one moment in two zones is not equal")
	}
}

// TestTheErrorOfWhatDoesNotFitNamesNoClearText.
// Breaks when: Open wraps the codec's error.
func TestTheErrorOfWhatDoesNotFitNamesNoClearText(t *testing.T) {
	closed, keys := closedMail(t)
	var number stream.Sealed[time.Time]
	text, err := closed.MarshalText()
	if err := errors.Join(err, number.UnmarshalText(text)); err != nil {
		t.Fatal(err)
	}
	if got, err := number.Open(t.Context(), keys); err == nil || !got.IsZero() || strings.Contains(err.Error(), "secret") {
		t.Errorf("got %v and %v", got, err)
	}
}
