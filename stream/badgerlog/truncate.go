package badgerlog

import (
	"cmp"
	"context"
	"encoding/binary"
	"fmt"

	"github.com/dgraph-io/badger/v4"

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

// window is what one step removes.
type window struct {
	changes []keyed
	bytes   int
	streams map[stream.ID]stream.Position // in which block each was seen last
	entries int                           // of streams, at most: one for each block that a stream is in
	end     stream.Position               // of its last block

	section *section
	batch   origin            // of the last event
	begun   bool              // there was one
	first   bool              // it is of the append that the window begins with
	topics  map[string]bool   // those that the append's command is dealt with in
	tags    map[tagPlace]bool // by tag and topic
	err     error             // of looking something up
}

func newWindow(s *section) *window {
	return &window{streams: map[stream.ID]stream.Position{}, topics: map[string]bool{}, tags: map[tagPlace]bool{}, section: s}
}

// Limits on a window, so that what it changes fits in one generation with what
// others append. One block alone may exceed them.
const (
	maxWindowChanges = 4000
	maxWindowBytes   = 256 << 10
)

func (w *window) remove(key []byte) {
	w.changes = append(w.changes, keyed{key: append([]byte(nil), key...)})
	w.bytes += len(key)
}

// nextWindow says what is to be changed to remove the first blocks before the
// cut; nothing once they are gone.
func (l *Log) nextWindow() ([]keyed, error) {
	if l.memory.cutAt() == 0 {
		return nil, nil
	}
	s, err := l.reads.begin(l)
	if err != nil {
		return nil, err
	}
	defer s.end()
	w := newWindow(s)
	if err := w.addBlocks(s, l.memory.cutAt()); err != nil {
		return nil, err
	}
	for id := range w.streams {
		if err := w.addStream(s, id); err != nil {
			return nil, err
		}
	}
	for tag := range w.tags {
		if err := w.removeTags(s, tag); err != nil {
			return nil, err
		}
	}
	return w.changes, nil
}

func (w *window) addBlocks(s *section, cut stream.Position) error {
	if err := s.fault.at("db.iterate"); err != nil {
		return storageError("find the blocks before position "+fmt.Sprint(cut), err)
	}
	it := s.txn.NewIterator(badger.IteratorOptions{Prefix: []byte{blockPrefix}})
	defer it.Close()
	for it.Rewind(); it.Valid() && 2*(len(w.changes)+w.entries) < maxWindowChanges && 2*w.bytes < maxWindowBytes; it.Next() {
		key := it.Item().Key()
		last, _, err := numbered([]byte{blockPrefix}, key)
		if err != nil || stream.Position(last) > cut {
			return err
		}
		w.remove(key)
		w.end = stream.Position(last)
		if err := s.fault.at("db.value"); err != nil {
			return storageError(fmt.Sprintf("read the block up to position %d", last), err)
		}
		err = it.Item().Value(func(value []byte) error {
			return eachFrame(value, nil, w.addFrame)
		})
		if w.err != nil {
			return w.err
		}
		if err != nil {
			return &stream.CorruptError{Position: w.end, Last: w.end, Err: fmt.Errorf("block up to position %d: %w", last, err)}
		}
	}
	return nil
}

// addFrame notes an event's stream, and removes what its command did.
func (w *window) addFrame(f *frame) {
	id := stream.ID{Topic: string(f.topic), Key: string(f.key)}
	if w.streams[id] != w.end {
		w.streams[id] = w.end
		w.entries++
		w.bytes += len(id.Topic) + len(id.Key) + 19
	}
	w.addTags(f)
	o, err := f.origin()
	w.err = cmp.Or(w.err, err)
	if goesOn := w.begun && w.batch.batch(&o); !goesOn {
		w.first, w.begun = !w.begun, true
		clear(w.topics)
	}
	o.stream = id
	w.batch = o
	if o.command.IsZero() || w.topics[id.Topic] {
		return
	}
	w.topics[id.Topic] = true
	if !w.first && o.remember == 0 || w.own(&o, f.version) {
		w.remove(commandKey(id.Topic, o.command))
	}
}

// own reports whether what an append's command did in a topic begins with this
// version. If not, the command was forgotten, and may have taken effect again since:
// its time has passed, or this is what is left of an append whose first events were
// removed.
func (w *window) own(o *origin, version uint64) bool {
	e, err := w.section.command(o.stream.Topic, o.command)
	w.err = cmp.Or(w.err, err)
	return e != nil && e.stream == o.stream && uint64(e.first) == version
}

// addTags notes an event's tags.
func (w *window) addTags(f *frame) {
	tags, err := f.tags(nil)
	w.err = cmp.Or(w.err, err)
	for _, tag := range tags {
		p := tagPlace{tag: tag, topic: view(f.topic)}
		if w.tags[p] {
			continue
		}
		w.tags[tagPlace{tag: string([]byte(tag)), topic: string(f.topic)}] = true
		w.entries++
		w.bytes += len(tag) + len(f.topic) + 11
	}
}

// removeTags removes the entries of a tag in a topic up to the window's end. One that
// goes on behind it stays, and is read from there on.
func (w *window) removeTags(s *section, p tagPlace) error {
	if err := s.fault.at("db.iterate"); err != nil {
		return storageError(fmt.Sprintf("find the index of tag %q", p.tag), err)
	}
	it := s.txn.NewIterator(badger.IteratorOptions{Prefix: tagKeys(p.tag, p.topic)})
	defer it.Close()
	for it.Rewind(); it.Valid(); it.Next() {
		_, _, last, err := tagEntry(it.Item().Key())
		if err != nil || last > w.end {
			return err
		}
		w.remove(it.Item().Key())
	}
	return nil
}

// addStream removes a stream's entries up to the window's end. The newest entry
// is emptied instead: its key says which version the stream has.
func (w *window) addStream(s *section, id stream.ID) error {
	prefix := streamKeys(id)
	if err := s.fault.at("db.iterate"); err != nil {
		return storageError("find the index of "+id.String(), err)
	}
	it := s.txn.NewIterator(badger.IteratorOptions{Prefix: prefix})
	defer it.Close()
	for it.Rewind(); it.Valid(); {
		var last uint64 // the position of the entry's last event; 0: it was emptied before
		key := it.Item().KeyCopy(nil)
		if err := s.fault.at("db.value"); err != nil {
			return storageError("read the index of "+id.String(), err)
		}
		err := it.Item().Value(func(value []byte) error {
			if at, ok := referred(value); ok {
				last = uint64(at)
				return nil
			}
			return eachFrame(value, nil, func(f *frame) { last = f.position })
		})
		if err != nil {
			return fmt.Errorf("index of %s: %w", id, err)
		}
		if last > uint64(w.end) {
			return nil
		}
		it.Next()
		switch {
		case it.Valid():
			w.remove(key)
		case last > 0:
			w.changes = append(w.changes, keyed{key, encodeBlock(nil)})
		}
	}
	return nil
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
