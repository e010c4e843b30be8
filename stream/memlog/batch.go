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
	id, did, err := l.done(b)
	if err != nil || did != nil {
		return did, err
	}
	if err := l.holds(b); err != nil {
		return nil, err
	}
	var shares []share
	var stored []stream.Record
	for _, w := range b.Writes {
		if len(w.Records) > 0 {
			shares = append(shares, share{w.Stream, len(l.records), len(w.Records)})
			stored = append(stored, l.store(w.Stream, stream.Version(len(l.streams[w.Stream])), w.Records)...)
		}
	}
	for i := range stored {
		if !id.IsZero() {
			l.commands[command{stored[i].Stream.Topic, id}] = effect{shares, l.end(stored[i].Remember)}
		}
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
		if after < l.cut {
			return &stream.TruncatedError{From: c.After, Cut: stream.At(stream.Position(l.cut))}
		}
		q := stream.Query{Match: c.Match}
		for i := after; i < len(l.records); i++ {
			if r := &l.records[i]; q.Accepts(r.Stream.Topic, r.Stream.Key, r.Type, r.Tags) {
				return &stream.ConditionError{Condition: c, Found: r.Cursor()}
			}
		}
	}
	return nil
}

// done is what the batch's command did before, in the order of its writes; nil if
// it did nothing. It must have been the same streams.
func (l *Log) done(b stream.Batch) (id stream.EventID, records []stream.Record, err error) {
	commands := commandsOf(b)
	id = commands[0].id
	if id.IsZero() {
		return id, nil, nil
	}
	reused := &stream.CommandReusedError{Command: id}
	var before effect
	known := 0
	for _, c := range commands {
		if e, ok := l.remembered(c); ok {
			before = e
			known++
		}
	}
	if known == 0 {
		return id, nil, nil
	}
	reused.First = before.shares[0].stream
	writes := 0
	for _, w := range b.Writes {
		if len(w.Records) == 0 {
			continue
		}
		writes++
		i := slices.IndexFunc(before.shares, func(s share) bool { return s.stream == w.Stream })
		if i < 0 {
			reused.Again = w.Stream
			return id, nil, reused
		}
		s := before.shares[i]
		records = append(records, copyAll(l.records[s.index:s.index+s.count])...)
	}
	if writes != len(before.shares) || known != len(commands) {
		reused.Again = b.Writes[0].Stream
		return id, nil, reused
	}
	return id, records, nil
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
