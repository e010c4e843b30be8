package badgerlog

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/thaw-go/thaw/stream"
)

// backupReader reads one backup, section by section, and believes nothing that
// is not checksummed, in its place, and counted.
type backupReader struct {
	from   *bufio.Reader
	number int   // of the backup, for errors
	sealed bool  // it is encrypted
	offset int64 // of what was read and used, before it was encrypted
	header backupHeader

	buffer  bytes.Buffer
	kind    byte   // of the section that was read last...
	data    []byte // ...and what is in it
	pending bool   // it was not taken yet

	at      stream.Position // of the last event
	last    stream.EventID  // and its ID
	found   backupCounts
	records []stream.Record // of the block that was taken last, that are to come
	room    []stream.Record // for all of them
	plain   []byte
	names   *interner
}

// openBackup reads a backup's header. All bytes come in here.
func openBackup(from io.Reader, number int, keys Keys) (*backupReader, error) {
	r := &backupReader{from: bufio.NewReaderSize(from, 64<<10), number: number, names: newInterner()}
	if err := r.unlock(keys); err != nil {
		return nil, err
	}
	var b [backupHeaderSize]byte
	if _, err := io.ReadFull(r.from, b[:]); err != nil {
		return nil, r.broken(r.cut("its header", err))
	}
	var err error
	if r.header, err = decodeBackupHeader(b[:]); err != nil {
		return nil, r.broken(err)
	}
	r.offset, r.at, r.last = int64(len(b)), r.header.from, r.header.after
	return r, nil
}

// unlock decrypts a backup that is encrypted: its beginning says so.
func (r *backupReader) unlock(keys Keys) error {
	begin, err := r.from.Peek(len(sealedMagic))
	if string(begin) != sealedMagic {
		if err = ignoreShort(err); err != nil {
			return r.broken(r.cut("its header", err))
		}
		return nil
	}
	opened, err := newSealedReader(r.from, keys...)
	var refused *KeyError
	switch {
	case errors.As(err, &refused):
		refused.Backup = r.number
		return err
	case err != nil:
		return r.broken(err)
	}
	r.from, r.sealed = bufio.NewReaderSize(opened, 64<<10), true
	return nil
}

// broken says where the backup is not what it should be.
func (r *backupReader) broken(err error) error {
	at := r.offset
	if r.sealed {
		at = sealedAt(at)
	}
	return &BackupError{Backup: r.number, Offset: at, Err: err}
}

// length is how long a backup is that was read to its end.
func (r *backupReader) length() int64 {
	if r.sealed {
		return sealedEnd(r.offset)
	}
	return r.offset
}

// cut says that a backup ends where more was expected.
func (r *backupReader) cut(what string, err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("expected %s, found the end", what)
	}
	return fmt.Errorf("read %s: %w", what, err)
}

// peek is the kind of the next section.
func (r *backupReader) peek() (byte, error) {
	if r.pending {
		return r.kind, nil
	}
	var head [sectionHeadSize]byte
	if _, err := io.ReadFull(r.from, head[:]); err != nil {
		return 0, r.broken(r.cut("a section", err))
	}
	length := binary.LittleEndian.Uint32(head[1:])
	if length > maxSectionBytes {
		return 0, r.broken(fmt.Errorf("expected a section of at most %d bytes, found one of %d", maxSectionBytes, length))
	}
	r.buffer.Reset()
	n, err := io.CopyN(&r.buffer, r.from, int64(length)) // it grows with what is there, not with what is said
	if err != nil {
		return 0, r.broken(r.cut(fmt.Sprintf("a section of %d bytes, after %d of them", length, n), err))
	}
	r.kind, r.data = head[0], r.buffer.Bytes()
	if want, got := binary.LittleEndian.Uint32(head[5:]), sectionSum(head[:5], r.data); want != got {
		return 0, r.broken(fmt.Errorf("checksum of the section: expected %08x, found %08x", want, got))
	}
	r.pending = true
	return r.kind, nil
}

// take gives out the section that peek has read.
func (r *backupReader) take() []byte {
	r.pending = false
	r.offset += sectionHeadSize + int64(len(r.data))
	return r.data
}

// each hands over the sections of one kind that come next. An error of the
// receiver's stops it as it is.
func (r *backupReader) each(kind byte, visit func([]byte) error) error {
	for {
		found, err := r.peek()
		if err != nil || found != kind {
			return err
		}
		if err := visit(r.data); err != nil {
			return err
		}
		r.take()
	}
}

// streams hands over the streams that lost events to the cut.
func (r *backupReader) streams(visit func(lostStream) error) error {
	return r.each(sectionStreams, func(b []byte) error {
		for len(b) > 0 {
			s, rest, err := takeLostStream(b)
			switch {
			case err != nil:
				return r.broken(err)
			case !r.header.begins():
				return r.broken(errors.New("expected no streams in a backup that goes on from another"))
			case s.version == 0 || s.at == 0 || s.at > r.header.cut || s.version > stream.Version(r.header.cut):
				return r.broken(fmt.Errorf("%s: expected a version and a position up to the cut, %d, found %d and %d", s.id, r.header.cut, s.version, s.at))
			}
			r.found.streams++
			if err := visit(s); err != nil {
				return err
			}
			b = rest
		}
		return nil
	})
}

// record is the next event, which stays the next one until next; nil once there
// is none. It is valid until the one after it is asked for.
func (r *backupReader) record() (*stream.Record, error) {
	for len(r.records) == 0 {
		kind, err := r.peek()
		if err != nil || kind != sectionEvents {
			return nil, err
		}
		if err := r.decode(r.data); err != nil {
			return nil, r.broken(err)
		}
		r.take()
	}
	return &r.records[0], nil
}

func (r *backupReader) next() {
	r.at, r.last = r.records[0].Position, r.records[0].ID
	r.records = r.records[1:]
	r.found.events++
}

// decode reads a block of events, which must go on where the last one ended.
func (r *backupReader) decode(value []byte) error {
	records, next := r.room[:0], uint64(r.at)+1
	var order error
	err := eachFrame(value, &r.plain, func(f *frame) {
		if order != nil {
			return
		}
		if f.position != next {
			order = fmt.Errorf("expected the event at position %d, found that at %d", next, f.position)
			return
		}
		next++
		records = append(records, stream.Record{})
		order = f.record(r.names, &records[len(records)-1])
	})
	switch {
	case err != nil:
		return err
	case order != nil:
		return order
	case len(records) == 0:
		return errors.New("expected a block of events, found none in it")
	case next-1 > uint64(r.header.to):
		return fmt.Errorf("expected events up to position %d, found them up to %d", r.header.to, next-1)
	}
	r.records, r.room = records, records
	return nil
}

// consumers hands over what consumers have stored.
func (r *backupReader) consumers(visit func(savedState) error) error {
	var of string // whose cursor was the last
	return r.each(sectionConsumers, func(b []byte) error {
		for len(b) > 0 {
			m, rest, err := takeSavedState(b)
			switch {
			case err != nil:
			case m.cursor:
				r.found.cursors++
				of, err = m.name, checkPlace(m.value, r.header.to)
			case m.name != of:
				err = fmt.Errorf("expected the place of consumer %q before what it remembers", m.name)
			default:
				r.found.states++
			}
			if err != nil {
				return r.broken(err)
			}
			if err := visit(m); err != nil {
				return err
			}
			b = rest
		}
		return nil
	})
}

// finish checks that the backup ends here, and that everything was in it.
func (r *backupReader) finish() error {
	kind, err := r.peek()
	if err != nil {
		return err
	}
	switch end := r.found.encode(); {
	case kind != sectionEnd:
		return r.broken(fmt.Errorf("expected the end, found a section of kind %d", kind))
	case !bytes.Equal(r.data, end):
		return r.broken(fmt.Errorf("expected the counts %x at the end, found %x", end, r.data))
	case r.at != r.header.to:
		return r.broken(fmt.Errorf("expected events up to position %d, found them up to %d", r.header.to, r.at))
	case r.last != r.header.last:
		return r.broken(fmt.Errorf("expected event %s at position %d, found %s", r.header.last, r.at, r.last))
	}
	r.take()
	if _, err := r.from.ReadByte(); !errors.Is(err, io.EOF) {
		if err == nil {
			err = errors.New("more bytes follow the end")
		}
		return r.broken(err)
	}
	return nil
}

// drain reads what is left and checks it.
func (r *backupReader) drain(step func() error) error {
	err := r.streams(func(lostStream) error { return nil })
	for err == nil {
		var rec *stream.Record
		if rec, err = r.record(); rec == nil {
			break
		}
		if r.next(); len(r.records) == 0 && err == nil {
			err = step()
		}
	}
	if err == nil {
		err = r.consumers(func(savedState) error { return nil })
	}
	if err == nil {
		err = r.finish()
	}
	return err
}

// backupChain are backups that go on from one another.
type backupChain []*backupReader

// openChain reads the headers, and checks that each backup goes on where the one
// before it ended, and in the same history.
func openChain(from []io.Reader, keys Keys) (chain backupChain, err error) {
	if len(from) == 0 {
		return nil, errors.New("badgerlog: restore: expected a backup, found none")
	}
	for i, reader := range from {
		r, err := openBackup(reader, i+1, keys)
		if err != nil {
			return nil, err
		}
		if i == 0 {
			err = r.checkFirst()
		} else {
			err = r.checkAfter(&chain[i-1].header)
		}
		if err != nil {
			return nil, r.broken(err)
		}
		chain = append(chain, r)
	}
	return chain, nil
}

func (r *backupReader) checkFirst() error {
	if h := &r.header; !h.begins() {
		return fmt.Errorf("expected a backup that begins where its log does, at position %d, found one that goes on from position %d", h.cut, h.from)
	}
	return nil
}

func (r *backupReader) checkAfter(before *backupHeader) error {
	switch h := &r.header; {
	case h.from != before.to:
		return fmt.Errorf("expected a backup that goes on from position %d, found one that goes on from %d", before.to, h.from)
	case !h.begins() && h.after != before.last:
		return fmt.Errorf("expected a backup that goes on from event %s at position %d, found one that goes on from event %s: it is of another log", before.last, before.to, h.after)
	case h.cut < before.cut:
		return fmt.Errorf("expected a log that was truncated at position %d or later, found one truncated at %d", before.cut, h.cut)
	}
	return nil
}

// begin is the last backup that needs none before it.
func (c backupChain) begin() int {
	i := len(c) - 1
	for i > 0 && !c[i].header.begins() {
		i--
	}
	return i
}

// total is what the backups from the i-th on hold.
func (c backupChain) total(i int) Backup {
	last := c[len(c)-1]
	b := Backup{
		From: stream.At(c[i].header.from), To: stream.At(last.header.to), Cut: stream.At(last.header.cut),
		Consumers: last.found.cursors, States: last.found.states,
	}
	for _, r := range c[i:] {
		b.Events += r.found.events
		b.Bytes += r.length()
	}
	return b
}
