package badgerlog

import (
	"encoding/binary"

	"github.com/thaw-go/thaw/stream"
)

// applied is what the database has: the journal's records up to seq, and the
// log's events up to last, of so many streams, in so many blocks of so many
// bytes. It is written with them.
type applied struct {
	seq     uint64
	last    stream.Position
	streams uint64
	blocks  uint64
	bytes   uint64 // of events as they are encoded, once
}

// after is what the database has once it was given a generation.
func (a applied) after(g *generation, blocks int) applied {
	return applied{
		seq: g.end, last: g.last,
		streams: a.streams + uint64(g.streams),
		blocks:  a.blocks + uint64(blocks),
		bytes:   a.bytes + uint64(g.eventBytes),
	}
}

func (a applied) encode() []byte {
	b := make([]byte, 0, 40)
	for _, n := range []uint64{a.seq, uint64(a.last), a.streams, a.blocks, a.bytes} {
		b = binary.LittleEndian.AppendUint64(b, n)
	}
	return b
}

func decodeApplied(sealed []byte) (applied, error) {
	b, err := unseal(sealed)
	if err != nil {
		return applied{}, err
	}
	if len(b) != 40 {
		return applied{}, errShort
	}
	n := func(i int) uint64 { return binary.LittleEndian.Uint64(b[8*i:]) }
	return applied{n(0), stream.Position(n(1)), n(2), n(3), n(4)}, nil
}
