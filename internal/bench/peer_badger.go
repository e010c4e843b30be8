package main

import (
	"fmt"

	"github.com/dgraph-io/badger/v4"
	"github.com/dgraph-io/badger/v4/options"
)

// badgerStore is Badger alone, one entry per event: a transaction per commit.
type badgerStore struct {
	db     *badger.DB
	load   load
	events *pool
}

// tunedBadger are its best settings for ordered keys of one version. Its
// documentation: a cache of blocks only helps with compression or encryption, so
// both are off; conflicts are nothing to look for where no transaction reads.
// With synced writes, smaller memtables were measured to write a tenth at equal
// speed.
func tunedBadger(dir string, durable bool) badger.Options {
	o := badger.DefaultOptions(dir).
		WithLogger(nil).
		WithCompression(options.None).
		WithBlockCacheSize(0).
		WithDetectConflicts(false).
		WithMetricsEnabled(false).
		WithSyncWrites(durable)
	if durable {
		o = o.WithMemTableSize(16 << 20)
	}
	return o
}

// batchThreshold is the size from which a value goes to the value log. For large
// transactions that was measured to be a fifth faster; for single events, and for
// iterating, values are best left in the tables, as they are by default.
const batchThreshold = 64

func badgerFor(dir string, l load) badger.Options {
	o := tunedBadger(dir, l.durable)
	if l.batch > 1 {
		o = o.WithValueThreshold(batchThreshold)
	}
	return o
}

func openBadger(dir string, l load, events *pool) (store, error) {
	db, err := badger.Open(badgerFor(dir, l))
	if err != nil {
		return nil, fmt.Errorf("open badger: %w", err)
	}
	return &badgerStore{db: db, load: l, events: events}, nil
}

func (b *badgerStore) put(first, n int) error {
	txn := b.db.NewTransaction(true)
	defer txn.Discard()
	if err := setBadger(txn.SetEntry, b.load, b.events, first, n); err != nil {
		return err
	}
	return txn.Commit()
}

// setBadger sets the entries of a commit.
func setBadger(set func(*badger.Entry) error, l load, events *pool, first, n int) error {
	key := l.key(events, first)
	for i := first; i < first+n; i++ {
		if err := set(badger.NewEntry(positionKey(i), events.frame(i))); err != nil {
			return err
		}
		if l.index == noIndex {
			continue
		}
		if err := set(badger.NewEntry(indexKey(key, i), l.entry(events, i))); err != nil {
			return err
		}
	}
	return nil
}

func (b *badgerStore) close() error { return b.db.Close() }

// badgerBatch is Badger's WriteBatch: it commits in transactions of its own
// making, behind the caller's back, so it is never durable on return.
type badgerBatch struct {
	badgerStore
	batch *badger.WriteBatch
}

func openBadgerBatch(dir string, l load, events *pool) (store, error) {
	db, err := badger.Open(badgerFor(dir, l))
	if err != nil {
		return nil, fmt.Errorf("open badger: %w", err)
	}
	return &badgerBatch{badgerStore{db: db, load: l, events: events}, db.NewWriteBatch()}, nil
}

func (b *badgerBatch) put(first, n int) error {
	return setBadger(b.batch.SetEntry, b.load, b.events, first, n)
}

func (b *badgerBatch) flush() error { return b.batch.Flush() }

// badgerReader iterates over Badger with the settings that were measured to be
// fastest: values are not fetched ahead and not copied.
type badgerReader struct{ db *badger.DB }

func openBadgerReader(dir string) (reader, error) {
	db, err := badger.Open(tunedBadger(dir, false))
	if err != nil {
		return nil, fmt.Errorf("open badger: %w", err)
	}
	return &badgerReader{db}, nil
}

func (r *badgerReader) scan() (int, error)           { return r.visit([]byte{'e'}) }
func (r *badgerReader) load(key string) (int, error) { return r.visit(indexPrefix(key, 0)) }
func (r *badgerReader) close() error                 { return r.db.Close() }

func (r *badgerReader) visit(prefix []byte) (int, error) {
	var t tally
	err := r.db.View(func(txn *badger.Txn) error {
		o := badger.DefaultIteratorOptions
		o.PrefetchValues, o.Prefix = false, prefix
		it := txn.NewIterator(o)
		defer it.Close()
		for it.Rewind(); it.Valid(); it.Next() {
			if err := it.Item().Value(t.frame); err != nil {
				return err
			}
		}
		return nil
	})
	return t.events, err
}
