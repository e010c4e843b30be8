package badgertables

import (
	"bytes"
	"context"
	"sync"

	"github.com/dgraph-io/badger/v4"

	"github.com/thaw-go/thaw/stream"
)

// Keys in the database: the table's name, a zero byte, which no name has, and the
// key. Values stand behind a mark, so that an empty one is a value and one that got
// lost is not.
const valueMark = 1

func tablePrefix(table string) []byte { return append([]byte(table), 0) }

func entryKey(table, key string) []byte {
	b := make([]byte, 0, len(table)+1+len(key))
	return append(append(append(b, table...), 0), key...)
}

// snapshot reads at one timestamp. Nobody is inside the database while a caller's
// function runs: a range copies some entries, leaves, and hands them over.
type snapshot struct {
	tables *Tables

	mu  sync.Mutex
	txn *badger.Txn // nil once it is closed
}

// Snapshot is all tables at this moment.
func (t *Tables) Snapshot(ctx context.Context) (stream.TableSnapshot, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if err := t.enter(); err != nil {
		return nil, err
	}
	defer t.leave()
	return &snapshot{tables: t, txn: t.db.NewTransaction(false)}, nil
}

// enter is the transaction to read in, for as long as leave is not called.
func (s *snapshot) enter() (*badger.Txn, error) {
	if err := s.tables.enter(); err != nil {
		return nil, err
	}
	s.mu.Lock()
	if s.txn == nil {
		s.mu.Unlock()
		s.tables.leave()
		return nil, stream.ErrClosed
	}
	return s.txn, nil
}

func (s *snapshot) leave() {
	s.mu.Unlock()
	s.tables.leave()
}

func (s *snapshot) Get(table, key string) (value []byte, ok bool, err error) {
	txn, err := s.enter()
	if err != nil {
		return nil, false, err
	}
	defer s.leave()
	item, err := txn.Get(entryKey(table, key))
	if err == badger.ErrKeyNotFound { //nolint:errorlint // Badger returns it as it is
		return nil, false, nil
	}
	if err == nil {
		value, err = item.ValueCopy(nil)
	}
	if err != nil {
		return nil, false, storageError("read table "+table, err)
	}
	if value, err = unmarked(table, key, value); err != nil {
		return nil, false, err
	}
	return value, true, nil
}

// entry is one copied entry.
type entry struct {
	key   string
	value []byte
}

// What one stay in the database copies at most.
const (
	chunkEntries = 512
	chunkBytes   = 256 << 10
)

func (s *snapshot) Range(r stream.TableRange, emit func(key string, value []byte) error) error {
	for more := true; more; {
		var chunk []entry
		var err error
		if chunk, more, err = s.chunk(r); err != nil {
			return err
		}
		for _, e := range chunk {
			if err := emit(e.key, e.value); err != nil {
				return err
			}
		}
		if len(chunk) == 0 {
			break
		}
		if last := chunk[len(chunk)-1].key; r.Reverse {
			r.To = last
			more = more && last > r.From
		} else {
			r.From = last + "\x00"
		}
	}
	return nil
}

// chunk copies the first entries of a range, and says whether there may be more.
func (s *snapshot) chunk(r stream.TableRange) (list []entry, more bool, err error) {
	txn, err := s.enter()
	if err != nil {
		return nil, false, err
	}
	defer s.leave()
	prefix := tablePrefix(r.Table)
	it := txn.NewIterator(badger.IteratorOptions{Prefix: prefix, PrefetchValues: true, PrefetchSize: 64, Reverse: r.Reverse})
	defer it.Close()
	size := 0
	for seek(it, r, prefix); it.ValidForPrefix(prefix); it.Next() {
		if len(list) == chunkEntries || size > chunkBytes {
			return list, true, nil
		}
		key := string(it.Item().Key()[len(prefix):])
		if r.Reverse && r.To != "" && key >= r.To {
			continue
		}
		if !r.Reverse && r.To != "" && key >= r.To || r.Reverse && key < r.From {
			break
		}
		value, err := it.Item().ValueCopy(nil)
		if err != nil {
			return nil, false, storageError("read table "+r.Table, err)
		}
		if value, err = unmarked(r.Table, key, value); err != nil {
			return nil, false, err
		}
		list = append(list, entry{key, value})
		size += len(key) + len(value)
	}
	return list, false, nil
}

// seek goes to where a range begins. Backwards that is at its end, or at the end of
// the table, which no key of the next one is before.
func seek(it *badger.Iterator, r stream.TableRange, prefix []byte) {
	switch {
	case !r.Reverse:
		it.Seek(append(bytes.Clone(prefix), r.From...))
	case r.To != "":
		it.Seek(append(bytes.Clone(prefix), r.To...))
	default:
		end := bytes.Clone(prefix)
		end[len(end)-1] = 1 // behind every key, before every other table's
		it.Seek(end)
	}
}

// unmarked is a value as it was given.
func unmarked(table, key string, value []byte) ([]byte, error) {
	if len(value) == 0 || value[0] != valueMark {
		return nil, &stream.CorruptError{Err: errLost(table, key)}
	}
	return value[1:], nil
}

// Close lets go of what the snapshot kept.
func (s *snapshot) Close() {
	if s.tables.enter() != nil {
		return // the database has gone, and all of it with it
	}
	defer s.tables.leave()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.txn != nil {
		s.txn.Discard()
		s.txn = nil
	}
}
