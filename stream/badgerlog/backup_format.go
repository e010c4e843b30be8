package badgerlog

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"

	"github.com/thaw-go/thaw/stream"
)

// A backup is a header and sections, the last of which ends it:
//
//	header   "THAWBKUP" | version u32 | crc32c u32 | flags u32 | zeros u32 |
//	         from u64 | to u64 | cut u64 | after 16 | last 16 | made i64
//	section  kind u8 | length u32 | crc32c u32 | data
//
// Integers are little-endian. The header's checksum covers the rest of it, a
// section's its kind, its length and its data. Sections stand in the order of
// their kinds; what is in one stands at its kind.
const (
	backupMagic      = "THAWBKUP"
	backupVersion    = 1
	backupHeaderSize = 8 + 4 + 4 + 4 + 4 + 3*8 + 2*16 + 8
	sectionHeadSize  = 1 + 4 + 4
	// maxSectionBytes is more than the largest event or remembered value takes.
	maxSectionBytes = 16 << 20
	// sectionBytes is how much small entries are gathered up to.
	sectionBytes = 256 << 10
)

// Kinds of sections.
const (
	// Streams that lost events to a cut, if the backup begins there: for each,
	// topic and key behind their lengths, the version at the cut, and the position
	// that its index names (varints).
	sectionStreams = 1
	// A block of events, as the log has it.
	sectionEvents = 2
	// What consumers have stored: for each, its name; 0 and its cursor as text, or
	// 1, a key, and what is remembered under it. All behind their lengths.
	sectionConsumers = 3
	// The end: how many streams, events, cursors and remembered values there were
	// (u64 each).
	sectionEnd = 255
)

// flagHalf is set if the backup's first event belongs to an append whose first
// events were removed: what its command did is forgotten.
const flagHalf = 1

// backupHeader says what a backup holds: the events after from up to to. What a
// further one goes on from is not only a position but an event: another log's
// backup, or one of another history of the same log, does not fit.
type backupHeader struct {
	flags    uint32
	from, to stream.Position
	cut      stream.Position
	after    stream.EventID // of the event at from; zero if that was removed, or there is none
	last     stream.EventID // of the event at to
	made     int64          // nanoseconds since 1970
}

func (h *backupHeader) encode() []byte {
	b := make([]byte, 16, backupHeaderSize)
	copy(b, backupMagic)
	binary.LittleEndian.PutUint32(b[8:], backupVersion)
	b = binary.LittleEndian.AppendUint32(b, h.flags)
	b = binary.LittleEndian.AppendUint32(b, 0)
	for _, n := range []stream.Position{h.from, h.to, h.cut} {
		b = binary.LittleEndian.AppendUint64(b, uint64(n))
	}
	b = append(append(b, h.after[:]...), h.last[:]...)
	b = binary.LittleEndian.AppendUint64(b, uint64(h.made))
	binary.LittleEndian.PutUint32(b[12:], backupHeaderSum(b))
	return b
}

func backupHeaderSum(b []byte) uint32 {
	return crc32.Update(crc32.Checksum(b[:12], castagnoli), castagnoli, b[16:])
}

func decodeBackupHeader(b []byte) (h backupHeader, err error) {
	if string(b[:8]) != backupMagic {
		return h, fmt.Errorf("expected a backup, which begins with %q, found %q", backupMagic, b[:8])
	}
	if v := binary.LittleEndian.Uint32(b[8:]); v != backupVersion {
		return h, fmt.Errorf("expected a backup of version %d, found version %d", backupVersion, v)
	}
	if want, got := binary.LittleEndian.Uint32(b[12:]), backupHeaderSum(b); want != got {
		return h, fmt.Errorf("checksum of the header: expected %08x, found %08x", want, got)
	}
	n := func(i int) stream.Position { return stream.Position(binary.LittleEndian.Uint64(b[24+8*i:])) }
	h = backupHeader{
		flags: binary.LittleEndian.Uint32(b[16:]), from: n(0), to: n(1), cut: n(2),
		after: stream.EventID(b[48:64]), last: stream.EventID(b[64:80]), made: int64(n(7)),
	}
	switch {
	case h.flags&^flagHalf != 0:
		return h, fmt.Errorf("flags %08x are not known", h.flags)
	case h.cut > h.from || h.from > h.to || h.cut > 0 && h.cut == h.to:
		return h, fmt.Errorf("expected a cut, a beginning and an end in this order, found positions %d, %d and %d", h.cut, h.from, h.to)
	}
	return h, nil
}

// begins reports whether the backup has all that its log had.
func (h *backupHeader) begins() bool { return h.from == h.cut }

// backupCounts are what a backup's end says.
type backupCounts struct{ streams, events, cursors, states uint64 }

func (c backupCounts) encode() (b []byte) {
	for _, n := range [4]uint64{c.streams, c.events, c.cursors, c.states} {
		b = binary.LittleEndian.AppendUint64(b, n)
	}
	return b
}

// sectionHead is what stands before a section's data.
func sectionHead(kind byte, data []byte) (b [sectionHeadSize]byte) {
	b[0] = kind
	binary.LittleEndian.PutUint32(b[1:], uint32(len(data)))
	binary.LittleEndian.PutUint32(b[5:], sectionSum(b[:5], data))
	return b
}

func sectionSum(head, data []byte) uint32 {
	return crc32.Update(crc32.Checksum(head, castagnoli), castagnoli, data)
}

// counted counts the bytes that go out.
type counted struct {
	to    io.Writer
	bytes int64
}

func (c *counted) Write(b []byte) (n int, err error) {
	n, err = c.to.Write(b)
	if c.bytes += int64(n); err != nil {
		err = fmt.Errorf("write at byte %d: %w", c.bytes, err)
	}
	return n, err
}

// backupWriter is where a backup's bytes go out.
type backupWriter struct {
	to     io.Writer
	kind   byte   // of what is gathered
	gather []byte // small entries of one section
}

func (w *backupWriter) write(parts ...[]byte) error {
	for _, part := range parts {
		if _, err := w.to.Write(part); err != nil {
			return err
		}
	}
	return nil
}

// section writes a section, behind what was gathered.
func (w *backupWriter) section(kind byte, data []byte) error {
	if err := w.flush(); err != nil {
		return err
	}
	head := sectionHead(kind, data)
	return w.write(head[:], data)
}

// entry adds a small entry to the section of a kind.
func (w *backupWriter) entry(kind byte, add func([]byte) []byte) error {
	if w.kind != kind || len(w.gather) >= sectionBytes {
		if err := w.flush(); err != nil {
			return err
		}
	}
	w.kind, w.gather = kind, add(w.gather)
	return nil
}

func (w *backupWriter) flush() error {
	if len(w.gather) == 0 {
		return nil
	}
	head := sectionHead(w.kind, w.gather)
	err := w.write(head[:], w.gather)
	w.gather = w.gather[:0]
	return err
}

// lostStream is a stream that lost events to a cut.
type lostStream struct {
	id      stream.ID
	version stream.Version  // at the cut
	at      stream.Position // what its index names
}

func (s lostStream) append(b []byte) []byte {
	b = appendString(appendString(b, s.id.Topic), s.id.Key)
	b = binary.AppendUvarint(b, uint64(s.version))
	return binary.AppendUvarint(b, uint64(s.at))
}

func takeLostStream(b []byte) (s lostStream, rest []byte, err error) {
	topic, b, err := takeString(b)
	if err != nil {
		return s, nil, errEntry
	}
	key, b, err := takeString(b)
	if err != nil {
		return s, nil, errEntry
	}
	version, n := binary.Uvarint(b)
	if n <= 0 {
		return s, nil, errEntry
	}
	at, m := binary.Uvarint(b[n:])
	if m <= 0 {
		return s, nil, errEntry
	}
	s = lostStream{stream.ID{Topic: string(topic), Key: string(key)}, stream.Version(version), stream.Position(at)}
	return s, b[n+m:], s.id.Validate()
}

// savedState is what a consumer has stored: its cursor, or a value under a key.
type savedState struct {
	name   string
	cursor bool
	key    string
	value  []byte
}

func (r savedState) append(b []byte) []byte {
	b = appendString(b, r.name)
	if r.cursor {
		return appendString(append(b, 0), string(r.value))
	}
	b = appendString(append(b, 1), r.key)
	return append(binary.AppendUvarint(b, uint64(len(r.value))), r.value...)
}

func takeSavedState(b []byte) (r savedState, rest []byte, err error) {
	name, b, err := takeString(b)
	if err != nil || len(b) == 0 || b[0] > 1 {
		return r, nil, errEntry
	}
	r.name, r.cursor = string(name), b[0] == 0
	b = b[1:]
	if !r.cursor {
		var key []byte
		if key, b, err = takeString(b); err != nil {
			return r, nil, errEntry
		}
		r.key = string(key)
	}
	if r.value, rest, err = takeString(b); err != nil {
		return r, nil, errEntry
	}
	return r, rest, nil
}

var errEntry = errors.New("an entry of the section is not whole")
