package badgerlog

import (
	"crypto/rand"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/thaw-go/thaw/stream"
)

// joined is the one block that the joiner makes of records.
func joined(t *testing.T, compress bool, records []stream.Record) []byte {
	t.Helper()
	j := joiner{compress: compress}
	var blocks [][]byte
	err := j.each([]run{asRun(encodeBlock(records), records)}, func(value []byte, _, _ *stream.Record) error {
		blocks = append(blocks, value)
		return nil
	})
	if err != nil || len(blocks) != 1 {
		t.Fatalf("got %d blocks and %v, want one", len(blocks), err)
	}
	return blocks[0]
}

func manyRecords(n int, data func() []byte) []stream.Record {
	var list []stream.Record
	for i := range n {
		r := sampleRecords()[i%2]
		r.Data = data()
		list = append(list, r)
	}
	return list
}

func text() []byte { return []byte(strings.Repeat("compressible ", 20)) }

// Breaks when: plain returns the compressed bytes, or reuses room that an
// earlier block's events still stand in.
func TestACompressedBlockIsSmallerAndReadsBackAsItWasWritten(t *testing.T) {
	want := manyRecords(100, text)
	small, large := joined(t, true, want), joined(t, false, want)
	if 4*len(small) > len(large) {
		t.Errorf("got %d bytes of %d, want a quarter at most", len(small), len(large))
	}
	got, err := decodeAll(small)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-written +read)\n%s", diff)
	}
}

func TestABlockThatDoesNotGetSmallerStandsAsItIs(t *testing.T) {
	random := func() []byte {
		b := make([]byte, 1000)
		_, _ = rand.Read(b)
		return b
	}
	if b := joined(t, true, manyRecords(1, random)); b[1] != 0 {
		t.Errorf("got flags %02x for random bytes, want none", b[1])
	}
}

// Breaks when: the checksum is compared after uncompressing, or not at all.
func TestAFlippedBitInACompressedBlockIsFound(t *testing.T) {
	b := joined(t, true, manyRecords(50, text))
	for i := range b {
		for bit := range 8 {
			b[i] ^= 1 << bit
			if _, err := decodeAll(b); err == nil {
				t.Errorf("byte %d, bit %d: got no error", i, bit)
			}
			b[i] ^= 1 << bit
		}
	}
}

// Breaks when: the decoder is made without a bound on its memory.
func TestABlockThatGrowsWithoutBoundIsRefused(t *testing.T) {
	zeros := make([]byte, 256<<20)
	b := appendBlockHeader(nil, 1, 100)
	b = zstdEncoder().EncodeAll(zeros, b)
	b[1] = compressed
	sealBlock(b)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err := decodeAll(b)
	runtime.ReadMemStats(&after)
	if err == nil {
		t.Error("got no error")
	}
	if used := after.TotalAlloc - before.TotalAlloc; used > 64<<20 {
		t.Errorf("refusing %d bytes took %d bytes of memory", len(b), used)
	}
}

// Breaks when: decodeEvents takes a compressed block, whose bytes it would then
// hand to the database as heads and payloads.
func TestACompressedBlockInTheJournalIsRefused(t *testing.T) {
	block := joined(t, true, manyRecords(50, text))
	c := &commit{commands: map[commandID]effect{}}
	if err := c.decodeEvents(block); err == nil || !strings.Contains(err.Error(), "block flags 01") {
		t.Errorf("got %v, want an error about the block's flags", err)
	}
}
