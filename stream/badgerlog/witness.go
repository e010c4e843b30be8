package badgerlog

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/thaw-go/thaw/stream"
)

// witness is a small file that says how far the log was acknowledged. It is
// written after what it speaks of is on the disk and was answered, before the next
// journal record is, and not synced itself: when a process is killed it may not know
// of the last record, after a loss of power of more, and never knows more than is
// true. A log that opens shorter than it says has been damaged.
//
//	two slots, written in turn: crc32c u32 | turn u64 | journal record u64 | position u64
type witness struct {
	file *os.File // nil: it was only read
	turn uint64
	seen applied
	// after a loss of power an unsynced journal may end before what was
	// acknowledged: then the witness speaks of the database only
	loose bool
	err   error // the first failure to write; told by close
	fault faults
}

const (
	witnessName = "HEAD"
	slotSize    = 64
)

func openWitness(dir string, loose, readOnly bool) (*witness, error) {
	if readOnly {
		return readWitness(dir, loose)
	}
	f, err := os.OpenFile(filepath.Join(dir, witnessName), os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return nil, fmt.Errorf("badgerlog: open %s: %w", dir, err)
	}
	w := &witness{file: f, loose: loose}
	if err := w.read(); err != nil {
		return nil, errors.Join(fmt.Errorf("badgerlog: open %s: %w", dir, err), f.Close())
	}
	return w, nil
}

// readWitness takes what there is: a log that was never written to has none.
func readWitness(dir string, loose bool) (*witness, error) {
	w := &witness{loose: loose}
	f, err := os.Open(filepath.Join(dir, witnessName))
	if errors.Is(err, fs.ErrNotExist) {
		return w, nil
	}
	if err == nil {
		w.file = f
		err = errors.Join(w.read(), f.Close())
		w.file = nil
	}
	if err != nil {
		return nil, fmt.Errorf("badgerlog: open %s: %w", dir, err)
	}
	return w, nil
}

// read finds the younger of the two slots that are whole.
func (w *witness) read() error {
	b := make([]byte, 2*slotSize)
	if _, err := w.file.ReadAt(b, 0); err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	for slot := range 2 {
		turn, seen, ok := decodeSlot(b[slot*slotSize:])
		if ok && turn >= w.turn {
			w.turn, w.seen = turn, seen
		}
	}
	return nil
}

func decodeSlot(b []byte) (turn uint64, seen applied, ok bool) {
	sum := crc32.Checksum(b[4:28], castagnoli)
	turn = binary.LittleEndian.Uint64(b[4:])
	seen = applied{seq: binary.LittleEndian.Uint64(b[12:]), last: stream.Position(binary.LittleEndian.Uint64(b[20:]))}
	return turn, seen, turn > 0 && sum == binary.LittleEndian.Uint32(b)
}

// saw says that everything up to a journal record and a position is acknowledged.
func (w *witness) saw(seq uint64, last stream.Position) {
	if !w.loose {
		w.write(applied{seq: seq, last: last})
	}
}

// stored says that the database has everything up to here, on the disk.
func (w *witness) stored(a applied) {
	if w.loose {
		w.write(a)
	}
}

func (w *witness) write(a applied) {
	if w.err != nil {
		return
	}
	w.turn++
	var b [slotSize]byte
	binary.LittleEndian.PutUint64(b[4:], w.turn)
	binary.LittleEndian.PutUint64(b[12:], a.seq)
	binary.LittleEndian.PutUint64(b[20:], uint64(a.last))
	binary.LittleEndian.PutUint32(b[:], crc32.Checksum(b[4:28], castagnoli))
	err := w.fault.at("witness.write")
	if err == nil {
		_, err = w.file.WriteAt(b[:], int64(w.turn%2)*slotSize)
	}
	if err != nil {
		w.err = err
		return
	}
	w.seen = a
}

// check returns a CorruptError if the log is shorter than it was.
func (w *witness) check(found applied) error {
	if found.seq >= w.seen.seq && found.last >= w.seen.last {
		return nil
	}
	return &stream.CorruptError{Position: found.last + 1, Err: fmt.Errorf(
		"it ends at position %d, journal record %d, but position %d, record %d was acknowledged", found.last, found.seq, w.seen.last, w.seen.seq)}
}

func (w *witness) close() error {
	if w.file == nil {
		return nil
	}
	err := errors.Join(w.err, w.fault.at("witness.close"), w.file.Sync(), w.file.Close())
	if err != nil {
		return fmt.Errorf("badgerlog: close %s: %w", w.file.Name(), err)
	}
	return nil
}
