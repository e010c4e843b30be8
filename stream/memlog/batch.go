package memlog

import (
	"context"
	"slices"

	"github.com/thaw-go/thaw/internal/engine"
	"github.com/thaw-go/thaw/stream"
)

// AppendAll stores a batch, all or none, as [stream.MultiStore] says. What may break
// a condition and was removed is a [*stream.TruncatedError].
func (l *Log) AppendAll(ctx context.Context, b stream.Batch) ([]stream.Record, error) {
	if err := l.enter(ctx); err != nil {
		return nil, err
	}
	defer l.mu.Unlock()
	if err := engine.CheckBatch(b); err != nil {
		return nil, err
	}
	for i := range b.Conditions {
		if err := engine.CheckFrom(b.Conditions[i].After, l.head()); err != nil {
			return nil, err
		}
	}
	did, err := l.done(b, commandsOf(b))
	if err != nil || did != nil {
		return did, err
	}
	if err := l.holds(b); err != nil {
		return nil, err
	}
	var stored []stream.Record
	for _, w := range b.Writes {
		if len(w.Records) == 0 {
			continue
		}
		s := share{w.Stream, len(l.records), len(w.Records)}
		if c := (command{w.Stream.Topic, w.Records[0].Command}); !c.id.IsZero() {
			e, ok := l.commands[c] // of this batch: none was there
			if !ok {
				e.until = l.end(w.Records[0].Remember)
			}
			e.shares = append(e.shares, s)
			l.commands[c] = e
		}
		stored = append(stored, l.store(w.Stream, stream.Version(len(l.streams[w.Stream])), w.Records)...)
	}
	return stored, nil
}

// holds returns what a batch expects in vain; nil if everything is as it expects.
func (l *Log) holds(b stream.Batch) error {
	for _, w := range b.Writes {
		version := stream.Version(len(l.streams[w.Stream]))
		if w.Expected != stream.AnyVersion && w.Expected != version {
			return &stream.ConflictError{Stream: w.Stream, Expected: w.Expected, Actual: version}
		}
	}
	for _, c := range b.Conditions {
		after := int(c.After.Position(0))
		if one := instance(c.Match); after < l.cut && !l.whole(one) {
			return &stream.TruncatedError{Stream: one, From: c.After, Cut: stream.At(stream.Position(l.cut))}
		}
		q := stream.Query{Match: c.Match}
		for i := max(after, l.cut); i < len(l.records); i++ {
			if r := &l.records[i]; q.Accepts(r.Stream.Topic, r.Stream.Key, r.Type, r.Tags) {
				return &stream.ConditionError{Condition: c, Found: r.Cursor()}
			}
		}
	}
	return nil
}

// done is what the batch's command did before, in the order of its writes; nil if
// it did nothing. It must have been the same streams.
func (l *Log) done(b stream.Batch, commands []command) ([]stream.Record, error) {
	reused := &stream.CommandReusedError{Command: commands[0].id}
	known := map[string]effect{}
	shares := 0
	for _, c := range commands {
		e, ok := l.remembered(c)
		if !ok {
			continue
		}
		known[c.topic] = e
		shares += len(e.shares)
		reused.First = e.shares[0].stream
	}
	if len(known) == 0 {
		return nil, nil
	}
	var records []stream.Record
	for _, w := range b.Writes {
		if len(w.Records) == 0 {
			continue
		}
		reused.Again = w.Stream
		e := known[w.Stream.Topic]
		s, ok := e.on(w.Stream)
		if !ok {
			return nil, reused
		}
		shares--
		records = append(records, copyAll(l.records[s.index:s.index+s.count])...)
	}
	if shares > 0 { // it did more than that
		return nil, reused
	}
	return records, nil
}

// commandsOf is the batch's command, once for each topic that it writes to.
func commandsOf(b stream.Batch) (list []command) {
	for _, w := range b.Writes {
		if len(w.Records) == 0 {
			continue
		}
		c := command{topic: w.Stream.Topic, id: w.Records[0].Command}
		if !slices.Contains(list, c) {
			list = append(list, c)
		}
	}
	return list
}
