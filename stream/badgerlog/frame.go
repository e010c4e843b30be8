package badgerlog

import (
	"encoding/binary"
	"math/bits"
	"time"

	"github.com/thaw-go/thaw/stream"
)

// frame is one event of a block: views into its bytes.
type frame struct {
	head              []byte // all of it, but for its length
	flags             uint16
	schema            uint32
	position, version uint64
	nanos             int64
	ids               []byte // id, then the optional ones in order
	topic, key, typ   []byte
	later             []byte // what stands behind the type
	body              []byte

	front, back []byte // the topic with its length; the type with its own, and what follows
	last        last
}

// last is what the last record was given, which most often fits the next one.
type last struct {
	topic, typ bool // are the frame's
	id         stream.ID
	name       string // the type's
	nanos      int64
	time       time.Time
}

// begin forgets the bytes of another block: they may not be there any more.
func (f *frame) begin() {
	f.front, f.back, f.last.topic, f.last.typ = nil, nil, false, false
}

// next reads the next event; false at the end or with an error.
func (k *block) next(f *frame) (bool, error) {
	if k.left == 0 {
		return false, nil
	}
	k.left--
	if len(k.heads) < 4 {
		return false, errShort
	}
	length := binary.LittleEndian.Uint32(k.heads)
	if uint64(length) > uint64(len(k.heads)-4) || length < headFixedSize-4 {
		return false, errShort
	}
	head := k.heads[4 : 4+length]
	k.heads = k.heads[4+length:]
	f.head = head
	bodyLen, err := f.parse(head)
	if err != nil {
		return false, err
	}
	if uint64(bodyLen) > uint64(len(k.bodies)) {
		return false, errShort
	}
	f.body, k.bodies = k.bodies[:bodyLen:bodyLen], k.bodies[bodyLen:]
	return true, nil
}

func (f *frame) parse(b []byte) (bodyLen uint32, err error) {
	f.flags = binary.LittleEndian.Uint16(b)
	f.schema = binary.LittleEndian.Uint32(b[2:])
	f.position = binary.LittleEndian.Uint64(b[6:])
	f.version = binary.LittleEndian.Uint64(b[14:])
	f.nanos = int64(binary.LittleEndian.Uint64(b[22:]))
	b = b[30:]
	ids := 16 + 16*bits.OnesCount16(f.flags&(hasCausedBy|hasCommand|hasCorrelation))
	if len(b) < ids+4 {
		return 0, errShort
	}
	f.ids, b = b[:ids], b[ids:]
	bodyLen, b = binary.LittleEndian.Uint32(b), b[4:]
	return bodyLen, f.parseNames(b)
}

// parseNames reads the topic, the key and the type. Where the first and the last
// are those of the event before, it is enough to see that.
func (f *frame) parseNames(b []byte) (err error) {
	if n := len(f.front); n > 0 && n <= len(b) && string(b[:n]) == string(f.front) {
		b = b[n:]
	} else {
		front := b
		if f.topic, b, err = takeString(b); err != nil {
			return err
		}
		f.front, f.last.topic = front[:len(front)-len(b)], false
	}
	if f.key, b, err = takeString(b); err != nil {
		return err
	}
	if len(f.back) > 0 && string(b) == string(f.back) {
		return nil
	}
	f.back, f.last.typ = b, false
	f.typ, f.later, err = takeString(b)
	return err
}

func takeString(b []byte) (s, rest []byte, err error) {
	if len(b) > 0 && b[0] < 0x80 && int(b[0]) < len(b) { // as most are
		n := 1 + int(b[0])
		return b[1:n], b[n:], nil
	}
	return takeLongString(b)
}

func takeLongString(b []byte) (s, rest []byte, err error) {
	n, size := binary.Uvarint(b)
	if size <= 0 || n > uint64(len(b)-size) {
		return nil, nil, errShort
	}
	return b[size : size+int(n)], b[size+int(n):], nil
}

// record fills a record from the frame, whatever it was before. Its payload is a
// view; its strings come from names, its metadata is made anew.
func (f *frame) record(names *interner, r *stream.Record) error {
	last := &f.last
	if !last.topic {
		last.id.Topic, last.topic = names.get(f.topic), true
	}
	if last.id.Key != string(f.key) {
		last.id.Key = names.get(f.key)
	}
	if !last.typ {
		last.name, last.typ = names.get(f.typ), true
	}
	if last.nanos != f.nanos || last.time.IsZero() {
		last.nanos, last.time = f.nanos, time.Unix(0, f.nanos).UTC()
	}
	*r = stream.Record{} // by itself, and not with values: that would make all of it elsewhere first
	r.Schema = f.schema
	r.Position = stream.Position(f.position)
	r.Stream = last.id
	r.Version = stream.Version(f.version)
	r.Type = last.name
	r.Time = last.time
	r.Data = f.body
	r.ID = stream.EventID(f.ids)
	if f.flags == 0 {
		return nil
	}
	f.fillIDs(r)
	if f.flags&laterParts == 0 {
		return nil
	}
	return f.fillLater(names, r)
}

// commandAt is where among the IDs the command stands; false if there is none.
func (f *frame) commandAt() (at int, ok bool) {
	if f.flags&hasCausedBy != 0 {
		at = 16
	}
	return at + 16, f.flags&hasCommand != 0
}

// fillIDs sets the IDs that not every event has.
func (f *frame) fillIDs(r *stream.Record) {
	ids := f.ids[16:]
	if f.flags&hasCausedBy != 0 {
		r.CausedBy, ids = stream.EventID(ids), ids[16:]
	}
	if f.flags&hasCommand != 0 {
		r.Command, ids = stream.EventID(ids), ids[16:]
	}
	if f.flags&hasCorrelation != 0 {
		r.Correlation = stream.EventID(ids)
	}
	if f.flags&correlationIsCommand != 0 {
		r.Correlation = r.Command
	}
}
