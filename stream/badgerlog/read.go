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
	head, _, _ := l.tail.visible()
	if err := engine.CheckFrom(q.From, stream.At(head)); err != nil {
		return err
	}
	c := chunks.Get().(*chunk)
	defer chunks.Put(c)
	r := &reader{log: l, query: q, emit: emit, at: q.From.Position(0), begun: head, chunk: c}
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
	live  bool            // and a mark has said that it was reached
	chunk *chunk
}

func (r *reader) finite(ctx context.Context) error {
	end := r.begun
	if to := r.query.To.Position(0); to > 0 {
		end = min(end, to)
	}
	r.begun = end
	if id, ok := r.instance(); ok {
		if err := r.scanStream(ctx, id, end); err != nil {
			return err
		}
		return r.pass(end)
	}
	for r.at < end {
		if err := r.step(ctx, end); err != nil {
			return err
		}
	}
	return r.pass(end)
}

func (r *reader) follow(ctx context.Context) error {
	for {
		head, _, wake := r.log.tail.visible()
		for r.at < head {
			if err := r.step(ctx, head); err != nil {
				return err
			}
		}
		if err := r.pass(r.at); err != nil {
			return err
		}
		select {
		case <-wake:
			if r.log.queue.closed() && r.caughtUp() {
				return stream.ErrClosed
			}
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// caughtUp reports whether there is nothing left to hand over.
func (r *reader) caughtUp() bool {
	head, _, _ := r.log.tail.visible()
	return r.at >= head
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
	head, _, _ := r.log.tail.visible()
	r.at = at
	r.live = r.live || at >= r.begun
	return r.emit(records, stream.Mark{At: stream.At(at), Head: stream.At(head), Live: r.live})
}

// step hands over the next part: from the tail if it is still there, from the
// database otherwise.
func (r *reader) step(ctx context.Context, end stream.Position) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if records, ok := r.log.tail.after(r.at); ok {
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
	return r.query.Accepts(rec.Stream.Topic, rec.Stream.Key, rec.Type)
}

// instance is the one stream that the query selects, if it is only one.
func (r *reader) instance() (stream.ID, bool) {
	if len(r.query.Match) != 1 {
		return stream.ID{}, false
	}
	m := r.query.Match[0]
	return stream.ID{Topic: m.Topic, Key: m.Key}, m.Topic != "" && m.Key != ""
}

// scanLog hands over blocks up to end until it needs a new section.
func (r *reader) scanLog(ctx context.Context, end stream.Position) error {
	_, err := r.collect([]byte{blockPrefix}, func(s *section) []byte {
		from := blockKey(r.at + 1)
		if r.at == 0 {
			return from
		}
		if key := floorKey(s.txn, []byte{blockPrefix}, from); key != nil {
			return key
		}
		return from
	})
	if err != nil {
		return err
	}
	before := r.at
	for _, e := range r.chunk.entries {
		if e.number > uint64(r.at)+1 {
			return &stream.CorruptError{Position: r.at + 1, Err: fmt.Errorf("a block is missing: the next one begins at position %d", e.number)}
		}
		if err := r.handBlock(ctx, e, end); err != nil {
			return err
		}
		if r.at >= end {
			return nil
		}
	}
	if r.at == before {
		return &stream.CorruptError{Position: r.at + 1, Err: fmt.Errorf("a block is missing: nothing follows position %d in a log of %d", r.at, end)}
	}
	return nil
}

// handBlock hands over the selected events of a block after the reader's place.
func (r *reader) handBlock(ctx context.Context, e entry, end stream.Position) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	last := uint64(r.at)
	expected := e.number
	var order error
	records, err := r.chunk.decode(e, func(f *frame) bool {
		if f.position != expected && order == nil {
			order = fmt.Errorf("expected position %d, found %d", expected, f.position)
		}
		expected = f.position + 1
		if f.position <= uint64(r.at) || f.position > uint64(end) {
			return false
		}
		last = f.position
		return r.query.Accepts(view(f.topic), view(f.key), view(f.typ))
	})
	if err == nil {
		err = order
	}
	if err != nil {
		return &stream.CorruptError{Position: stream.Position(e.number), Err: err}
	}
	if last == uint64(r.at) {
		return nil // all of it was handed over before
	}
	return r.hand(records, stream.Position(last))
}

// scanStream hands over one stream's events up to end from its own entries.
func (r *reader) scanStream(ctx context.Context, id stream.ID, end stream.Position) error {
	prefix := streamKeys(id)
	from := prefix
	for from != nil {
		if err := ctx.Err(); err != nil {
			return err
		}
		next, err := r.collect(prefix, func(*section) []byte { return from })
		if err != nil {
			return err
		}
		from = next
		for _, e := range r.chunk.entries {
			past, err := r.handVersions(id, e, end)
			if err != nil || past {
				return err
			}
		}
	}
	return nil
}

func (r *reader) handVersions(id stream.ID, e entry, end stream.Position) (past bool, err error) {
	expected := e.number
	var order error
	records, err := r.chunk.decode(e, func(f *frame) bool {
		if f.version != expected && order == nil {
			order = fmt.Errorf("expected version %d, found %d", expected, f.version)
		}
		expected = f.version + 1
		past = past || f.position > uint64(end)
		return f.position > uint64(r.at) && !past && r.query.Accepts(view(f.topic), view(f.key), view(f.typ))
	})
	if err == nil {
		err = order
	}
	if err != nil {
		return false, damaged(id, e, err)
	}
	if len(records) == 0 {
		return past, nil
	}
	return past, r.hand(records, records[len(records)-1].Position)
}

// collect fills the reader's chunk inside one section.
func (r *reader) collect(prefix []byte, from func(*section) []byte) (next []byte, err error) {
	s, err := r.log.reads.begin(r.log)
	if err != nil {
		return nil, err
	}
	defer s.end()
	in := true
	defer stream.Contain("reading the database", &in, &err)
	next, err = s.collect(r.chunk, prefix, from(s))
	in = false
	return next, err
}
