package badgerlog

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/dgraph-io/badger/v4"

	"github.com/thaw-go/thaw/internal/engine"
	"github.com/thaw-go/thaw/stream"
)

// Limits on one checkpoint: what one transaction of Badger's surely takes.
const (
	maxCheckpointChanges = 8192
	maxCheckpointBytes   = 8 << 20
	maxCheckpointSmall   = 1 << 20 // of keys and of what of the values stands beside them
)

// Claim makes the caller a consumer's only runner on this log.
func (l *Log) Claim(ctx context.Context, name string) (release func(), err error) {
	if err := l.mayAsk(ctx, name); err != nil {
		return nil, err
	}
	return l.claims.Claim(name)
}

// Cursor returns a consumer's saved place; false if it was never saved.
func (l *Log) Cursor(ctx context.Context, name string) (stream.Cursor, bool, error) {
	if err := l.mayAsk(ctx, name); err != nil {
		return stream.Cursor{}, false, err
	}
	return l.readCursor(name)
}

// SaveCursor stores a consumer's place durably.
func (l *Log) SaveCursor(ctx context.Context, name string, at stream.Cursor) error {
	return l.Checkpoint(ctx, name, at)
}

// Checkpoint stores changes and a consumer's place in one transaction. It
// returns a [*stream.TooLargeError] for more than 8,192 changes or 8 MiB, or
// 1 MiB of keys and of the values' first 128 bytes.
func (l *Log) Checkpoint(ctx context.Context, name string, at stream.Cursor, changes ...stream.Change) error {
	if err := l.mayAsk(ctx, name); err != nil {
		return err
	}
	if l.options.ReadOnly {
		return readOnlyError("save the place of consumer " + name)
	}
	small, total := 0, 0
	for _, c := range changes {
		if len(c.Key) > stream.MaxKeyBytes*2 {
			return &stream.TooLargeError{What: "key of consumer " + name, Size: int64(len(c.Key)), Limit: stream.MaxKeyBytes * 2}
		}
		size := len(name) + len(c.Key) + len(c.Value) + 16
		total += size
		small += size - max(0, len(c.Value)-valueThreshold)
	}
	for _, limit := range []struct {
		what       string
		size, most int
	}{
		{"(changes)", len(changes), maxCheckpointChanges},
		{"(bytes)", total, maxCheckpointBytes},
		{"(bytes of keys and small values)", small, maxCheckpointSmall},
	} {
		if limit.size > limit.most {
			return &stream.TooLargeError{What: "checkpoint of " + name + " " + limit.what, Size: int64(limit.size), Limit: int64(limit.most)}
		}
	}
	r := l.queue.request()
	r.consumer, r.at, r.changes, r.size = name, at, changes, total
	outcome, err := l.submit(ctx, r)
	if err != nil {
		return err
	}
	return outcome.err
}

// State returns the value under a consumer's key; false if there is none.
func (l *Log) State(ctx context.Context, name, key string) ([]byte, bool, error) {
	if err := l.mayAsk(ctx, name); err != nil {
		return nil, false, err
	}
	return l.readSealed(stateKey(name, key), func() string { return fmt.Sprintf("state %q of consumer %s", key, name) })
}

// States hands over a consumer's keys that begin with prefix, in order.
func (l *Log) States(ctx context.Context, name, prefix string, emit func(key string, value []byte) error) error {
	if err := l.mayAsk(ctx, name); err != nil {
		return err
	}
	from := stateKey(name, prefix)
	for from != nil {
		list, next, err := l.someStates(name, prefix, from)
		if err != nil {
			return err
		}
		for _, c := range list {
			if err := ctx.Err(); err != nil {
				return err
			}
			if err := emit(c.Key, c.Value); err != nil {
				return err
			}
		}
		from = next
	}
	return nil
}

// someStates copies some of a consumer's values inside one section, and says
// where to go on. What only memory has goes before what the database has.
func (l *Log) someStates(name, prefix string, from []byte) (list []stream.Change, next []byte, err error) {
	var news map[string][]byte
	s, err := l.reads.beginWith(l, func(m *memory) {
		news = m.changesFrom(string(stateKey(name, prefix)), string(from))
	})
	if err != nil {
		return nil, nil, err
	}
	defer s.end()
	stored, next, err := s.someSealed(stateKey(name, prefix), from)
	if err != nil {
		return nil, nil, err
	}
	for key := range news {
		if next == nil || key < string(next) {
			continue
		}
		delete(news, key) // of a later part
	}
	for _, change := range stored {
		if _, ok := news[string(change.key)]; !ok {
			news[string(change.key)] = change.value
		}
	}
	base := len(stateKey(name, ""))
	for _, key := range slices.Sorted(maps.Keys(news)) {
		if news[key] == nil {
			continue // forgotten
		}
		value, err := unseal(news[key])
		if err != nil {
			return nil, nil, &stream.CorruptError{Err: fmt.Errorf("state %q of consumer %s: %w", key[base:], name, err)}
		}
		list = append(list, stream.Change{Key: key[base:], Value: value})
	}
	return list, next, nil
}

// someSealed copies entries of a family as they are stored, and says where to go
// on.
func (s *section) someSealed(prefix, from []byte) (list []keyed, next []byte, err error) {
	if err := s.fault.at("db.iterate"); err != nil {
		return nil, nil, storageError(fmt.Sprintf("read the keys that begin with %q", prefix), err)
	}
	it := s.txn.NewIterator(badger.IteratorOptions{Prefix: prefix})
	defer it.Close()
	size := 0
	for it.Seek(from); it.Valid(); it.Next() {
		key := it.Item().KeyCopy(nil)
		if size > chunkBytes {
			return list, key, nil
		}
		err := s.fault.at("db.value")
		var value []byte
		if err == nil {
			value, err = it.Item().ValueCopy(nil)
		}
		if err != nil {
			return nil, nil, storageError(fmt.Sprintf("read key %q", key), err)
		}
		if value == nil {
			value = []byte{} // a lost value, which its checksum tells from none
		}
		list = append(list, keyed{key, value})
		size += len(key) + len(value)
	}
	return list, nil, nil
}

func (l *Log) readCursor(name string) (stream.Cursor, bool, error) {
	what := func() string { return "cursor of consumer " + name }
	text, ok, err := l.readSealed(cursorKey(name), what)
	if !ok || err != nil {
		return stream.Cursor{}, false, err
	}
	at, err := stream.ParseCursor(string(text))
	if err != nil {
		return stream.Cursor{}, false, &stream.CorruptError{Err: fmt.Errorf("%s: %w", what(), err)}
	}
	return at, true, nil
}

func (l *Log) readSealed(key []byte, what func() string) ([]byte, bool, error) {
	var sealed []byte
	var changed bool
	s, err := l.reads.beginWith(l, func(m *memory) { sealed, changed = m.change(string(key)) })
	if err != nil {
		return nil, false, err
	}
	defer s.end()
	if !changed {
		sealed, err = s.get(key)
	}
	if sealed == nil || err != nil {
		return nil, false, err
	}
	value, err := unseal(sealed)
	if err != nil {
		return nil, false, &stream.CorruptError{Err: fmt.Errorf("%s: %w", what(), err)}
	}
	return value, true, nil
}

func (l *Log) mayAsk(ctx context.Context, name string) error {
	if err := engine.CheckConsumer(name); err != nil {
		return err
	}
	return l.mayWork(ctx)
}

// mayWork returns why nothing can be asked of the log now.
func (l *Log) mayWork(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if l.queue.closed() {
		return stream.ErrClosed
	}
	return nil
}
