package main

import (
	"context"

	"github.com/thaw-go/thaw/stream"
	"github.com/thaw-go/thaw/stream/badgerlog"
)

// thaw is Thaw's embedded log with its default options, save where a case names
// one; the stream index can not be turned off.
type thaw struct {
	log    *badgerlog.Log
	load   load
	events *pool
}

func openThaw(dir string, l load, events *pool) (store, error) {
	o := thawOptions(l.durable)
	o.Compress = l.compress
	log, err := badgerlog.Open(dir, o)
	if err != nil {
		return nil, err
	}
	return &thaw{log: log, load: l, events: events}, nil
}

func openLog(dir string, durable bool) (*badgerlog.Log, error) {
	return badgerlog.Open(dir, thawOptions(durable))
}

func thawOptions(durable bool) badgerlog.Options {
	if durable {
		return badgerlog.Options{Durability: badgerlog.Synced}
	}
	return badgerlog.Options{Durability: badgerlog.Unsynced}
}

func (t *thaw) put(first, n int) error {
	records := make([]stream.Record, n)
	for i := range records {
		records[i] = t.events.record(first + i)
		if t.load.command {
			records[i].Command = uniqueID(first, 2)
		}
	}
	id := stream.ID{Topic: topicName, Key: t.load.key(t.events, first)}
	_, err := t.log.Append(context.Background(), id, stream.AnyVersion, records...)
	return err
}

func (t *thaw) close() error { return t.log.Close() }

// thawReader reads Thaw's log.
type thawReader struct{ log *badgerlog.Log }

func openThawReader(dir string) (reader, error) {
	log, err := openLog(dir, true)
	if err != nil {
		return nil, err
	}
	return thawReader{log}, nil
}

func (r thawReader) close() error { return r.log.Close() }

func (r thawReader) scan() (int, error) {
	var t tally
	err := r.log.Read(context.Background(), stream.Query{}, t.block)
	return t.events, err
}

func (r thawReader) load(key string) (int, error) {
	var t tally
	q := stream.Query{Match: []stream.Match{{Topic: topicName, Key: key}}}
	err := r.log.Read(context.Background(), q, t.block)
	return t.events, err
}
