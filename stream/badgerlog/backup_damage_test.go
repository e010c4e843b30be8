package badgerlog

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/thaw-go/thaw/stream"
)

// smallBackups are backups with everything in them that there can be: of a log
// that was never truncated, what goes on from that, and of the same log, truncated.
func smallBackups(t testing.TB, keys ...[]byte) (list [][]byte) {
	t.Helper()
	log, err := Open(t.TempDir(), Options{Durability: Unsynced, MinFree: -1, Compress: true, Keys: keys}.SmallGenerations(6))
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := log.Close(); err != nil {
			t.Error(err)
		}
	}()
	more := func(n int) stream.Position {
		var at stream.Position
		for i := range n {
			r := stream.Record{Header: stream.Header{Type: "T", Command: stream.NewID(), Meta: stream.Metadata{"k": "v"}}, Data: bytes.Repeat([]byte("data "), 1+10*(i%2))}
			stored, err := log.Append(t.Context(), stream.ID{Topic: "t", Key: fmt.Sprint(i % 3)}, stream.AnyVersion, r, r)
			if err != nil {
				t.Fatal(err)
			}
			at = stored[1].Position
		}
		return at
	}
	back := func(since stream.Position) {
		var w bytes.Buffer
		if _, err := log.Backup(t.Context(), &w, BackupOptions{Since: stream.At(since)}); err != nil {
			t.Fatal(err)
		}
		list = append(list, w.Bytes())
	}
	at := more(10)
	if err := log.Checkpoint(t.Context(), "c", stream.At(at), stream.Change{Key: "k", Value: []byte("v")}, stream.Change{Key: "empty", Value: []byte{}}); err != nil {
		t.Fatal(err)
	}
	back(0)
	more(3)
	back(at)
	if cut, err := log.Truncate(t.Context(), stream.At(12)); err != nil || cut.IsZero() {
		t.Fatal(cut, err)
	}
	back(0)
	return list
}

// TestEachCutAndEachFlippedBitOfABackupIsFound: and named, by backup and byte,
// encrypted or not.
// Breaks when: a section's checksum is not compared, or the end is not asked
// for; an encrypted one: broken does not say where the byte stands.
func TestEachCutAndEachFlippedBitOfABackupIsFound(t *testing.T) {
	for name, keys := range map[string][][]byte{"plain": nil, "encrypted": {someKey(32, 1)}} {
		t.Run(name, func(t *testing.T) { eachCutAndFlip(t, keys) })
	}
}

func eachCutAndFlip(t *testing.T, keys [][]byte) {
	found, begin, step := 0, 0, 1 // where what may be damaged begins, if the head is whole
	if keys != nil {
		begin, step = envelopeSize, 7 // in each byte
	}
	backups := smallBackups(t, keys...)
	for i, whole := range backups {
		check := func(spoiled []byte, what string, at int) {
			from := []io.Reader{bytes.NewReader(spoiled)}
			if i == 1 { // it goes on from the first
				from = []io.Reader{bytes.NewReader(backups[0]), from[0]}
			}
			_, err := VerifyBackup(t.Context(), Options{Keys: keys}, from...)
			var broken *BackupError
			if !errors.As(err, &broken) || broken.Backup != len(from) || broken.Offset > int64(at) || at >= begin && broken.Offset < int64(begin) {
				t.Errorf("backup %d %s %d: got %v, want a BackupError before there", i, what, at, err)
			}
			found++
		}
		for n := range len(whole) {
			check(whole[:n], "cut at", n)
		}
		for bit := 0; bit < 8*len(whole); bit += step {
			spoiled := bytes.Clone(whole)
			spoiled[bit/8] ^= 1 << (bit % 8)
			check(spoiled, "flipped at byte", bit/8)
		}
	}
	t.Logf("%d cuts and flips found", found)
}

// Breaks when: finish does not compare the counts.
func TestASectionThatIsMissingOrInAnotherPlaceIsFound(t *testing.T) {
	backups := smallBackups(t)
	for i, whole := range backups {
		var sections [][]byte
		for rest := whole[backupHeaderSize:]; len(rest) > 0; {
			n := sectionHeadSize + int(binary.LittleEndian.Uint32(rest[1:]))
			sections, rest = append(sections, rest[:n]), rest[n:]
		}
		check := func(what string, at int, sections ...[]byte) {
			spoiled := append(bytes.Clone(whole[:backupHeaderSize]), bytes.Join(sections, nil)...)
			from := []io.Reader{bytes.NewReader(spoiled)}
			if i == 1 {
				from = []io.Reader{bytes.NewReader(backups[0]), from[0]}
			}
			_, err := VerifyBackup(t.Context(), Options{}, from...)
			var broken *BackupError
			if !errors.As(err, &broken) || broken.Backup != len(from) {
				t.Errorf("backup %d, section %d %s: got %v, want a BackupError", i, at, what, err)
			}
		}
		for at := range sections {
			check("is missing", at, append(slices.Clone(sections[:at]), sections[at+1:]...)...)
			check("is there twice", at, slices.Insert(slices.Clone(sections), at, sections[at])...)
			if at > 0 {
				swapped := slices.Clone(sections)
				swapped[at-1], swapped[at] = swapped[at], swapped[at-1]
				check("comes early", at, swapped...)
			}
		}
	}
}

// TestWhatABackupReadsIsKept: the database may throw nothing away of the moment
// that is being backed up, whatever is stored meanwhile.
// Breaks when: hold does not pin the moment, or release does not let go of it.
func TestWhatABackupReadsIsKept(t *testing.T) {
	log, err := Open(t.TempDir(), Options{Durability: Unsynced, MinFree: -1}.SmallGenerations(1))
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := log.Close(); err != nil {
			t.Error(err)
		}
	}()
	more := func() {
		r := stream.Record{Header: stream.Header{Type: "T"}, Data: []byte("data")}
		if _, err := log.Append(t.Context(), stream.ID{Topic: "t", Key: "k"}, stream.AnyVersion, r); err != nil {
			t.Fatal(err)
		}
		if err := log.settle(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	more()
	n, err := log.hold()
	if err != nil {
		t.Fatal(err)
	}
	more()
	if got := log.reads.oldest(1 << 40); got != n.ts {
		t.Errorf("held: the oldest that is read is %d, want %d", got, n.ts)
	}
	n.release()
	if got := log.reads.oldest(1 << 40); got != 1<<40 {
		t.Errorf("released: the oldest that is read is %d, want none", got)
	}
}

// Breaks when: restore does not finish each backup, or clear leaves the key file.
func TestADamagedBackupIsNotRestored(t *testing.T) {
	backups := smallBackups(t)
	dir := filepath.Join(t.TempDir(), "restored")
	o := Options{MinFree: -1, Durability: Unsynced}
	for i, whole := range [][]byte{backups[0], backups[2]} {
		for n := 1; n < len(whole); n += len(whole)/8 + 1 {
			spoiled := bytes.Clone(whole)
			spoiled[n] ^= 1
			for _, b := range [][]byte{whole[:n], spoiled} {
				o.Keys = [][]byte{someKey(32, byte(n))} // in the same place, each time another one
				_, err := Restore(t.Context(), dir, o, bytes.NewReader(b))
				var broken *BackupError
				if !errors.As(err, &broken) || broken.Offset > int64(n) {
					t.Errorf("backup %d at byte %d: got %v, want a BackupError before there", i, n, err)
				}
			}
		}
	}
	var format *FormatError
	if _, err := Open(dir, Options{}); !errors.As(err, &format) {
		t.Errorf("opened: got %v, want a FormatError", err)
	}
}

// Breaks when: peek makes room for what a section says it has.
func TestASectionThatLiesAboutItsLengthTakesNoMemory(t *testing.T) {
	h := backupHeader{to: 1}
	lie := append(h.encode(), sectionEvents, 0, 0, 0, 1, 0, 0, 0, 0) // 16 MiB
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err := VerifyBackup(t.Context(), Options{}, bytes.NewReader(lie))
	runtime.ReadMemStats(&after)
	var broken *BackupError
	if !errors.As(err, &broken) {
		t.Errorf("got %v, want a BackupError", err)
	}
	if took := after.TotalAlloc - before.TotalAlloc; took > 1<<20 {
		t.Errorf("it took %d bytes of memory", took)
	}
}

// reseal makes checksums right, so that what is behind them is read.
func reseal(b []byte) []byte {
	b = bytes.Clone(b)
	if len(b) < backupHeaderSize {
		return b
	}
	copy(b, backupMagic)
	binary.LittleEndian.PutUint32(b[8:], backupVersion)
	binary.LittleEndian.PutUint32(b[12:], backupHeaderSum(b[:backupHeaderSize]))
	for rest := b[backupHeaderSize:]; len(rest) >= sectionHeadSize; {
		length := uint64(binary.LittleEndian.Uint32(rest[1:]))
		if length > uint64(len(rest)-sectionHeadSize) {
			return b
		}
		data := rest[sectionHeadSize : sectionHeadSize+length]
		if rest[0] == sectionEvents && length >= blockHeaderSize {
			sealBlock(data)
		}
		binary.LittleEndian.PutUint32(rest[5:], sectionSum(rest[:5], data))
		rest = rest[sectionHeadSize+length:]
	}
	return b
}

// FuzzBackup reads hostile backups, as they are and with checksums that are
// right: no panic, and each error says which backup and where.
func FuzzBackup(f *testing.F) {
	for _, b := range smallBackups(f) {
		f.Add(b)
		f.Add(b[:len(b)/2])
	}
	keys := [][]byte{someKey(32, 1)}
	f.Add(smallBackups(f, keys...)[0])
	h := backupHeader{}
	f.Add(append(h.encode(), make([]byte, sectionHeadSize)...))
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, b := range [][]byte{b, reseal(b)} {
			_, err := VerifyBackup(t.Context(), Options{Keys: keys}, bytes.NewReader(b))
			var broken *BackupError
			var refused *KeyError
			if err != nil && !errors.As(err, &refused) && (!errors.As(err, &broken) || broken.Backup != 1 || broken.Offset > int64(len(b))) {
				t.Errorf("got %v, want a BackupError of backup 1 within %d bytes", err, len(b))
			}
		}
	})
}

// Breaks when: the format changes and its version does not.
func TestBackupsThatWereMadeBeforeAreRestored(t *testing.T) {
	text, err := os.ReadFile("testdata/backup-v1.hex")
	if err != nil {
		t.Fatal(err)
	}
	var backups []io.Reader
	for line := range strings.Lines(string(text)) {
		b, err := hex.DecodeString(strings.TrimSpace(line))
		if err != nil {
			t.Fatal(err)
		}
		backups = append(backups, bytes.NewReader(b))
	}
	dir := filepath.Join(t.TempDir(), "restored")
	b, err := Restore(t.Context(), dir, Options{Durability: Unsynced, MinFree: -1}, backups...)
	want := Backup{To: stream.At(26), Events: 26, Consumers: 1, States: 2, Bytes: b.Bytes}
	if diff := cmp.Diff(want, b); err != nil || diff != "" {
		t.Fatalf("%v (-want +got)\n%s", err, diff)
	}
	log, err := Open(dir, Options{MinFree: -1, ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	state, _, err := log.State(t.Context(), "c", "k")
	if err = errors.Join(err, log.Verify(t.Context(), nil), log.Close()); err != nil || string(state) != "v" {
		t.Errorf("got the state %q and %v", state, err)
	}
}
