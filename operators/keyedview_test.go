package operators_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/thaw-go/thaw/operators"
	"github.com/thaw-go/thaw/replay"
	"github.com/thaw-go/thaw/stream"
	"github.com/thaw-go/thaw/stream/memlog"
	"github.com/thaw-go/thaw/stream/memtables"
)

// The rows are compared byte by byte, and so is what was counted for each.
func TestAKeyedViewIsByteEqualOnAnyNumberOfWorkers(t *testing.T) {
	log := memlog.New()
	for i := range 3000 {
		move(t, log, fmt.Sprint("a", i*i%613), fmt.Sprint("b", i*7%211), i%17-8)
	}
	want := wanted(t, log)
	for _, o := range []operators.KeyedOptions{{Workers: 2}, {Workers: 8, Events: 700, States: 10}, {Workers: 3, Events: 1}} {
		tables := memtables.New()
		if err := caughtUp(on(t, balances, tables, o), replay.ColdHot(log, transfers)); err != nil {
			t.Fatal(err)
		}
		wantSame(t, dump(t, tables, "balances@1"), want)
	}
}

// A stored update is made when enough events have come, when the oldest has waited for
// long enough, and when somebody waits.
func TestAKeyedViewStoresInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := memlog.New()
		table := on(t, balances, memtables.New(), operators.KeyedOptions{Events: 3, Every: time.Minute})
		r := start(table, replay.ColdHot(log, transfers))
		at := func() stream.Cursor {
			synctest.Wait()
			s, err := table.Snapshot(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			if got := table.Mark().At; !got.Equal(s.At()) {
				t.Errorf("the mark is at %s and the table at %s", got, s.At())
			}
			return s.At()
		}
		want := func(n stream.Position, when string) {
			t.Helper()
			if got := at(); !got.Equal(stream.At(n)) {
				t.Errorf("%s: got %s, want %d", when, got, n)
			}
		}
		move(t, log, "ann", "bob", 1)
		want(0, "one event")
		time.Sleep(time.Minute - 1) // virtual
		want(0, "just before a minute")
		time.Sleep(time.Nanosecond) // virtual
		want(1, "after a minute")
		move(t, log, "ann", "bob", 1)
		move(t, log, "ann", "bob", 1)
		want(1, "two events")
		move(t, log, "ann", "bob", 1)
		want(4, "three events")
		if err := table.WaitFor(t.Context(), move(t, log, "ann", "bob", 1)); err != nil {
			t.Error(err)
		}
		want(5, "who waits does not wait for a minute")
		move(t, log, "ann", "bob", 1)
		synctest.Wait()
		if err := r.stop(); err != nil {
			t.Error(err)
		}
		want(6, "a run that is stopped stores what it has")
		if b, ok, err := table.Get(t.Context(), "bob"); err != nil || !ok || b != (balance{6, 6}) {
			t.Errorf("got %v, %v, %v", b, ok, err)
		}
		if err := table.WaitFor(t.Context(), stream.At(7)); !errors.Is(err, operators.ErrViewEnded) {
			t.Errorf("got %v, want ErrViewEnded", err)
		}
	})
}

func TestAKeyedViewRefuses(t *testing.T) {
	log := history(t, 5)
	src := replay.ColdHot(log, transfers)
	t.Run("a second run, of the same value or of the same table", func(t *testing.T) {
		tables := memtables.New()
		table := on(t, balances, tables, operators.KeyedOptions{})
		r := start(table, src)
		if err := table.CaughtUp(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := table.Run(t.Context(), src); !errors.Is(err, operators.ErrViewRunning) {
			t.Errorf("got %v, want ErrViewRunning", err)
		}
		var busy *stream.BusyError
		if err := on(t, balances, tables, operators.KeyedOptions{}).Run(t.Context(), src); !errors.As(err, &busy) {
			t.Errorf("got %v, want a *BusyError", err)
		}
		if err := r.stop(); err != nil {
			t.Error(err)
		}
	})
	t.Run("an operator that remembers", func(t *testing.T) {
		var refused *stream.NotResumableError
		err := on(t, balances, memtables.New(), operators.KeyedOptions{}).Run(t.Context(), operators.DistinctUntilChanged(src, func(a, b *stream.Event[moved]) bool { return a.ID == b.ID }))
		if !errors.As(err, &refused) {
			t.Errorf("got %v, want a *NotResumableError", err)
		}
	})
	t.Run("other indexes under the same version", func(t *testing.T) {
		tables := memtables.New()
		if err := caughtUp(on(t, balances, tables, operators.KeyedOptions{}), src); err != nil {
			t.Fatal(err)
		}
		other := balances
		other.Indexes = nil
		table := on(t, other, tables, operators.KeyedOptions{})
		if err := table.Run(t.Context(), src); err == nil || !strings.Contains(err.Error(), "another version") {
			t.Errorf("got %v, want that it takes another version", err)
		}
		if _, _, err := table.Get(t.Context(), "ann"); err == nil {
			t.Error("it can be read")
		}
	})
	t.Run("a view that can not be", func(t *testing.T) {
		for _, v := range []operators.KeyedView[moved, balance]{{}, {Name: "a", Reduce: balances.Reduce}, {Name: "a\n", Version: 1, Reduce: balances.Reduce}} {
			var invalid *stream.InvalidError
			if _, err := v.On(memtables.New(), operators.KeyedOptions{}); !errors.As(err, &invalid) {
				t.Errorf("got %v, want an *InvalidError", err)
			}
		}
	})
	t.Run("events out of the log's order", func(t *testing.T) {
		back := stream.New[stream.ColdHot](nil, func(stream.Subscription) stream.Run[*stream.Event[moved]] {
			return func(_ context.Context, emit func(*stream.Event[moved]) error) error {
				for _, p := range []stream.Position{2, 1} {
					if err := emit(&stream.Event[moved]{Header: stream.Header{Position: p}}); err != nil {
						return err
					}
				}
				return nil
			}
		})
		err := on(t, balances, memtables.New(), operators.KeyedOptions{}).Run(t.Context(), back)
		if err == nil || !strings.Contains(err.Error(), "keep the log's order") {
			t.Errorf("got %v, want that it wants the log's order", err)
		}
	})
}

// An update that would be too large for the tables is made in parts, each with its
// place.
// Breaks when: storeSome does not try fewer events.
func TestAKeyedViewMakesUpdatesThatFit(t *testing.T) {
	large := operators.KeyedView[moved, string]{
		Name: "large", Version: 1,
		Keys:   func(e *stream.Event[moved]) []string { return []string{fmt.Sprint(e.Position)} },
		Reduce: func(_ string, s string, e *stream.Event[moved]) string { return s + strings.Repeat("x", e.Data.Amount) },
	}
	log := memlog.New()
	for range 60 {
		move(t, log, "ann", "bob", 500_000)
	}
	tables := memtables.New()
	mortal := &mortalTables{stored: tables, left: 1 << 30}
	// Each event is there twice, as two items of one position.
	twice := stream.Through(replay.ColdHot(log, transfers), func(run stream.Run[*stream.Event[moved]]) stream.Run[*stream.Event[moved]] {
		return func(ctx context.Context, emit func(*stream.Event[moved]) error) error {
			return run(ctx, func(e *stream.Event[moved]) error { return errors.Join(emit(e), emit(e)) })
		}
	})
	if err := caughtUp(on(t, large, mortal, operators.KeyedOptions{}), twice); err != nil {
		t.Fatal(err)
	}
	table := on(t, large, tables, operators.KeyedOptions{})
	for i := range 60 {
		if s, ok, err := table.Get(t.Context(), fmt.Sprint(i+1)); err != nil || !ok || len(s) != 1_000_000 {
			t.Fatalf("event %d: got %d bytes, %v, %v", i+1, len(s), ok, err)
		}
	}
	if n := mortal.count("Update"); n < 8 || n > 60 {
		t.Errorf("it made %d updates", n)
	}
}

// A cold fold beside the view is the view as it was.
func TestAKeyedViewAsOfAPosition(t *testing.T) {
	log := history(t, 40)
	then := wanted(t, log)
	for range 20 {
		move(t, log, "a01", "b01", 7)
	}
	past := memtables.New()
	table := on(t, balances, past, operators.KeyedOptions{Events: 7})
	if err := table.Fold(t.Context(), replay.Cold(log, transfers, replay.UpTo(stream.At(40)))); err != nil {
		t.Fatal(err)
	}
	wantSame(t, dump(t, past, "balances@1"), then)
}

// pages reads all pages of a query.
func pages(t *testing.T, s *operators.KeyedSnapshot[balance], q operators.KeyedQuery) (keys []string) {
	t.Helper()
	for n := 0; ; n++ {
		page, err := s.Page(q)
		if err != nil {
			t.Fatal(err)
		}
		for _, k := range page.States {
			keys = append(keys, k.Key)
		}
		if len(page.States) > q.Limit || page.Next != "" && len(page.States) < q.Limit || n > 100 {
			t.Fatalf("page %d has %d states", n, len(page.States))
		}
		if page.Next == "" {
			return keys
		}
		q.After = page.Next
	}
}

// Breaks when: After begins with the last row again.
func TestAKeyedViewIsAskedInPages(t *testing.T) {
	log := memlog.New()
	for i, name := range []string{"a", "a\x00", "a\x00b", "ab", "b", "é", "c"} {
		move(t, log, "bank", name, i-3)
	}
	tables := memtables.New()
	table := on(t, balances, tables, operators.KeyedOptions{})
	if err := caughtUp(table, replay.ColdHot(log, transfers)); err != nil {
		t.Fatal(err)
	}
	s, err := table.Snapshot(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for _, c := range []struct {
		claim string
		q     operators.KeyedQuery
		want  string
	}{
		{"all, by key", operators.KeyedQuery{}, `["a" "a\x00" "a\x00b" "b" "c" "é"]`},
		{"from a key to another", operators.KeyedQuery{From: "a\x00", To: "c"}, `["a\x00" "a\x00b" "b"]`},
		{"backwards", operators.KeyedQuery{From: "a\x00", Reverse: true}, `["é" "c" "b" "a\x00b" "a\x00"]`},
		{"one key", operators.KeyedQuery{Equal: "a"}, `["a"]`},
		{"an empty range", operators.KeyedQuery{From: "c", To: "a"}, `[]`},
		{"by a value of an index", operators.KeyedQuery{Index: "sign", Equal: "debt"}, `["a" "a\x00" "a\x00b"]`},
		{"by value and key", operators.KeyedQuery{Index: "sum", From: "4998"}, `["a\x00" "a\x00b" "b" "é" "c"]`},
		{"by a range of values, backwards", operators.KeyedQuery{Index: "sum", From: "4998", To: "5002", Reverse: true}, `["b" "a\x00b" "a\x00"]`},
		{"by a value that nobody has", operators.KeyedQuery{Index: "sum", Equal: "50"}, `[]`},
	} {
		for _, limit := range []int{1, 2, 3, 100} {
			c.q.Limit = limit
			got := pages(t, s, c.q)
			if text := fmt.Sprintf("%q", without(got, "bank")); text != c.want {
				t.Errorf("%s, %d a page: got %s, want %s", c.claim, limit, text, c.want)
			}
		}
	}
	var invalid *stream.InvalidError
	if _, err := s.Page(operators.KeyedQuery{Index: "nonesuch"}); !errors.As(err, &invalid) {
		t.Errorf("got %v, want an *InvalidError", err)
	}
	before := s.At()
	move(t, log, "bank", "z", 1)
	if err := caughtUp(on(t, balances, tables, operators.KeyedOptions{}), replay.ColdHot(log, transfers)); err != nil {
		t.Fatal(err)
	}
	if _, ok, err := s.Get("z"); ok || err != nil || !s.At().Equal(before) {
		t.Error("a snapshot moved")
	}
	if _, ok, err := table.Get(t.Context(), "z"); !ok || err != nil {
		t.Errorf("the table did not: %v", err)
	}
}

func without(list []string, name string) (kept []string) {
	for _, s := range list {
		if s != name {
			kept = append(kept, s)
		}
	}
	return kept
}

// Breaks when: the replay goes on past the table's place.
func TestVerifyNamesTheEventAtWhichTheyPart(t *testing.T) {
	ctx := t.Context()
	log := history(t, 30)
	src := replay.ColdHot(log, transfers)
	tables := memtables.New()
	table := on(t, balances, tables, operators.KeyedOptions{Events: 4})
	if err := caughtUp(table, src); err != nil {
		t.Fatal(err)
	}
	t.Run("a table that is right, at a place before the head", func(t *testing.T) {
		move(t, log, "a01", "b01", 7)
		if err := table.Verify(ctx, src, memtables.New()); err != nil {
			t.Error(err)
		}
	})
	// Ann has 1, then 3, then 6; the state of 3 is put back.
	for _, n := range []int{1, 2, 3} {
		move(t, log, "bank", "ann", n)
	}
	var rows []stream.Change
	for _, to := range []stream.Position{33, 34} {
		past := memtables.New()
		if err := on(t, balances, past, operators.KeyedOptions{}).Fold(ctx, replay.Cold(log, transfers, replay.UpTo(stream.At(to)))); err != nil {
			t.Fatal(err)
		}
		s, err := past.Snapshot(ctx)
		if err != nil {
			t.Fatal(err)
		}
		row, _, err := s.Get("balances@1", "sann")
		if err != nil {
			t.Fatal(err)
		}
		rows = append(rows, stream.Change{Key: "sann", Value: row})
		s.Close()
	}
	if err := caughtUp(on(t, balances, tables, operators.KeyedOptions{}), src); err != nil {
		t.Fatal(err)
	}
	if err := tables.Update(ctx, "balances@1", rows[0]); err != nil {
		t.Fatal(err)
	}
	var found *operators.DifferenceError
	if err := table.Verify(ctx, src, memtables.New()); !errors.As(err, &found) {
		t.Fatalf("got %v, want a *DifferenceError", err)
	}
	if len(found.Keys) != 1 || found.Keys[0].Key != "ann" || found.Keys[0].From == nil || found.Keys[0].From.Position != 34 || found.Keys[0].Counted != 2 {
		t.Errorf("got %+v, want ann, from event 34 on", found.Keys)
	}
	if diff := cmp.Diff(`{"Sum":3,"Events":2}`, string(found.Keys[0].Stored)); diff != "" {
		t.Error(diff)
	}
	t.Run("a key that is there and should not, and one that is not", func(t *testing.T) {
		if err := tables.Update(ctx, "balances@1", stream.Change{Key: "sann"}, stream.Change{Key: "szoe", Value: rows[0].Value}); err != nil {
			t.Fatal(err)
		}
		if err := table.Verify(ctx, src, memtables.New()); !errors.As(err, &found) {
			t.Fatalf("got %v, want a *DifferenceError", err)
		}
		if len(found.Keys) != 2 || found.Keys[0].From.Position != 32 || found.Keys[1].Key != "zoe" || found.Keys[1].From != nil {
			t.Errorf("got %+v", found.Keys)
		}
	})
}
