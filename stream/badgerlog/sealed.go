package badgerlog

import (
	"bufio"
	"crypto/aes"
	"crypto/cipher"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// A sealed stream is an envelope with a key of its own and chunks of up to 64 KiB,
// each encrypted with AES-GCM under that key and followed by its tag. All but the
// last are full; the last is empty only if the whole stream is.
//
// A chunk's nonce is its number and whether it is the last. The key is random and
// used for this one stream, whose writer counts up and stops at the last chunk, so
// no nonce is used twice under it; and a chunk that is missing, stands elsewhere,
// comes from another stream, or is the last one and is not the end, does not open.
const (
	sealedMagic = "THAWSEAL"
	chunkSize   = 64 << 10
	tagSize     = 16
)

// chunkNonce is of the chunk with a number.
func chunkNonce(number uint64, last bool) []byte {
	nonce := make([]byte, 12)
	binary.BigEndian.PutUint64(nonce[3:], number)
	if last {
		nonce[11] = 1
	}
	return nonce
}

// sealedAt is where the byte stands that was the n-th before it was sealed.
func sealedAt(n int64) int64 { return envelopeSize + n + n/chunkSize*tagSize }

// sealedEnd is how long a sealed stream of n bytes is; there is at least one.
func sealedEnd(n int64) int64 { return sealedAt(n-1) + 1 + tagSize }

func streamCipher(key []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}

// sealedWriter encrypts what is written to it. Close writes the last chunk: a
// stream without it is refused by its reader.
type sealedWriter struct {
	to     io.Writer
	aead   cipher.AEAD
	chunk  []byte // up to a full one; with room for its tag
	number uint64
	err    error
}

// newSealedWriter writes the head of a sealed stream that a master key opens.
func newSealedWriter(to io.Writer, master []byte) (*sealedWriter, error) {
	key, err := newKey()
	if err != nil {
		return nil, err
	}
	head, err := closeEnvelope(sealedMagic, master, key)
	if err != nil {
		return nil, err
	}
	aead, err := streamCipher(key)
	if err != nil {
		return nil, err
	}
	if _, err := to.Write(head); err != nil {
		return nil, err
	}
	return &sealedWriter{to: to, aead: aead, chunk: make([]byte, 0, chunkSize+tagSize)}, nil
}

func (w *sealedWriter) Write(p []byte) (n int, err error) {
	for len(p) > 0 && w.err == nil {
		if len(w.chunk) == chunkSize { // only once there is more: the last one may be full
			w.seal(false)
			continue
		}
		room := min(len(p), chunkSize-len(w.chunk))
		w.chunk = append(w.chunk, p[:room]...)
		n, p = n+room, p[room:]
	}
	return n, w.err
}

// seal writes a chunk. After a failed write it accepts nothing more, so that a
// chunk's number is not used for another one.
func (w *sealedWriter) seal(last bool) {
	sealed := w.aead.Seal(w.chunk[:0], chunkNonce(w.number, last), w.chunk, nil)
	if _, w.err = w.to.Write(sealed); w.err == nil {
		w.number++
		w.chunk = w.chunk[:0]
	}
}

var errSealedClosed = errors.New("the sealed stream has ended")

// Close ends the stream. It does not close what the stream is written to.
func (w *sealedWriter) Close() error {
	if w.err != nil {
		return w.err
	}
	if w.seal(true); w.err != nil {
		return w.err
	}
	w.err = errSealedClosed
	return nil
}

// sealedReader hands out what a sealedWriter was given, and nothing else: a
// stream that was cut, or altered, ends with an error that names the byte.
type sealedReader struct {
	from   *bufio.Reader
	aead   cipher.AEAD
	buffer []byte // of a chunk and its tag
	plain  []byte // of the chunk, once it is opened
	rest   []byte // of that, not handed out yet
	number uint64
	at     int64 // where the next chunk begins
	err    error
}

// newSealedReader reads the head of a sealed stream. Errors: a [*KeyError] if none
// of the master keys opens it, and what it can not read.
func newSealedReader(from io.Reader, masters ...[]byte) (*sealedReader, error) {
	head := make([]byte, envelopeSize)
	if n, err := io.ReadFull(from, head); err != nil {
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			err = fmt.Errorf("expected a sealed stream's head of %d bytes, found the end at byte %d", envelopeSize, n)
		}
		return nil, err
	}
	key, which, err := openEnvelope(sealedMagic, head, masters)
	switch {
	case err != nil:
		return nil, fmt.Errorf("a sealed stream's head, at byte 0: %w", err)
	case which < 0:
		return nil, &KeyError{Backup: 1, Encrypted: true, Given: len(masters)}
	}
	aead, err := streamCipher(key)
	if err != nil {
		return nil, err
	}
	const most = chunkSize + tagSize
	return &sealedReader{from: bufio.NewReaderSize(from, most), aead: aead, buffer: make([]byte, most), plain: make([]byte, 0, chunkSize), at: envelopeSize}, nil
}

func (r *sealedReader) Read(p []byte) (n int, err error) {
	for len(r.rest) == 0 && r.err == nil {
		r.next()
	}
	if len(r.rest) == 0 {
		return 0, r.err
	}
	n = copy(p, r.rest)
	r.rest = r.rest[n:]
	return n, nil
}

// next opens the next chunk. Behind the last one, r.err is io.EOF.
func (r *sealedReader) next() {
	n, err := io.ReadFull(r.from, r.buffer)
	last := errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
	if err != nil && !last {
		r.err = err
		return
	}
	if !last {
		_, err = r.from.Peek(1)
		if last = errors.Is(err, io.EOF); err != nil && !last {
			r.err = err
			return
		}
	}
	sealed := r.buffer[:n]
	plain, ok := r.open(sealed, last)
	switch {
	case !ok:
		r.err = r.refuse(sealed, last)
	case last && len(plain) == 0 && r.number > 0:
		r.err = fmt.Errorf("a sealed stream's chunk at byte %d is empty, expected the one before it to be the last", r.at)
	case last:
		r.err = io.EOF
	}
	if ok {
		r.rest, r.number, r.at = plain, r.number+1, r.at+int64(n)
	}
}

// open decrypts a chunk, beside it: one that does not open is looked at again.
func (r *sealedReader) open(sealed []byte, last bool) ([]byte, bool) {
	plain, err := r.aead.Open(r.plain[:0], chunkNonce(r.number, last), sealed, nil)
	return plain, err == nil
}

// refuse says what is wrong with a chunk that does not open.
func (r *sealedReader) refuse(sealed []byte, last bool) error {
	if _, ok := r.open(sealed, !last); ok && last {
		return fmt.Errorf("a sealed stream was cut at byte %d, expected more", r.at+int64(len(sealed)))
	} else if ok {
		return fmt.Errorf("a sealed stream ends at byte %d, found more behind it", r.at+int64(len(sealed)))
	}
	return fmt.Errorf("a sealed stream's chunk from byte %d to %d was cut, altered or moved", r.at, r.at+int64(len(sealed)))
}
