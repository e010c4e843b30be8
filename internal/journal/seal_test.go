package journal

import (
	"bytes"
	"encoding/binary"
	"errors"
	"testing"
)

// An altered record whose checksum was made to fit is no torn write, wherever it
// stands: the tag tells.
// Breaks when: scan takes a record that does not open for the end.
func TestAnAlteredRecordIsNotTakenForATornOne(t *testing.T) {
	dir, o := t.TempDir(), Options{Key: testKey}
	write(t, dir, o, records)
	to, files := copyOf(t, dir)
	h, _ := decodeHeader(files[0])
	for seq, extent := range extents(t, files[0]) {
		altered := bytes.Clone(files[0])
		record := altered[extent[0]:extent[1]]
		record[recordHeaderSize] ^= 1
		binary.LittleEndian.PutUint32(record, recordSum(h.nonce, record))
		put(t, to, 0, altered)
		found, _, err := reread(t, to, o, 0)
		var is *DamagedError
		if !errors.As(err, &is) || len(found) != int(seq)-1 {
			t.Errorf("record %d altered: got %d records and %v, want %d and a DamagedError", seq, len(found), err, seq-1)
		}
	}
}

// Breaks when: readHeader does not ask whether the header opens.
func TestAJournalOpensWithItsOwnKeyOnly(t *testing.T) {
	other := bytes.Repeat([]byte{8}, 32)
	for name, c := range map[string]struct{ written, read []byte }{
		"another key": {testKey, other}, "no key": {testKey, nil}, "a key where there was none": {nil, testKey},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			write(t, dir, Options{Key: c.written}, 0) // its headers are enough
			_, before := copyOf(t, dir)
			j := open(t, dir, Options{Key: c.read})
			found, _, err := replay(j, 0)
			closed(t, j)
			var is *DamagedError
			if !errors.As(err, &is) || len(found) > 0 {
				t.Errorf("got %d records and %v, want none and a DamagedError", len(found), err)
			}
			if _, after := copyOf(t, dir); !bytes.Equal(before[0], after[0]) || !bytes.Equal(before[1], after[1]) {
				t.Error("the journal was changed")
			}
		})
	}
}

// A number is encrypted once under a key: each turn has a salt of its own, also
// if it begins with a record's number that an earlier one has used.
// Breaks when: begin does not draw a salt, or openRecord is given another nonce.
func TestNoTwoTurnsShareAKey(t *testing.T) {
	salts := map[[saltSize]byte]bool{}
	for range 4 {
		dir := t.TempDir()
		write(t, dir, Options{Key: testKey, SegmentBytes: 64 << 10}, records) // into both segments
		_, files := copyOf(t, dir)
		for _, data := range files {
			h, ok := decodeHeader(data)
			if !ok || salts[h.salt] {
				t.Fatalf("salt %x was there before, or the header is lost", h.salt)
			}
			salts[h.salt] = true
		}
	}
}

// Breaks when: write leaves out sealRecord.
func TestASealedJournalShowsNothingOfItsRecords(t *testing.T) {
	marker := []byte("a plain word that stands nowhere else")
	for _, key := range [][]byte{nil, testKey} {
		dir := t.TempDir()
		j := open(t, dir, Options{Key: key})
		if err := j.Begin(1); err != nil {
			t.Fatal(err)
		}
		if _, err := j.Append([]byte("before"), marker); err != nil {
			t.Fatal(err)
		}
		closed(t, j)
		_, files := copyOf(t, dir)
		if shown := bytes.Contains(files[0], marker); shown != (key == nil) {
			t.Errorf("with a key: %v; its data is in plain text: %v", key != nil, shown)
		}
	}
}
