package badgerlog

import (
	"cmp"
	"fmt"

	"github.com/dgraph-io/badger/v4"

	"github.com/thaw-go/thaw/stream"
)

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
