package main

import (
	"errors"
	"fmt"

	"github.com/cockroachdb/pebble/v2"
)

// pebbleStore is Pebble, one entry per event, or two with an index by stream. It
// shares the sync of its log between callers.
type pebbleStore struct {
	db     *pebble.DB
	write  *pebble.WriteOptions
	load   load
	events *pool
}

// tunedPebble are its best settings. Its documentation: commits that come together
// share a sync of the log, in the order of the commit pipeline, and with
// WALMinSyncInterval left at none a sync begins as soon as somebody waits for one.
// The limits at which writes are stopped are CockroachDB's: with the default ones,
// batches of events of 1 KiB were measured to be a third slower. Compression costs
// batches a third of their speed; the newest format (5 %), more compactions at a
// time and values in files of their own gained nothing.
func tunedPebble() *pebble.Options {
	o := &pebble.Options{
		MemTableSize: 64 << 20, MemTableStopWritesThreshold: 4, L0StopWritesThreshold: 1000, Logger: silent{},
	}
	o.ApplyCompressionSettings(func() pebble.DBCompressionSettings { return pebble.DBCompressionNone })
	return o
}

func openPebble(dir string, l load, events *pool) (store, error) {
	db, err := pebble.Open(dir, tunedPebble())
	if err != nil {
		return nil, fmt.Errorf("open pebble: %w", err)
	}
	p := &pebbleStore{db: db, write: pebble.NoSync, load: l, events: events}
	if l.durable {
		p.write = pebble.Sync
	}
	return p, nil
}

// maxPebbleBatch is how much room of a batch is kept for the next: by default less
// than a thousand events of 1 KiB take.
const maxPebbleBatch = 8 << 20

func (p *pebbleStore) put(first, n int) error {
	batch := p.db.NewBatch(pebble.WithMaxRetainedSizeBytes(maxPebbleBatch))
	key := p.load.key(p.events, first)
	for i := first; i < first+n; i++ {
		if err := batch.Set(positionKey(i), p.events.frame(i), nil); err != nil {
			return err
		}
		if p.load.index == noIndex {
			continue
		}
		if err := batch.Set(indexKey(key, i), p.load.entry(p.events, i), nil); err != nil {
			return err
		}
	}
	if err := batch.Commit(p.write); err != nil {
		return err
	}
	return batch.Close()
}

func (p *pebbleStore) close() error { return p.db.Close() }

// silent drops what Pebble has to say; what it calls fatal must still end the
// process.
type silent struct{}

func (silent) Infof(string, ...any)           {}
func (silent) Errorf(string, ...any)          {}
func (silent) Fatalf(format string, a ...any) { panic(fmt.Sprintf(format, a...)) }

// pebbleReader iterates over Pebble with the default cache: with a larger one it
// was measured to be slower.
type pebbleReader struct{ db *pebble.DB }

func openPebbleReader(dir string) (reader, error) {
	o := tunedPebble()
	o.MemTableSize = 0 // its default: nothing is written
	db, err := pebble.Open(dir, o)
	if err != nil {
		return nil, fmt.Errorf("open pebble: %w", err)
	}
	return &pebbleReader{db}, nil
}

func (r *pebbleReader) close() error { return r.db.Close() }

func (r *pebbleReader) scan() (int, error) {
	var t tally
	it, err := r.db.NewIter(nil)
	if err != nil {
		return 0, err
	}
	for it.First(); it.Valid(); it.Next() {
		if err := t.frame(it.Value()); err != nil {
			return t.events, errors.Join(err, it.Close())
		}
	}
	return t.events, it.Close() // says what went wrong on the way, too
}
