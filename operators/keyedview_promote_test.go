package operators_test

import (
	"context"
	"errors"
	"testing"

	"github.com/thaw-go/thaw/operators"
	"github.com/thaw-go/thaw/replay"
	"github.com/thaw-go/thaw/stream"
	"github.com/thaw-go/thaw/stream/memtables"
)

// second is the next version of balances, with states of another type.
var second = operators.KeyedView[moved, int]{
	Name: "balances", Version: 2,
	Keys: func(e *stream.Event[moved]) []string { return []string{e.Data.To} },
	Reduce: func(_ string, sum int, e *stream.Event[moved]) int {
		return sum + e.Data.Amount
	},
}

// sumOf is what both versions can be asked.
type sumOf func(ctx context.Context, key string) (int, error)

func sums(first *operators.KeyedTable[moved, balance], next *operators.KeyedTable[moved, int]) operators.Versions[sumOf] {
	return operators.Versions[sumOf]{
		1: func(ctx context.Context, key string) (int, error) {
			b, _, err := first.Get(ctx, key)
			return b.Sum, err
		},
		2: func(ctx context.Context, key string) (int, error) { n, _, err := next.Get(ctx, key); return n, err },
	}
}

func TestANewVersionOfAKeyedViewIsPromoted(t *testing.T) {
	ctx, log, tables := t.Context(), history(t, 50), memtables.New()
	src := replay.ColdHot(log, transfers)
	first, next := on(t, balances, tables, operators.KeyedOptions{}), on(t, second, tables, operators.KeyedOptions{})
	versions := sums(first, next)
	if _, err := versions.Active(ctx, tables, "balances"); !errors.Is(err, operators.ErrNotPromoted) {
		t.Errorf("got %v, want ErrNotPromoted", err)
	}
	old := start(first, src)
	if err := first.Promote(ctx); err != nil {
		t.Fatal(err)
	}
	active := func(want int) {
		t.Helper()
		if got, err := operators.ActiveVersion(ctx, tables, "balances"); err != nil || got != want {
			t.Errorf("got version %d, %v, want %d", got, err, want)
		}
		if ask, err := versions.Active(ctx, tables, "balances"); err != nil {
			t.Error(err)
		} else if _, err := ask(ctx, "b01"); err != nil {
			t.Error(err)
		}
	}
	active(1)
	// The new one has seen what was there when it began, and the old one more.
	behind := start(next, operators.TakeWhile(src, func(e *stream.Event[moved]) bool { return e.Position <= 50 }))
	if err := next.CaughtUp(ctx); err != nil {
		t.Fatal(err)
	}
	active(1)
	if err := first.WaitFor(ctx, move(t, log, "a01", "b01", 7)); err != nil {
		t.Fatal(err)
	}
	if err := next.Promote(ctx); !errors.Is(err, operators.ErrViewEnded) {
		t.Errorf("a version that is behind the active one: got %v, want that its run ended before it came as far", err)
	}
	active(1)
	if err := behind.stop(); err != nil {
		t.Error(err)
	}
	next = on(t, second, tables, operators.KeyedOptions{})
	versions = sums(first, next)
	r := start(next, src)
	if err := next.Promote(ctx); err != nil {
		t.Fatal(err)
	}
	active(2)
	if err := first.Promote(ctx); !errors.Is(err, operators.ErrSuperseded) {
		t.Errorf("got %v, want ErrSuperseded", err)
	}
	active(2)
	var busy *stream.BusyError
	if err := first.Retire(ctx); !errors.As(err, &busy) {
		t.Errorf("got %v, want a *BusyError", err)
	}
	if err := errors.Join(old.stop(), r.stop()); err != nil {
		t.Error(err)
	}
	if err := next.Retire(ctx); !errors.Is(err, operators.ErrActive) {
		t.Errorf("got %v, want ErrActive", err)
	}
	if err := first.Retire(ctx); err != nil {
		t.Error(err)
	}
	if rows := dump(t, tables, "balances@1"); len(rows) > 0 {
		t.Errorf("%d rows are left", len(rows))
	}
	var invalid *stream.InvalidError
	if _, err := (operators.Versions[sumOf]{1: versions[1]}).Active(ctx, tables, "balances"); !errors.As(err, &invalid) {
		t.Errorf("a program without the active version: got %v, want an *InvalidError", err)
	}
}

// Whatever call its process dies at, one version is active, and a further start
// promotes the new one.
func TestAPromotionThatDiesLeavesOneVersionActive(t *testing.T) {
	ctx, log := t.Context(), history(t, 20)
	src := replay.ColdHot(log, transfers)
	promote := func(tables stream.Tables) error {
		next := on(t, second, tables, operators.KeyedOptions{Workers: 1})
		r := start(next, src)
		err := next.Promote(ctx)
		return errors.Join(r.stop(), err)
	}
	for _, after := range []bool{false, true} {
		for deaths := 0; ; deaths++ {
			tables := memtables.New()
			first := on(t, balances, tables, operators.KeyedOptions{})
			r := start(first, src)
			if err := errors.Join(first.Promote(ctx), r.stop()); err != nil {
				t.Fatal(err)
			}
			err := promote(&mortalTables{stored: tables, left: deaths, after: after})
			active, activeErr := operators.ActiveVersion(ctx, tables, "balances")
			if activeErr != nil || err == nil && active != 2 {
				t.Fatalf("dead at call %d: version %d is active: %v", deaths, active, activeErr)
			}
			if err == nil {
				if deaths < 8 {
					t.Errorf("it died at %d calls: the test proves too little", deaths)
				}
				break
			}
			if !errors.Is(err, errDead) {
				t.Fatalf("dead at call %d: %v", deaths, err)
			}
			if err := promote(tables); err != nil {
				t.Fatal(err)
			}
			if active, err := operators.ActiveVersion(ctx, tables, "balances"); err != nil || active != 2 {
				t.Errorf("got version %d, %v", active, err)
			}
		}
	}
}
