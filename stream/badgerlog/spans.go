package badgerlog

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"

	"github.com/dgraph-io/badger/v4"

	"github.com/thaw-go/thaw/stream"
)

// A long span of one stream's events stands in blocks of its own in the log.
// Then the stream's entries need not repeat them: each names a block, in a
// reference.
//
//	version u8 = 1 | flags u8 = 2 | crc32c u32 | last position u64
const (
	reference     = 2 // the flag
	referenceSize = blockCRCEnd + 8
)

// How long a span must be for a second look-up to cost less, on loading the
// stream, than reading its events again from a copy would save on writing.
const (
	longSpanEvents = 96
	longSpanBytes  = 32 << 10
)

// spareKeys is what a transaction takes of keys beside those that a generation
// is weighed for: each span costs its stream one for each of its blocks, and one
// for the copy in front of it.
const spareKeys = 512 << 10

// span is consecutive events of one stream.
type span struct {
	first  stream.Position
	events int
}

// longSpans finds the long spans among consecutive events.
func longSpans(runs []run) (found []span) {
	var s span
	var id stream.ID
	bytes := 0
	spare := spareKeys
	end := func() {
		if s.events < longSpanEvents && bytes < longSpanBytes {
			return
		}
		own := 1 + max(s.events/maxBlockEvents, 2*bytes/maxBlockBytes)
		if spare -= (own + 1) * (len(id.Topic) + len(id.Key) + 64); spare >= 0 {
			found = append(found, s)
		}
	}
	for _, r := range runs {
		for i := range r.records {
			rec := &r.records[i]
			if s.events == 0 || rec.Stream != id {
				end()
				s, bytes, id = span{first: rec.Position}, 0, rec.Stream
			}
			s.events++
			bytes += len(rec.Data)
		}
	}
	end()
	return found
}

// takeEvents cuts so many events off the front of runs.
func takeEvents(runs []run, n int) (front, rest []run) {
	whole := 0
	for whole < len(runs) && len(runs[whole].records) <= n {
		n -= len(runs[whole].records)
		whole++
	}
	if n == 0 {
		return runs[:whole:whole], runs[whole:]
	}
	last, first := runs[whole].cut(n)
	return append(runs[:whole:whole], last), append([]run{first}, runs[whole+1:]...)
}

// evenly is each with blocks that are about as long as one another: a short one
// at the end would cost as much to look up as a long one.
func (j *joiner) evenly(runs []run, emit func(value []byte, first, last *stream.Record) error) error {
	events, size := 0, 0
	for _, r := range runs {
		events += len(r.records)
		size += r.size()
	}
	blocks := max((events+maxBlockEvents-1)/maxBlockEvents, (size+maxBlockBytes-1)/maxBlockBytes)
	for ; blocks > 0; blocks-- {
		n := (events + blocks - 1) / blocks
		events -= n
		var part []run
		part, runs = takeEvents(runs, n)
		if err := j.each(part, emit); err != nil {
			return err
		}
	}
	return nil
}

// own are the blocks of the log that hold one stream's events only, by their
// first position.
type own map[stream.Position]ownBlock

type ownBlock struct {
	last   stream.Position
	events int
}

// eachOwn hands over the own blocks at the front of a stream's events, and
// returns what follows them.
func (o own) eachOwn(runs []run, emit func(b ownBlock, first *stream.Record) error) (rest []run, err error) {
	for len(runs) > 0 {
		b, ok := o[runs[0].first().Position]
		if !ok {
			break
		}
		if err := emit(b, runs[0].first()); err != nil {
			return nil, err
		}
		_, runs = takeEvents(runs, b.events)
	}
	return runs, nil
}

// copied cuts off the events at the front that are in no own block.
func (o own) copied(runs []run) (front, rest []run) {
	if len(o) == 0 {
		return runs, nil
	}
	n := 0
	for n < len(runs) {
		if _, ok := o[runs[n].first().Position]; ok {
			break
		}
		n++
	}
	return runs[:n:n], runs[n:]
}

func encodeReference(last stream.Position) []byte {
	b := make([]byte, blockCRCEnd, referenceSize)
	b[0], b[1] = blockVersion, reference
	b = binary.LittleEndian.AppendUint64(b, uint64(last))
	binary.LittleEndian.PutUint32(b[2:], crc32.Checksum(b[blockCRCEnd:], castagnoli))
	return b
}

// referred is the last position of the block that a value names; false if the
// value is no reference, or a damaged one.
func referred(value []byte) (stream.Position, bool) {
	if len(value) != referenceSize || value[0] != blockVersion || value[1] != reference {
		return 0, false
	}
	if crc32.Checksum(value[blockCRCEnd:], castagnoli) != binary.LittleEndian.Uint32(value[2:]) {
		return 0, false
	}
	return stream.Position(binary.LittleEndian.Uint64(value[blockCRCEnd:])), true
}

// notFollowed is why a reference is no block.
func notFollowed(value []byte) error {
	last, ok := referred(value)
	if !ok {
		return errors.New("the reference to a block of the log is damaged")
	}
	return fmt.Errorf("the block of the log up to position %d, which it names, is missing", last)
}

// block hands over the block that a value is or names; the value itself if there
// is no such block. It is valid until use returns.
func (s *section) block(value []byte, use func(block []byte) error) error {
	last, ok := referred(value)
	if !ok {
		return use(value)
	}
	if err := s.fault.at("db.get"); err != nil {
		return err
	}
	item, err := s.txn.Get(blockKey(last))
	if errors.Is(err, badger.ErrKeyNotFound) {
		return use(value)
	}
	if err != nil {
		return err
	}
	return item.Value(use)
}
