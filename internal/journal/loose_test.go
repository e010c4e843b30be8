package journal

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"testing"
)

// TestAnUnsyncedJournalEndsWhereALossOfPowerLeftAGap lets the pages that were
// written since Begin get to the disk or not, each for itself, in an order of
// nobody's choice; what was applied is stored elsewhere. The same journal is then
// opened by an owner who syncs, and the other way round.
// Breaks when: scan or Replay take a gap in a loose journal for damage; first asks
// another header than the youngest.
func TestAnUnsyncedJournalEndsWhereALossOfPowerLeftAGap(t *testing.T) {
	eitherWay(t, func(t *testing.T, o Options) {
		o.SegmentBytes = 64 << 10
		shorter := 0
		for seed := range uint64(60) {
			shorter += powerless(t, o, rand.New(rand.NewPCG(seed, 5)))
		}
		if shorter < 60 {
			t.Errorf("only %d journals ended early: the test proves little", shorter)
		}
	})
}

// powerless is a journal's life with some losses of power; it returns after how
// many of them records were missing.
func powerless(t *testing.T, o Options, random *rand.Rand) (shorter int) {
	dir := t.TempDir()
	var all []string // every record that is there
	applied := uint64(0)
	for range 8 {
		o.Unsynced = random.IntN(4) > 0
		j := open(t, dir, o)
		found, last, err := replay(j, applied)
		if err != nil || last < applied || last > uint64(len(all)) || fmt.Sprint(found) != fmt.Sprint(all[applied:last]) {
			t.Fatalf("%d records were applied of %d: got %d up to %d: %v; want the first of the others", applied, len(all), len(found), last, err)
		}
		if last < uint64(len(all)) {
			shorter++
		}
		all, applied = all[:last], last
		if err := j.Begin(last + 1); err != nil {
			t.Fatal(err)
		}
		d := &loosened{begun: segments(t, dir)}
		for range random.IntN(40) {
			data := payload(random.IntN(30))
			seq, err := j.Append(data)
			if errors.Is(err, ErrFull) {
				applied = uint64(len(all))
				j.Applied(applied)
				seq, err = j.Append(data)
			}
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, fmt.Sprintf("%d %x", seq, data))
			if random.IntN(8) == 0 {
				applied = seq - uint64(random.IntN(min(int(seq-applied), 3)+1))
				j.Applied(applied)
			}
			if random.IntN(4) == 0 {
				d.later = append(d.later, segments(t, dir))
			}
		}
		d.later = append(d.later, segments(t, dir))
		closed(t, j)
		if o.Unsynced {
			d.lose(t, dir, random)
		} else {
			d.keep(t, dir)
		}
	}
	return shorter
}

// loosened is what a journal's files were at some moments of a run.
type loosened struct {
	begun [2][]byte // on the disk for sure
	later [][2][]byte
}

// keep is a kill of a process that syncs.
func (d *loosened) keep(t *testing.T, dir string) {
	for i := range 2 {
		put(t, dir, i, d.later[len(d.later)-1][i])
	}
}

// lose makes each page of the files that of some moment. How long they are is the
// file system's to say, too.
func (d *loosened) lose(t *testing.T, dir string, random *rand.Rand) {
	likely := random.IntN(20) // of one in 20 that it is not the newest one
	for i := range 2 {
		last := d.later[len(d.later)-1][i]
		disk := make([]byte, max(len(last), len(d.begun[i])))
		for at := 0; at < len(disk); at += page {
			from := last
			if random.IntN(20) < likely {
				if n := random.IntN(len(d.later) + 1); n < len(d.later) {
					from = d.later[n][i]
				} else {
					from = d.begun[i]
				}
			}
			copy(disk[at:min(at+page, len(disk))], from[min(at, len(from)):])
		}
		if random.IntN(8) == 0 && len(disk) > len(d.begun[i]) {
			disk = disk[:len(d.begun[i])+random.IntN(len(disk)-len(d.begun[i]))]
		}
		put(t, dir, i, disk)
	}
}

func segments(t *testing.T, dir string) (files [2][]byte) {
	t.Helper()
	for i, name := range Names {
		var err error
		if files[i], err = os.ReadFile(filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	return files
}

// The records after the applied ones were in a segment of which nothing has got to
// the disk, and the other one was begun anew meanwhile: the journal is empty.
// Breaks when: first does not let a loose journal begin behind what was applied.
func TestASegmentThatNeverGotToTheDiskLeavesAnUnsyncedJournalEmpty(t *testing.T) {
	for _, unsynced := range []bool{true, false} {
		dir, o := t.TempDir(), Options{SegmentBytes: 64 << 10, Unsynced: unsynced}
		j := open(t, dir, o)
		if err := j.Begin(1); err != nil {
			t.Fatal(err)
		}
		turned := uint64(0) // the last record of the first segment
		for j.turn < 3 {
			seq, err := j.Append(make([]byte, 5000))
			if err != nil {
				t.Fatal(err)
			}
			if j.turn == 1 {
				turned = seq
			}
			j.Applied(turned)
		}
		_, files := copyOf(t, dir)
		closed(t, j)
		put(t, dir, 0, files[0])
		put(t, dir, 1, nil)
		found, last, err := reread(t, dir, o, turned)
		var is *DamagedError
		switch {
		case unsynced && (err != nil || len(found) > 0 || last != turned):
			t.Errorf("got %d records up to %d: %v, want none behind %d", len(found), last, err, turned)
		case !unsynced && !errors.As(err, &is):
			t.Errorf("in a journal that syncs got %d records and %v, want a DamagedError", len(found), err)
		}
	}
}

// The files are a device that takes whatever is written to it, and can not sync.
// Breaks when: Begin leaves its header to the operating system, and a later opening
// could not tell that the rest of the journal may be missing; Append syncs as well.
func TestTheHeaderOfAnUnsyncedJournalIsSynced(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("there is no such device for sure")
	}
	j := open(t, t.TempDir(), Options{Unsynced: true})
	defer closed(t, j)
	for _, s := range j.segments {
		file, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.file.Close(); err != nil {
			t.Error(err)
		}
		s.file, s.filled = file, 1<<20
	}
	if err := j.Begin(1); err == nil {
		t.Error("Begin says that its header is on the disk, and it is not")
	}
	j.failed = nil
	if err := j.turnTo(j.segments[0]); err != nil {
		t.Error(err)
	}
	if _, err := j.Append([]byte("not synced")); err != nil {
		t.Error(err)
	}
}

// The flag is part of what the header's checksum, and of a sealed one the tag,
// covers; a synced header stands as it always did.
// Breaks when: encode leaves it out, or authenticated does.
func TestAHeaderSaysWhetherItsRecordsAreSynced(t *testing.T) {
	eitherWay(t, func(t *testing.T, o Options) {
		for _, unsynced := range []bool{false, true} {
			dir := t.TempDir()
			o.Unsynced = unsynced
			write(t, dir, o, 0)
			b := segments(t, dir)[0][:page]
			h, ok := decodeHeader(b)
			if !ok || h.loose != unsynced || h.sealed != (o.Key != nil) {
				t.Fatalf("written unsynced: %v; it reads as %+v, %v", unsynced, h, ok)
			}
			h.loose = !h.loose
			if _, err := h.cipher(o.Key); o.Key != nil && !errors.Is(err, errNotSealed) {
				t.Errorf("the flag turned over: %v, want that the header was not written with this key", err)
			}
			b = bytes.Clone(b)
			b[8] ^= 2
			if _, ok := decodeHeader(b); ok {
				t.Error("another version reads as whole")
			}
		}
	})
}
