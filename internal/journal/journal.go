package journal

import (
	"errors"
	"fmt"
	"path/filepath"
	"sync/atomic"
)

// Options are how a journal is opened. The zero value is ready for use.
type Options struct {
	// SegmentBytes is how long a segment grows before the other one takes its
	// turn; default 32 MiB. A record must fit in one.
	SegmentBytes int64
	// Unsynced leaves it to the operating system when a record gets to the disk, and
	// in which order: after a loss of power Replay ends with the last one before the
	// first that is missing. The segments say so, whoever opens them next.
	Unsynced bool
	// Key encrypts what is written to the disk; nil: it is plain text, and a journal
	// stays what it was made as. It has 32 bytes, and is for this journal alone.
	Key []byte
	// ReadOnly opens segments that are there, for Replay, and changes nothing.
	ReadOnly bool

	buffered bool // tests: write through the page cache even where it could be bypassed
}

// Names are the journal's files in its directory.
var Names = [2]string{"journal-0", "journal-1"}

// Errors that an owner may ask for with errors.Is.
var (
	// ErrFull says that both segments hold records that were not yet applied.
	// Nothing was written; after Applied there is room again.
	ErrFull = errors.New("journal: no room until older records are applied")
	// ErrTooLarge says that a record can not fit in any segment.
	ErrTooLarge = errors.New("journal: the record is larger than a segment")
)

// DamagedError says that something which was once written whole can not be read.
type DamagedError struct {
	File string // the segment's file
	Err  error  // what was expected and found
}

func (e *DamagedError) Error() string {
	return fmt.Sprintf("journal: %s is damaged: %v", e.File, e.Err)
}

// Unwrap returns what was found.
func (e *DamagedError) Unwrap() error { return e.Err }

// Journal is an open journal. Open makes one.
type Journal struct {
	segments [2]*segment
	current  *segment // nil until Begin
	next     uint64   // the number of the next record
	turn     uint64   // of the current segment
	applied  atomic.Uint64
	buffer   []byte // aligned; reused by each write
	failed   error
}

// Open opens the journal in a directory, making its files if they are not there.
func Open(dir string, o Options) (*Journal, error) {
	if o.SegmentBytes == 0 {
		o.SegmentBytes = 32 << 20
	}
	j := &Journal{}
	for i, name := range Names {
		s, err := openSegment(filepath.Join(dir, name), o)
		if err != nil {
			return nil, errors.Join(err, j.Close())
		}
		j.segments[i] = s
	}
	return j, nil
}

// Replay hands over the records after the given number, in order, and returns
// the number of the last one, or after if there is none. The data belongs to the
// receiver. It must come before Begin. Errors: a [*DamagedError], each's error,
// and what the file system says.
func (j *Journal) Replay(after uint64, each func(seq uint64, data []byte) error) (last uint64, err error) {
	s, loose, err := j.first(after)
	if s == nil || err != nil {
		return after, err
	}
	for {
		end, err := s.read(after, loose, each)
		if err != nil {
			return after, err
		}
		other := j.other(s)
		follows := other.valid && other.header.turn == s.header.turn+1
		if !end.rolled && !follows {
			return max(after, end.next-1), nil
		}
		if !follows || other.header.first != end.next {
			if loose {
				return max(after, end.next-1), nil
			}
			return after, &DamagedError{File: s.path, Err: fmt.Errorf("it ends before record %d, expected %s to begin with it", end.next, other)}
		}
		s = other
	}
}

// first is the segment that the record after the given one is in or would be; nil
// in a journal that was never begun, or is loose and has none such. It is loose if
// its youngest header says so: what older ones speak of was stored elsewhere before.
func (j *Journal) first(after uint64) (found *segment, loose bool, err error) {
	blank, youngest := 0, uint64(0)
	for _, s := range j.segments {
		if err := s.readHeader(); err != nil {
			return nil, false, err
		}
		if !s.valid {
			blank++
			continue
		}
		if s.header.turn >= youngest {
			youngest, loose = s.header.turn, s.header.loose
		}
		if s.header.first <= after+1 && (found == nil || s.header.turn > found.header.turn) {
			found = s
		}
	}
	if found == nil && !loose && (blank < len(j.segments) || after > 0) {
		return nil, false, &DamagedError{File: j.segments[0].path, Err: fmt.Errorf("expected a segment that holds record %d, found %s and %s", after+1, j.segments[0], j.segments[1])}
	}
	return found, loose, nil
}

// Begin makes the journal ready for Append. Everything before next is stored
// elsewhere: the journal is empty, and next is the number of its first record. Its
// header is on the disk when Begin returns, also of an unsynced journal: it is what
// says that the records may not be.
func (j *Journal) Begin(next uint64) error {
	j.next = next
	j.applied.Store(next - 1)
	fresh := j.segments[0]
	if other := j.segments[1]; fresh.valid && (!other.valid || other.header.turn < fresh.header.turn) {
		fresh = other // keep the younger one: it is the witness of what there was
	}
	j.turn = max(j.segments[0].header.turn, j.segments[1].header.turn)
	sync := fresh.sync
	fresh.sync = !fresh.direct
	err := j.turnTo(fresh)
	fresh.sync = sync
	return err
}

// Append stores a record, given in parts, and returns its number. Errors: [ErrFull] and
// [ErrTooLarge], after which the journal goes on, and what the file system says,
// after which it accepts nothing more.
func (j *Journal) Append(data ...[]byte) (seq uint64, err error) {
	if j.failed != nil {
		return 0, j.failed
	}
	length := 0
	for _, part := range data {
		length += len(part)
	}
	size := recordSize(length + overhead(j.current.aead))
	if headerBytes+size+page > j.current.limit {
		return 0, fmt.Errorf("%w: %d bytes", ErrTooLarge, length)
	}
	if j.current.end+size+page > j.current.limit { // a page is kept for the record that ends the segment
		if err := j.roll(); err != nil {
			return 0, err
		}
	}
	seq = j.next
	if err := j.write(kindData, length, data...); err != nil {
		return 0, err
	}
	j.next++
	j.current.last = seq
	return seq, nil
}

// roll ends the current segment and turns to the other one.
func (j *Journal) roll() error {
	other := j.other(j.current)
	if other.last > j.applied.Load() {
		return ErrFull
	}
	old := j.current
	if err := j.turnTo(other); err != nil {
		return err
	}
	j.current = old
	err := j.write(kindRoll, 0)
	j.current = other
	return err
}

// turnTo makes a segment the current one, empty.
func (j *Journal) turnTo(s *segment) error {
	if err := s.begin(j.next, j.turn+1); err != nil {
		j.failed = err
		return err
	}
	j.turn++
	j.current = s
	return nil
}

func (j *Journal) write(kind byte, length int, data ...[]byte) error {
	size := int(recordSize(length + overhead(j.current.aead)))
	if cap(j.buffer) < size {
		j.buffer = aligned(max(size, 256<<10))
	}
	b := j.buffer[:size]
	encodeRecord(b, j.current.header.nonce, j.current.aead, kind, j.next, length, data...)
	if err := j.current.append(b); err != nil {
		j.failed = err
		return err
	}
	return nil
}

// rest leaves only headers behind, if no record is needed any more: the other
// segment begins with the next record, and only then are both cut.
func (j *Journal) rest() error {
	if j.current == nil || j.failed != nil || j.applied.Load() < j.next-1 {
		return nil
	}
	last := j.current
	if err := j.turnTo(j.other(last)); err != nil {
		return err
	}
	return errors.Join(last.cut(), j.current.cut())
}

// Applied says that the records up to and including seq are stored elsewhere.
// It may be called at any time.
func (j *Journal) Applied(seq uint64) { j.applied.Store(seq) }

// Crowded reports whether the journal will soon be full unless older records are
// applied: half of the current segment is used, and the other one is needed.
func (j *Journal) Crowded() bool {
	return j.current.end > j.current.limit/2 && j.other(j.current).last > j.applied.Load()
}

func (j *Journal) other(s *segment) *segment {
	if s == j.segments[0] {
		return j.segments[1]
	}
	return j.segments[0]
}

// Synced reports whether a record is on the disk once Append has returned. It is
// for an owner's tests: no kill of a process can tell.
func (j *Journal) Synced() bool { return j.segments[0].direct || j.segments[0].sync }

// Close closes the files. If everything in them is stored elsewhere, it gives
// their space back.
func (j *Journal) Close() error {
	errs := []error{j.rest()}
	for _, s := range j.segments {
		if s != nil {
			errs = append(errs, s.close())
		}
	}
	j.failed = errors.New("journal: closed")
	return errors.Join(errs...)
}
