package badgerlog

import (
	"context"
	"encoding/binary"
	"fmt"

	"github.com/thaw-go/thaw/internal/engine"
	"github.com/thaw-go/thaw/stream"
)

// Truncate removes the events up to a place as [stream.Truncater] says: whole
// blocks of at most 1000 events are removed, and the newest one stays.
//
// The room on the disk is given back by and by, also if Truncate is cut short:
// then what is left is removed when the log is opened again. It goes on below
// [Options].MinFree: it makes room. Errors: [stream.ErrClosed], [ErrReadOnly], a
// [*FailedError], ctx's error, what reading the log returns, and an
// [*stream.InvalidError] for a place past the head.
func (l *Log) Truncate(ctx context.Context, upTo stream.Cursor) (stream.Cursor, error) {
	if err := l.mayWork(ctx); err != nil {
		return stream.Cursor{}, err
	}
	if l.options.ReadOnly {
		return stream.Cursor{}, readOnlyError("truncate " + l.dir.path)
	}
	head := l.memory.visible()
	if err := engine.CheckFrom(upTo, stream.At(head)); err != nil {
		return stream.Cursor{}, err
	}
	return l.truncate(ctx, upTo.Position(0), false)
}

// truncate removes the events up to a place. A log that is restored is cut where it
// was, whatever that divides.
func (l *Log) truncate(ctx context.Context, upTo stream.Position, exact bool) (stream.Cursor, error) {
	l.truncating.Lock()
	defer l.truncating.Unlock()
	cut, err := l.findCut(ctx, upTo, exact)
	if err != nil {
		return stream.Cursor{}, err
	}
	if cut > l.memory.cutAt() {
		if err := l.markCut(ctx, cut); err != nil {
			return stream.Cursor{}, err
		}
	}
	cut = l.memory.cutAt()
	defer l.collector.ask()
	if err := l.erase(ctx); err != nil {
		return stream.At(cut), fmt.Errorf("badgerlog: truncate %s at position %d: %w", l.dir.path, cut, err)
	}
	return stream.At(cut), nil
}

// markCut says that history up to a position is removed.
func (l *Log) markCut(ctx context.Context, cut stream.Position) error {
	mark := keyed{cutKey, seal(binary.LittleEndian.AppendUint64(nil, uint64(cut)))}
	if err := l.change(ctx, []keyed{mark}); err != nil {
		return err
	}
	l.memory.setCut(cut)
	return nil
}

// findCut is the end of the last block that is not behind a position, and not
// the newest; 0 if there is none. An append to several streams is not divided, unless
// the place is to be exact.
func (l *Log) findCut(ctx context.Context, upTo stream.Position, exact bool) (stream.Position, error) {
	if err := l.settle(ctx); err != nil {
		return 0, err
	}
	s, err := l.reads.begin(l)
	if err != nil {
		return 0, err
	}
	defer s.end()
	for upTo = min(upTo, max(s.stored, 1)-1); ; upTo-- {
		if err := s.fault.at("db.iterate"); err != nil {
			return 0, storageError("find where to truncate "+l.dir.path, err)
		}
		key := floorKey(s.txn, []byte{blockPrefix}, blockKey(upTo))
		if key == nil {
			return 0, nil
		}
		last, _, err := numbered([]byte{blockPrefix}, key)
		if upTo = stream.Position(last); err != nil || exact || upTo == 0 {
			return upTo, err
		}
		if divides, err := s.divides(upTo); err != nil || !divides {
			return upTo, err
		}
	}
}

// divides reports whether an append to several streams, whose command is remembered,
// goes on behind the block that ends at a position.
func (s *section) divides(last stream.Position) (bool, error) {
	var c chunk
	if _, err := s.collect(&c, []byte{blockPrefix}, blockKey(last)); err != nil || len(c.entries) < 2 {
		return false, err
	}
	var before, next origin
	for i, end := range []*origin{&before, &next} {
		n := 0
		err := eachFrame(c.entries[i].value, nil, func(f *frame) {
			if n++; n == 1 || i == 0 {
				*end, _ = f.origin()
			}
		})
		if err != nil {
			return false, nil // who removes it says so
		}
	}
	if next.command.IsZero() || !before.batch(&next) {
		return false, nil
	}
	e, err := s.command(next.stream.Topic, next.command)
	return e != nil && (e.beyond || len(e.more) > 0), err
}

// change has the committer change keys of the database, all of them or none.
func (l *Log) change(ctx context.Context, changes []keyed) error {
	return l.changeStreams(ctx, changes, 0)
}

// changeStreams also says how many streams the changes make known.
func (l *Log) changeStreams(ctx context.Context, changes []keyed, streams int) error {
	r := l.queue.request()
	r.raw, r.streams = changes, streams
	for _, c := range changes {
		r.size += len(c.key) + len(c.value) + 16
	}
	outcome, err := l.submit(ctx, r)
	if err != nil {
		return err
	}
	return outcome.err
}

// readCut is how far the log was truncated, as the database and the journal say.
func (l *Log) readCut() (stream.Position, error) {
	const what = "how far the log was truncated"
	b, ok, err := l.readSealed(cutKey, func() string { return what })
	if !ok || err != nil {
		return 0, err
	}
	if len(b) != 8 {
		return 0, &stream.CorruptError{Err: fmt.Errorf("%s: %w", what, errShort)}
	}
	return stream.Position(binary.LittleEndian.Uint64(b)), nil
}

// erase removes from the database what lies before the cut, a window of blocks
// at a time: the blocks, the commands that took effect in them, and the entries
// of their streams and tags. Each window goes whole, so a log that was cut short in between
// is in order. The caller holds l.truncating.
func (l *Log) erase(ctx context.Context) error {
	for {
		changes, err := l.nextWindow()
		if err != nil || len(changes) == 0 {
			return err
		}
		if err := l.change(ctx, changes); err != nil {
			return err
		}
		if err := l.settle(ctx); err != nil {
			return err
		}
	}
}

// resumeErase removes what is left of history that was truncated.
func (l *Log) resumeErase(ctx context.Context) error {
	l.truncating.Lock()
	defer l.truncating.Unlock()
	return l.erase(ctx)
}

// cutAt is how far the log was truncated.
func (m *memory) cutAt() stream.Position {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return m.cut
}

func (m *memory) setCut(cut stream.Position) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.cut = max(m.cut, cut)
}

// truncated is the error for what a reader misses since the log was truncated;
// nil if it misses nothing.
func (r *reader) truncated(id stream.ID) error {
	if cut := r.log.memory.cutAt(); r.at < cut {
		return &stream.TruncatedError{Stream: id, From: r.query.From, Cut: stream.At(cut)}
	}
	return nil
}
