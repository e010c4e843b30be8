package stream_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/thaw-go/thaw/stream"
	"github.com/thaw-go/thaw/stream/keyring"
)

type embedded struct{ Deep *stream.Sealed[string] }

type note any

// everywhere has sealed values in every place that a codec reaches.
type everywhere struct {
	embedded
	Field     stream.Sealed[string]
	Pointer   *stream.Sealed[int]
	List      []stream.Sealed[string]
	Array     [2]stream.Sealed[string]
	Map       map[string]stream.Sealed[string]
	Any       any
	Note      note
	Pointers  map[string][]*embedded
	Nested    stream.Sealed[person]
	Nothing   stream.Sealed[string]
	Nil       *everywhere
	NilMap    map[string]stream.Sealed[string]
	NilAny    any
	Unrelated chan int `json:"-"`
	hidden    stream.Sealed[string]
}

type person struct {
	Name  string
	Phone stream.Sealed[string]
}

func everyPlace() everywhere {
	seal := func(who string) stream.Sealed[string] { return stream.Seal(who, clearText) }
	deep, number := seal("1"), stream.Seal("2", 7)
	return everywhere{
		embedded: embedded{&deep}, Field: seal("3"), Pointer: &number, List: []stream.Sealed[string]{seal("4")},
		Array: [2]stream.Sealed[string]{{}, seal("5")}, Map: map[string]stream.Sealed[string]{"a": seal("6")},
		Any: map[string]any{"a": []any{seal("7")}}, Note: &deep,
		Pointers: map[string][]*embedded{"a": {{}, {&deep}}},
		Nested:   stream.Seal("8", person{clearText, seal("9")}), hidden: seal("0"),
	}
}

// TestClosingReachesEverySealedValue that a codec sees.
// Breaks when: walk leaves out one of its kinds; closeUnder does not walk what is
// within; mayHold takes an interface for empty.
func TestClosingReachesEverySealedValue(t *testing.T) {
	keys := keyring.InMemory()
	for claim, payload := range map[string]any{"by value": everyPlace(), "by pointer": new(everyPlace())} {
		if _, err := json.Marshal(payload); err == nil {
			t.Errorf("%s: it marshals open", claim)
		}
		close1(t, keys, payload)
		data, err := json.Marshal(payload)
		if err != nil || bytes.Contains(data, []byte("secret")) {
			t.Fatalf("%s: got %s and %v", claim, data, err)
		}
		var back everywhere
		if err := json.Unmarshal(data, &back); err != nil {
			t.Fatal(err)
		}
		nested, err := back.Nested.Open(t.Context(), keys)
		if err != nil || nested.Name != clearText || nested.Phone.Subject() != "9" {
			t.Fatalf("%s: got %+v and %v", claim, nested, err)
		}
		phone, err := nested.Phone.Open(t.Context(), keys)
		deep, err2 := back.Deep.Open(t.Context(), keys)
		number, err3 := back.Pointer.Open(t.Context(), keys)
		if err := errors.Join(err, err2, err3); err != nil || phone != clearText || deep != clearText || number != 7 {
			t.Errorf("%s: got %q, %q, %d and %v", claim, phone, deep, number, err)
		}
	}
	for _, payload := range []any{nil, 7, "text", struct{ A []int }{}, (*everywhere)(nil), map[int]any(nil)} {
		if err := stream.CloseSealed(t.Context(), nil, payload); err != nil {
			t.Errorf("%T has nothing to close: %v", payload, err)
		}
	}
}

// TestClosingSharedValuesIsIdempotentAndRacesWithNothing: many close and marshal
// payloads that share a value, and all store the same bytes.
// Breaks when: closeUnder stores without comparing; the box is no atomic pointer (go
// test -race).
func TestClosingSharedValuesIsIdempotentAndRacesWithNothing(t *testing.T) {
	type event struct{ Mail *stream.Sealed[string] }
	kept := stream.Seal("person/42", clearText)
	stored := make([]string, 32)
	keys := &together{Memory: keyring.InMemory()}
	keys.all.Add(len(stored)) // nobody is first
	var all sync.WaitGroup
	for i := range stored {
		all.Go(func() {
			e := event{&kept}
			if err := stream.CloseSealed(t.Context(), keys, e); err != nil {
				t.Error(err)
			}
			data, err := json.Marshal(e)
			if err != nil {
				t.Error(err)
			}
			stored[i] = string(data)
			_ = kept.String()
		})
	}
	all.Wait()
	for _, s := range stored {
		if s != stored[0] {
			t.Fatalf("one value is stored as %s and as %s", stored[0], s)
		}
	}
	// Other keys change nothing.
	close1(t, keyring.InMemory(), event{&kept})
	if data, err := json.Marshal(event{&kept}); err != nil || string(data) != stored[0] {
		t.Errorf("closed again under other keys: %s and %v, want %s", data, err, stored[0])
	}
}

// together gives nobody a key before all have asked for it.
type together struct {
	*keyring.Memory
	all sync.WaitGroup
}

func (k *together) Key(ctx context.Context, subject string) ([]byte, error) {
	k.all.Done()
	k.all.Wait()
	return k.Memory.Key(ctx, subject)
}

// TestClosingEndsWhateverThePayloadRefersTo: itself, or another ten thousand deep.
// Breaks when: walk does not note where it has been; or does not count its depth.
func TestClosingEndsWhateverThePayloadRefersTo(t *testing.T) {
	type node struct {
		Mail  stream.Sealed[string]
		Nodes []*node
		Any   map[string]any
		In    stream.Sealed[*node]
	}
	n := &node{Mail: stream.Seal("p", clearText), Any: map[string]any{}}
	n.Nodes = []*node{n, n, n}
	n.Any["self"] = n.Any
	close1(t, keyring.InMemory(), n)
	if _, err := n.Mail.MarshalText(); err != nil {
		t.Error(err)
	}
	n.In = stream.Seal("q", n) // JSON says what is wrong with it
	if err := stream.CloseSealed(t.Context(), keyring.InMemory(), n); err == nil {
		t.Error("a value sealed in itself was closed")
	}
	var deep any
	for range 20_000 {
		deep = []any{deep}
	}
	if err := stream.CloseSealed(t.Context(), keyring.InMemory(), deep); err == nil || !strings.Contains(err.Error(), "10000 deep") {
		t.Errorf("got %v, want an error that names the depth", err)
	}
}

// TestASubjectHasTheFormOfAKey.
// Breaks when: closeUnder or restore does not check the subject.
func TestASubjectHasTheFormOfAKey(t *testing.T) {
	for _, subject := range []string{"", "a\nb", "\xff", strings.Repeat("x", stream.MaxKeyBytes+1)} {
		s := stream.Seal(subject, 1)
		if err := stream.CloseSealed(t.Context(), keyring.InMemory(), s); err == nil {
			t.Errorf("sealed for %q", subject)
		}
		if got := s.String(); strings.Contains(got, "\n") || len(got) > 200 {
			t.Errorf("printed as %q", got)
		}
	}
	var back stream.Sealed[int]
	if err := json.Unmarshal([]byte(`{"subject":"a\nb","sealed":"AU/s8Ak5qQ0RrkqLKcmjzGgDXK0LCqyg9/x4nnQf"}`), &back); err == nil {
		t.Error("read one for a subject with a control character")
	}
}

// FuzzSealed: whatever is read is refused, or is stored again to bytes that are read as
// the same, and opens only if it is what was closed.
func FuzzSealed(f *testing.F) {
	closed, keys := closedMail(f)
	for form, way := range ways {
		if data, err := way.to(closed); form != "gob" && err == nil {
			f.Add(data)
		}
	}
	for _, s := range []string{"", "null", " null ", "{}", "\x00", `{"subject":"p","sealed":""}`, `{"subject":7}`, "AA", "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		for form, way := range ways {
			if form == "gob" {
				continue // not ours to read
			}
			var s, again stream.Sealed[string]
			if way.from(data, &s) != nil {
				continue
			}
			out, err := way.to(s)
			if err != nil {
				t.Fatalf("%s: %q is read and not written: %v", form, data, err)
			}
			if err := way.from(out, &again); err != nil || !again.Equal(s) {
				t.Fatalf("%s: %q comes back as %v, %v", form, out, again, err)
			}
			if text, err := s.Open(t.Context(), keys); err == nil && !s.IsZero() && text != clearText {
				t.Fatalf("%s: %q opens as %q", form, data, text)
			}
		}
	})
}

func BenchmarkSealed(b *testing.B) {
	keys := keyring.InMemory()
	type event struct {
		Name, Street, Town string
		Items              []struct{ Price, Amount int }
	}
	type sealed struct {
		event
		Mail stream.Sealed[string]
	}
	b.Run("close a payload without sealed values", func(b *testing.B) {
		e := any(event{})
		b.ReportAllocs()
		for b.Loop() {
			if err := stream.CloseSealed(b.Context(), keys, e); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("close", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if err := stream.CloseSealed(b.Context(), keys, sealed{Mail: stream.Seal("person/42", clearText)}); err != nil {
				b.Fatal(err)
			}
		}
	})
	closed, keys2 := closedMail(b)
	data, err := json.Marshal(closed)
	if err != nil {
		b.Fatal(err)
	}
	b.Run("open", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := closed.Open(b.Context(), keys2); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("decode", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			var s stream.Sealed[string]
			if err := json.Unmarshal(data, &s); err != nil {
				b.Fatal(err)
			}
		}
	})
}
