package badgerlog

import (
	"encoding/binary"

	"github.com/thaw-go/thaw/stream"
)

// run is consecutive events as they stand encoded, so that larger blocks are
// made of them without encoding them again. What it holds is never changed.
type run struct {
	records []stream.Record
	heads   []byte
	bodies  []byte
}

// asRun is the block's events as a run; records are the same events.
func asRun(block []byte, records []stream.Record) run {
	heads := int(binary.LittleEndian.Uint32(block[10:]))
	rest := block[blockHeaderSize:]
	return run{records: records, heads: rest[:heads:heads], bodies: rest[heads:]}
}

func (r run) size() int { return len(r.heads) + len(r.bodies) }

func (r run) first() *stream.Record { return &r.records[0] }

func (r run) last() *stream.Record { return &r.records[len(r.records)-1] }

// cut divides the run behind its first n events.
func (r run) cut(n int) (front, back run) {
	if n == len(r.records) {
		return r, run{}
	}
	heads, bodies := 0, 0
	for i := range n {
		heads += r.headSize(heads)
		bodies += len(r.records[i].Data)
	}
	front = run{r.records[:n:n], r.heads[:heads:heads], r.bodies[:bodies:bodies]}
	return front, run{r.records[n:], r.heads[heads:], r.bodies[bodies:]}
}

// headSize is the size of the head that begins at a place among the heads.
func (r run) headSize(at int) int { return 4 + int(binary.LittleEndian.Uint32(r.heads[at:])) }

// fitting is how many of the run's events fit into a block beside what it holds.
func (r run) fitting(events, bytes int) int {
	events, bytes = maxBlockEvents-events, maxBlockBytes-bytes
	if len(r.records) <= events && r.size() <= bytes {
		return len(r.records)
	}
	n, at := 0, 0
	for n < min(events, len(r.records)) {
		head := r.headSize(at)
		if bytes -= head + len(r.records[n].Data); bytes < 0 {
			break
		}
		at += head
		n++
	}
	return n
}

// joiner joins runs into blocks of at most maxBlockEvents and, unless it is one
// event, maxBlockBytes. The blocks stand in memory that the next reset takes
// back.
type joiner struct {
	arena   []byte
	pending []run
	events  int
	bytes   int
	blocks  int // of the log, as its user counts them

	compress bool
	plain    []byte // the block to be compressed
}

// reset makes room for blocks of so many bytes in all; more is allocated when
// needed.
func (j *joiner) reset(bytes int) {
	if cap(j.arena) < bytes {
		j.arena = make([]byte, 0, bytes)
	}
	j.arena = j.arena[:0]
}

// each hands over the blocks of the runs with their first and last events.
func (j *joiner) each(runs []run, emit func(value []byte, first, last *stream.Record) error) error {
	for _, r := range runs {
		for len(r.records) > 0 {
			n := r.fitting(j.events, j.bytes)
			if n == 0 && j.events == 0 {
				n = 1 // larger than a block by itself
			}
			if n > 0 {
				var front run
				front, r = r.cut(n)
				j.pending = append(j.pending, front)
				j.events, j.bytes = j.events+n, j.bytes+front.size()
			}
			if len(r.records) > 0 {
				if err := j.flush(emit); err != nil {
					return err
				}
			}
		}
	}
	return j.flush(emit)
}

func (j *joiner) flush(emit func(value []byte, first, last *stream.Record) error) error {
	if j.events == 0 {
		return nil
	}
	value := j.join()
	err := emit(value, j.pending[0].first(), j.pending[len(j.pending)-1].last())
	clear(j.pending)
	j.pending, j.events, j.bytes = j.pending[:0], 0, 0
	return err
}

// join is one block of all that is pending.
func (j *joiner) join() []byte {
	heads := 0
	for _, r := range j.pending {
		heads += len(r.heads)
	}
	if need := blockHeaderSize + j.bytes; cap(j.arena)-len(j.arena) < need {
		j.arena = make([]byte, 0, max(need, cap(j.arena)/4)) // the one before is kept by its blocks
	}
	start := len(j.arena)
	if j.compress {
		j.plain = j.appendBlock(j.plain[:0], heads)
		var smaller bool
		if j.arena, smaller = compressBlock(j.arena, j.plain); !smaller {
			j.arena = append(j.arena, j.plain...)
		}
	} else {
		j.arena = j.appendBlock(j.arena, heads)
	}
	b := j.arena[start:len(j.arena):len(j.arena)]
	sealBlock(b)
	return b
}

// appendBlock appends one block of all that is pending, yet without its
// checksum.
func (j *joiner) appendBlock(b []byte, heads int) []byte {
	b = appendBlockHeader(b, j.events, heads)
	for _, r := range j.pending {
		b = append(b, r.heads...)
	}
	for _, r := range j.pending {
		b = append(b, r.bodies...)
	}
	return b
}
