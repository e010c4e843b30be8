package aggregate

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
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
	Schema  int
	Version stream.Version
	At      stream.Cursor  // just after the event of that version
	Last    stream.EventID // of that event: tells this log from another
	Seen    stream.Cursor  // nothing happened to the instance between that event and here
}

// parseSnapshot returns the head and the bytes of the state.
func parseSnapshot(value []byte) (head snapshotHead, state []byte, err error) {
	line, state, whole := bytes.Cut(value, []byte{'\n'})
	if err := json.Unmarshal(line, &head); err != nil {
		return head, nil, fmt.Errorf("its head is damaged: %w", err)
	}
	if !whole || head.Version == 0 || head.At.IsZero() {
		return head, nil, fmt.Errorf("it is damaged: %d bytes at version %d", len(value), head.Version)
	}
	return head, state, nil
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
	value, ok, err := r.storedSnapshot(ctx, id)
	if err != nil || !ok {
		return now, err
	}
	head, state, err := parseSnapshot(value)
	if err != nil {
		return now, err
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
	now.version, now.cursor = head.Version, head.At
	removed, err := r.check(ctx, id, head)
	if removed { // else there is no need to rely on what another log may have seen, before it was restored
		now.seen, now.last = head.Seen, head.Last
	}
	return now, err
}

func (r *Repository[C, E, S]) storedSnapshot(ctx context.Context, id stream.ID) (value []byte, ok bool, err error) {
	o := &r.options.Snapshots
	tables, err := o.Tables.Snapshot(ctx)
	if err != nil {
		return nil, false, err
	}
	defer tables.Close()
	return tables.Get(o.table(id.Topic), id.Key)
}

// check returns an error unless the log has the event that a snapshot ends with, or
// had it: what is left follows it then.
func (r *Repository[C, E, S]) check(ctx context.Context, id stream.ID, head snapshotHead) (removed bool, err error) {
	last, err := r.last(ctx, id, head.At)
	if isTruncated(err) {
		return true, nil
	}
	if err == nil && (last.Version != head.Version || last.ID != head.Last) {
		err = fmt.Errorf("it ends with event %s before %s, which this log does not have", head.Last, head.At)
	}
	return false, err
}

// last is the header of the instance's event just before a place.
func (r *Repository[C, E, S]) last(ctx context.Context, id stream.ID, at stream.Cursor) (last stream.Header, err error) {
	q := stream.Query{Match: []stream.Match{{Topic: id.Topic, Key: id.Key}}, From: before(at), To: at}
	err = r.store.Read(ctx, q, func(records []stream.Record, _ stream.Mark) error {
		for i := range records {
			last = records[i].Header
		}
		return nil
	})
	return last, err
}

// before is one event before a place that an event has made.
func before(at stream.Cursor) stream.Cursor {
	var h stream.Header
	if at.IsZero() {
		return at
	}
	for at.Position(h.Shard) == 0 { // an event's cursor is in one shard
		h.Shard++
	}
	h.Position = at.Position(h.Shard) - 1
	return h.Cursor()
}

// Snapshot stores a snapshot of an instance as the log has it now. Each time before the
// oldest events are removed from a log it is called for every instance that has or had
// some of them: one that nothing happens to any more loads after that, too. It returns an
// error if there is nowhere to store it, if another one is being stored for the
// topic ([*stream.BusyError]), and as loading does.
func (r *Repository[C, E, S]) Snapshot(ctx context.Context, key string) error {
	id := stream.ID{Topic: r.decider.Topic.Name(), Key: key}
	if err := id.Validate(); err != nil {
		return err
	}
	if r.options.Snapshots.Tables == nil {
		return fmt.Errorf("aggregate: a snapshot of %s: the repository has no tables for snapshots", id)
	}
	head, err := r.store.Head(ctx)
	if err != nil {
		return err
	}
	before := r.snapshot(ctx, id)
	now, err := r.load(ctx, id, before, sought{command: stream.NewID()})
	if err != nil || now.Version == 0 {
		return err
	}
	last, err := r.last(ctx, id, now.Cursor)
	if isTruncated(err) && now.Version == before.version { // the same again, which has seen more
		last.ID, err = before.last, nil
	}
	if err != nil {
		return err
	}
	return r.writeSnapshot(ctx, id, now, last.ID, head)
}

// keepSnapshot stores a snapshot if the instance has come far enough since the state
// that it was loaded from. That it can not is no reason for the command to fail.
func (r *Repository[C, E, S]) keepSnapshot(ctx context.Context, id stream.ID, before stream.Version, now Result[E, S]) {
	o := &r.options.Snapshots
	if o.Tables == nil || now.Version/o.every() == before/o.every() {
		return
	}
	if len(now.Events) == 0 { // it was loaded, and the command that follows will be here again
		return
	}
	err := r.writeSnapshot(ctx, id, now, now.Events[len(now.Events)-1].ID, stream.Cursor{})
	if _, busy := errors.AsType[*stream.BusyError](err); busy {
		return // the next one will do
	}
	if err != nil {
		r.trouble(ctx, fmt.Errorf("aggregate: the snapshot of %s at version %d is not stored: %w", id, now.Version, err))
	}
}

// writeSnapshot stores a snapshot unless there is a later one. Only who has claimed
// the table compares and stores, so none goes back; nobody waits for the claim.
func (r *Repository[C, E, S]) writeSnapshot(ctx context.Context, id stream.ID, now Result[E, S], last stream.EventID, seen stream.Cursor) (err error) {
	o := &r.options.Snapshots
	h := snapshotHead{Schema: o.Schema, Version: now.Version, At: now.Cursor, Last: last, Seen: seen}
	head, err := json.Marshal(h)
	if err != nil {
		return err
	}
	state, err := r.encodeState(now.State)
	if err != nil {
		return err
	}
	release, err := o.Tables.Claim(ctx, o.table(id.Topic))
	if err != nil {
		return err
	}
	defer release()
	if there, ok, err := r.storedSnapshot(ctx, id); err != nil {
		return err
	} else if ok && r.isLater(ctx, id, there, h) {
		return nil
	}
	value := append(append(head, '\n'), state...)
	return o.Tables.Update(ctx, o.table(id.Topic), stream.Change{Key: id.Key, Value: value})
}

// isLater reports whether a stored snapshot can be used and is not older.
func (r *Repository[C, E, S]) isLater(ctx context.Context, id stream.ID, value []byte, than snapshotHead) bool {
	h, _, err := parseSnapshot(value)
	if err != nil || h.Schema != than.Schema || h.Version < than.Version {
		return false
	}
	if h.Version == than.Version && !h.Seen.Reached(than.Seen) {
		return false
	}
	_, err = r.check(ctx, id, h)
	return err == nil
}

func (r *Repository[C, E, S]) encodeState(state S) (data []byte, err error) {
	in := true
	defer stream.Contain("the codec of snapshots", &in, &err)
	data, err = r.options.Snapshots.codec().Marshal(state)
	in = false
	return data, err
}
