package main

import (
	"errors"
	"fmt"
	"time"

	"github.com/thaw-go/thaw/stream"
)

// reader is an open data set.
type reader interface {
	// scan visits every event in order, to its header and payload, and returns
	// how many there were.
	scan() (int, error)
	close() error
}

// instances is a reader that finds the events of one stream.
type instances interface {
	reader
	// load visits the events of one stream in order.
	load(key string) (int, error)
}

// measureScan reads all events once, so that the page cache is warm, and then
// again and again for a while.
func measureScan(w work, r reader) (metrics, error) {
	n, err := r.scan()
	if err == nil && n != w.sizes.log {
		err = fmt.Errorf("bench: scan: expected %d events, found %d", w.sizes.log, n)
	}
	if err != nil {
		return nil, errors.Join(err, r.close())
	}
	events, start := 0, time.Now()
	for events == 0 || time.Since(start) < w.sizes.append {
		n, err := r.scan()
		if err != nil {
			return nil, errors.Join(err, r.close())
		}
		events += n
	}
	elapsed := time.Since(start)
	return metrics{"rate": float64(events) / elapsed.Seconds(), "events": float64(w.sizes.log)}, r.close()
}

// tally is what a reader has seen: touching every event's header and payload.
type tally struct {
	events int
	bytes  uint64
}

func (t *tally) block(records []stream.Record, _ stream.Mark) error {
	for i := range records {
		r := &records[i]
		t.events++
		t.bytes += uint64(len(r.Data)+len(r.Stream.Key)+len(r.Type)) + uint64(r.Version)
	}
	return nil
}

func (t *tally) frame(b []byte) error {
	var v view
	if err := decodeFrame(b, &v); err != nil {
		return err
	}
	t.events++
	t.bytes += uint64(len(v.payload)+len(v.key)+len(v.typ)) + v.version
	return nil
}
