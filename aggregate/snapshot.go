package aggregate

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"

	"github.com/thaw-go/thaw/stream"
)

// Snapshots keep the states of instances with long histories, so that loading one is
// a look at its snapshot and one short scan behind it. They are a cache and never the
// truth: without them everything is as it is, and takes longer. An instance whose
// first events were removed from the log loads from its snapshot alone.
type Snapshots struct {
	// Tables is where they are kept, in a table for each topic; nil: nowhere.
	Tables stream.Tables
	// Schema is the version of the state's type and of Evolve. Snapshots of another one
	// are not used: count it up with every change of either.
	Schema int
	// Every is how many events lie between two snapshots of an instance, at least;
	// default 100.
	Every int
	// Codec encodes the states; nil: [stream.JSON].
	Codec stream.Codec
}

func (s *Snapshots) table(topic string) string { return "snapshots of " + topic }

func (s *Snapshots) every() stream.Version {
	if s.Every <= 0 {
		return 100
	}
	return stream.Version(s.Every)
}

func (s *Snapshots) codec() stream.Codec {
	if s.Codec == nil {
		return stream.JSON
	}
	return s.Codec
}

// snapshotHead is the first line of a snapshot; the state stands behind it.
type snapshotHead struct {
	Schema   int
	Version  stream.Version
	Position stream.Position
	Shard    uint32         `json:",omitempty"`
	Last     stream.EventID // of the event of that version: tells this log from another
}

// snapshot is the instance's state as of its snapshot, or before its first event. A
// snapshot that can not be used is no reason to fail.
func (r *Repository[C, E, S]) snapshot(ctx context.Context, id stream.ID) known[S] {
	if r.options.Snapshots.Tables == nil {
		return r.unborn()
	}
	now, err := r.readSnapshot(ctx, id)
	if err != nil {
		r.trouble(ctx, fmt.Errorf("aggregate: the snapshot of %s is not used: %w", id, err))
		return r.unborn()
	}
	return now
}

func (r *Repository[C, E, S]) trouble(ctx context.Context, err error) {
	if hook := r.options.Hooks.Trouble; hook != nil {
		hook(ctx, "repository of "+r.decider.Topic.Name(), err)
	}
}

func (r *Repository[C, E, S]) readSnapshot(ctx context.Context, id stream.ID) (now known[S], err error) {
	o := &r.options.Snapshots
	tables, err := o.Tables.Snapshot(ctx)
	if err != nil {
		return now, err
	}
	defer tables.Close()
	value, ok, err := tables.Get(o.table(id.Topic), id.Key)
	if err != nil || !ok {
		return now, err
	}
	line, state, whole := bytes.Cut(value, []byte{'\n'})
	var head snapshotHead
	if err := json.Unmarshal(line, &head); err != nil || !whole || head.Version == 0 {
		return now, fmt.Errorf("it is damaged: %d bytes: %w", len(value), err)
	}
	if head.Schema != o.Schema {
		return known[S]{}, nil // as it is meant to be
	}
	in := true
	defer stream.Contain("the codec of snapshots", &in, &err)
	err = o.codec().Unmarshal(state, &now.state)
	in = false
	if err != nil {
		return known[S]{}, err
	}
	now.version = head.Version
	now.cursor = stream.Header{Shard: head.Shard, Position: head.Position}.Cursor()
	return now, r.check(ctx, id, head)
}

// check returns an error unless the log has the event that a snapshot ends with.
func (r *Repository[C, E, S]) check(ctx context.Context, id stream.ID, head snapshotHead) error {
	before := stream.Header{Shard: head.Shard, Position: head.Position - 1}.Cursor()
	q := stream.Query{Match: []stream.Match{{Topic: id.Topic, Key: id.Key}}, From: before, To: stream.Header{Shard: head.Shard, Position: head.Position}.Cursor()}
	found := false
	err := r.store.Read(ctx, q, func(records []stream.Record, _ stream.Mark) error {
		for i := range records {
			found = records[i].Version == head.Version && records[i].ID == head.Last
		}
		return nil
	})
	if isTruncated(err) {
		return nil // it was removed; what is left follows it
	}
	if err == nil && !found {
		err = fmt.Errorf("it ends with event %s at position %d, which this log does not have", head.Last, head.Position)
	}
	return err
}

// keepSnapshot stores a snapshot if the instance has come far enough since the state
// that it was loaded from. That it can not is no reason for the command to fail.
func (r *Repository[C, E, S]) keepSnapshot(ctx context.Context, id stream.ID, before stream.Version, now Result[E, S]) {
	o := &r.options.Snapshots
	if o.Tables == nil || now.Version/o.every() == before/o.every() {
		return
	}
	// What is loaded has no last event at hand, and will be here again.
	if len(now.Events) == 0 {
		return
	}
	if err := r.writeSnapshot(context.WithoutCancel(ctx), id, now); err != nil {
		r.trouble(ctx, fmt.Errorf("aggregate: the snapshot of %s at version %d is not stored: %w", id, now.Version, err))
	}
}

func (r *Repository[C, E, S]) writeSnapshot(ctx context.Context, id stream.ID, now Result[E, S]) (err error) {
	o := &r.options.Snapshots
	last := now.Events[len(now.Events)-1]
	head, err := json.Marshal(snapshotHead{Schema: o.Schema, Version: now.Version, Position: last.Position, Shard: last.Shard, Last: last.ID})
	if err != nil {
		return err
	}
	in := true
	defer stream.Contain("the codec of snapshots", &in, &err)
	state, err := o.codec().Marshal(now.State)
	in = false
	if err != nil {
		return err
	}
	value := append(append(head, '\n'), state...)
	return o.Tables.Update(ctx, o.table(id.Topic), stream.Change{Key: id.Key, Value: value})
}
