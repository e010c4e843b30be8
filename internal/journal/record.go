package journal

import (
	"crypto/cipher"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"unsafe"
)

// A record begins on a page of its own and is followed by zeros up to the next:
//
//	crc32c u32 | length u32 | seq u64 | kind u8 | zeros 7 | data … | zeros …
//
// Integers are little-endian. The checksum covers the segment's nonce, the rest
// of the record's header and its data: what stands in a segment from an earlier
// turn, or in a user's data, is never taken for a record. In an encrypted journal
// the data is encrypted and ends with a tag of 16 bytes.
const (
	page             = 4096
	recordHeaderSize = 24
)

const (
	kindData = 1
	kindRoll = 2 // the segment ends here, and the other one goes on
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// recordSize is how many bytes of a segment a record takes.
func recordSize(data int) int64 {
	return (recordHeaderSize + int64(data) + page - 1) / page * page
}

// encodeRecord fills b, which is as long as recordSize says of the length and the
// cipher's overhead. The cipher is nil in a plain journal.
func encodeRecord(b []byte, nonce uint64, aead cipher.AEAD, kind byte, seq uint64, length int, data ...[]byte) {
	clear(b[:recordHeaderSize])
	binary.LittleEndian.PutUint32(b[4:], uint32(length+overhead(aead)))
	binary.LittleEndian.PutUint64(b[8:], seq)
	b[16] = kind
	n := recordHeaderSize
	for _, part := range data {
		n += copy(b[n:], part)
	}
	if aead != nil {
		n += tagSize
		sealRecord(aead, b[:n], seq)
	}
	clear(b[n:])
	binary.LittleEndian.PutUint32(b, recordSum(nonce, b[:n]))
}

func recordSum(nonce uint64, record []byte) uint32 {
	var seed [8]byte
	binary.LittleEndian.PutUint64(seed[:], nonce)
	return crc32.Update(crc32.Checksum(seed[:], castagnoli), castagnoli, record[4:])
}

type record struct {
	seq  uint64
	kind byte
	data []byte
	size int64
}

var errNoRecord = errors.New("no whole record stands here")

// decodeRecord reads the record at the beginning of b. It allocates nothing.
func decodeRecord(b []byte, nonce uint64) (record, error) {
	if len(b) < recordHeaderSize {
		return record{}, errNoRecord
	}
	length := int64(binary.LittleEndian.Uint32(b[4:]))
	if recordSize(int(length)) > int64(len(b)) {
		return record{}, errNoRecord
	}
	if recordSum(nonce, b[:recordHeaderSize+length]) != binary.LittleEndian.Uint32(b) {
		return record{}, errNoRecord
	}
	r := record{seq: binary.LittleEndian.Uint64(b[8:]), kind: b[16], size: recordSize(int(length))}
	r.data = b[recordHeaderSize : recordHeaderSize+length : recordHeaderSize+length]
	return r, nil
}

// A segment begins with its header, twice, each on a page of its own:
//
//	"THAWJRNL" | version u32 | crc32c u32 | nonce u64 | first seq u64 | turn u64
//
// In an encrypted journal the version is 2, and a salt and a tag of 16 bytes each
// follow. The tag authenticates what stands between the checksum and itself. The
// versions 3 and 4 are the same two of a segment whose records are not synced.
const (
	headerVersion       = 1
	sealedHeaderVersion = 2
	unsyncedVersions    = 2 // is added to either
	headerSize          = 40
	sealedHeaderSize    = headerSize + saltSize + tagSize
	headerBytes         = 2 * page
)

const magic = "THAWJRNL"

type header struct {
	nonce  uint64
	first  uint64 // the number of its first record
	turn   uint64 // counts how often a segment was begun
	loose  bool   // its records get to the disk in any order, or not at all
	sealed bool   // it is encrypted
	salt   [saltSize]byte
	tag    [tagSize]byte
}

// encode fills b. Of an encrypted segment's header it also makes the tag.
func (h *header) encode(b []byte, aead cipher.AEAD) {
	clear(b)
	copy(b, magic)
	binary.LittleEndian.PutUint32(b[8:], h.version(aead != nil))
	binary.LittleEndian.PutUint64(b[16:], h.nonce)
	binary.LittleEndian.PutUint64(b[24:], h.first)
	binary.LittleEndian.PutUint64(b[32:], h.turn)
	size := headerSize
	if h.sealed = aead != nil; h.sealed {
		copy(b[headerSize:], h.salt[:])
		copy(h.tag[:], aead.Seal(nil, headerNonce, nil, h.authenticated()))
		size = headerSize + saltSize + copy(b[headerSize+saltSize:], h.tag[:])
	}
	binary.LittleEndian.PutUint32(b[12:], headerSum(b[:size]))
}

func (h *header) version(sealed bool) uint32 {
	v := uint32(headerVersion)
	if sealed {
		v = sealedHeaderVersion
	}
	if h.loose {
		v += unsyncedVersions
	}
	return v
}

// authenticated is what a sealed header's tag covers, as it stands on the disk, and
// a byte of 1 behind it if the records are not synced.
func (h *header) authenticated() []byte {
	b := binary.LittleEndian.AppendUint64(nil, h.nonce)
	b = binary.LittleEndian.AppendUint64(b, h.first)
	b = binary.LittleEndian.AppendUint64(b, h.turn)
	b = append(b, h.salt[:]...)
	if h.loose {
		b = append(b, 1)
	}
	return b
}

func headerSum(b []byte) uint32 {
	sum := crc32.Checksum(b[:12], castagnoli)
	return crc32.Update(sum, castagnoli, b[16:])
}

// decodeHeader reads a header; false if none stands here.
func decodeHeader(b []byte) (header, bool) {
	if len(b) < sealedHeaderSize || string(b[:8]) != magic {
		return header{}, false
	}
	version := binary.LittleEndian.Uint32(b[8:])
	if version < headerVersion || version > sealedHeaderVersion+unsyncedVersions {
		return header{}, false
	}
	loose := version > sealedHeaderVersion
	sealed := version == sealedHeaderVersion || version == sealedHeaderVersion+unsyncedVersions
	size := headerSize
	if sealed {
		size = sealedHeaderSize
	}
	if binary.LittleEndian.Uint32(b[12:]) != headerSum(b[:size]) {
		return header{}, false
	}
	h := header{
		nonce:  binary.LittleEndian.Uint64(b[16:]),
		first:  binary.LittleEndian.Uint64(b[24:]),
		turn:   binary.LittleEndian.Uint64(b[32:]),
		loose:  loose,
		sealed: sealed,
	}
	if sealed {
		copy(h.salt[:], b[headerSize:])
		copy(h.tag[:], b[headerSize+saltSize:])
	}
	return h, true
}

// cipher is what a turn's records are encrypted with; nil in a plain journal. It
// fails if the header was not written with the journal's key.
func (h *header) cipher(key []byte) (cipher.AEAD, error) {
	if h.sealed != (key != nil) {
		return nil, errNotSealed
	}
	aead, err := turnCipher(key, h.salt)
	if aead == nil || err != nil {
		return nil, err
	}
	if _, err := aead.Open(nil, headerNonce, h.tag[:], h.authenticated()); err != nil {
		return nil, errNotSealed
	}
	return aead, nil
}

// aligned returns n bytes that begin at a page's border in memory, as writes that
// bypass the page cache must.
func aligned(n int) []byte {
	b := make([]byte, n+page)
	skip := 0
	if over := int(uintptr(unsafe.Pointer(unsafe.SliceData(b))) % page); over != 0 {
		skip = page - over
	}
	return b[skip : skip+n : skip+n]
}
