package memtables

import (
	"bytes"
	"context"
	"slices"
	"sync"

	"github.com/tidwall/btree"

	"github.com/thaw-go/thaw/internal/engine"
	"github.com/thaw-go/thaw/stream"
)

var _ stream.Tables = (*Tables)(nil)

// Tables are tables in memory. [New] makes them; all methods may be called
// concurrently.
type Tables struct {
	claims engine.Claims

	mu     sync.Mutex
	closed bool
	tables map[string]*table
}

// table is one table. What a snapshot has of it is a copy that shares its nodes.
type table = btree.Map[string, []byte]

// New returns empty tables.
func New() *Tables { return &Tables{tables: map[string]*table{}} }

// Close refuses every later call with [stream.ErrClosed]; snapshots stay as they
// are. It may be called more than once and returns nil.
func (t *Tables) Close() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.closed = true
	return nil
}

// enter locks the tables, or returns why they can not be used.
func (t *Tables) enter(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	t.mu.Lock()
	if t.closed {
		t.mu.Unlock()
		return stream.ErrClosed
	}
	return nil
}

// Claim makes the caller a table's only owner.
func (t *Tables) Claim(ctx context.Context, name string) (release func(), err error) {
	if err := engine.CheckTable(name); err != nil {
		return nil, err
	}
	if err := t.enter(ctx); err != nil {
		return nil, err
	}
	defer t.mu.Unlock()
	return t.claims.Claim(name)
}

// Update stores changes to a table, all or none.
func (t *Tables) Update(ctx context.Context, name string, changes ...stream.Change) error {
	if err := engine.CheckChanges(name, changes); err != nil {
		return err
	}
	if err := t.enter(ctx); err != nil {
		return err
	}
	defer t.mu.Unlock()
	of, ok := t.tables[name]
	if !ok {
		of = new(table)
		t.tables[name] = of
	}
	for _, c := range changes {
		if c.Value == nil {
			of.Delete(c.Key)
			continue
		}
		of.Set(c.Key, append([]byte{}, c.Value...))
	}
	if of.Len() == 0 {
		delete(t.tables, name)
	}
	return nil
}

// Snapshot is all tables at this moment.
func (t *Tables) Snapshot(ctx context.Context) (stream.TableSnapshot, error) {
	if err := t.enter(ctx); err != nil {
		return nil, err
	}
	defer t.mu.Unlock()
	s := &snapshot{tables: make(map[string]*table, len(t.tables))}
	for name, of := range t.tables {
		s.tables[name] = of.Copy()
	}
	return s, nil
}

// Tables lists the names of the tables that hold something.
func (t *Tables) Tables(ctx context.Context) ([]string, error) {
	if err := t.enter(ctx); err != nil {
		return nil, err
	}
	defer t.mu.Unlock()
	var names []string
	for name := range t.tables {
		names = append(names, name)
	}
	slices.Sort(names)
	return names, nil
}

// Drop removes a table and everything in it.
func (t *Tables) Drop(ctx context.Context, name string) error {
	if err := engine.CheckTable(name); err != nil {
		return err
	}
	if err := t.enter(ctx); err != nil {
		return err
	}
	defer t.mu.Unlock()
	delete(t.tables, name)
	return nil
}

// snapshot is the tables at one moment: nobody changes them.
type snapshot struct {
	mu     sync.RWMutex
	tables map[string]*table // nil once it is closed
}

func (s *snapshot) table(name string) (*table, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.tables == nil {
		return nil, stream.ErrClosed
	}
	if of, ok := s.tables[name]; ok {
		return of, nil
	}
	return new(table), nil
}

func (s *snapshot) Get(name, key string) (value []byte, ok bool, err error) {
	of, err := s.table(name)
	if err != nil {
		return nil, false, err
	}
	value, ok = of.Get(key)
	if !ok {
		return nil, false, nil
	}
	return append([]byte{}, value...), true, nil
}

func (s *snapshot) Range(r stream.TableRange, emit func(key string, value []byte) error) (err error) {
	of, err := s.table(r.Table)
	if err != nil {
		return err
	}
	give := func(key string, value []byte) bool {
		err = emit(key, bytes.Clone(value))
		return err == nil
	}
	if r.Reverse {
		down := func(key string, value []byte) bool {
			if key < r.From {
				return false
			}
			if r.To != "" && key >= r.To {
				return true
			}
			return give(key, value)
		}
		if r.To == "" {
			of.Reverse(down)
		} else {
			of.Descend(r.To, down)
		}
		return err
	}
	of.Ascend(r.From, func(key string, value []byte) bool {
		return (r.To == "" || key < r.To) && give(key, value)
	})
	return err
}

func (s *snapshot) Close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tables = nil
}
