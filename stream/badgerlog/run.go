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

// eachBlock joins runs into blocks of at most maxBlockEvents and, unless it is
// one event, maxBlockBytes, and hands them over with their first and last events.
func eachBlock(runs []run, emit func(value []byte, first, last *stream.Record) error) error {
	var pending []run
	events, bytes := 0, 0
	flush := func() error {
		value := joinBlock(pending, events)
		err := emit(value, pending[0].first(), pending[len(pending)-1].last())
		pending, events, bytes = pending[:0], 0, 0
		return err
	}
	for _, r := range runs {
		for len(r.records) > 0 {
			n := r.fitting(events, bytes)
			if n == 0 && events == 0 {
				n = 1 // larger than a block by itself
			}
			if n > 0 {
				front, back := r.cut(n)
				pending = append(pending, front)
				events, bytes = events+n, bytes+front.size()
				r = back
			}
			if len(r.records) > 0 {
				if err := flush(); err != nil {
					return err
				}
			}
		}
	}
	if events == 0 {
		return nil
	}
	return flush()
}

// joinBlock is one block of all the runs' events.
func joinBlock(runs []run, events int) []byte {
	heads, bodies := 0, 0
	for _, r := range runs {
		heads, bodies = heads+len(r.heads), bodies+len(r.bodies)
	}
	b := beginBlock(events, heads, bodies)
	for _, r := range runs {
		b = append(b, r.heads...)
	}
	for _, r := range runs {
		b = append(b, r.bodies...)
	}
	sealBlock(b)
	return b
}
