package memlog

import (
	"context"
	"slices"

	"github.com/thaw-go/thaw/internal/engine"
	"github.com/thaw-go/thaw/stream"
)

// Truncate removes the events up to a place, as [stream.Truncater] says: exactly
// up to there, or up to where it was truncated before.
func (l *Log) Truncate(ctx context.Context, upTo stream.Cursor) (stream.Cursor, error) {
	if err := l.enter(ctx); err != nil {
		return stream.Cursor{}, err
	}
	defer l.mu.Unlock()
	if err := engine.CheckFrom(upTo, l.head()); err != nil {
		return stream.Cursor{}, err
	}
	cut := int(upTo.Position(0))
	if cut <= l.cut {
		return stream.At(stream.Position(l.cut)), nil
	}
	left := make([]stream.Record, len(l.records)) // anew, as readers look at the old ones
	copy(left[cut:], l.records[cut:])
	l.records, l.cut = left, cut
	for c, e := range l.commands {
		if slices.ContainsFunc(e.shares, func(s share) bool { return s.index < cut }) {
			delete(l.commands, c)
		}
	}
	return upTo, nil
}

// missing is the error for a read that would begin with events that were
// removed; nil if nothing is missing. l.mu is held.
func (r *reader) missing() error {
	l := r.log
	if r.at >= l.cut || !r.query.Follow && r.at >= r.end {
		return nil
	}
	if l.whole(r.one) {
		return nil
	}
	return &stream.TruncatedError{Stream: r.one, From: r.query.From, Cut: stream.At(stream.Position(l.cut))}
}

// whole reports whether an instance has lost nothing; the zero one has, as it stands
// for the whole log. l.mu is held.
func (l *Log) whole(id stream.ID) bool {
	events := l.streams[id]
	return id.Topic != "" && (len(events) == 0 || events[0] >= l.cut)
}
