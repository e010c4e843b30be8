package operators_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"

	"github.com/thaw-go/thaw/operators"
	"github.com/thaw-go/thaw/replay"
	"github.com/thaw-go/thaw/stream"
	"github.com/thaw-go/thaw/stream/memlog"
	"github.com/thaw-go/thaw/stream/memtables"
)

// watched is a watcher that can be held up.
type watched struct {
	got  []string
	gate chan struct{} // taken from before each change is taken; nil: not held up
	err  error
	done chan struct{}
}

func watch(ctx context.Context, table *operators.KeyedTable[moved, balance], o operators.KeyedWatch, gate chan struct{}) *watched {
	w := &watched{gate: gate, done: make(chan struct{})}
	go func() {
		defer close(w.done)
		for c, err := range table.Watch(ctx, o) {
			if err != nil {
				w.err = err
				return
			}
			if w.gate != nil {
				<-w.gate
			}
			what := fmt.Sprintf("%s=%d@%s", c.Key, c.State.Sum, c.At)
			if c.Gone {
				what = fmt.Sprintf("%s gone@%s", c.Key, c.At)
			}
			w.got = append(w.got, what)
		}
	}()
	return w
}

// Breaks when: tell does not move a key that waits to the end.
func TestAKeyedViewIsWatched(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		log := memlog.New()
		v := balances
		v.Keys = func(e *stream.Event[moved]) []string { return []string{e.Data.To} }
		table := on(t, v, memtables.New(), operators.KeyedOptions{Events: 1})
		r := start(table, replay.ColdHot(log, transfers))
		step := func(to string, amount int) {
			if err := table.WaitFor(ctx, move(t, log, "bank", to, amount)); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
		}
		step("ann", 1)
		step("bob", 2)
		gate := make(chan struct{})
		fromStates := watch(ctx, table, operators.KeyedWatch{States: true}, nil)
		fromNow := watch(ctx, table, operators.KeyedWatch{Prefix: "b"}, nil)
		slow := watch(ctx, table, operators.KeyedWatch{}, gate)
		tooSlow := watch(ctx, table, operators.KeyedWatch{Most: 2}, make(chan struct{}))
		synctest.Wait()
		step("ann", 1) // the slow one is handed this, and stands still
		step("bob", 1)
		step("cyd", 5)
		step("bob", -3)
		step("ann", 7)
		step("cyd", -5)
		close(gate)
		synctest.Wait()
		close(tooSlow.gate)
		synctest.Wait()
		cancel()
		for _, w := range []*watched{fromStates, fromNow, slow, tooSlow} {
			<-w.done
		}
		for _, c := range []struct {
			claim string
			got   *watched
			want  []string
		}{
			{"one that begins with the states has them, and then each change", fromStates,
				[]string{"ann=1@2", "bob=2@2", "ann=2@3", "bob=3@4", "cyd=5@5", "bob gone@6", "ann=9@7", "cyd gone@8"}},
			{"one that begins now is told of its keys only", fromNow, []string{"bob=3@4", "bob gone@6"}},
			{"a slow one has the newest state of each key, in order", slow, []string{"ann=2@3", "bob gone@8", "ann=9@8", "cyd gone@8"}},
		} {
			if !slices.Equal(c.got.got, c.want) || !errors.Is(c.got.err, context.Canceled) {
				t.Errorf("%s: got %q, %v, want %q", c.claim, c.got.got, c.got.err, c.want)
			}
		}
		var full *operators.FullError
		if !errors.As(tooSlow.err, &full) {
			t.Errorf("one for whom too many keys wait ended with %v, want a *FullError", tooSlow.err)
		}
		if err := r.stop(); err != nil {
			t.Error(err)
		}
	})
}
