package operators

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/thaw-go/thaw/stream"
)

// sameIndexes wants the indexes that a table was made with.
func sameIndexes(stored, asked []string) error {
	if slices.Equal(stored, asked) {
		return nil
	}
	return fmt.Errorf("its table has indexes %q and the view has %q: that takes another version", stored, asked)
}

// KeyedSnapshot is a keyed view's table at one moment: all that is read from it is
// of one place in the log. Its methods may be called concurrently, until it is
// closed.
type KeyedSnapshot[S any] struct {
	s       stream.TableSnapshot
	table   string
	codec   stream.Codec
	indexes []string
	meta    keyedMeta
}

// Snapshot is the table at this moment; a table that does not exist is empty. It
// must be closed.
func (t *KeyedTable[E, S]) Snapshot(ctx context.Context) (*KeyedSnapshot[S], error) {
	s, err := t.tables.Snapshot(ctx)
	if err != nil {
		return nil, err
	}
	return t.snapshotOf(s)
}

func (t *KeyedTable[E, S]) snapshotOf(s stream.TableSnapshot) (*KeyedSnapshot[S], error) {
	meta, ok, err := readMeta(s, t.name)
	if err == nil && ok {
		err = sameIndexes(meta.Indexes, t.indexes)
	}
	if err != nil {
		s.Close()
		return nil, fmt.Errorf("operators: view %s: %w", t.name, err)
	}
	return &KeyedSnapshot[S]{s: s, table: t.name, codec: t.view.Codec, indexes: t.indexes, meta: meta}, nil
}

// Get returns the state of a key that is stored now; false if it has none.
func (t *KeyedTable[E, S]) Get(ctx context.Context, key string) (state S, ok bool, err error) {
	s, err := t.Snapshot(ctx)
	if err != nil {
		return state, false, err
	}
	defer s.Close()
	return s.Get(key)
}

// Close lets go of the snapshot. It may be called more than once.
func (s *KeyedSnapshot[S]) Close() { s.s.Close() }

// At is the place that the snapshot is of: every event up to it has been counted,
// or is parked.
func (s *KeyedSnapshot[S]) At() stream.Cursor { return s.meta.At }

// Get returns the state of a key; false if it has none.
func (s *KeyedSnapshot[S]) Get(key string) (state S, ok bool, err error) {
	value, ok, err := s.s.Get(s.table, statePrefix+key)
	if err != nil || !ok {
		return state, false, err
	}
	state, err = s.decode(key, value)
	return state, err == nil, err
}

func (s *KeyedSnapshot[S]) decode(key string, value []byte) (state S, err error) {
	row, err := parseStateRow(value)
	if err == nil {
		err = s.codec.Unmarshal(row.state, &state)
	}
	if err != nil {
		return state, fmt.Errorf("operators: view %s: read state of %.80q: %w", s.table, key, err)
	}
	return state, nil
}

// KeyedQuery asks for states, in order of their keys, or of the values of an index
// and then of their keys.
type KeyedQuery struct {
	Index   string // by which index; empty: by key
	Equal   string // this value or key only; empty: as From and To say
	From    string // from this value or key on, inclusive
	To      string // before this value or key; empty: to the end
	Reverse bool   // from the end to the beginning
	After   string // go on after an earlier page: its Next
	Limit   int    // how many, at most; default 100
}

// KeyedPage is a part of an answer.
type KeyedPage[S any] struct {
	States []Keyed[string, S] // in order
	Next   string             // KeyedQuery.After of the next page, as bytes; empty: there is none
}

// Page answers a query with a page. An index that the view does not have is a
// [*stream.InvalidError].
func (s *KeyedSnapshot[S]) Page(q KeyedQuery) (page KeyedPage[S], err error) {
	if q.Limit < 1 {
		q.Limit = 100
	}
	r, err := s.rangeOf(q)
	if err != nil {
		return page, err
	}
	last := ""
	err = s.s.Range(r, func(row string, value []byte) error {
		if len(page.States) == q.Limit {
			page.Next = last
			return errEnough
		}
		key, state, err := s.entry(q.Index, row, value)
		if err != nil {
			return err
		}
		page.States, last = append(page.States, Keyed[string, S]{Key: key, Value: state}), row
		return nil
	})
	if errors.Is(err, errEnough) {
		err = nil
	}
	return page, err
}

// rangeOf is the range of the table's rows that a query asks for.
func (s *KeyedSnapshot[S]) rangeOf(q KeyedQuery) (r stream.TableRange, err error) {
	prefix, end := statePrefix, func(name string) string { return name }
	if q.Index != "" {
		if !slices.Contains(s.indexes, q.Index) {
			return r, &stream.InvalidError{What: "index", Value: q.Index, Reason: "view " + s.table + " has no such index"}
		}
		prefix, end = indexPrefix+escape(q.Index), escapeBound
	}
	r = stream.TableRange{Table: s.table, From: prefix + end(q.From), To: following(prefix), Reverse: q.Reverse}
	if q.To != "" {
		r.To = prefix + end(q.To)
	}
	if q.Equal != "" {
		r.From, r.To = prefix+end(q.Equal), prefix+q.Equal+"\x00"
		if q.Index != "" {
			r.From, r.To = prefix+escape(q.Equal), following(prefix+escape(q.Equal))
		}
	}
	switch {
	case q.After == "":
	case q.Reverse:
		r.To = min(r.To, q.After)
	default:
		r.From = max(r.From, q.After+"\x00")
	}
	if r.From > r.To {
		r.From = r.To
	}
	return r, nil
}

// escapeBound is where a value's index entries begin: before those of every longer
// one.
func escapeBound(value string) string {
	escaped := escape(value)
	return escaped[:len(escaped)-2]
}

func (s *KeyedSnapshot[S]) entry(index, row string, value []byte) (key string, state S, err error) {
	if index == "" {
		key = row[len(statePrefix):]
		state, err = s.decode(key, value)
		return key, state, err
	}
	_, rest, ok := unescape(row[len(indexPrefix):])
	if ok {
		_, key, ok = unescape(rest)
	}
	if ok {
		state, ok, err = s.Get(key)
	}
	if err == nil && !ok {
		err = fmt.Errorf("operators: view %s: index %s names key %.80q, which has no state", s.table, index, key)
	}
	return key, state, err
}
