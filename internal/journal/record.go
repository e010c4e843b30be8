package journal

import (
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
// turn, or in a user's data, is never taken for a record.
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

// encodeRecord fills b, which is as long as recordSize says.
func encodeRecord(b []byte, nonce uint64, kind byte, seq uint64, length int, data ...[]byte) {
	clear(b[:recordHeaderSize])
	binary.LittleEndian.PutUint32(b[4:], uint32(length))
	binary.LittleEndian.PutUint64(b[8:], seq)
	b[16] = kind
	n := recordHeaderSize
	for _, part := range data {
		n += copy(b[n:], part)
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
const (
	headerVersion = 1
	headerSize    = 40
	headerBytes   = 2 * page
)

const magic = "THAWJRNL"

type header struct {
	nonce uint64
	first uint64 // the number of its first record
	turn  uint64 // counts how often a segment was begun
}

func (h header) encode(b []byte) {
	clear(b)
	copy(b, magic)
	binary.LittleEndian.PutUint32(b[8:], headerVersion)
	binary.LittleEndian.PutUint64(b[16:], h.nonce)
	binary.LittleEndian.PutUint64(b[24:], h.first)
	binary.LittleEndian.PutUint64(b[32:], h.turn)
	binary.LittleEndian.PutUint32(b[12:], headerSum(b))
}

func headerSum(b []byte) uint32 {
	sum := crc32.Checksum(b[:12], castagnoli)
	return crc32.Update(sum, castagnoli, b[16:headerSize])
}

// decodeHeader reads a header; false if none stands here.
func decodeHeader(b []byte) (header, bool) {
	if len(b) < headerSize || string(b[:8]) != magic || binary.LittleEndian.Uint32(b[8:]) != headerVersion || binary.LittleEndian.Uint32(b[12:]) != headerSum(b) {
		return header{}, false
	}
	return header{
		nonce: binary.LittleEndian.Uint64(b[16:]),
		first: binary.LittleEndian.Uint64(b[24:]),
		turn:  binary.LittleEndian.Uint64(b[32:]),
	}, true
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
