package journal

import (
	"encoding/binary"
	"testing"
)

// FuzzRecords hands over segments of any records: the header is whole, and the
// checksum of each record is put right if its length lets it be a record.
// Breaks when: decodeRecord does not compare the length with what is there.
func FuzzRecords(f *testing.F) {
	pages := make([]byte, 3*page)
	encodeRecord(pages[:2*page], 0, nil, kindData, 1, 5000, make([]byte, 5000))
	encodeRecord(pages[2*page:], 0, nil, kindRoll, 2, 0)
	f.Add(pages, uint64(0), uint64(1), false)
	f.Add(pages, uint64(1), uint64(1<<64-1), true)
	f.Add([]byte{0, 0, 0, 0, 255, 255, 255, 255}, uint64(0), uint64(0), false) // 4 GB long
	f.Fuzz(func(t *testing.T, b []byte, after, first uint64, loose bool) {
		for at := 0; at+recordHeaderSize <= len(b); at += page {
			if length := int64(binary.LittleEndian.Uint32(b[at+4:])); length <= int64(len(b)-at-recordHeaderSize) {
				binary.LittleEndian.PutUint32(b[at:], recordSum(7, b[at:at+recordHeaderSize+int(length)]))
			}
		}
		whole := make([]byte, headerBytes, headerBytes+len(b))
		h := header{nonce: 7, first: first, turn: 1, loose: loose}
		h.encode(whole[:page], nil)
		h.encode(whole[page:], nil)
		whole = append(whole, b...)
		s := &segment{path: "fuzzed"}
		if s.header, s.valid = decodeHeader(whole); !s.valid || s.header != h {
			t.Fatalf("a header of %+v reads as %+v", h, s.header)
		}
		read, next := 0, after+1
		_, _ = s.scan(whole, after, loose, func(seq uint64, data []byte) error {
			if seq < next {
				t.Errorf("record %d follows %d", seq, next-1)
			}
			if read += len(data); read > len(b) {
				t.Errorf("records of %d bytes out of %d", read, len(b))
			}
			next = seq + 1
			return nil
		})
	})
}
