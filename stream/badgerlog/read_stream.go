package badgerlog

import (
	"context"
	"errors"
	"fmt"

	"github.com/thaw-go/thaw/stream"
)

// instance is the one stream that the query selects, if it is only one.
func (r *reader) instance() (stream.ID, bool) {
	if len(r.query.Match) != 1 {
		return stream.ID{}, false
	}
	m := r.query.Match[0]
	return stream.ID{Topic: m.Topic, Key: m.Key}, m.Topic != "" && m.Key != ""
}

// scanStream hands over one stream's events up to end: from its own entries, and
// then what is in memory only.
func (r *reader) scanStream(ctx context.Context, id stream.ID, end stream.Position) error {
	walk := streamWalk{id: id, end: end, cut: r.log.memory.cutAt()}
	from := streamKeys(id)
	if walk.whole = r.at < walk.cut; r.version > 0 {
		if walk.whole {
			return r.truncated(id) // meanwhile
		}
		from = streamKey(id, stream.Version(r.version+1), 0)
	}
	for from != nil {
		if err := ctx.Err(); err != nil {
			return err
		}
		var unstored []run
		stored, next, err := r.log.collect(r.room(), streamKeys(id), from, func(m *memory) { unstored = m.unstored(id) })
		if err != nil {
			return err
		}
		r.chunk.bound(streamKeys(id), next, stored)
		for _, e := range r.chunk.entries {
			if err := r.handVersions(&walk, e); err != nil || walk.past {
				return err
			}
		}
		if from = next; from == nil {
			return r.handUnstored(unstored, end)
		}
	}
	return nil
}

// streamWalk is how far a reader has come in one stream.
type streamWalk struct {
	id   stream.ID
	end  stream.Position
	next uint64 // the version that has to come; 0: any
	past bool   // the end was reached

	cut   stream.Position // history up to here was removed
	whole bool            // the read begins before that, and needs the stream's first event
}

// errCut says that a stream's first event was removed.
var errCut = errors.New("its first event was removed")

func (r *reader) handVersions(w *streamWalk, e entry) error {
	if e.last <= r.at && !w.whole { // nothing in it is asked for, so it may be damaged
		w.next, r.version = e.number+1, e.number
		return nil
	}
	var order error
	began, empty := w.next > 0, true
	records, err := r.chunk.decode(e, func(f *frame) bool {
		if empty && !began && w.whole && (f.version != 1 || f.position <= uint64(w.cut)) {
			order = errCut
		}
		empty = false
		switch {
		case order != nil:
		case view(f.topic) != w.id.Topic || view(f.key) != w.id.Key:
			order = fmt.Errorf("expected events of this stream, found one of %s/%s", f.topic, f.key)
		case w.next > 0 && f.version != w.next:
			order = fmt.Errorf("expected version %d, found %d", w.next, f.version)
		}
		w.next = f.version + 1
		if w.past = w.past || f.position > uint64(w.end); !w.past {
			r.version = f.version
		}
		if f.position <= uint64(r.at) || w.past {
			return false
		}
		ok, err := r.selects(f)
		if err != nil && order == nil {
			order = err
		}
		return ok
	})
	if err == nil {
		err = order
	}
	if err == nil && empty { // what was in it was removed
		w.next = e.number + 1
		if !began && w.whole {
			err = errCut
		}
	}
	if err == nil && w.next != e.number+1 {
		err = fmt.Errorf("expected an entry up to version %d, found one up to %d", e.number, w.next-1)
	}
	if err != nil {
		if gone := r.truncated(w.id); gone != nil {
			return gone
		}
		return damaged(w.id, e, err)
	}
	if len(records) == 0 {
		return nil
	}
	return r.hand(records, records[len(records)-1].Position)
}

// handUnstored hands over a stream's events that stand in memory.
func (r *reader) handUnstored(runs []run, end stream.Position) error {
	for _, part := range runs {
		records := part.records
		for len(records) > 0 && records[0].Position <= r.at {
			records = records[1:]
		}
		for len(records) > 0 && records[len(records)-1].Position > end {
			records = records[:len(records)-1]
		}
		if len(records) == 0 {
			continue
		}
		if err := r.handSelected(records); err != nil {
			return err
		}
	}
	return nil
}
