package journal

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/binary"
	"errors"
)

// In an encrypted journal each turn of a segment has a key of its own, derived
// from the journal's key and the salt in the segment's header, and a record's data
// is encrypted with AES-GCM under it and followed by its tag. The record's header
// is authenticated with it. The checksum is of what stands on the disk, so a write
// that was torn is told from damage as it is in a plain journal; a record whose
// checksum is right and whose tag is not was altered, or written by somebody else.
//
// A nonce is never used twice under a key. Within a turn, records are numbered
// upwards, and a number is encrypted once: after a failed write nothing more is
// written, and whoever opens the journal again begins a new turn. Each turn has a
// random salt of 16 bytes, also when a copy of the journal goes on elsewhere with
// the same numbers. A record's nonce is its number behind four zeros; the one of
// the header's tag, with no data under it, is all ones.
const (
	saltSize = 16
	tagSize  = 16
)

var errNotSealed = errors.New("it was not written with this journal's key")

// turnCipher is for one turn of a segment; nil without a key.
func turnCipher(key []byte, salt [saltSize]byte) (cipher.AEAD, error) {
	if key == nil {
		return nil, nil
	}
	own, err := hkdf.Key(sha256.New, key, salt[:], "thaw journal segment", 32)
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(own)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}

func recordNonce(seq uint64) []byte {
	nonce := make([]byte, 12)
	binary.BigEndian.PutUint64(nonce[4:], seq)
	return nonce
}

var headerNonce = []byte{255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255}

// overhead is how much longer a record is that is encrypted.
func overhead(aead cipher.AEAD) int {
	if aead == nil {
		return 0
	}
	return tagSize
}

// sealRecord encrypts the data behind a record's header, in place.
func sealRecord(aead cipher.AEAD, record []byte, seq uint64) {
	aead.Seal(record[recordHeaderSize:recordHeaderSize], recordNonce(seq), record[recordHeaderSize:len(record)-tagSize], record[4:recordHeaderSize])
}

// openRecord decrypts a record that stands at the beginning of b, in place.
func openRecord(aead cipher.AEAD, b []byte, r *record) error {
	if aead == nil {
		return nil
	}
	data, err := aead.Open(r.data[:0], recordNonce(r.seq), r.data, b[4:recordHeaderSize])
	if err != nil {
		return errNotSealed
	}
	r.data = data
	return nil
}
