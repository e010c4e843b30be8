package badgerlog

import (
	"encoding/binary"
	"fmt"
	"runtime"
	"sync"

	"github.com/klauspost/compress/zstd"
)

// compressed is the flag of a block whose heads and payloads stand compressed
// with Zstandard behind its header.
const compressed = 1

// maxPlainBytes bounds what a block is uncompressed to: a full one, or one event
// as large as they may be.
const maxPlainBytes = 4 << 20

// zstdCoders are made when the first block needs one: they take memory.
var zstdEncoder = sync.OnceValue(func() *zstd.Encoder {
	e, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1), zstd.WithEncoderCRC(false))
	if err != nil {
		panic(err) // the options are constants
	}
	return e
})

var zstdDecoder = sync.OnceValue(func() *zstd.Decoder {
	d, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(runtime.GOMAXPROCS(0)), zstd.WithDecoderMaxMemory(maxPlainBytes))
	if err != nil {
		panic(err) // the options are constants
	}
	return d
})

// compressBlock appends to into the block with its heads and payloads
// compressed, if that makes it smaller. Neither is sealed yet.
func compressBlock(into, b []byte) (out []byte, smaller bool) {
	start := len(into)
	out = append(into, b[:blockHeaderSize]...)
	out = zstdEncoder().EncodeAll(b[blockHeaderSize:], out)
	if len(out)-start >= len(b) {
		return into, false
	}
	out[start+1] |= compressed
	return out, true
}

// plain is the heads and payloads of a block whose checksum is right. If they
// stand compressed they are written to room, which may be nil, and grown there.
func plain(b []byte, room *[]byte) ([]byte, error) {
	if b[1] == 0 {
		return b[blockHeaderSize:], nil
	}
	if room == nil {
		room = new([]byte)
	}
	out, err := zstdDecoder().DecodeAll(b[blockHeaderSize:], (*room)[:0])
	if err != nil {
		return nil, fmt.Errorf("uncompress the block of %d events: %w", binary.LittleEndian.Uint32(b[6:]), err)
	}
	*room = out
	return out, nil
}
