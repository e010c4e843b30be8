package operators_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/thaw-go/thaw/operators"
	"github.com/thaw-go/thaw/replay"
	"github.com/thaw-go/thaw/stream"
	"github.com/thaw-go/thaw/stream/memlog"
	"github.com/thaw-go/thaw/stream/memtables"
)

// moved says that some amount went from one account, the stream's, to another.
type moved struct {
	To     string
	Amount int
}

var transfers = stream.NewTopic("transfers", stream.Catalogue[moved]{"MOVED": {}})

// balance counts, so that an event that counts twice or not at all shows.
type balance struct {
	Sum    int
	Events int
}

var errTripped = errors.New("tripped over this amount")

// balances has two states for each event, and trips over the amount 13.
var balances = operators.KeyedView[moved, balance]{
	Name: "balances", Version: 1,
	Keys: func(e *stream.Event[moved]) []string { return []string{e.Stream.Key, e.Data.To} },
	Reduce: func(key string, b balance, e *stream.Event[moved]) balance {
		if e.Data.Amount == 13 {
			panic(errTripped)
		}
		b.Events++
		if key == e.Data.To {
			b.Sum += e.Data.Amount
		} else {
			b.Sum -= e.Data.Amount
		}
		return b
	},
	Gone: func(b balance) bool { return b.Sum == 0 },
	Indexes: map[string]func(string, balance) []string{
		"sum": func(_ string, b balance) []string { return []string{fmt.Sprintf("%04d", b.Sum+5000)} },
		"sign": func(_ string, b balance) []string {
			return map[bool][]string{true: {"debt"}, false: {"credit"}}[b.Sum < 0]
		},
	},
}

// move appends one transfer.
func move(t testing.TB, log stream.Store, from, to string, amount int) stream.Cursor {
	t.Helper()
	rec, err := transfers.Encode(moved{to, amount})
	if err != nil {
		t.Fatal(err)
	}
	stored, err := log.Append(context.Background(), stream.ID{Topic: "transfers", Key: from}, stream.AnyVersion, rec)
	if err != nil {
		t.Fatal(err)
	}
	return stored[0].Cursor()
}

// history is a log of so many transfers between a few accounts, always the same.
func history(t testing.TB, events int) *memlog.Log {
	t.Helper()
	log := memlog.New()
	for i := range events {
		from, to := fmt.Sprintf("a%02d", i*7%11), fmt.Sprintf("b%02d", i*i%5)
		move(t, log, from, to, (i*31%9)-4)
	}
	return log
}

// blocks hands history over in small blocks, each with its mark.
type blocks struct {
	*memlog.Log
	most int
}

func (b blocks) Read(ctx context.Context, q stream.Query, emit func([]stream.Record, stream.Mark) error) error {
	return b.Log.Read(ctx, q, func(records []stream.Record, mark stream.Mark) error {
		for len(records) > b.most {
			part := stream.Mark{At: records[b.most-1].Cursor(), Head: mark.Head}
			if err := emit(records[:b.most], part); err != nil {
				return err
			}
			records = records[b.most:]
		}
		return emit(records, mark)
	})
}

// on gives a view its table, or fails the test.
func on[E, S any](t testing.TB, v operators.KeyedView[E, S], tables stream.Tables, o operators.KeyedOptions) *operators.KeyedTable[E, S] {
	t.Helper()
	table, err := v.On(tables, o)
	if err != nil {
		t.Fatal(err)
	}
	return table
}

// running is a view that is run until stop is called, or by itself.
type running struct {
	cancel context.CancelFunc
	ended  chan error
}

func start[E, S any](table *operators.KeyedTable[E, S], src stream.Source[stream.ColdHot, E]) *running {
	ctx, cancel := context.WithCancel(context.Background())
	r := &running{cancel, make(chan error, 1)}
	go func() { r.ended <- table.Run(ctx, src) }()
	return r
}

func (r *running) stop() error {
	r.cancel()
	if err := <-r.ended; !errors.Is(err, context.Canceled) {
		return err
	}
	return nil
}

// caughtUp runs a view over the log until it has caught up, and returns why it did
// not.
func caughtUp[E, S any](table *operators.KeyedTable[E, S], src stream.Source[stream.ColdHot, E]) error {
	r := start(table, src)
	err := table.CaughtUp(context.Background())
	return errors.Join(r.stop(), err)
}

// dump is all that a table has.
func dump(t testing.TB, tables stream.Tables, name string) (rows []string) {
	t.Helper()
	s, err := tables.Snapshot(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := s.Range(stream.TableRange{Table: name}, func(key string, value []byte) error {
		rows = append(rows, fmt.Sprintf("%q %q", key, value))
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return rows
}

func wantSame(t testing.TB, got, want []string) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the tables differ (-want +got)\n%s", diff)
	}
}

// wanted is what a table of the view is after a log.
func wanted(t testing.TB, log stream.Log) []string {
	t.Helper()
	tables := memtables.New()
	if err := caughtUp(on(t, balances, tables, operators.KeyedOptions{Workers: 1}), replay.ColdHot(log, transfers)); err != nil {
		t.Fatal(err)
	}
	return dump(t, tables, "balances@1")
}

// mortalTables are tables that a process loses at one of its calls, before or after
// the call took effect; from then on every call fails.
type mortalTables struct {
	stored
	mu    sync.Mutex
	left  int
	after bool
	dead  bool
	calls []string // what was called
}

var errDead = errors.New("the process is gone")

func (m *mortalTables) call(what string, do func() error) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.dead {
		return errDead
	}
	m.calls = append(m.calls, what)
	if m.left--; m.left >= 0 {
		return do()
	}
	m.dead = true
	if m.after {
		_ = do()
	}
	return errDead
}

func (m *mortalTables) Claim(ctx context.Context, table string) (release func(), err error) {
	err = m.call("Claim", func() error { release, err = m.stored.Claim(ctx, table); return err })
	if err != nil && release != nil {
		release() // as the end of the process does
	}
	return release, err
}

func (m *mortalTables) Update(ctx context.Context, table string, changes ...stream.Change) error {
	return m.call("Update", func() error { return m.stored.Update(ctx, table, changes...) })
}

func (m *mortalTables) Snapshot(ctx context.Context) (s stream.TableSnapshot, err error) {
	err = m.call("Snapshot", func() error { s, err = m.stored.Snapshot(ctx); return err })
	return mortalSnapshot{s, m}, err
}

type mortalSnapshot struct {
	stream.TableSnapshot
	m *mortalTables
}

func (s mortalSnapshot) Get(table, key string) (value []byte, ok bool, err error) {
	err = s.m.call("Get", func() error { value, ok, err = s.TableSnapshot.Get(table, key); return err })
	return value, ok, err
}

func (s mortalSnapshot) Range(r stream.TableRange, emit func(string, []byte) error) error {
	return s.m.call("Range", func() error { return s.TableSnapshot.Range(r, emit) })
}

func (m *mortalTables) count(what string) int { return strings.Count(strings.Join(m.calls, " "), what) }

// stored gives tables a name as a field that is not their method's.
type stored = stream.Tables
