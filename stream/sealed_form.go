package stream

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
)

// A closed box is a byte with the version of its form, a random nonce, and AES-256-GCM
// of the clear text, with the version and the subject authenticated.
const (
	boxVersion  = 1
	boxNonce    = 12
	boxTag      = 16
	sealingSize = 32
)

// sealingKey is the cipher of a subject's key.
func sealingKey(secret []byte) (cipher.AEAD, error) {
	if len(secret) != sealingSize {
		return nil, fmt.Errorf("the key has %d bytes, expected %d", len(secret), sealingSize)
	}
	block, err := aes.NewCipher(secret)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}

func closeBox(key cipher.AEAD, subject string, text []byte) []byte {
	data := make([]byte, 1+boxNonce, 1+boxNonce+len(text)+boxTag)
	data[0] = boxVersion
	_, _ = rand.Read(data[1:]) // never fails: crypto/rand aborts the process instead
	return key.Seal(data, data[1:], text, boundTo(subject))
}

func openBox(key cipher.AEAD, subject string, data []byte) ([]byte, error) {
	if err := checkBox(data); err != nil {
		return nil, err
	}
	text, err := key.Open(nil, data[1:1+boxNonce], data[1+boxNonce:], boundTo(subject))
	if err != nil {
		return nil, errors.New("it was changed, or sealed for another subject or under another key")
	}
	return text, nil
}

// boundTo is what is authenticated beside the clear text.
func boundTo(subject string) []byte { return append([]byte{boxVersion}, subject...) }

func checkBox(data []byte) error {
	if len(data) < 1+boxNonce+boxTag {
		return fmt.Errorf("it has %d bytes, expected at least %d", len(data), 1+boxNonce+boxTag)
	}
	if data[0] != boxVersion {
		return fmt.Errorf("it has the form %d, expected %d", data[0], boxVersion)
	}
	return nil
}

// boxJSON is a closed value in JSON.
type boxJSON struct {
	Subject string `json:"subject"`
	Sealed  []byte `json:"sealed"`
}

// MarshalJSON returns the closed value as an object with its subject and its bytes,
// the same ones each time; null if it holds nothing. An open value is an error that
// names the subject.
func (s Sealed[T]) MarshalJSON() ([]byte, error) {
	if s.box == nil {
		return []byte("null"), nil
	}
	data, err := s.box.stored()
	if err != nil {
		return nil, err
	}
	return json.Marshal(boxJSON{s.box.subject, data})
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (s *Sealed[T]) UnmarshalJSON(text []byte) error {
	if bytes.Equal(bytes.TrimSpace(text), []byte("null")) {
		*s = Sealed[T]{}
		return nil
	}
	var in boxJSON
	if err := json.Unmarshal(text, &in); err != nil {
		return fmt.Errorf("stream: read a sealed value: %w", err)
	}
	return s.restore(in.Subject, in.Sealed)
}

// MarshalBinary returns the closed value, the same bytes each time; one zero byte if
// it holds nothing. An open value is an error that names the subject.
func (s Sealed[T]) MarshalBinary() ([]byte, error) {
	if s.box == nil {
		return []byte{0}, nil
	}
	data, err := s.box.stored()
	if err != nil {
		return nil, err
	}
	out := binary.AppendUvarint(nil, uint64(len(s.box.subject)))
	return append(append(out, s.box.subject...), data...), nil
}

// UnmarshalBinary reads what MarshalBinary wrote. It does not keep data.
func (s *Sealed[T]) UnmarshalBinary(data []byte) error {
	if bytes.Equal(data, []byte{0}) {
		*s = Sealed[T]{}
		return nil
	}
	size, n := binary.Uvarint(data)
	if n <= 0 || size > uint64(len(data)-n) {
		return errors.New("stream: read a sealed value: the name of its subject is cut off")
	}
	rest := data[n:]
	return s.restore(string(rest[:size]), bytes.Clone(rest[size:]))
}

// MarshalText returns what MarshalBinary does, in base64.
func (s Sealed[T]) MarshalText() ([]byte, error) {
	data, err := s.MarshalBinary()
	if err != nil {
		return nil, err
	}
	return base64.RawURLEncoding.AppendEncode(nil, data), nil
}

// UnmarshalText reads what MarshalText wrote.
func (s *Sealed[T]) UnmarshalText(text []byte) error {
	data, err := base64.RawURLEncoding.AppendDecode(nil, text)
	if err != nil {
		return fmt.Errorf("stream: read a sealed value: %w", err)
	}
	return s.UnmarshalBinary(data)
}

// restore makes s a closed value. It owns data.
func (s *Sealed[T]) restore(subject string, data []byte) error {
	if err := checkName("subject", subject, MaxKeyBytes); err != nil {
		return fmt.Errorf("stream: read a sealed value: %w", err)
	}
	if err := checkBox(data); err != nil {
		return fmt.Errorf("stream: read what is sealed for %s: %w", clip(subject), err)
	}
	b := &box[T]{subject: subject}
	b.closed.Store(&closedBox{data: data})
	*s = Sealed[T]{b}
	return nil
}
