package main

import (
	"fmt"
	"path/filepath"
	"sync"

	"github.com/tidwall/wal"
)

// walStore is tidwall/wal. These settings are its best: without NoSync every Write
// and every WriteBatch ends with one sync, so callers who come together share a
// WriteBatch; NoCopy spares a copy when reading. It wants its indexes in order, so
// events are numbered under a lock.
type walStore struct {
	mu     sync.Mutex
	log    *wal.Log
	last   uint64
	batch  wal.Batch
	events *pool
}

func openWAL(dir string, l load, events *pool) (store, error) {
	log, err := wal.Open(filepath.Join(dir, "wal"), &wal.Options{NoSync: !l.durable, NoCopy: true, SegmentCacheSize: 4})
	if err != nil {
		return nil, fmt.Errorf("open tidwall/wal: %w", err)
	}
	w := &walStore{log: log, events: events}
	if l.callers > 1 {
		return newGrouped(w), nil
	}
	return w, nil
}

func (w *walStore) put(first, n int) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if n == 1 {
		w.last++
		return w.log.Write(w.last, w.events.frame(first))
	}
	for i := first; i < first+n; i++ {
		w.add(i)
	}
	return w.log.WriteBatch(&w.batch) // and clears it, its room is kept
}

func (w *walStore) putEach(numbers []int) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, i := range numbers {
		w.add(i)
	}
	return w.log.WriteBatch(&w.batch)
}

func (w *walStore) add(i int) {
	w.last++
	w.batch.Write(w.last, w.events.frame(i))
}

func (w *walStore) close() error { return w.log.Close() }
