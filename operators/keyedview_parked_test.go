package operators_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/thaw-go/thaw/operators"
	"github.com/thaw-go/thaw/replay"
	"github.com/thaw-go/thaw/stream"
	"github.com/thaw-go/thaw/stream/memlog"
	"github.com/thaw-go/thaw/stream/memtables"
)

// poisoned is a history in which bob's fourth event can not be reduced.
func poisoned(t testing.TB) *memlog.Log {
	t.Helper()
	log := memlog.New()
	for _, amount := range []int{1, 2, 4, 13, 8, 16} {
		move(t, log, "bank", "bob", amount)
		move(t, log, "till", "ann", 1)
	}
	return log
}

// bobs is balances without the accounts that give.
func bobs(trips func() bool) operators.KeyedView[moved, balance] {
	v := balances
	v.Keys = func(e *stream.Event[moved]) []string { return []string{e.Data.To} }
	v.Reduce = func(key string, b balance, e *stream.Event[moved]) balance {
		b.Events++ // what a panic leaves behind must not be stored
		b.Sum += e.Data.Amount
		if e.Data.Amount == 13 && trips() {
			panic(errTripped)
		}
		return b
	}
	return v
}

func always() bool { return true }

// Breaks when: storeSome drops what is before the poison, or reduceKey says so of the
// last event of the key.
func TestAPoisonEventStopsAKeyedViewJustBeforeIt(t *testing.T) {
	log := poisoned(t)
	for _, o := range []operators.KeyedOptions{{}, {Events: 1}, {Events: 3, Workers: 4}} {
		tables := memtables.New()
		table := on(t, bobs(always), tables, o)
		for range 2 { // and again when it is run again
			err := table.Run(t.Context(), replay.ColdHot(log, transfers))
			var poison *operators.PoisonError
			var panicked *stream.PanicError
			if !errors.As(err, &poison) || !errors.As(err, &panicked) || !errors.Is(err, errTripped) {
				t.Fatalf("got %v, want a *PoisonError of the panic", err)
			}
			if poison.View != "balances@1" || poison.Key != "bob" || poison.Stream != (stream.ID{Topic: "transfers", Key: "bank"}) || poison.Position != 7 || poison.Type != "MOVED" {
				t.Errorf("got %+v", poison)
			}
		}
		s, err := table.Snapshot(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if b, _, err := s.Get("bob"); err != nil || b != (balance{7, 3}) || !s.At().Equal(stream.At(6)) {
			t.Errorf("got %v, %v at %s", b, err, s.At())
		}
		s.Close()
	}
}

func parkedList[E, S any](t testing.TB, table *operators.KeyedTable[E, S]) (list []string) {
	t.Helper()
	err := table.Parked(context.Background(), func(p operators.KeyedParked) error {
		why, _, _ := strings.Cut(p.Err, ":")
		list = append(list, fmt.Sprintf("%s %d %s %s", p.Key, p.Position, p.Type, why))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func wantParked[E, S any](t testing.TB, table *operators.KeyedTable[E, S], want ...string) {
	t.Helper()
	if got := parkedList(t, table); !slices.Equal(got, want) {
		t.Errorf("parked: got %q, want %q", got, want)
	}
}

// Breaks when: group does not ask what is parked.
func TestAKeyedViewParksAKey(t *testing.T) {
	for _, o := range []operators.KeyedOptions{{Park: true}, {Park: true, Events: 1}, {Park: true, Events: 4, Workers: 3}} {
		var healed atomic.Bool
		trips := func() bool { return !healed.Load() }
		log, tables := poisoned(t), memtables.New()
		src := replay.ColdHot(log, transfers)
		var told atomic.Int64
		o.Hooks.Trouble = func(_ context.Context, who string, err error) {
			if poison := new(operators.PoisonError); who == "balances@1" && errors.As(err, &poison) && poison.Position == 7 {
				told.Add(1)
			}
		}
		if err := caughtUp(on(t, bobs(trips), tables, o), src); err != nil {
			t.Fatal(err)
		}
		want := []string{"bob 7 MOVED stream", "bob 9 MOVED an earlier event of its key is parked", "bob 11 MOVED an earlier event of its key is parked"}
		table := on(t, bobs(trips), tables, o)
		wantParked(t, table, want...)
		wantBalance(t, table, "bob", balance{7, 3})
		wantBalance(t, table, "ann", balance{6, 6})
		if told.Load() != 1 {
			t.Errorf("trouble was told %d times", told.Load())
		}
		// It survives a restart, and what comes waits behind it.
		move(t, log, "bank", "bob", 32)
		r := start(table, src)
		if err := table.WaitFor(t.Context(), move(t, log, "till", "ann", 1)); err != nil {
			t.Fatal(err)
		}
		want = append(want, "bob 13 MOVED an earlier event of its key is parked")
		wantParked(t, table, want...)
		wantBalance(t, table, "ann", balance{7, 7})
		// A retry that fails changes nothing.
		if err := table.Retry(t.Context(), "bob"); !errors.Is(err, errTripped) {
			t.Errorf("got %v, want that it still trips", err)
		}
		wantParked(t, table, want...)
		healed.Store(true)
		if err := table.Retry(t.Context(), "bob"); err != nil {
			t.Error(err)
		}
		wantParked(t, table)
		if err := table.WaitFor(t.Context(), move(t, log, "bank", "bob", 64)); err != nil {
			t.Fatal(err)
		}
		wantBalance(t, table, "bob", balance{140, 8})
		if err := r.stop(); err != nil {
			t.Error(err)
		}
		if err := table.Verify(t.Context(), src, memtables.New()); err != nil {
			t.Errorf("it is not as if nothing had happened: %v", err)
		}
	}
}

func wantBalance(t testing.TB, table *operators.KeyedTable[moved, balance], key string, want balance) {
	t.Helper()
	if got, _, err := table.Get(context.Background(), key); err != nil || got != want {
		t.Errorf("%s: got %v, %v, want %v", key, got, err, want)
	}
}

func TestAKeyedViewGoesOnWithoutWhatWasDiscarded(t *testing.T) {
	log, tables := poisoned(t), memtables.New()
	table := on(t, bobs(always), tables, operators.KeyedOptions{Park: true})
	r := start(table, replay.ColdHot(log, transfers))
	if err := table.CaughtUp(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := table.Discard(t.Context(), "bob"); err != nil {
		t.Fatal(err)
	}
	if err := table.WaitFor(t.Context(), move(t, log, "bank", "bob", 100)); err != nil {
		t.Fatal(err)
	}
	wantParked(t, table)
	wantBalance(t, table, "bob", balance{107, 4})
	if err := r.stop(); err != nil {
		t.Error(err)
	}
	if err := table.Retry(t.Context(), "bob"); !errors.Is(err, operators.ErrViewEnded) {
		t.Errorf("got %v, want ErrViewEnded", err)
	}
	var found *operators.DifferenceError
	if err := table.Verify(t.Context(), replay.ColdHot(log, transfers), memtables.New()); !errors.As(err, &found) || found.Keys[0].Key != "bob" {
		t.Errorf("got %v, want that bob's state is not what its events give", err)
	}
}

// A process that dies at any call of a parking, a retry and what comes after has
// counted and parked each event once in the end.
// Breaks when: unpark stores what came of the rows before it removes them.
func TestAKeyedViewThatDiesWhileItParksAndRetries(t *testing.T) {
	log := poisoned(t)
	src := replay.ColdHot[moved](blocks{log, 3}, transfers)
	o := operators.KeyedOptions{Park: true, Events: 3, Workers: 1}
	life := func(tables stream.Tables, trips bool) error {
		table := on(t, bobs(func() bool { return trips }), tables, o)
		r := start(table, src)
		err := table.CaughtUp(t.Context())
		if err == nil && !trips {
			err = table.Retry(t.Context(), "bob")
		}
		return errors.Join(r.stop(), err)
	}
	for _, after := range []bool{false, true} {
		for deaths := 0; ; deaths++ {
			tables := memtables.New()
			mortal := &mortalTables{stored: tables, left: deaths, after: after}
			first := life(mortal, true)
			var second error
			if first == nil {
				second = life(mortal, false)
			}
			if first != nil {
				if err := life(tables, true); err != nil {
					t.Fatal(err)
				}
				if n := len(parkedList(t, on(t, bobs(always), tables, o))); n != 3 {
					t.Fatalf("dead at call %d: %d events are parked", deaths, n)
				}
			}
			if err := life(tables, false); err != nil {
				t.Fatal(err)
			}
			table := on(t, bobs(always), tables, o)
			wantParked(t, table)
			wantBalance(t, table, "bob", balance{44, 6})
			wantBalance(t, table, "ann", balance{6, 6})
			if t.Failed() {
				t.Fatalf("dead at call %d", deaths)
			}
			if first == nil && second == nil {
				if deaths < 20 {
					t.Errorf("it died at %d calls: the test proves too little", deaths)
				}
				break
			}
		}
	}
}
