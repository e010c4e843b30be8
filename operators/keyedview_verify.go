package operators

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/thaw-go/thaw/stream"
)

// Fold makes the view of a cold source, such as the log as of some time, in the
// table's place, which should be empty: in tables in memory, beside those that the
// view lives in. It returns as Run does, and nil at the source's end.
func (t *KeyedTable[E, S]) Fold(ctx context.Context, src stream.Source[stream.Cold, E]) error {
	return t.keep(ctx, src.Subscribe)
}

// KeyedDifference is a key whose stored state is not what its events give today.
type KeyedDifference struct {
	Key      string // which one
	Stored   []byte // the encoded state; nil: there is none
	Replayed []byte // what today's replay gives; nil: none
	// From is the first event of the key at which they part: the stored state is that
	// of the events before it. It is the key's first event if no number of events
	// gives the stored state, and nil if all do and more were counted than there are.
	From *stream.Header
	// Counted is how many events the stored state says it is made of, since the key
	// last began.
	Counted uint64
	// Parked says that events of the key are parked, which explains it.
	Parked bool
}

// DifferenceError says that a table is not what a replay of its events gives.
type DifferenceError struct {
	View string            // the table's name
	At   stream.Cursor     // the place that was compared
	Keys []KeyedDifference // the first keys that differ, in order
	More bool              // there are more
}

func (e *DifferenceError) Error() string {
	first, from := e.Keys[0], "after its last event"
	if h := first.From; h != nil {
		from = fmt.Sprintf("from event %d of %s, type %s, on", h.Position, h.Stream, h.Type)
	}
	more := ""
	if e.More {
		more = " or more"
	}
	return fmt.Sprintf("operators: view %s at %s: %d keys%s differ from a replay: %.80q %s: stored %.200q, replayed %.200q",
		e.View, e.At, len(e.Keys), more, first.Key, from, first.Stored, first.Replayed)
}

// mostDifferences is how many keys Verify names.
const mostDifferences = 100

// Verify compares what is stored with a replay of the same events, up to the place of
// the table, and returns a [*DifferenceError] if they differ. The replay is made in
// scratch, which should be empty and is filled: tables in memory, or on disk if the
// view is large. The table may be run meanwhile.
func (t *KeyedTable[E, S]) Verify(ctx context.Context, src stream.Source[stream.ColdHot, E], scratch stream.Tables) error {
	stored, err := t.Snapshot(ctx)
	if err != nil {
		return err
	}
	defer stored.Close()
	fresh, err := t.view.On(scratch, t.options)
	if err != nil {
		return err
	}
	fresh.options.Hooks, fresh.byInstance = stream.Hooks{}, t.byInstance
	if err := fresh.keep(ctx, upTo(src.Subscribe, stored.At())); err != nil {
		return err
	}
	replayed, err := fresh.Snapshot(ctx)
	if err != nil {
		return err
	}
	defer replayed.Close()
	if !replayed.At().Equal(stored.At()) {
		return fmt.Errorf("operators: view %s: verify: the replay came to %s, expected %s", t.name, replayed.At(), stored.At())
	}
	found := &DifferenceError{View: t.name, At: stored.At()}
	if err := compare(stored, replayed, found); err != nil || len(found.Keys) == 0 {
		return err
	}
	if err := fresh.partings(ctx, src.Subscribe, found); err != nil {
		return errors.Join(found, err)
	}
	return found
}

// errThere ends a reading that has come as far as it was to.
var errThere = errors.New("the place has been reached")

// upTo ends a source at a place, inclusive.
func upTo[E any](src subscribe[E], to stream.Cursor) subscribe[E] {
	return func(ctx context.Context, sub stream.Subscription, emit func(*stream.Event[E]) error) error {
		if to.IsZero() {
			return nil
		}
		mark := sub.Mark
		sub.Mark = func(m stream.Mark) error {
			there := m.At.Reached(to)
			if there {
				m = stream.Mark{At: to, Head: to, Live: true}
			}
			if mark != nil {
				if err := mark(m); err != nil {
					return err
				}
			}
			if there {
				return errThere
			}
			return nil
		}
		if undecoded := sub.Undecoded; undecoded != nil {
			sub.Undecoded = func(h stream.Header, why error) error {
				if h.Position > to.Position(h.Shard) {
					return nil
				}
				return undecoded(h, why)
			}
		}
		err := src(ctx, sub, func(e *stream.Event[E]) error {
			if e.Position > to.Position(e.Shard) {
				return nil
			}
			return emit(e)
		})
		if errors.Is(err, errThere) {
			return nil
		}
		return err
	}
}

// compare finds the keys whose rows differ: all that are stored, and those that only
// the replay has.
func compare[S any](stored, replayed *KeyedSnapshot[S], found *DifferenceError) error {
	differ := func(row string, a, b []byte) error {
		if len(found.Keys) == mostDifferences {
			found.More = true
			return errEnough
		}
		d, err := keyDifference(stored, row[len(statePrefix):], a, b)
		found.Keys = append(found.Keys, d)
		return err
	}
	err := eachRow(stored, func(row string, value []byte) error {
		other, ok, err := replayed.s.Get(replayed.table, row)
		if err != nil || ok && bytes.Equal(value, other) {
			return err
		}
		return differ(row, value, other)
	})
	if err == nil {
		err = eachRow(replayed, func(row string, value []byte) error {
			_, ok, err := stored.s.Get(stored.table, row)
			if err != nil || ok {
				return err
			}
			return differ(row, nil, value)
		})
	}
	if errors.Is(err, errEnough) {
		err = nil
	}
	slices.SortFunc(found.Keys, func(a, b KeyedDifference) int { return strings.Compare(a.Key, b.Key) })
	return err
}

func eachRow[S any](s *KeyedSnapshot[S], emit func(row string, value []byte) error) error {
	return s.s.Range(stream.TableRange{Table: s.table, From: statePrefix, To: following(statePrefix)}, emit)
}

func keyDifference[S any](stored *KeyedSnapshot[S], key string, a, b []byte) (d KeyedDifference, err error) {
	d.Key = key
	var was, is stateRow
	if a != nil {
		was, err = parseStateRow(a)
		d.Stored, d.Counted = append([]byte{}, was.state...), was.count.events
	}
	if b != nil && err == nil {
		is, err = parseStateRow(b)
		d.Replayed = append([]byte{}, is.state...)
	}
	if err != nil {
		return d, fmt.Errorf("operators: view %s: read state of %.80q: %w", stored.table, key, err)
	}
	err = eachParked(stored.s, stored.table, &key, func(KeyedParked) error { return errEnough })
	if d.Parked = errors.Is(err, errEnough); d.Parked {
		err = nil
	}
	return d, err
}

// parting finds where a key's stored state and its events part.
type parting[S any] struct {
	of      *KeyedDifference
	cell    keyedCell[S]
	first   *stream.Header
	matched bool // the events so far give the stored state
	ever    bool // some number of events did
	last    int  // the number of the last one
}

// partings reads the events of the keys that differ once more, and names for each the
// event after the longest run of events that gives the stored state.
func (t *KeyedTable[E, S]) partings(ctx context.Context, src subscribe[E], found *DifferenceError) error {
	byKey := map[string]*parting[S]{}
	for i := range found.Keys {
		d := &found.Keys[i]
		byKey[d.Key] = &parting[S]{of: d, matched: d.Stored == nil, ever: d.Stored == nil}
	}
	r, n := &keyedRun[E, S]{table: t}, 0
	sub := stream.Subscription{From: new(stream.Cursor), Undecoded: func(stream.Header, error) error { return nil }} // it is parked
	err := upTo(src, found.At)(ctx, sub, func(e *stream.Event[E]) error {
		n++
		keys, err := r.keysOf(placedItem[E]{event: e})
		if err != nil {
			return err
		}
		for _, key := range keys {
			if p := byKey[key]; p != nil && p.last != n { // else the event names the key twice
				p.last = n
				row, _ := r.fold(ctx, key, &p.cell, []placedItem[E]{{event: e, number: 1}})
				parsed, _ := parseStateRow(row) // of what was just made; of no row it is empty
				p.note(&e.Header, parsed.state)
			}
		}
		return nil
	})
	for _, p := range byKey {
		if !p.ever {
			p.of.From = p.first
		}
	}
	return err
}

// note takes the state that the events up to one give; nil: the key is gone, or the
// event can not be folded.
func (p *parting[S]) note(h *stream.Header, state []byte) {
	if p.first == nil {
		p.first = h
	}
	if p.matched {
		p.of.From = h
	}
	if p.matched = bytes.Equal(state, p.of.Stored) && (state == nil) == (p.of.Stored == nil); p.matched {
		p.of.From, p.ever = nil, true
	}
}
