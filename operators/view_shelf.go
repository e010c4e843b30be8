package operators

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/thaw-go/thaw/stream"
)

// A snapshot's table has a label, and a state in parts under a number that is the
// label's: a state too large for one update is written beside the one that counts,
// and the label, in the last update, makes it count.
const (
	labelKey     = "label"
	partBytes    = 512 << 10
	updateParts  = 8
	shelfFormat  = 1
	partsKeyFrom = "state/"
)

func partKey(number uint64, i int) string { return fmt.Sprintf("state/%016x/%08d", number, i) }

// label says what a snapshot is of.
type label struct {
	Format  int
	Version uint32         // of the reducer and the state
	At      stream.Cursor  // everything up to here is in it
	Event   stream.EventID // the event there, by which the log is known again; zero: not known
	Number  uint64         // of the state's parts
	Parts   int
	Bytes   int
	Digest  string
	Trail   []footprint
}

// shelf is a table for the snapshots of one view.
type shelf struct {
	tables stream.Tables
	table  string
	number uint64 // of the parts that count
	parts  int    // how many they are
}

// errNoSnapshot says that there is none for this version.
var errNoSnapshot = errors.New("operators: no snapshot")

// load returns the snapshot, and forgets what a store that was cut short has left.
// An error that wraps none of the tables' own says why the snapshot can not be used.
func (s *shelf) load(ctx context.Context, version uint32) (l label, state []byte, err error) {
	snapshot, err := s.tables.Snapshot(ctx)
	if err != nil {
		return l, nil, err
	}
	defer snapshot.Close()
	text, ok, err := snapshot.Get(s.table, labelKey)
	switch {
	case err != nil:
		return l, nil, err
	case !ok:
		return l, nil, errNoSnapshot
	}
	if err := json.Unmarshal(text, &l); err != nil {
		return l, nil, &unusableError{"its label can not be read: " + err.Error()}
	}
	if l.Format != shelfFormat || l.Version != version {
		return l, nil, errNoSnapshot
	}
	var remains []stream.Change
	next := 0
	err = snapshot.Range(stream.TableRange{Table: s.table, From: partsKeyFrom}, func(key string, value []byte) error {
		switch {
		case next < l.Parts && key == partKey(l.Number, next):
			state = append(state, value...)
			next++
		case len(remains) < 10_000: // the others another time
			remains = append(remains, stream.Change{Key: strings.Clone(key)})
		}
		return nil
	})
	if err != nil {
		return l, nil, err
	}
	if next != l.Parts || len(state) != l.Bytes || digest(state) != l.Digest {
		return l, nil, &unusableError{fmt.Sprintf("expected %d bytes in %d parts with digest %s, found %d in %d with %s", l.Bytes, l.Parts, l.Digest, len(state), next, digest(state))}
	}
	s.number, s.parts = l.Number, l.Parts
	if len(remains) > 0 {
		err = s.tables.Update(ctx, s.table, remains...)
	}
	return l, state, err
}

// unusableError says why a snapshot is not used.
type unusableError struct{ reason string }

func (e *unusableError) Error() string { return e.reason }

// store makes a snapshot the one that counts.
func (s *shelf) store(ctx context.Context, l label, state []byte) error {
	l.Format, l.Number, l.Bytes, l.Digest = shelfFormat, s.number+1, len(state), digest(state)
	var changes []stream.Change
	for rest := state; len(rest) > 0; {
		part := rest[:min(len(rest), partBytes)]
		rest = rest[len(part):]
		changes = append(changes, stream.Change{Key: partKey(l.Number, l.Parts), Value: part})
		if l.Parts++; len(changes) == updateParts {
			if err := s.tables.Update(ctx, s.table, changes...); err != nil {
				return err
			}
			changes = nil
		}
	}
	text, err := json.Marshal(l)
	if err != nil {
		return err
	}
	changes = append(changes, stream.Change{Key: labelKey, Value: text})
	for i := range s.parts {
		changes = append(changes, stream.Change{Key: partKey(s.number, i)})
	}
	if err := s.tables.Update(ctx, s.table, changes...); err != nil {
		return err
	}
	s.number, s.parts = l.Number, l.Parts
	return nil
}

// begun is what a run begins with.
type begun[S any] struct {
	state S
	at    stream.Cursor
	trail []footprint
}

// load returns the last snapshot; false if there is none that can be used.
func (k *keeper[T, S]) load(ctx context.Context) (got begun[S], ok bool, err error) {
	l, state, err := k.shelf.load(ctx, k.Version)
	if err == nil {
		err = k.belongs(ctx, l)
	}
	if err == nil {
		got.state, err = k.decoded(state)
	}
	if err == nil {
		got.at, got.trail = l.At, l.Trail
		return got, true, nil
	}
	_, unusable := errors.AsType[*unusableError](err)
	_, corrupt := errors.AsType[*stream.CorruptError](err)
	switch {
	case errors.Is(err, errNoSnapshot):
	case unusable || corrupt:
		k.trouble(ctx, fmt.Errorf("operators: view %s: its snapshot is not used, and the view is rebuilt: %w", k.view.name, err))
	default:
		return got, false, err
	}
	k.shelf.number, k.shelf.parts = 0, 0
	return begun[S]{}, false, k.Tables.Drop(ctx, k.shelf.table)
}

func (k *keeper[T, S]) decoded(data []byte) (state S, err error) {
	in := true
	defer func() {
		if err != nil {
			err = &unusableError{"its state can not be decoded: " + err.Error()}
		}
	}()
	defer stream.Contain("view "+k.view.name+": the codec", &in, &err)
	return state, k.Codec.Unmarshal(data, &state)
}

// belongs returns nil if a snapshot is of this log: the log has come as far, and the
// event there is the same.
func (k *keeper[T, S]) belongs(ctx context.Context, l label) error {
	head, err := k.log.Head(ctx)
	if err != nil {
		return err
	}
	if !head.Reached(l.At) {
		return &unusableError{fmt.Sprintf("it is of another log: it is at %s, and the log's head is %s", l.At, head)}
	}
	found, err := eventAt(ctx, k.log, l.At)
	if err != nil {
		return err
	}
	if !l.Event.IsZero() && !found.IsZero() && found != l.Event {
		return &unusableError{fmt.Sprintf("it is of another log: at %s it had event %s, and the log has %s", l.At, l.Event, found)}
	}
	return nil
}

// eventAt is the ID of the event at a place; none if it was removed, if that is the
// beginning, or if the log has several shards.
func eventAt(ctx context.Context, log stream.Log, at stream.Cursor) (id stream.EventID, err error) {
	pos := at.Position(0)
	if pos == 0 || !at.Equal(stream.At(pos)) {
		return id, nil
	}
	err = log.Read(ctx, stream.Query{From: stream.At(pos - 1), To: at}, func(records []stream.Record, _ stream.Mark) error {
		for i := range records {
			id = records[i].ID
		}
		return nil
	})
	if _, removed := errors.AsType[*stream.TruncatedError](err); removed {
		return stream.EventID{}, nil
	}
	return id, err
}
