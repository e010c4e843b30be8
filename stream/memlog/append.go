package memlog

import (
	"bytes"
	"context"
	"maps"
	"slices"
	"time"

	"github.com/thaw-go/thaw/internal/engine"
	"github.com/thaw-go/thaw/stream"
)

// Append stores records at the end of a stream, as [stream.Store] says.
func (l *Log) Append(ctx context.Context, id stream.ID, expected stream.Version, records ...stream.Record) ([]stream.Record, error) {
	if err := l.enter(ctx); err != nil {
		return nil, err
	}
	defer l.mu.Unlock()
	if err := engine.CheckAppend(id, records); err != nil {
		return nil, err
	}
	cmd := command{topic: id.Topic, id: records[0].Command}
	if e, ok := l.remembered(cmd); ok {
		return l.taken(cmd, e, id)
	}
	version := stream.Version(len(l.streams[id]))
	if expected != stream.AnyVersion && expected != version {
		return nil, &stream.ConflictError{Stream: id, Expected: expected, Actual: version}
	}
	if !cmd.id.IsZero() {
		l.commands[cmd] = effect{shares: []share{{id, len(l.records), len(records)}}, until: l.end(records[0].Remember)}
	}
	return l.store(id, version, records), nil
}

// taken answers a command that has already taken effect: it must have been on this
// stream, and on no other of the topic.
func (l *Log) taken(cmd command, e effect, id stream.ID) ([]stream.Record, error) {
	first, ok := e.on(id)
	if !ok || len(e.shares) > 1 {
		return nil, &stream.CommandReusedError{Command: cmd.id, First: e.shares[0].stream, Again: id}
	}
	return copyAll(l.records[first.index : first.index+first.count]), nil
}

// store puts the records behind the last one and returns copies of them.
func (l *Log) store(id stream.ID, version stream.Version, records []stream.Record) []stream.Record {
	now := l.now()
	begin := len(l.records)
	for i := range records {
		r := copyOf(&records[i])
		r.Shard, r.Stream, r.Time = 0, id, now
		r.Position = stream.Position(len(l.records) + 1)
		r.Version = version + stream.Version(i) + 1
		if r.ID.IsZero() {
			r.ID = stream.NewID()
		}
		l.streams[id] = append(l.streams[id], len(l.records))
		l.records = append(l.records, r)
	}
	l.wake()
	return copyAll(l.records[begin:])
}

// now is the time of an append: the clock's, unless that has gone back.
func (l *Log) now() time.Time {
	now := time.Now().UTC()
	if now.Before(l.lastTime) {
		return l.lastTime
	}
	l.lastTime = now
	return now
}

func copyAll(records []stream.Record) []stream.Record {
	list := make([]stream.Record, len(records))
	for i := range records {
		list[i] = copyOf(&records[i])
	}
	return list
}

// copyOf shares nothing with r. No tags and empty metadata become none.
func copyOf(r *stream.Record) stream.Record {
	c := *r
	c.Data = bytes.Clone(r.Data)
	c.Tags = nil
	if len(r.Tags) > 0 {
		c.Tags = slices.Clone(r.Tags)
	}
	c.Meta = nil
	if len(r.Meta) > 0 {
		c.Meta = maps.Clone(r.Meta)
	}
	return c
}
