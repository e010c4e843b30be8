package journal

import (
	"crypto/cipher"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
)

// segment is one of the two files.
type segment struct {
	path   string
	file   *os.File // nil: read-only, and not there
	direct bool     // writes bypass the page cache and are synced by themselves
	sync   bool     // writes have to be followed by a sync
	loose  bool     // nobody waits until a record is on the disk
	limit  int64
	key    []byte // the journal's; nil: it is not encrypted

	header header
	aead   cipher.AEAD // of this turn; nil: it is not encrypted
	valid  bool        // it has a header
	filled int64       // up to here the file has been written before, with zeros at least
	end    int64       // where the next record goes
	last   uint64      // the number of its last record
}

func openSegment(path string, o Options) (*segment, error) {
	s := &segment{path: path, limit: o.SegmentBytes, key: o.Key, loose: o.Unsynced}
	var err error
	if o.ReadOnly {
		s.file, err = os.Open(path)
		if errors.Is(err, fs.ErrNotExist) {
			return s, nil
		}
	} else {
		s.file, s.direct, err = openForWriting(path, !o.Unsynced && !o.buffered)
		s.sync = !s.direct && !o.Unsynced
	}
	if err != nil {
		return nil, fmt.Errorf("journal: open %s: %w", path, err)
	}
	info, err := s.file.Stat()
	if err != nil {
		return nil, errors.Join(fmt.Errorf("journal: open %s: %w", path, err), s.file.Close())
	}
	s.filled = info.Size() / page * page
	return s, nil
}

// openForWriting opens or makes a file, bypassing the page cache if wanted and
// possible.
func openForWriting(path string, direct bool) (*os.File, bool, error) {
	if direct {
		if f, err := openDirect(path); err == nil {
			return f, true, nil
		}
	}
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o644)
	return f, false, err
}

func (s *segment) String() string {
	if !s.valid {
		return s.path + " blank"
	}
	return fmt.Sprintf("%s beginning with record %d", s.path, s.header.first)
}

// readHeader reads the first of the two headers that is whole. A segment of
// zeros is blank; anything else without a header has lost it.
func (s *segment) readHeader() error {
	s.valid = false
	b, err := s.readAt(0, headerBytes)
	if err != nil {
		return err
	}
	blank := true
	for copy := 0; copy < headerBytes; copy += page {
		if copy+page > len(b) {
			break
		}
		if h, ok := decodeHeader(b[copy : copy+page]); ok {
			if s.aead, err = h.cipher(s.key); err != nil {
				return &DamagedError{File: s.path, Err: err}
			}
			s.header, s.valid = h, true
			return nil
		}
		blank = blank && allZero(b[copy:copy+page])
	}
	if !blank {
		return &DamagedError{File: s.path, Err: errors.New("expected a segment's header on one of its first two pages, found neither")}
	}
	return nil
}

func allZero(b []byte) bool {
	for _, c := range b {
		if c != 0 {
			return false
		}
	}
	return true
}

// readAt reads up to n bytes; fewer at the end of the file.
func (s *segment) readAt(at int64, n int) ([]byte, error) {
	if s.file == nil {
		return nil, nil
	}
	n = int(min(int64(n), s.filled-at)) // reads past the end are not aligned
	if n <= 0 {
		return nil, nil
	}
	b := aligned(n)
	got, err := s.file.ReadAt(b, at)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("journal: read %s: %w", s.path, err)
	}
	return b[:got], nil
}

// ending is how a segment ends.
type ending struct {
	next   uint64 // the number that a further record would have
	rolled bool   // the other segment goes on
}

// read hands over the segment's records after the given number. What is damaged
// before is of no use to anyone. In a loose journal a gap is the end.
func (s *segment) read(after uint64, loose bool, each func(seq uint64, data []byte) error) (ending, error) {
	whole, err := s.readAt(0, int(s.filled))
	if err != nil {
		return ending{}, err
	}
	return s.scan(whole, after, loose, each)
}

func (s *segment) scan(whole []byte, after uint64, loose bool, each func(seq uint64, data []byte) error) (ending, error) {
	next, at := s.header.first, int64(headerBytes)
	for at < int64(len(whole)) {
		r, err := decodeRecord(whole[at:], s.header.nonce)
		if err != nil || r.seq != next {
			later, ok := s.findLater(whole, at, next)
			if !ok || loose && later.record.seq > after+1 {
				break
			}
			r, at = later.record, later.at
			if r.seq > after+1 {
				return ending{}, &DamagedError{File: s.path, Err: fmt.Errorf("expected record %d, found none, but record %d at byte %d", max(next, after+1), r.seq, at)}
			}
		}
		if r.seq > after {
			if err := openRecord(s.aead, whole[at:], &r); err != nil {
				return ending{}, &DamagedError{File: s.path, Err: fmt.Errorf("record %d at byte %d: %w", r.seq, at, err)}
			}
		}
		if r.kind == kindRoll {
			return ending{next: r.seq, rolled: true}, nil
		}
		if r.seq > after {
			if err := each(r.seq, r.data); err != nil {
				return ending{}, err
			}
		}
		next, at = r.seq+1, at+r.size
	}
	return ending{next: next}, nil
}

type found struct {
	record record
	at     int64
}

// findLater tells a write that a crash has torn from damage: nothing is written
// behind a record before it is whole, so a whole one behind it is the proof that
// it once was; not in a loose journal, whose pages get to the disk in any order.
func (s *segment) findLater(whole []byte, at int64, next uint64) (found, bool) {
	for at += page; at < int64(len(whole)); at += page {
		if r, err := decodeRecord(whole[at:], s.header.nonce); err == nil && r.seq > next {
			return found{r, at}, true
		}
	}
	return found{}, false
}

// begin makes the segment empty. Its first copy of the header is on the disk
// before the second is touched, so that one of them is always whole.
func (s *segment) begin(first, turn uint64) error {
	var seed [8 + saltSize]byte
	if _, err := rand.Read(seed[:]); err != nil {
		return fmt.Errorf("journal: a nonce for %s: %w", s.path, err)
	}
	h := header{nonce: binary.LittleEndian.Uint64(seed[:]), first: first, turn: turn, loose: s.loose, salt: [saltSize]byte(seed[8:])}
	aead, err := turnCipher(s.key, h.salt)
	if err != nil {
		return fmt.Errorf("journal: a cipher for %s: %w", s.path, err)
	}
	b := aligned(page)
	h.encode(b, aead)
	s.header, s.aead, s.valid = h, aead, true
	s.end, s.last = 0, 0
	for range headerBytes / page {
		if err := s.append(b); err != nil {
			return err
		}
	}
	return nil
}

// append writes whole pages at the segment's end and syncs them.
func (s *segment) append(b []byte) error {
	if err := s.fill(s.end + int64(len(b))); err != nil {
		return err
	}
	if err := s.writeAt(b, s.end); err != nil {
		return err
	}
	s.end += int64(len(b))
	return nil
}

func (s *segment) writeAt(b []byte, at int64) error {
	if _, err := s.file.WriteAt(b, at); err != nil {
		return fmt.Errorf("journal: write %d bytes at %d of %s: %w", len(b), at, s.path, err)
	}
	if s.sync {
		if err := datasync(s.file); err != nil {
			return fmt.Errorf("journal: sync %s: %w", s.path, err)
		}
	}
	return nil
}

// Segments grow by doubling, so that a small log stays small.
const leastFill = 1 << 20

// fill writes zeros up to at least upTo, so that the file's length and its
// blocks are settled before a record is written into them.
func (s *segment) fill(upTo int64) error {
	if upTo <= s.filled {
		return nil
	}
	target := min(max(upTo, 2*s.filled, leastFill), max(s.limit, upTo))
	target = (target + page - 1) / page * page
	zeros := aligned(int(min(leastFill, target)))
	for s.filled < target {
		n := min(int64(len(zeros)), target-s.filled)
		if _, err := s.file.WriteAt(zeros[:n], s.filled); err != nil {
			return fmt.Errorf("journal: lengthen %s: %w", s.path, err)
		}
		s.filled += n
	}
	if !s.sync && !s.direct {
		return nil
	}
	if err := s.file.Sync(); err != nil { // the length as well, once
		return fmt.Errorf("journal: sync %s: %w", s.path, err)
	}
	return nil
}

// cut gives back the space behind the headers.
func (s *segment) cut() error {
	if err := s.file.Truncate(headerBytes); err != nil {
		return fmt.Errorf("journal: shorten %s: %w", s.path, err)
	}
	s.filled = headerBytes
	return nil
}

func (s *segment) close() error {
	if s.file == nil {
		return nil
	}
	if err := s.file.Close(); err != nil {
		return fmt.Errorf("journal: close %s: %w", s.path, err)
	}
	return nil
}
