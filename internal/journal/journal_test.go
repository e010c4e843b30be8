package journal

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
)

// modes are the ways a journal gets its records to the disk.
var modes = map[string]Options{
	"direct":   {SegmentBytes: 256 << 10},
	"buffered": {SegmentBytes: 256 << 10, buffered: true},
	"unsynced": {SegmentBytes: 256 << 10, Unsynced: true},
	"sealed":   {SegmentBytes: 256 << 10, Key: testKey},
}

var testKey = bytes.Repeat([]byte{7}, 32)

// eitherWay runs a test on a plain journal and on an encrypted one.
func eitherWay(t *testing.T, test func(t *testing.T, o Options)) {
	t.Run("plain", func(t *testing.T) { test(t, Options{}) })
	t.Run("sealed", func(t *testing.T) { test(t, Options{Key: testKey}) })
}

// anyWay runs it on an unsynced journal as well.
func anyWay(t *testing.T, test func(t *testing.T, o Options)) {
	eitherWay(t, test)
	t.Run("unsynced", func(t *testing.T) { test(t, Options{Unsynced: true}) })
}

func open(t *testing.T, dir string, o Options) *Journal {
	t.Helper()
	j, err := Open(dir, o)
	if err != nil {
		t.Fatal(err)
	}
	return j
}

// replay returns the records after a number, as text.
func replay(j *Journal, after uint64) (found []string, last uint64, err error) {
	last, err = j.Replay(after, func(seq uint64, data []byte) error {
		found = append(found, fmt.Sprintf("%d %x", seq, data))
		return nil
	})
	return found, last, err
}

func reread(t *testing.T, dir string, o Options, after uint64) ([]string, uint64, error) {
	t.Helper()
	o.ReadOnly = true
	j := open(t, dir, o)
	defer closed(t, j)
	return replay(j, after)
}

func closed(t *testing.T, j *Journal) {
	t.Helper()
	if err := j.Close(); err != nil {
		t.Error(err)
	}
}

// write begins a journal and appends n records of random lengths.
func write(t *testing.T, dir string, o Options, n int) (want []string) {
	t.Helper()
	j := open(t, dir, o)
	defer closed(t, j)
	if err := j.Begin(1); err != nil {
		t.Fatal(err)
	}
	for i := range n {
		data := payload(i)
		seq, err := j.Append(data[:len(data)/2], data[len(data)/2:])
		if err != nil || seq != uint64(i+1) {
			t.Fatalf("record %d got number %d: %v", i+1, seq, err)
		}
		want = append(want, fmt.Sprintf("%d %x", seq, data))
	}
	return want
}

func payload(i int) []byte { return bytes.Repeat([]byte{byte(i + 1)}, 1+(i*2999)%20000) }

// TestWhatWasAppendedIsReplayed runs random lives of a journal: appends, what is
// applied, and openings anew after which it begins behind what was replayed.
// Breaks when: begin keeps the nonce of the turn before; Begin takes the younger
// segment; first takes the segment with the greater first record.
func TestWhatWasAppendedIsReplayed(t *testing.T) {
	for name, o := range modes {
		t.Run(name, func(t *testing.T) {
			for seed := range uint64(20) {
				life(t, o, rand.New(rand.NewPCG(seed, 1)))
			}
		})
	}
}

func life(t *testing.T, o Options, random *rand.Rand) {
	t.Helper()
	dir := t.TempDir()
	var all []string // every record ever appended
	applied := uint64(0)
	for range 12 {
		j := open(t, dir, o)
		found, last, err := replay(j, applied)
		if err != nil || last != uint64(len(all)) || fmt.Sprint(found) != fmt.Sprint(all[applied:]) {
			t.Fatalf("after %d of %d: %d records up to %d: %v", applied, len(all), len(found), last, err)
		}
		if random.IntN(4) == 0 { // it crashed before it began again
			closed(t, j)
			continue
		}
		applied = last
		if err := j.Begin(last + 1); err != nil {
			t.Fatal(err)
		}
		for range random.IntN(60) {
			data := payload(random.IntN(100))
			seq, err := j.Append(data)
			if errors.Is(err, ErrFull) {
				applied = uint64(len(all))
				j.Applied(applied)
				seq, err = j.Append(data)
			}
			if err != nil || seq != uint64(len(all)+1) {
				t.Fatalf("record %d got number %d: %v", len(all)+1, seq, err)
			}
			all = append(all, fmt.Sprintf("%d %x", seq, data))
			if random.IntN(8) == 0 {
				applied = seq - uint64(random.IntN(min(int(seq-applied), 3)+1))
				j.Applied(applied)
			}
		}
		closed(t, j)
	}
}

func TestAFullJournalSaysSoAndGoesOnOnceRecordsAreApplied(t *testing.T) {
	j := open(t, t.TempDir(), Options{SegmentBytes: 64 << 10})
	defer closed(t, j)
	if err := j.Begin(1); err != nil {
		t.Fatal(err)
	}
	var last uint64
	for {
		seq, err := j.Append(make([]byte, 5000))
		if errors.Is(err, ErrFull) {
			break
		}
		if err != nil || seq > 100 {
			t.Fatalf("record %d: %v, want the journal to be full before", seq, err)
		}
		last = seq
	}
	j.Applied(1)
	if _, err := j.Append(make([]byte, 5000)); !errors.Is(err, ErrFull) {
		t.Errorf("one record applied of many: got %v, want ErrFull", err)
	}
	j.Applied(last)
	if seq, err := j.Append(make([]byte, 5000)); err != nil || seq != last+1 {
		t.Errorf("got record %d: %v, want %d", seq, err, last+1)
	}
	if _, err := j.Append(make([]byte, 64<<10)); !errors.Is(err, ErrTooLarge) {
		t.Errorf("a record as long as a segment: got %v, want ErrTooLarge", err)
	}
}

// TestAJournalWithNothingToKeepGivesItsSpaceBack closes one whose records are
// all applied, and one where the last is not.
// Breaks when: rest does not ask what was applied, or cuts before the other
// segment has its header.
func TestAJournalWithNothingToKeepGivesItsSpaceBack(t *testing.T) {
	for name, o := range modes {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			next, first := uint64(1), uint64(0)
			for _, left := range []uint64{0, 1, 0, 0, 3} {
				j := open(t, dir, o)
				found, last, err := replay(j, first)
				if err != nil || last != next-1 || uint64(len(found)) != last-first {
					t.Fatalf("got %d records after %d up to %d: %v, want them up to %d", len(found), first, last, err, next-1)
				}
				if err := j.Begin(next); err != nil {
					t.Fatal(err)
				}
				for range 30 {
					if next, err = j.Append(make([]byte, 3000)); err != nil {
						t.Fatal(err)
					}
					first = next - min(next, left)
					j.Applied(first)
				}
				next++
				closed(t, j)
				size := int64(0)
				for _, name := range Names {
					info, err := os.Stat(filepath.Join(dir, name))
					if err != nil {
						t.Fatal(err)
					}
					size += info.Size()
				}
				if rests := size == 2*headerBytes; rests != (left == 0) {
					t.Errorf("%d records not applied: the closed files have %d bytes", left, size)
				}
			}
		})
	}
}

// TestAFailedWriteIsTheLast closes a file under the journal.
// Breaks when: write does not set j.failed.
func TestAFailedWriteIsTheLast(t *testing.T) {
	j := open(t, t.TempDir(), Options{})
	if err := j.Begin(1); err != nil {
		t.Fatal(err)
	}
	file := j.current.file
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
	_, first := j.Append([]byte("lost"))
	if first == nil {
		t.Fatal("a write to a closed file succeeded")
	}
	var err error
	if j.current.file, err = os.OpenFile(j.current.path, os.O_RDWR, 0); err != nil {
		t.Fatal(err)
	}
	if _, err := j.Append([]byte("more")); !errors.Is(err, first) {
		t.Errorf("after a failed write got %v, want the same failure", err)
	}
	closed(t, j)
}

// copyOf copies a journal, so that it can be damaged.
func copyOf(t *testing.T, dir string) (to string, files [2][]byte) {
	t.Helper()
	to = t.TempDir()
	for i, name := range Names {
		data, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		files[i] = data
		put(t, to, i, data)
	}
	return to, files
}

func put(t *testing.T, dir string, segment int, data []byte) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, Names[segment]), data, 0o644); err != nil {
		t.Fatal(err)
	}
}
