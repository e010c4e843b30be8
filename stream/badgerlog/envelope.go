package badgerlog

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
)

// An envelope is a random key that a master key closes: what data is encrypted
// with, so that a master key encrypts nothing else, and can be changed by closing
// the same key anew.
//
//	magic 8 | version u32 = 1 | crc32c u32 | nonce 12 | key 32, AES-GCM under the master key | its tag 16
//
// Integers are little-endian. The checksum covers the rest: it tells an envelope
// that is damaged from one that the key at hand does not open. The nonce is
// random, which AES-GCM allows some 2^32 times under a key; what stands before it
// is authenticated with the key, so one kind of envelope is never taken for
// another.
const (
	envelopeHead = 12 // magic and version
	innerKeySize = 32
	envelopeSize = envelopeHead + 4 + 12 + innerKeySize + 16
)

const envelopeVersion = 1

var errDamagedEnvelope = errors.New("expected a key that is closed under another one, found none that is whole")

// masterCipher is AES-GCM under a master key, each with a random nonce that it
// puts in front of what it encrypts.
func masterCipher(master []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(master)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCMWithRandomNonce(block)
}

// closeEnvelope closes a key under a master key. The magic has eight bytes.
func closeEnvelope(magic string, master, inner []byte) ([]byte, error) {
	aead, err := masterCipher(master)
	if err != nil {
		return nil, err
	}
	b := make([]byte, envelopeHead+4, envelopeSize)
	copy(b, magic)
	binary.LittleEndian.PutUint32(b[8:], envelopeVersion)
	b = aead.Seal(b, nil, inner, b[:envelopeHead])
	binary.LittleEndian.PutUint32(b[envelopeHead:], envelopeSum(b))
	return b, nil
}

func envelopeSum(b []byte) uint32 {
	return crc32.Update(crc32.Checksum(b[:envelopeHead], castagnoli), castagnoli, b[envelopeHead+4:envelopeSize])
}

// checkEnvelope reports whether a whole envelope stands at the beginning of b.
func checkEnvelope(magic string, b []byte) error {
	if len(b) < envelopeSize || string(b[:8]) != magic || binary.LittleEndian.Uint32(b[envelopeHead:]) != envelopeSum(b) {
		return errDamagedEnvelope
	}
	if v := binary.LittleEndian.Uint32(b[8:]); v != envelopeVersion {
		return fmt.Errorf("expected version %d, found %d", envelopeVersion, v)
	}
	return nil
}

// openEnvelope decides which of the master keys fits: it returns the first one's
// number and the key inside; -1 if none does.
func openEnvelope(magic string, b []byte, masters [][]byte) (inner []byte, which int, err error) {
	if err := checkEnvelope(magic, b); err != nil {
		return nil, -1, err
	}
	for i, master := range masters {
		aead, err := masterCipher(master)
		if err != nil {
			return nil, -1, err
		}
		if inner, err = aead.Open(nil, nil, b[envelopeHead+4:envelopeSize], b[:envelopeHead]); err == nil {
			return inner, i, nil
		}
	}
	return nil, -1, nil
}

// newKey is a key that nobody else has.
func newKey() ([]byte, error) {
	key := make([]byte, innerKeySize)
	if _, err := rand.Read(key); err != nil {
		return nil, err
	}
	return key, nil
}

// derived is the key for one purpose: knowing it helps nobody to another.
func derived(own []byte, purpose string) ([]byte, error) {
	return hkdf.Expand(sha256.New, own, "thaw "+purpose, innerKeySize)
}
