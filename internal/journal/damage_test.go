package journal

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
)

// extents are where the records of a segment stand, by their numbers.
func extents(t *testing.T, segment []byte) map[uint64][2]int {
	t.Helper()
	h, ok := decodeHeader(segment)
	if !ok {
		t.Fatal("the segment has no header")
	}
	found := map[uint64][2]int{}
	for at := headerBytes; at < len(segment); {
		r, err := decodeRecord(segment[at:], h.nonce)
		if err != nil {
			break
		}
		found[r.seq] = [2]int{at, at + recordHeaderSize + len(r.data)}
		at += int(r.size)
	}
	return found
}

const records = 8

// TestATornLastWriteIsNoRecord cuts and scrambles the last record's write
// anywhere, as a loss of power does.
// Breaks when: decodeRecord does not compare the checksum.
func TestATornLastWriteIsNoRecord(t *testing.T) { anyWay(t, aTornLastWriteIsNoRecord) }

func aTornLastWriteIsNoRecord(t *testing.T, o Options) {
	dir := t.TempDir()
	want := write(t, dir, o, records)
	to, files := copyOf(t, dir)
	last := extents(t, files[0])[records]
	random := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		torn := bytes.Clone(files[0])
		for at := last[0]; at < last[1]; at += 512 { // some sectors were written, others not
			if random.IntN(2) == 0 {
				clear(torn[at:min(at+512, last[1])])
			}
		}
		if bytes.Equal(torn, files[0]) {
			continue
		}
		put(t, to, 0, torn)
		found, end, err := reread(t, to, o, 0)
		if err != nil || end != records-1 || fmt.Sprint(found) != fmt.Sprint(want[:records-1]) {
			t.Fatalf("got %d records up to %d: %v, want the first %d", len(found), end, err, records-1)
		}
	}
}

// TestAFlippedBitIsFound flips each of many bits of a record that was not
// applied, and that others follow; the same bits do no harm once it is applied. An
// unsynced journal ends in front of it.
// Breaks when: read takes every record that is not whole for the end (findLater
// not asked).
func TestAFlippedBitIsFound(t *testing.T) { anyWay(t, aFlippedBitIsFound) }

func aFlippedBitIsFound(t *testing.T, o Options) {
	dir := t.TempDir()
	want := write(t, dir, o, records)
	to, files := copyOf(t, dir)
	random := rand.New(rand.NewPCG(3, 4))
	for range 500 {
		seq := 1 + random.Uint64N(records-1)
		extent := extents(t, files[0])[seq]
		damaged := bytes.Clone(files[0])
		at := extent[0] + random.IntN(extent[1]-extent[0])
		damaged[at] ^= 1 << random.IntN(8)
		put(t, to, 0, damaged)
		found, _, err := reread(t, to, o, 0)
		var is *DamagedError
		if errors.As(err, &is) == o.Unsynced || (err == nil) != o.Unsynced || fmt.Sprint(found) != fmt.Sprint(want[:seq-1]) {
			t.Fatalf("byte %d of record %d flipped: got %d records and %v, want %d, and a DamagedError if it is synced", at, seq, len(found), err, seq-1)
		}
		found, end, err := reread(t, to, o, seq)
		if err != nil || end != records || fmt.Sprint(found) != fmt.Sprint(want[seq:]) {
			t.Fatalf("record %d, which is applied, is damaged: got %d records up to %d: %v, want the %d behind it", seq, len(found), end, err, records-seq)
		}
	}
}

// TestEitherHeaderIsEnough: the two copies are never being written at once.
// Breaks when: readHeader reads the first copy only, or calls a segment blank
// that has lost both.
func TestEitherHeaderIsEnough(t *testing.T) { anyWay(t, eitherHeaderIsEnough) }

func eitherHeaderIsEnough(t *testing.T, o Options) {
	dir := t.TempDir()
	want := write(t, dir, o, records)
	to, files := copyOf(t, dir)
	for copy := range 2 {
		damaged := bytes.Clone(files[0])
		damaged[copy*page+20] ^= 4
		put(t, to, 0, damaged)
		if found, _, err := reread(t, to, o, 0); err != nil || fmt.Sprint(found) != fmt.Sprint(want) {
			t.Errorf("copy %d damaged: got %d records: %v, want all %d", copy+1, len(found), err, records)
		}
	}
	damaged := bytes.Clone(files[0])
	damaged[20] ^= 4
	damaged[page+20] ^= 4
	put(t, to, 0, damaged)
	var is *DamagedError
	if _, _, err := reread(t, to, o, 0); !errors.As(err, &is) {
		t.Errorf("both copies damaged: got %v, want a DamagedError", err)
	}
}

// TestTheSecondSegmentCanNotGetLost damages what joins two segments. An unsynced
// journal ends before them, at the first record that is missing.
// Breaks when: Replay ends with the first segment although the second one is
// younger, or does not compare where they meet.
func TestTheSecondSegmentCanNotGetLost(t *testing.T) { anyWay(t, theSecondSegmentCanNotGetLost) }

func theSecondSegmentCanNotGetLost(t *testing.T, o Options) {
	small := Options{SegmentBytes: 64 << 10, Key: o.Key, Unsynced: o.Unsynced}
	dir := t.TempDir()
	want := write(t, dir, small, records) // longer than one segment
	to, files := copyOf(t, dir)
	first := extents(t, files[0])
	rolled := uint64(len(first)) // its last record says that the other one goes on
	if len(extents(t, files[1])) == 0 || len(first) < 3 {
		t.Fatal("the records fit in one segment: the test proves nothing")
	}
	check := func(what string, damage func(files *[2][]byte), whole bool) {
		damaged := [2][]byte{bytes.Clone(files[0]), bytes.Clone(files[1])}
		damage(&damaged)
		put(t, to, 0, damaged[0])
		put(t, to, 1, damaged[1])
		found, _, err := reread(t, to, small, 0)
		var is *DamagedError
		switch {
		case whole && (err != nil || fmt.Sprint(found) != fmt.Sprint(want)):
			t.Errorf("%s: got %d records: %v, want all %d", what, len(found), err, len(want))
		case !whole && o.Unsynced && (err != nil || len(found) == len(want) || fmt.Sprint(found) != fmt.Sprint(want[:len(found)])):
			t.Errorf("%s: got %d records: %v, want the first of the %d", what, len(found), err, len(want))
		case !whole && !o.Unsynced && !errors.As(err, &is):
			t.Errorf("%s: got %d records and %v, want a DamagedError", what, len(found), err)
		}
	}
	check("nothing damaged", func(*[2][]byte) {}, true)
	check("the record that ends the first segment", func(f *[2][]byte) { f[0][first[rolled][0]+9] ^= 1 }, true)
	check("the last two records of the first segment", func(f *[2][]byte) {
		f[0][first[rolled][0]+9] ^= 1
		f[0][first[rolled-1][0]+9] ^= 1
	}, false)
	check("the second segment zeroed", func(f *[2][]byte) { clear(f[1]) }, false)
	check("the second segment of no length", func(f *[2][]byte) { f[1] = nil }, false)
	check("the first segment zeroed", func(f *[2][]byte) { clear(f[0]) }, false)
}

// FuzzSegment hands any bytes to a reader as a segment.
func FuzzSegment(f *testing.F) {
	for _, key := range [][]byte{nil, testKey} {
		good := make([]byte, headerBytes+2*page)
		h := header{nonce: 7, first: 1, turn: 1}
		aead, err := turnCipher(key, h.salt)
		if err != nil {
			f.Fatal(err)
		}
		h.encode(good[:page], aead)
		encodeRecord(good[headerBytes:headerBytes+page], h.nonce, aead, kindData, 1, 5, []byte("hello"))
		encodeRecord(good[headerBytes+page:], h.nonce, aead, kindRoll, 2, 0)
		f.Add(good, uint64(0))
		f.Add(good[:headerBytes+page], uint64(1))
		good = bytes.Clone(good)
		good[headerBytes+recordHeaderSize] ^= 1 // with the right checksum, and not what was written
		binary.LittleEndian.PutUint32(good[headerBytes:], recordSum(h.nonce, good[headerBytes:][:recordHeaderSize+5+overhead(aead)]))
		f.Add(good, uint64(0))
	}
	good := []byte(magic)
	f.Add(good[:7], uint64(1))
	f.Fuzz(func(t *testing.T, b []byte, after uint64) {
		s := &segment{path: "fuzzed"}
		s.header, s.valid = decodeHeader(b)
		if s.header.sealed {
			var err error
			if s.aead, err = s.header.cipher(testKey); err != nil {
				return
			}
		}
		b = bytes.Clone(b) // it is decrypted in place
		next := max(after, s.header.first-1)
		end, err := s.scan(b, after, s.header.loose, func(seq uint64, data []byte) error {
			if next++; seq != next {
				t.Errorf("record %d follows %d", seq, next-1)
			}
			if len(data) > len(b) {
				t.Errorf("a record of %d bytes out of %d", len(data), len(b))
			}
			return nil
		})
		if err == nil && end.next > after && end.next != next+1 {
			t.Errorf("it ends before %d, but went up to %d", end.next, next)
		}
	})
}
