package badgerlog

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"flag"
	"hash/crc32"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/thaw-go/thaw/stream"
)

var update = flag.Bool("update", false, "write the golden files anew")

// sampleRecords have every part that a head can have, and none.
func sampleRecords() []stream.Record {
	command := stream.DeriveID(stream.EventID{}, "command", 1)
	return []stream.Record{
		{Header: stream.Header{
			Schema: 2, Position: 41, Stream: stream.ID{Topic: "users", Key: "ann/1"}, Version: 7,
			ID: stream.DeriveID(command, "event", 0), Type: "EMAIL_SET", Command: command, Correlation: command,
			CausedBy: stream.DeriveID(command, "cause", 0), Time: time.Unix(1700000000, 123456789).UTC(),
			Meta: stream.Metadata{"actor": "ann", "traceparent": "00-ab"},
		}, Data: []byte(`{"Email":"ann@example.org"}`)},
		{Header: stream.Header{
			Schema: 1, Position: 42, Stream: stream.ID{Topic: "users", Key: "böb"}, Version: 1,
			ID: stream.DeriveID(command, "event", 1), Type: "NAME_SET",
			Correlation: stream.DeriveID(command, "story", 0), Time: time.Unix(-1, 5).UTC(),
		}, Data: []byte{0}},
	}
}

func decodeAll(b []byte) ([]stream.Record, error) {
	if _, err := openBlock(b, nil); err != nil {
		return nil, err
	}
	c := chunk{names: newInterner()}
	return c.decode(entry{value: b}, func(*frame) bool { return true })
}

func TestABlockReadsBackAsItWasWritten(t *testing.T) {
	want := sampleRecords()
	got, err := decodeAll(encodeBlock(want))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-written +read)\n%s", diff)
	}
}

// Breaks when: record keeps a part of what the record was before, such as its
// metadata, or the time of the event before it.
func TestARecordIsFilledWhateverItWasBefore(t *testing.T) {
	want := sampleRecords()
	full, bare := want[0], want[1]
	full.Shard, full.Data = 1, []byte("longer than the next one's")
	c := chunk{names: newInterner()}
	for _, records := range [][]stream.Record{{full, full}, {bare, full}, {bare, bare}} {
		want := slices.Clone(records)
		for i := range want {
			want[i].Shard = 0 // not stored
		}
		got, err := c.decode(entry{value: encodeBlock(records)}, func(*frame) bool { return true })
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("(-written +read)\n%s", diff)
		}
	}
}

// Breaks when: decode takes names for those of an event in a block that stood in
// the same memory before.
func TestABlockIsReadAnewWhereAnotherStood(t *testing.T) {
	c := chunk{names: newInterner()}
	var room []byte
	for _, name := range []string{"one", "two"} {
		want := []stream.Record{{Header: stream.Header{
			Position: 1, Stream: stream.ID{Topic: name, Key: name}, Version: 1,
			ID: stream.DeriveID(stream.EventID{}, "event", 1), Type: name, Time: time.Unix(1, 0).UTC(),
		}, Data: []byte(name)}}
		room = append(room[:0], encodeBlock(want)...)
		got, err := c.decode(entry{value: room}, func(*frame) bool { return true })
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("(-written +read)\n%s", diff)
		}
	}
}

// TestTheBlockFormatIsTheOneOnDisk fails when blocks written before would no
// longer be read, or would be written otherwise, without a new version.
func TestTheBlockFormatIsTheOneOnDisk(t *testing.T) {
	golden := filepath.Join("testdata", "block-v1.hex")
	encoded := encodeBlock(sampleRecords())
	if *update {
		if err := os.WriteFile(golden, []byte(hex.Dump(encoded)), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(hex.Dump(encoded), "\n")); diff != "" {
		t.Errorf("(-on disk +now)\n%s", diff)
	}
}

// TestPartsThatALaterFormatAppendsToAHeadAreSkipped writes heads with more at
// their end than this version knows.
func TestPartsThatALaterFormatAppendsToAHeadAreSkipped(t *testing.T) {
	want := sampleRecords()
	var heads, bodies []byte
	for i := range want {
		start := len(heads)
		heads = append(appendHead(heads, &want[i]), "tags of a later version"...)
		binary.LittleEndian.PutUint32(heads[start:], uint32(len(heads)-start-4))
		binary.LittleEndian.PutUint16(heads[start+4:], headFlags(&want[i])|1<<15)
		bodies = append(bodies, want[i].Data...)
	}
	b := make([]byte, blockHeaderSize)
	b[0] = blockVersion
	binary.LittleEndian.PutUint32(b[6:], uint32(len(want)))
	binary.LittleEndian.PutUint32(b[10:], uint32(len(heads)))
	got, err := decodeAll(checksummed(append(append(b, heads...), bodies...)))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-written +read)\n%s", diff)
	}
}

func checksummed(b []byte) []byte {
	if len(b) >= blockHeaderSize {
		binary.LittleEndian.PutUint32(b[2:], crc32.Checksum(b[blockCRCEnd:], castagnoli))
	}
	return b
}

// Guarantee 11, for what is on disk.
// Breaks when: openBlock does not compare the checksum.
func TestEveryFlippedBitOfABlockIsFound(t *testing.T) {
	good := encodeBlock(sampleRecords())
	for i := range len(good) * 8 {
		bad := bytes.Clone(good)
		bad[i/8] ^= 1 << (i % 8)
		if _, err := decodeAll(bad); err == nil {
			t.Errorf("bit %d of byte %d flipped, and nothing was said", i%8, i/8)
		}
	}
}

func TestATornBlockIsFound(t *testing.T) {
	good := encodeBlock(sampleRecords())
	for n := range good {
		if _, err := decodeAll(good[:n]); err == nil {
			t.Errorf("cut to %d of %d bytes, and nothing was said", n, len(good))
		}
	}
}

// FuzzBlockDecode: no bytes panic the decoder or make it allocate what a length
// in them asks for; a valid checksum is put on, so that more than it is tried.
// Guarantee 11, for whatever could be on disk.
// Breaks when: openBlock does not compare the length of the heads with what is
// there.
func FuzzBlockDecode(f *testing.F) {
	f.Add(encodeBlock(sampleRecords()))
	f.Add(encodeBlock(taggedRecords()))
	f.Add(checksummed([]byte{1, 0, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff})) // 4 GB of events and of heads
	f.Fuzz(func(t *testing.T, b []byte) {
		var records []stream.Record
		var err error
		frugal(t, 100*len(b)+1<<20, func() { records, err = decodeAll(checksummed(b)) })
		if err != nil {
			return
		}
		again, err := decodeAll(encodeBlock(records))
		if err != nil {
			t.Fatalf("what was read can not be written and read: %v", err)
		}
		if diff := cmp.Diff(records, again, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("(-read +written and read again)\n%s", diff)
		}
	})
}

// FuzzKeys: keys of one stream sort by version, no other stream's keys are among
// them, and the numbers read back.
func FuzzKeys(f *testing.F) {
	f.Add("users", "ann", "users", "annabel", uint64(1), uint64(2))
	f.Add("users", "a", "user", "sa", uint64(255), uint64(256))
	f.Fuzz(func(t *testing.T, topicA, keyA, topicB, keyB string, v, w uint64) {
		a, b := stream.ID{Topic: topicA, Key: keyA}, stream.ID{Topic: topicB, Key: keyB}
		if a.Validate() != nil || b.Validate() != nil {
			t.Skip()
		}
		prefix := streamKeys(a)
		first, second := streamKey(a, stream.Version(v), 1), streamKey(a, stream.Version(w), 1)
		if got, want := bytes.Compare(first, second), compare(v, w); got != want {
			t.Errorf("versions %d and %d of %s sort as %d", v, w, a, got)
		}
		if number, at, err := numbered(prefix, first); number != v || at != 1 || err != nil {
			t.Errorf("version %d of %s reads back as %d at %d: %v", v, a, number, at, err)
		}
		if a != b && bytes.HasPrefix(streamKey(b, stream.Version(w), 1), prefix) {
			t.Errorf("a key of %s stands among those of %s", b, a)
		}
		if a != b && keyA != keyB && bytes.HasPrefix(stateKey(keyB, ""), stateKey(keyA, "")) {
			t.Errorf("what consumer %q remembers stands among what %q does", keyB, keyA)
		}
	})
}

func compare(v, w uint64) int {
	switch {
	case v < w:
		return -1
	case v > w:
		return 1
	}
	return 0
}

func FuzzSealed(f *testing.F) {
	f.Add([]byte("12"))
	f.Add((&effect{share: share{stream.ID{Topic: "t", Key: "k"}, 3, 2}}).encode())
	f.Fuzz(func(t *testing.T, b []byte) {
		if value, err := unseal(b); err == nil && !bytes.Equal(seal(value), b) {
			t.Errorf("%x reads as %x, which is not written so", b, value)
		}
		if got, err := unseal(seal(b)); err != nil || !bytes.Equal(got, b) {
			t.Errorf("%x reads back as %x: %v", b, got, err)
		}
		_, _ = decodeEffect("t", seal(b)) // must not panic
	})
}
