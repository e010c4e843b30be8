package badgerlog

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"

	"github.com/thaw-go/thaw/stream"
)

// Keys. Topics, stream keys and consumers' names hold no control characters, so
// a zero byte ends them, and no key is a prefix of another of its family.
//
//	b position                       a block of the log, by its last position
//	s topic 0 key 0 version position events of one stream, by the last one's version and the first one's position
//	c topic 0 command                where a command took effect
//	t tag 0 topic 0 position         which events of a topic carry a tag, by the last one's position
//	k name 0                         a consumer's cursor
//	k name 1 key                     what a consumer remembers under a key
//	m name                           about the database
const (
	blockPrefix    = 'b'
	streamPrefix   = 's'
	commandPrefix  = 'c'
	tagPrefix      = 't'
	consumerPrefix = 'k'
	metaPrefix     = 'm'
)

var (
	formatKey  = append([]byte{metaPrefix}, "format"...)
	appliedKey = append([]byte{metaPrefix}, "applied"...)
	cutKey     = append([]byte{metaPrefix}, "cut"...)
)

// blockKey is not before the block that holds a position, nor behind it: the
// first key from there on is the block's.
func blockKey(last stream.Position) []byte {
	return binary.BigEndian.AppendUint64([]byte{blockPrefix}, uint64(last))
}

func streamKeys(id stream.ID) []byte {
	b := make([]byte, 0, len(id.Topic)+len(id.Key)+11)
	b = append(b, streamPrefix)
	b = append(append(b, id.Topic...), 0)
	return append(append(b, id.Key...), 0)
}

// streamKey with position 0 is not behind the entry that holds a version, and
// behind every earlier one.
func streamKey(id stream.ID, last stream.Version, first stream.Position) []byte {
	b := binary.BigEndian.AppendUint64(streamKeys(id), uint64(last))
	return binary.BigEndian.AppendUint64(b, uint64(first))
}

// lastStreamKey is not before any key of a stream.
func lastStreamKey(id stream.ID) []byte { return streamKey(id, 1<<64-1, 1<<64-1) }

// numbered reads the numbers behind a family's prefix in the key of a block or
// of a stream's entry: its last position or version, and the position at its end,
// which names it even if its value is lost.
func numbered(prefix, key []byte) (last uint64, at stream.Position, err error) {
	if len(key) < len(prefix)+8 {
		return 0, 0, &stream.CorruptError{Err: fmt.Errorf("key %x is too short", key)}
	}
	return binary.BigEndian.Uint64(key[len(prefix):]), stream.Position(binary.BigEndian.Uint64(key[len(key)-8:])), nil
}

func commandKey(topic string, command stream.EventID) []byte {
	b := make([]byte, 0, len(topic)+18)
	b = append(b, commandPrefix)
	b = append(append(b, topic...), 0)
	return append(b, command[:]...)
}

func cursorKey(name string) []byte {
	return append(append([]byte{consumerPrefix}, name...), 0)
}

func stateKey(name, key string) []byte {
	return append(append(append([]byte{consumerPrefix}, name...), 1), key...)
}

// consumerEntry reads what cursorKey and stateKey wrote: a name ends at the first
// control character, and what follows it may be any bytes.
func consumerEntry(entry []byte) (name, key string, cursor, ok bool) {
	end := bytes.IndexAny(entry, "\x00\x01")
	if len(entry) == 0 || entry[0] != consumerPrefix || end < 2 || entry[end] == 0 && end+1 < len(entry) {
		return "", "", false, false
	}
	return string(entry[1:end]), string(entry[end+1:]), entry[end] == 0, true
}

// A sealed value is one that stands in no block: version u8, crc32c u32, bytes.
const sealVersion = 1

func seal(value []byte) []byte {
	b := make([]byte, 5, 5+len(value))
	b[0] = sealVersion
	binary.LittleEndian.PutUint32(b[1:], crc32.Checksum(value, castagnoli))
	return append(b, value...)
}

// unseal returns a copy of the bytes, or an error if they are damaged.
func unseal(b []byte) ([]byte, error) {
	if len(b) < 5 || b[0] != sealVersion {
		return nil, errShort
	}
	if want, got := binary.LittleEndian.Uint32(b[1:]), crc32.Checksum(b[5:], castagnoli); want != got {
		return nil, fmt.Errorf("checksum of the value: expected %08x, found %08x", want, got)
	}
	return bytes.Clone(b[5:]), nil
}
