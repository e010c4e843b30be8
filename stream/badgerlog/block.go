package badgerlog

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"maps"
	"math/bits"
	"slices"
	"time"

	"github.com/thaw-go/thaw/stream"
)

// A block is many events in one value: a fixed header, then the heads of all
// events, then their payloads. Heads stand together so that a reader who skips
// most events touches few pages, and carry their own length so that a later
// format can append parts that this one skips.
//
//	block   version u8 | flags u8 | crc32c u32 | count u32 | heads u32 | head… | body…
//	head    length u32 | flags u16 | schema u32 | position u64 | version u64 | time i64 |
//	        id 16 | [caused by 16] | [command 16] | [correlation 16] | body length u32 |
//	        topic, key, type: uvarint length and bytes | [metadata: uvarint count, pairs]
//
// Integers are little-endian. The checksum covers everything after itself. What
// stands behind the header may be compressed: flag 1.
const (
	blockVersion    = 1
	blockHeaderSize = 1 + 1 + 4 + 4 + 4
	blockCRCEnd     = 6
	headFixedSize   = 4 + 2 + 4 + 8 + 8 + 8 + 16 + 4 // without the optional parts and strings
)

// What one block holds at most: enough to spread the cost of an entry, little
// enough to be read for one event.
const (
	maxBlockEvents = 1000
	maxBlockBytes  = 256 << 10
)

const (
	hasCausedBy = 1 << iota
	hasCommand
	hasCorrelation
	correlationIsCommand // the story begins with this command: stored once
	hasMeta
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func headFlags(r *stream.Record) uint16 {
	var flags uint16
	if !r.CausedBy.IsZero() {
		flags |= hasCausedBy
	}
	if !r.Command.IsZero() {
		flags |= hasCommand
	}
	switch {
	case r.Correlation.IsZero():
	case r.Correlation == r.Command:
		flags |= correlationIsCommand
	default:
		flags |= hasCorrelation
	}
	if len(r.Meta) > 0 {
		flags |= hasMeta
	}
	return flags
}

func headSize(r *stream.Record) int {
	size := headFixedSize + stringSize(r.Stream.Topic) + stringSize(r.Stream.Key) + stringSize(r.Type)
	flags := headFlags(r)
	for _, part := range []uint16{hasCausedBy, hasCommand, hasCorrelation} {
		if flags&part != 0 {
			size += 16
		}
	}
	if flags&hasMeta != 0 {
		size += uvarintSize(uint64(len(r.Meta)))
		for k, v := range r.Meta {
			size += stringSize(k) + stringSize(v)
		}
	}
	return size
}

func stringSize(s string) int { return uvarintSize(uint64(len(s))) + len(s) }

func uvarintSize(n uint64) int {
	size := 1
	for ; n >= 0x80; n >>= 7 {
		size++
	}
	return size
}

// appendHead appends an event's head to b.
func appendHead(b []byte, r *stream.Record) []byte {
	flags, start := headFlags(r), len(b)
	b = append(b, 0, 0, 0, 0) // the length, set at the end
	b = binary.LittleEndian.AppendUint16(b, flags)
	b = binary.LittleEndian.AppendUint32(b, r.Schema)
	b = binary.LittleEndian.AppendUint64(b, uint64(r.Position))
	b = binary.LittleEndian.AppendUint64(b, uint64(r.Version))
	b = binary.LittleEndian.AppendUint64(b, uint64(r.Time.UnixNano()))
	b = append(b, r.ID[:]...)
	if flags&hasCausedBy != 0 {
		b = append(b, r.CausedBy[:]...)
	}
	if flags&hasCommand != 0 {
		b = append(b, r.Command[:]...)
	}
	if flags&hasCorrelation != 0 {
		b = append(b, r.Correlation[:]...)
	}
	b = binary.LittleEndian.AppendUint32(b, uint32(len(r.Data)))
	b = appendString(appendString(appendString(b, r.Stream.Topic), r.Stream.Key), r.Type)
	if flags&hasMeta != 0 {
		b = binary.AppendUvarint(b, uint64(len(r.Meta)))
		for _, k := range slices.Sorted(maps.Keys(r.Meta)) {
			b = appendString(appendString(b, k), r.Meta[k])
		}
	}
	binary.LittleEndian.PutUint32(b[start:], uint32(len(b)-start-4))
	return b
}

func appendString(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

// encodeBlock returns the block of the records, whose payloads it makes point
// into the block: they no longer belong to the caller.
func encodeBlock(records []stream.Record) []byte {
	heads, bodies := 0, 0
	for i := range records {
		heads += headSize(&records[i])
		bodies += len(records[i].Data)
	}
	b := appendBlockHeader(make([]byte, 0, blockHeaderSize+heads+bodies), len(records), heads)
	for i := range records {
		b = appendHead(b, &records[i])
	}
	for i := range records {
		start := len(b)
		b = append(b, records[i].Data...)
		records[i].Data = b[start:len(b):len(b)]
	}
	sealBlock(b)
	return b
}

// appendBlockHeader appends a block's header, yet without its checksum.
func appendBlockHeader(b []byte, count, heads int) []byte {
	b = append(b, blockVersion, 0, 0, 0, 0, 0)
	b = binary.LittleEndian.AppendUint32(b, uint32(count))
	return binary.LittleEndian.AppendUint32(b, uint32(heads))
}

// sealBlock sets the checksum of a block that is complete.
func sealBlock(b []byte) {
	binary.LittleEndian.PutUint32(b[2:], crc32.Checksum(b[blockCRCEnd:], castagnoli))
}

var errShort = errors.New("the block ends too early")

// block reads the events of an encoded block one after another. It allocates
// nothing that a length in the bytes asks for.
type block struct {
	heads, bodies []byte
	left          int
}

// openBlock checks a block's checksum and header. What it has to uncompress goes
// to room, which may be nil, and is valid until room is used again.
func openBlock(b []byte, room *[]byte) (block, error) {
	if len(b) < blockHeaderSize {
		return block{}, errShort
	}
	if b[0] != blockVersion {
		return block{}, fmt.Errorf("block version %d is not known, expected %d", b[0], blockVersion)
	}
	if b[1]&^compressed != 0 {
		return block{}, fmt.Errorf("block flags %02x are not known", b[1])
	}
	want, got := binary.LittleEndian.Uint32(b[2:]), crc32.Checksum(b[blockCRCEnd:], castagnoli)
	if want != got {
		return block{}, fmt.Errorf("checksum of the block: expected %08x, found %08x", want, got)
	}
	count, heads := binary.LittleEndian.Uint32(b[6:]), binary.LittleEndian.Uint32(b[10:])
	rest, err := plain(b, room)
	if err != nil {
		return block{}, err
	}
	if uint64(heads) > uint64(len(rest)) || uint64(count)*headFixedSize > uint64(heads) {
		return block{}, errShort
	}
	return block{heads: rest[:heads], bodies: rest[heads:], left: int(count)}, nil
}

// frame is one event of a block: views into its bytes.
type frame struct {
	head              []byte // all of it, but for its length
	flags             uint16
	schema            uint32
	position, version uint64
	nanos             int64
	ids               []byte // id, then the optional ones in order
	topic, key, typ   []byte
	meta              []byte
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
	f.typ, f.meta, err = takeString(b)
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
	if f.flags&hasMeta == 0 {
		return nil
	}
	return f.fillMeta(r)
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

func (f *frame) fillMeta(r *stream.Record) error {
	n, size := binary.Uvarint(f.meta)
	if size <= 0 || n > uint64(len(f.meta)) {
		return errShort
	}
	rest := f.meta[size:]
	r.Meta = make(stream.Metadata, min(n, 64))
	for range n {
		var k, v []byte
		var err error
		if k, rest, err = takeString(rest); err != nil {
			return err
		}
		if v, rest, err = takeString(rest); err != nil {
			return err
		}
		r.Meta[string(k)] = string(v)
	}
	return nil
}
