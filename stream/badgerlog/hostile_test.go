package badgerlog

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"os"
	"path/filepath"
	"reflect"
	"runtime/metrics"
	"strings"
	"testing"

	"github.com/dgraph-io/badger/v4"
	"github.com/dgraph-io/badger/v4/options"
	"github.com/dgraph-io/badger/v4/pb"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"google.golang.org/protobuf/proto"

	"github.com/thaw-go/thaw/stream"
)

// frugal fails if f allocates more bytes than limit. Others of the process count
// as well, so the limit should have room for them.
func frugal(t testing.TB, limit int, f func()) {
	t.Helper()
	sample := []metrics.Sample{{Name: "/gc/heap/allocs:bytes"}}
	metrics.Read(sample)
	before := sample[0].Value.Uint64()
	f()
	metrics.Read(sample)
	if used := sample[0].Value.Uint64() - before; used > uint64(limit) {
		t.Errorf("it took %d bytes of memory, want %d at most", used, limit)
	}
}

// mostOfBlock is what reading any compressed block may take: what it is
// uncompressed to, and records and metadata of that.
const mostOfBlock = 128 << 20

// FuzzCompressedBlock hands over blocks that are compressed: of any heads and
// payloads, and of what is no Zstandard at all.
// Breaks when: the decoder is made without a bound on its memory.
func FuzzCompressedBlock(f *testing.F) {
	good := encodeBlock(sampleRecords())
	f.Add(uint32(2), uint32(len(good)), good[blockHeaderSize:], false)
	f.Add(uint32(1<<32-1), uint32(1<<32-1), bytes.Repeat(good[blockHeaderSize:], 100), false)
	f.Add(uint32(77_000), uint32(77_000*54), bytes.Repeat(append([]byte{50, 0, 0, 0}, make([]byte, 50)...), 77_000), false)
	bomb := zstdEncoder().EncodeAll(make([]byte, 256<<20), nil)
	f.Add(uint32(1), uint32(60), bomb, true)
	f.Add(uint32(1), uint32(60), []byte("\x28\xb5\x2f\xfd\xa0\xff\xff\xff\xff\x00\x00\x00"), true) // it claims 4 GB
	f.Fuzz(func(t *testing.T, count, heads uint32, body []byte, asItIs bool) {
		if !asItIs {
			body = zstdEncoder().EncodeAll(body, nil)
		}
		b := append(appendBlockHeader(nil, int(count), int(heads)), body...)
		b[1] = compressed
		sealBlock(b)
		var records []stream.Record
		var err error
		frugal(t, mostOfBlock, func() { records, err = decodeAll(b) })
		if err != nil || len(records) == 0 {
			return
		}
		again, err := decodeAll(joined(t, true, records))
		if err != nil {
			t.Fatalf("what was read can not be written and read: %v", err)
		}
		if diff := cmp.Diff(records, again, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("(-read +written and read again)\n%s", diff)
		}
	})
}

// FuzzSmallValues hands any bytes to who reads the small things: how far the
// database is, where a command took effect, a slot of HEAD, counts of waste.
func FuzzSmallValues(f *testing.F) {
	f.Add(applied{1, 2, 3, 4, 5}.encode())
	f.Add((&effect{share: share{stream.ID{Topic: "t", Key: "k"}, 3, 2}}).encode()[5:])
	f.Add(batchEffect().encode()[5:])
	f.Add(binary.AppendUvarint([]byte{1, 1}, 1<<62)) // a key as long as that
	f.Add(make([]byte, slotSize))
	f.Fuzz(func(t *testing.T, b []byte) {
		frugal(t, 100*len(b)+1<<20, func() {
			if a, err := decodeApplied(seal(b)); err == nil && !bytes.Equal(a.encode(), b) {
				t.Errorf("%x reads as %v, which is not written so", b, a)
			}
			if e, err := decodeEffect("t", seal(b)); err == nil {
				if again, err := decodeEffect("t", e.encode()); err != nil || !reflect.DeepEqual(again, e) {
					t.Errorf("%v reads back as %v: %v", e, again, err)
				}
			}
			_, _ = readDiscard(b)
			slot := make([]byte, slotSize)
			copy(slot, b)
			_, _, _ = decodeSlot(slot)
			binary.LittleEndian.PutUint32(slot, crc32.Checksum(slot[4:28], castagnoli))
			if turn, _, ok := decodeSlot(slot); ok != (turn > 0) {
				t.Errorf("a whole slot of turn %d is taken for %v", turn, ok)
			}
		})
	})
}

// withSums puts right the checksums of the messages behind a head.
func withSums(b []byte, head int) []byte {
	for at := head; len(b)-at >= 8; {
		length := int64(binary.BigEndian.Uint32(b[at:]))
		if length > int64(len(b)-at-8) {
			break
		}
		message := b[at+8 : at+8+int(length)]
		binary.BigEndian.PutUint32(b[at+4:], crc32.Checksum(message, castagnoli))
		at += 8 + int(length)
	}
	return b
}

func message(t testing.TB, m proto.Message) []byte {
	t.Helper()
	data, err := proto.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	b := binary.BigEndian.AppendUint32(nil, uint32(len(data)))
	return append(append(b, 0, 0, 0, 0), data...)
}

// FuzzManifestAndRegistry hands any bytes to the database's readers of its
// manifest and its registry of keys, if they pass what is asked of them before.
// Breaks when: checkChanges does not bound levels, or registryKey lengths.
func FuzzManifestAndRegistry(f *testing.F) {
	dir := f.TempDir()
	manifest := []byte("Bdgr\x00\x00\x00\x08")
	change := &pb.ManifestChange{Id: 1, Op: pb.ManifestChange_CREATE, Level: 3}
	f.Add(append(bytes.Clone(manifest), message(f, &pb.ManifestChangeSet{Changes: []*pb.ManifestChange{change}})...))
	change.Level = 1<<32 - 1
	f.Add(append(bytes.Clone(manifest), message(f, &pb.ManifestChangeSet{Changes: []*pb.ManifestChange{change}})...))
	f.Add(append(bytes.Clone(manifest), 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0))
	registry := append(make([]byte, 16), "Hello Badger"...)
	f.Add(append(bytes.Clone(registry), message(f, &pb.DataKey{KeyId: 1, Data: make([]byte, 32), Iv: make([]byte, 16)})...))
	f.Add(append(bytes.Clone(registry), 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0)) // a key of 4 GB
	path, keys := filepath.Join(dir, badger.ManifestFilename), filepath.Join(dir, badger.KeyRegistryFileName)
	f.Fuzz(func(t *testing.T, b []byte) {
		frugal(t, 1000*len(b)+4<<20, func() {
			if data, whole := wholeKeys(bytes.Clone(b)); whole {
				fuzzRegistry(t, keys, data)
			}
			if data := withSums(b, manifestHead); checkChanges(data) == nil {
				fuzzManifest(t, path, data)
			}
		})
	})
}

// wholeKeys is what the database gets to see of a registry.
func wholeKeys(b []byte) (data []byte, whole bool) {
	var r registry
	if err := r.read(withSums(b, registryHeadSize), nil); err != nil {
		return nil, false
	}
	return b[:r.whole], true
}

func fuzzRegistry(t *testing.T, path string, data []byte) {
	t.Helper()
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatal(err)
	}
	_, _ = badger.OpenKeyRegistry(badger.KeyRegistryOptions{Dir: filepath.Dir(path), ReadOnly: true})
}

func fuzzManifest(t *testing.T, path string, data []byte) {
	t.Helper()
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatal(err)
	}
	in := &inspection{dir: filepath.Dir(path)}
	var damaged *DamagedError
	if err := in.checkManifest(); err != nil && !errors.As(err, &damaged) {
		t.Errorf("got %v, want a DamagedError", err)
	} else if err != nil && strings.Contains(err.Error(), "panics") {
		t.Errorf("got %v, want that it is refused without a panic", err)
	}
}

// someTable is a table of the database's: its blocks, and its index.
func someTable(f *testing.F) (blocks, index []byte) {
	f.Helper()
	dir := f.TempDir()
	db, err := badger.OpenManaged(badger.DefaultOptions(dir).WithLogger(nil).WithCompression(options.None))
	if err != nil {
		f.Fatal(err)
	}
	txn := db.NewTransactionAt(1, true)
	for i := range 300 {
		if err := txn.Set(blockKey(stream.Position(i)), bytes.Repeat([]byte{byte(i)}, 60)); err != nil {
			f.Fatal(err)
		}
	}
	if err := errors.Join(txn.CommitAt(1, nil), db.Close()); err != nil {
		f.Fatal(err)
	}
	data, err := os.ReadFile(filepath.Join(dir, tableName(1)))
	if err != nil {
		f.Fatal(err)
	}
	if index, err = tableIndex(data); err != nil {
		f.Fatal(err)
	}
	return data[:bytes.Index(data, index)], index
}

// table is a table of blocks and an index, with the index's checksum.
func table(t testing.TB, blocks, index []byte) []byte {
	t.Helper()
	sum, err := proto.Marshal(&pb.Checksum{Sum: uint64(crc32.Checksum(index, castagnoli))})
	if err != nil {
		t.Fatal(err)
	}
	data := append(bytes.Clone(blocks), index...)
	data = binary.BigEndian.AppendUint32(data, uint32(len(index)))
	data = append(data, sum...)
	return binary.BigEndian.AppendUint32(data, uint32(len(sum)))
}

// FuzzTable hands over tables: with any index, whose checksum is right, and any
// bytes as they are.
// Breaks when: checkTableBytes does not contain the panics of who reads an index.
func FuzzTable(f *testing.F) {
	blocks, index := someTable(f)
	if _, err := checkTableBytes(table(f, blocks, index), options.None, nil); err != nil {
		f.Fatal(err)
	}
	f.Add(blocks, index)
	f.Add(blocks, bytes.Repeat([]byte{0xff}, 40))
	f.Add(append(bytes.Clone(blocks), 0xff, 0xff, 0xff, 0xff), []byte{})
	f.Fuzz(func(t *testing.T, blocks, index []byte) {
		data := table(t, blocks, index)
		frugal(t, 10*len(data)+1<<20, func() {
			_, _ = checkTableBytes(data, options.None, nil)
			_, _ = checkTableBytes(blocks, options.None, nil)
		})
	})
}

// logEntryOf is an entry of the database's logs.
func logEntryOf(key, value []byte, ts uint64) []byte {
	b := []byte{0, 0}
	b = binary.AppendUvarint(b, uint64(len(key)+8))
	b = binary.AppendUvarint(b, uint64(len(value)))
	b = append(append(b, 0), key...)
	b = append(binary.BigEndian.AppendUint64(b, 1<<64-1-ts), value...)
	return binary.BigEndian.AppendUint32(b, crc32.Checksum(b, castagnoli))
}

// FuzzLogEntries hands any bytes to who reads memory tables and value logs; the
// checksum of the first entry is put right.
// Breaks when: decodeLogEntry does not compare the lengths with what is there.
func FuzzLogEntries(f *testing.F) {
	f.Add(logEntryOf([]byte("b12345678"), []byte("value"), 7))
	f.Add([]byte{0, 0, 0xff, 0xff, 0xff, 0xff, 0x0f, 0xff, 0xff, 0xff, 0xff, 0x0f, 0}) // 4 GB each
	f.Add(bytes.Repeat([]byte{8, 0}, 500))
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) > 4 {
			binary.BigEndian.PutUint32(b[len(b)-4:], crc32.Checksum(b[:len(b)-4], castagnoli))
		}
		frugal(t, 10*len(b)+1<<20, func() {
			if e, ok := decodeLogEntry(b); ok && e.size > len(b) {
				t.Errorf("an entry of %d bytes out of %d", e.size, len(b))
			}
			file := append(make([]byte, logHeaderSize), b...)
			_, _ = (&databaseLog{data: file}).check(0)
			_ = checkWholeLog(file)
		})
	})
}
