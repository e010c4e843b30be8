package keyring

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"

	"github.com/thaw-go/thaw/stream"
)

// A subject's file holds its key, as it is or closed under a master key, or says that
// the subject was forgotten:
//
//	plain      "THAWKEY1" | kind u8 = 1 | key 32               | crc32c u32
//	closed     "THAWKEY1" | kind u8 = 2 | nonce 12 | key 32 | tag 16 | crc32c u32
//	forgotten  "THAWKEY1" | kind u8 = 3                        | crc32c u32
//
// The checksum covers what is before it and the hash that the file is named by; a
// closed key (AES-256-GCM) has the hash and the kind authenticated.
const (
	magic     = "THAWKEY1"
	plainKind = 1
	closeKind = 2
	goneKind  = 3

	keySize   = 32
	nonceSize = 12
	tagSize   = 16
	head      = len(magic) + 1
	crcSize   = 4
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Masters are master keys, the newest first. They are never printed.
type Masters [][]byte

// Format says how many keys there are, whatever verb it is asked with.
func (m Masters) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, m.text()) } // a state keeps what it is given

// MarshalText says the same to what writes JSON, or logs.
func (m Masters) MarshalText() ([]byte, error) { return []byte(m.text()), nil }

func (m Masters) text() string { return fmt.Sprintf("[%d keys]", len(m)) }

func (m Masters) check() error {
	for i, key := range m {
		if len(key) != keySize {
			return fmt.Errorf("master key %d has %d bytes, expected %d", i+1, len(key), keySize)
		}
	}
	return nil
}

func (m Masters) clone() Masters {
	var own Masters
	for _, key := range m {
		own = append(own, bytes.Clone(key))
	}
	return own
}

// close closes a text under the newest key, bound to what it belongs to.
func (m Masters) close(text, belongs []byte) ([]byte, error) {
	nonce := make([]byte, nonceSize, nonceSize+len(text)+tagSize)
	_, _ = rand.Read(nonce) // never fails: crypto/rand aborts the process instead
	key, err := cipherOf(m[0])
	if err != nil {
		return nil, err
	}
	return key.Seal(nonce, nonce, text, belongs), nil
}

// open opens it under whichever key does, and says which.
func (m Masters) open(data, belongs []byte) (text []byte, which int, err error) {
	if len(m) == 0 {
		return nil, 0, fmt.Errorf("%w: it is closed under one, and none was given", ErrMaster)
	}
	if len(data) < nonceSize+tagSize {
		return nil, 0, ErrDamaged
	}
	for i, master := range m {
		key, err := cipherOf(master)
		if err != nil {
			return nil, 0, err
		}
		if text, err := key.Open(nil, data[:nonceSize], data[nonceSize:], belongs); err == nil {
			return text, i, nil
		}
	}
	return nil, 0, fmt.Errorf("%w: none of the %d opens it", ErrMaster, len(m))
}

func cipherOf(key []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}

// form writes and reads files.
type form struct{ masters Masters }

// key is the file of a key.
func (f form) key(n name, secret []byte) ([]byte, error) {
	if len(f.masters) == 0 {
		return sum(n, append(kind(plainKind), secret...)), nil
	}
	closed, err := f.masters.close(secret, bound(n))
	if err != nil {
		return nil, err
	}
	return sum(n, append(kind(closeKind), closed...)), nil
}

// tombstone is the file of a subject that was forgotten.
func tombstone(n name) []byte { return sum(n, kind(goneKind)) }

func kind(k byte) []byte { return append([]byte(magic), k) }

func bound(n name) []byte { return append(kind(closeKind), n[:]...) }

func sum(n name, data []byte) []byte {
	return binary.LittleEndian.AppendUint32(data, crc32.Update(crc32.Checksum(data, castagnoli), castagnoli, n[:]))
}

// open reads the key out of a file.
func (f form) open(n name, data []byte) ([]byte, error) {
	end := len(data) - crcSize
	if end < head || !bytes.Equal(sum(n, bytes.Clone(data[:end])), data) || string(data[:len(magic)]) != magic {
		return nil, fmt.Errorf("%w: %s", ErrDamaged, n)
	}
	body := data[head:end]
	switch data[len(magic)] {
	case goneKind:
		return nil, stream.ErrForgotten
	case plainKind:
		if len(f.masters) > 0 {
			return nil, fmt.Errorf("%w: %s is closed under none", ErrMaster, n)
		}
		if len(body) == keySize {
			return bytes.Clone(body), nil
		}
	case closeKind:
		secret, _, err := f.masters.open(body, bound(n))
		if err != nil && !errors.Is(err, ErrDamaged) {
			return nil, fmt.Errorf("%s: %w", n, err)
		}
		if err == nil && len(secret) == keySize {
			return secret, nil
		}
	}
	return nil, fmt.Errorf("%w: %s", ErrDamaged, n)
}
