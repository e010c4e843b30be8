package badgerlog

import (
	"bytes"
	"fmt"

	"github.com/dgraph-io/badger/v4"

	"github.com/thaw-go/thaw/stream"
)

// lostWalk walks the entries of all streams and finds those that lost events to
// the cut. What a stream has from there on is not read, only its first entry.
type lostWalk struct {
	instant *instant
	emit    func(lostStream) error
	own     []byte // the stream whose entries are walked: its part of the key
	lost    lostStream
	passed  bool // its first event behind the cut was seen
	plain   []byte
	found   []lostStream // to be handed over outside the database
}

// walkKeys is how many keys one section looks at.
const walkKeys = 1000

func (w *lostWalk) run(step func() error) error {
	for from := []byte{streamPrefix}; from != nil; {
		next, err := w.some(from)
		if err != nil {
			return err
		}
		if next == nil {
			w.end()
		}
		for _, s := range w.found {
			if err := w.emit(s); err != nil {
				return err
			}
		}
		w.found = w.found[:0]
		if err := step(); err != nil {
			return err
		}
		from = next
	}
	return nil
}

// some looks at some entries, and says where to go on.
func (w *lostWalk) some(from []byte) (next []byte, err error) {
	s, err := w.instant.begin()
	if err != nil {
		return nil, err
	}
	defer s.end()
	if err := s.fault.at("db.iterate"); err != nil {
		return nil, storageError("read the streams' entries", err)
	}
	it := s.txn.NewIterator(badger.IteratorOptions{Prefix: []byte{streamPrefix}})
	defer it.Close()
	it.Seek(from)
	for n := 0; it.Valid(); n++ {
		item := it.Item()
		if n == walkKeys {
			return item.KeyCopy(nil), nil
		}
		if err := w.look(s, item); err != nil {
			return nil, err
		}
		if w.passed {
			it.Seek(w.behind())
			continue
		}
		it.Next()
	}
	return nil, nil
}

// behind is where the next stream's keys begin.
func (w *lostWalk) behind() []byte {
	b := bytes.Clone(w.own)
	b[len(b)-1]++ // the zero that ends the stream's key
	return b
}

func (w *lostWalk) look(s *section, item *badger.Item) error {
	key := item.Key()
	topic, rest, ok := bytes.Cut(key[1:], []byte{0})
	if !ok || len(rest) < 18 {
		return &stream.CorruptError{Err: fmt.Errorf("key %x is too short", key)}
	}
	own := key[:len(key)-16]
	if !bytes.Equal(own, w.own) {
		w.end()
		w.own = append(w.own[:0], own...)
		w.lost.id = stream.ID{Topic: string(topic), Key: string(rest[:len(rest)-17])}
	}
	version, at, err := numbered(own, key)
	if err != nil {
		return err
	}
	if err := w.instant.log.fault("db.value"); err != nil {
		return storageError(fmt.Sprintf("read the entry under key %q", key), err)
	}
	empty := true
	first := func(block []byte) error {
		return eachFrame(block, &w.plain, func(f *frame) {
			empty = false
			if w.passed {
				return
			}
			if w.passed = f.position > uint64(w.instant.cut); w.passed {
				w.lost.version = stream.Version(f.version - 1)
			} else {
				w.lost.version = stream.Version(f.version)
			}
		})
	}
	err = item.Value(func(value []byte) error { return s.block(value, first) })
	if err != nil {
		return &stream.CorruptError{Position: at, Err: fmt.Errorf("index of %s up to version %d: %w", w.lost.id, version, err)}
	}
	if empty { // what was in it was removed
		w.lost.version = stream.Version(version)
	}
	if w.lost.at == 0 {
		w.lost.at = min(max(at, 1), w.instant.cut)
	}
	return nil
}

// end hands over the stream whose entries have been walked, if it lost events.
func (w *lostWalk) end() {
	if w.lost.version > 0 {
		w.found = append(w.found, w.lost)
	}
	w.lost, w.passed = lostStream{}, false
}
