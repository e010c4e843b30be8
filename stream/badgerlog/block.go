package badgerlog

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"maps"
	"math/bits"
	"slices"

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
//	        topic, key, type: uvarint length and bytes | [metadata: uvarint count, pairs] |
//	        [tags: uvarint count, strings] | [depth uvarint] | [remember uvarint]
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
	hasTags
	hasDepth
	hasRemember
)

// laterParts stand behind the type.
const laterParts = hasMeta | hasTags | hasDepth | hasRemember

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
	if len(r.Tags) > 0 {
		flags |= hasTags
	}
	if r.Depth > 0 {
		flags |= hasDepth
	}
	if r.Remember > 0 {
		flags |= hasRemember
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
	if flags&hasTags != 0 {
		size += uvarintSize(uint64(len(r.Tags)))
		for _, tag := range r.Tags {
			size += stringSize(tag)
		}
	}
	for _, n := range [2]uint32{r.Depth, r.Remember} {
		if n > 0 {
			size += uvarintSize(uint64(n))
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
	if flags&hasTags != 0 {
		b = binary.AppendUvarint(b, uint64(len(r.Tags)))
		for _, tag := range r.Tags {
			b = appendString(b, tag)
		}
	}
	for _, n := range [2]uint32{r.Depth, r.Remember} {
		if n > 0 {
			b = binary.AppendUvarint(b, uint64(n))
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
	if len(b) >= blockHeaderSize {
		want, got := binary.LittleEndian.Uint32(b[2:]), crc32.Checksum(b[blockCRCEnd:], castagnoli)
		if want != got {
			return block{}, fmt.Errorf("checksum of the block: expected %08x, found %08x", want, got)
		}
	}
	return parseBlock(b, room)
}

// openStored is openBlock for what the database has just handed out. It has checked
// a sum of its own over a value that stands in its value log: once is enough.
func openStored(b []byte, room *[]byte) (block, error) {
	if len(b) < valueThreshold {
		return openBlock(b, room)
	}
	return parseBlock(b, room)
}

func parseBlock(b []byte, room *[]byte) (block, error) {
	if len(b) > 1 && b[1] == reference {
		return block{}, notFollowed(b)
	}
	if len(b) < blockHeaderSize {
		return block{}, errShort
	}
	if b[0] != blockVersion {
		return block{}, fmt.Errorf("block version %d is not known, expected %d", b[0], blockVersion)
	}
	if b[1]&^compressed != 0 {
		return block{}, fmt.Errorf("block flags %02x are not known", b[1])
	}
	count, heads := binary.LittleEndian.Uint32(b[6:]), binary.LittleEndian.Uint32(b[10:])
	if b[1]&compressed != 0 && count > maxBlockEvents { // its length says nothing about how many there can be
		return block{}, fmt.Errorf("a compressed block of %d events, expected %d at most", count, maxBlockEvents)
	}
	rest, err := plain(b, room)
	if err != nil {
		return block{}, err
	}
	if uint64(heads) > uint64(len(rest)) || uint64(count)*headFixedSize > uint64(heads) {
		return block{}, errShort
	}
	return block{heads: rest[:heads], bodies: rest[heads:], left: int(count)}, nil
}

// skip passes over n events. Of each it reads only how long it is.
func (k *block) skip(n uint64) error {
	for ; n > 0; n-- {
		if k.left == 0 || len(k.heads) < 4 {
			return errShort
		}
		length := uint64(binary.LittleEndian.Uint32(k.heads))
		if length > uint64(len(k.heads)-4) || length < headFixedSize-4 {
			return errShort
		}
		head := k.heads[4 : 4+length]
		flags := binary.LittleEndian.Uint16(head)
		at := 30 + 16 + 16*bits.OnesCount16(flags&(hasCausedBy|hasCommand|hasCorrelation))
		if len(head) < at+4 {
			return errShort
		}
		size := uint64(binary.LittleEndian.Uint32(head[at:]))
		if size > uint64(len(k.bodies)) {
			return errShort
		}
		k.heads, k.bodies, k.left = k.heads[4+length:], k.bodies[size:], k.left-1
	}
	return nil
}

// position is that of the event that comes next.
func (k *block) position() (uint64, error) {
	if k.left == 0 || len(k.heads) < headFixedSize {
		return 0, errShort
	}
	return binary.LittleEndian.Uint64(k.heads[4+6:]), nil
}
