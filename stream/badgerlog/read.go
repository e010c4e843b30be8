package badgerlog

import (
	"context"
	"fmt"

	"github.com/thaw-go/thaw/internal/engine"
	"github.com/thaw-go/thaw/stream"
)

// Read hands over the selected events as [stream.Log] promises. What one
// subscriber does in emit delays nobody else.
func (l *Log) Read(ctx context.Context, q stream.Query, emit func([]stream.Record, stream.Mark) error) error {
	if l.queue.closed() {
		return stream.ErrClosed
	}
	head := l.memory.visible()
	if err := engine.CheckFrom(q.From, stream.At(head)); err != nil {
		return err
	}
	place := l.readers.add(q)
	defer l.readers.remove(place)
	r := &reader{log: l, query: q, emit: emit, at: q.From.Position(0), begun: head, head: head, place: place}
	r.tagged, r.indexed = needsTags(q.Match)
	defer r.free()
	if !q.Follow {
		return r.finite(ctx)
	}
	return r.follow(ctx)
}

// reader is one read.
type reader struct {
	log   *Log
	query stream.Query
	emit  func([]stream.Record, stream.Mark) error
	at    stream.Position // everything up to here has been handed over
	begun stream.Position // the head when the read began
	head  stream.Position // the head when it last looked
	live  bool            // and a mark has said that it was reached
	chunk *chunk          // what was copied out of the database, if anything
	// of the one instance that is read: the last version that was seen
	version uint64
	place   *place // at, for those who watch

	tagged  bool     // the query selects by tags
	indexed bool     // and so that the index of tags names all that it selects
	tags    []string // of the event that is looked at
}

func (r *reader) finite(ctx context.Context) error {
	end := r.begun
	if to := r.query.To.Position(0); to > 0 {
		end = min(end, to)
	}
	r.begun = end
	if err := r.advance(ctx, end); err != nil {
		return err
	}
	return r.pass(end)
}

// advance hands over everything up to end; an instance's events from its own
// entries, unless memory has all that is asked for.
func (r *reader) advance(ctx context.Context, end stream.Position) error {
	if id, ok := r.instance(); ok && r.at < end && !r.near() {
		if err := r.scanStream(ctx, id, end); err != nil {
			return err
		}
		return r.pass(end)
	}
	for r.at < end {
		step := r.step
		if r.indexed && !r.tailed(end) {
			step = r.scanTags
		}
		if err := step(ctx, end); err != nil {
			return err
		}
	}
	return nil
}

// near reports whether memory has everything after the reader's place.
func (r *reader) near() bool {
	seen := r.log.memory.look(r.at)
	return seen.records != nil && r.query.Follow && r.at >= seen.cut
}

func (r *reader) follow(ctx context.Context) error {
	for {
		seen := r.log.memory.look(r.at)
		r.head = seen.head
		if err := r.advance(ctx, seen.head); err != nil {
			return err
		}
		if err := r.pass(r.at); err != nil {
			return err
		}
		if seen.closed {
			return stream.ErrClosed
		}
		r.free()
		select {
		case <-seen.wake:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// pass says that everything up to at has been handed over, if no mark has said
// so yet.
func (r *reader) pass(at stream.Position) error {
	if r.live && r.at >= at {
		return nil
	}
	r.at = max(r.at, at)
	return r.hand(nil, r.at)
}

// maxHanded is how many records a subscriber is given at once at most. A
// consumer remembers what it did at marks: this bounds how much that is.
const maxHanded = 256

// hand gives records to the subscriber with the marks that hold after them.
func (r *reader) hand(records []stream.Record, at stream.Position) error {
	for len(records) > maxHanded {
		part := records[:maxHanded:maxHanded]
		records = records[maxHanded:]
		if err := r.give(part, part[maxHanded-1].Position); err != nil {
			return err
		}
	}
	return r.give(records, at)
}

func (r *reader) give(records []stream.Record, at stream.Position) error {
	r.at = at
	r.live = r.live || at >= r.begun
	defer r.place.at.Store(uint64(at))
	return r.emit(records, stream.Mark{At: stream.At(at), Head: stream.At(r.head), Live: r.live})
}

// step hands over the next part: from memory if it is still there, from the
// database otherwise.
func (r *reader) step(ctx context.Context, end stream.Position) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	seen := r.log.memory.look(r.at)
	if r.at < seen.cut {
		return r.truncated(stream.ID{})
	}
	r.head = seen.head
	if records := seen.records; records != nil {
		if over := records[len(records)-1].Position; over > end {
			records = records[:len(records)-int(over-end)]
		}
		return r.handSelected(records)
	}
	r.log.fallbacks.Add(1)
	return r.scanLog(ctx, end)
}

// handSelected hands over the selected ones of records that others share,
// without copying them: run by run.
func (r *reader) handSelected(records []stream.Record) error {
	if len(r.query.Match) == 0 {
		return r.hand(records[:len(records):len(records)], records[len(records)-1].Position)
	}
	last := records[len(records)-1].Position
	for start := 0; start < len(records); {
		for start < len(records) && !r.accepts(&records[start]) {
			start++
		}
		end := start
		for end < len(records) && r.accepts(&records[end]) {
			end++
		}
		if start == end {
			break
		}
		at := records[end-1].Position
		if err := r.hand(records[start:end:end], at); err != nil {
			return err
		}
		start = end
	}
	if r.at < last {
		return r.hand(nil, last)
	}
	return nil
}

func (r *reader) accepts(rec *stream.Record) bool {
	return r.query.Accepts(rec.Stream.Topic, rec.Stream.Key, rec.Type, rec.Tags)
}

// selects reports whether the query selects an event. Its tags are read only if the
// query asks for some.
func (r *reader) selects(f *frame) (_ bool, err error) {
	if len(r.query.Match) == 0 {
		return true, nil
	}
	if r.tagged {
		if r.tags, err = f.tags(r.tags); err != nil {
			return false, err
		}
	}
	return r.query.Accepts(view(f.topic), view(f.key), view(f.typ), r.tags), nil
}

// scanLog hands over blocks up to end, as far as one section goes.
func (r *reader) scanLog(ctx context.Context, end stream.Position) error {
	stored, _, err := r.log.collect(r.room(), []byte{blockPrefix}, blockKey(r.at+1), nil)
	if err != nil {
		return err
	}
	// What the database has not is in memory. It may have moved there since this
	// read looked, but not out of both.
	end = min(end, stored)
	before := r.at
	for _, e := range r.chunk.entries {
		if r.at >= end {
			return nil
		}
		if err := r.handBlock(ctx, e, end); err != nil {
			return err
		}
	}
	if r.at == before && r.at < end {
		if err := r.truncated(stream.ID{}); err != nil {
			return err // meanwhile
		}
		return &stream.CorruptError{Position: r.at + 1, Last: end, Err: fmt.Errorf("a block is missing: nothing follows position %d in a log of %d", r.at, end)}
	}
	return nil
}

// handBlock hands over the selected events of a block after the reader's place.
func (r *reader) handBlock(ctx context.Context, e entry, end stream.Position) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	next := uint64(0)
	last, damagedTo := uint64(r.at), stream.Position(e.number)
	var order error
	records, err := r.chunk.decode(e, func(f *frame) bool {
		switch {
		case next == 0 && f.position > uint64(r.at)+1:
			order = fmt.Errorf("a block is missing: the next one begins at position %d", f.position)
			damagedTo = min(damagedTo, stream.Position(f.position-1)) // this one is whole
		case next > 0 && f.position != next && order == nil:
			order = fmt.Errorf("expected position %d, found %d", next, f.position)
		}
		next = f.position + 1
		if f.position <= uint64(r.at) || f.position > uint64(end) {
			return false
		}
		last = f.position
		ok, err := r.selects(f)
		if err != nil && order == nil {
			order = err
		}
		return ok
	})
	if err == nil {
		err = order
	}
	if err == nil && next != e.number+1 {
		err = fmt.Errorf("expected a block up to position %d, found one up to %d", e.number, next-1)
	}
	if err != nil {
		if gone := r.truncated(stream.ID{}); gone != nil {
			return gone // meanwhile
		}
		return &stream.CorruptError{Position: r.at + 1, Last: damagedTo, Err: err}
	}
	return r.hand(records, stream.Position(last))
}
