package stream

import (
	"context"
	"crypto/cipher"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"reflect"
	"sync/atomic"
)

// Sealed is a field of a payload that speaks of a person, or another subject, and is
// stored under that subject's key only. It is made open by [Seal], without any
// cryptography, so that a decider stays pure; [CloseSealed] closes it under the key,
// and from then on it is what is stored: the subject's name, which anyone can read,
// and bytes that only [Sealed.Open] makes sense of, as long as the subject is not
// forgotten.
//
// A value that was decoded is closed: reducers, views and snapshots keep it as it is
// and store it again, to the same bytes, without a key. An open one does not marshal:
// what was not closed gets into no log. Nothing prints the clear text. What is inside
// is encoded as JSON, whatever the topic's codec is. The zero value holds nothing.
//
// Sealed values are immutable, may be copied, and all methods may be called
// concurrently. They are compared with [Sealed.Equal], not with ==.
type Sealed[T any] struct {
	box *box[T] // nil: nothing
}

// box is shared by the copies of a sealed value: to close one closes all, and changes
// nothing that the user can see.
type box[T any] struct {
	subject string
	value   *T // the clear text; nil in what was decoded
	closed  atomic.Pointer[closedBox]
}

// closedBox is a box as it is stored.
type closedBox struct {
	data []byte      // version, nonce, ciphertext
	key  cipher.AEAD // what it was closed under here; nil in what was decoded
}

// Seal makes an open sealed value. The subject, "person/42", is stored in clear text
// and must itself be no personal data; it has the form of a stream's key.
func Seal[T any](subject string, value T) Sealed[T] {
	return Sealed[T]{&box[T]{subject: subject, value: &value}}
}

// Subject is whose key it is sealed under; empty if it holds nothing.
func (s Sealed[T]) Subject() string {
	if s.box == nil {
		return ""
	}
	return s.box.subject
}

// IsZero reports whether it holds nothing.
func (s Sealed[T]) IsZero() bool { return s.box == nil }

// Open returns the clear text. An open value needs no keys. Of a closed one it
// returns an error that wraps [ErrForgotten] if the subject was forgotten, and
// another one if the bytes were changed, moved to another subject, or closed under
// another key. One that holds nothing is the zero T.
func (s Sealed[T]) Open(ctx context.Context, keys Keys) (value T, err error) {
	if s.box == nil {
		return value, nil
	}
	closed := s.box.closed.Load()
	if closed == nil {
		return *s.box.value, nil
	}
	if keys == nil {
		return value, fmt.Errorf("stream: open what is sealed for %s: no keys were given", clip(s.box.subject))
	}
	secret, err := keys.Find(ctx, s.box.subject)
	if err != nil {
		return value, fmt.Errorf("stream: open what is sealed for %s: %w", clip(s.box.subject), err)
	}
	key, err := sealingKey(secret)
	if err != nil {
		return value, fmt.Errorf("stream: open what is sealed for %s: %w", clip(s.box.subject), err)
	}
	text, err := openBox(key, s.box.subject, closed.data)
	if err != nil {
		return value, fmt.Errorf("stream: open what is sealed for %s: %w", clip(s.box.subject), err)
	}
	if err := json.Unmarshal(text, &value); err != nil {
		// The codec's error would quote the clear text.
		return *new(T), fmt.Errorf("stream: open what is sealed for %s: it is not a %s", clip(s.box.subject), reflect.TypeFor[T]())
	}
	return value, nil
}

// Equal reports whether both hold the same for the same subject, as far as that can be
// told without keys: two open values are compared by what is in them, two closed ones
// by their bytes, and one that was closed here with one that was closed elsewhere by
// what is in them, if they are closed under the same key. [Sealed.Open] tells more.
func (s Sealed[T]) Equal(other Sealed[T]) bool {
	a, b := s.box, other.box
	if a == nil || b == nil || a == b {
		return a == b
	}
	if a.subject != b.subject {
		return false
	}
	if a.value != nil && b.value != nil {
		return equalValues(*a.value, *b.value)
	}
	x, y := a.closed.Load(), b.closed.Load()
	if x == nil || y == nil {
		return false // one was never closed: nothing says what the other holds
	}
	return string(x.data) == string(y.data) || a.holds(x, y) || b.holds(y, x)
}

// holds reports whether another closed box is of the same key and has what b has.
func (b *box[T]) holds(own, other *closedBox) bool {
	if b.value == nil || own.key == nil {
		return false
	}
	text, err := openBox(own.key, b.subject, other.data)
	var value T
	return err == nil && json.Unmarshal(text, &value) == nil && equalValues(*b.value, value)
}

// equalValues asks a type that knows, and compares all others deeply.
func equalValues[T any](a, b T) bool {
	if knows, ok := any(a).(interface{ Equal(T) bool }); ok && !reflect.ValueOf(&a).Elem().IsZero() {
		return knows.Equal(b)
	}
	return reflect.DeepEqual(a, b)
}

// closeUnder closes the box under its subject's key, unless it is closed already. Who
// is second does its work for nothing: all copies keep the bytes of the first.
func (s Sealed[T]) closeUnder(c *closer) error {
	b := s.box
	if b == nil || b.closed.Load() != nil || c.met(b) {
		return nil
	}
	if err := checkName("subject", b.subject, MaxKeyBytes); err != nil {
		return err
	}
	if c.keys == nil {
		return fmt.Errorf("stream: seal for %s: there are no keys: give them to the repository as its option Keys, or call CloseSealed", clip(b.subject))
	}
	if err := c.walk(reflect.ValueOf(b.value)); err != nil { // what is sealed within
		return err
	}
	text, err := json.Marshal(b.value)
	if err != nil {
		return fmt.Errorf("stream: seal for %s: %w", clip(b.subject), err)
	}
	secret, err := c.keys.Key(c.ctx, b.subject)
	if err != nil {
		return fmt.Errorf("stream: seal for %s: %w", clip(b.subject), err)
	}
	key, err := sealingKey(secret)
	if err != nil {
		return fmt.Errorf("stream: seal for %s: %w", clip(b.subject), err)
	}
	b.closed.CompareAndSwap(nil, &closedBox{data: closeBox(key, b.subject, text), key: key})
	return nil
}

// String says whose it is: "[sealed person/42]".
func (s Sealed[T]) String() string {
	switch {
	case s.box == nil:
		return "[nothing sealed]"
	case checkName("subject", s.box.subject, MaxKeyBytes) != nil:
		return "[sealed " + clip(s.box.subject) + "]"
	}
	return "[sealed " + s.box.subject + "]"
}

// GoString is as String.
func (s Sealed[T]) GoString() string { return s.String() }

// Format is as String, whatever the verb is.
func (s Sealed[T]) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, s.String()) } // a state keeps what it is given

// LogValue is as String.
func (s Sealed[T]) LogValue() slog.Value { return slog.StringValue(s.String()) }

// stored is what is stored of the box; it is an error if it is open.
func (b *box[T]) stored() ([]byte, error) {
	closed := b.closed.Load()
	if closed == nil {
		return nil, fmt.Errorf("stream: what is to be sealed for %s was not closed under a key: give the repository its option Keys, or call CloseSealed", clip(b.subject))
	}
	return closed.data, nil
}
