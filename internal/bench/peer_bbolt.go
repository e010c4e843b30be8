package main

import (
	"fmt"
	"path/filepath"
	"time"

	"go.etcd.io/bbolt"
)

// boltStore is bbolt, one entry per event. These settings are its best: its
// documentation has Batch for callers who come together, here one transaction for
// as many as there are; a free list that is a map and is not stored is the fastest;
// pages are filled, as keys only grow; and the map is large enough from the start
// that no transaction waits for it to be made anew.
type boltStore struct {
	db     *bbolt.DB
	commit func(func(*bbolt.Tx) error) error
	load   load
	events *pool
}

var boltBucket = []byte("events")

func openBolt(dir string, l load, events *pool) (store, error) {
	db, err := bbolt.Open(filepath.Join(dir, "bolt"), 0o600, &bbolt.Options{
		NoSync: !l.durable, NoFreelistSync: true, FreelistType: bbolt.FreelistMapType, InitialMmapSize: 1 << 30,
	})
	if err != nil {
		return nil, fmt.Errorf("open bbolt: %w", err)
	}
	err = db.Update(func(tx *bbolt.Tx) error {
		_, err := tx.CreateBucket(boltBucket)
		return err
	})
	if err != nil {
		return nil, closeAll(func() error { return fmt.Errorf("open bbolt: %w", err) }, db.Close)
	}
	b := &boltStore{db: db, commit: db.Update, load: l, events: events}
	if l.callers > 1 {
		b.commit = db.Batch
		db.MaxBatchSize, db.MaxBatchDelay = l.callers, time.Millisecond
	}
	return b, nil
}

func (b *boltStore) put(first, n int) error {
	return b.commit(func(tx *bbolt.Tx) error {
		bucket := tx.Bucket(boltBucket)
		bucket.FillPercent = 1 // keys only grow
		for i := first; i < first+n; i++ {
			if err := bucket.Put(positionKey(i), b.events.frame(i)); err != nil {
				return err
			}
		}
		return nil
	})
}

func (b *boltStore) close() error { return b.db.Close() }
