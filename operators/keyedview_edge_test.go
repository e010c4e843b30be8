package operators_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/thaw-go/thaw/operators"
	"github.com/thaw-go/thaw/replay"
	"github.com/thaw-go/thaw/stream"
	"github.com/thaw-go/thaw/stream/memlog"
	"github.com/thaw-go/thaw/stream/memtables"
)

// Breaks when: group gives a key an item that it has.
func TestAnEventThatNamesAKeyTwiceCountsOnce(t *testing.T) {
	log, tables := memlog.New(), memtables.New()
	move(t, log, "ann", "ann", 3) // from and to
	table := on(t, balances, tables, operators.KeyedOptions{})
	if err := caughtUp(table, replay.ColdHot(log, transfers)); err != nil {
		t.Fatal(err)
	}
	wantBalance(t, table, "ann", balance{3, 1})
	if err := tables.Update(t.Context(), table.Name(), stream.Change{Key: "sann"}); err != nil {
		t.Fatal(err)
	}
	var found *operators.DifferenceError
	if err := table.Verify(t.Context(), replay.ColdHot(log, transfers), memtables.New()); !errors.As(err, &found) || found.Keys[0].From == nil || found.Keys[0].From.Position != 1 {
		t.Errorf("got %v, want that they part at event 1", err)
	}
}

// A key need not be text: no encoding may change it on its way to a restart.
// Breaks when: eachParked takes the key from the row's JSON.
func TestAParkedKeyOfAnyBytesWaitsOverARestart(t *testing.T) {
	for _, key := range []string{"\xff", "", "a\x00\x01b"} {
		log, tables := poisoned(t), memtables.New()
		src, trips := replay.ColdHot(log, transfers), true
		view := bobs(func() bool { return trips })
		view.Keys = func(*stream.Event[moved]) []string { return []string{key} }
		o := operators.KeyedOptions{Park: true}
		if err := caughtUp(on(t, view, tables, o), src); err != nil {
			t.Fatal(err)
		}
		move(t, log, "bank", "bob", 100)
		trips = false
		table := on(t, view, tables, o)
		r := start(table, src)
		if err := table.CaughtUp(t.Context()); err != nil {
			t.Fatal(err)
		}
		wantBalance(t, table, key, balance{10, 6})
		if err := table.Retry(t.Context(), key); err != nil {
			t.Error(err)
		}
		wantBalance(t, table, key, balance{150, 13})
		wantParked(t, table)
		if err := r.stop(); err != nil {
			t.Error(err)
		}
	}
}

// Breaks when: rangeOf asks the table which indexes there are.
func TestAnIndexThatAViewDoesNotHaveIsRefused(t *testing.T) {
	s, err := on(t, second, memtables.New(), operators.KeyedOptions{}).Snapshot(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	var invalid *stream.InvalidError
	if _, err := s.Page(operators.KeyedQuery{Index: "sum"}); !errors.As(err, &invalid) {
		t.Errorf("got %v, want an *InvalidError", err)
	}
}

// Breaks when: fold does not look at the length of the rows' keys.
func TestWhatIsTooLongForTheTableIsPoison(t *testing.T) {
	long := strings.Repeat("x", 10_000)
	for name, change := range map[string]func(*operators.KeyedView[moved, balance]){
		"a key": func(v *operators.KeyedView[moved, balance]) {
			v.Keys = func(e *stream.Event[moved]) []string { return []string{e.Data.To + long[:e.Data.Amount]} }
		},
		"an index entry": func(v *operators.KeyedView[moved, balance]) {
			v.Indexes = map[string]func(string, balance) []string{"long": func(_ string, b balance) []string { return []string{long[:b.Sum]} }}
		},
		"all index entries": func(v *operators.KeyedView[moved, balance]) {
			v.Keys = func(e *stream.Event[moved]) (keys []string) {
				for i := range 1 + e.Data.Amount*7 {
					keys = append(keys, fmt.Sprint(i))
				}
				return keys
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			view := bobs(func() bool { return false })
			change(&view)
			log := memlog.New()
			move(t, log, "bank", "bob", 1)
			move(t, log, "bank", "bob", 9000)
			for _, park := range []bool{false, true} {
				table := on(t, view, memtables.New(), operators.KeyedOptions{Park: park})
				err := caughtUp(table, replay.ColdHot(log, transfers))
				if park && name == "an index entry" {
					wantParked(t, table, "bob 2 MOVED stream")
					if err != nil {
						t.Error(err)
					}
					continue
				}
				var poison *operators.PoisonError
				var large *stream.TooLargeError
				if !errors.As(err, &poison) || !errors.As(err, &large) || poison.Position != 2 {
					t.Errorf("park %v: got %.300v, want a *PoisonError at 2 of a *TooLargeError", park, err)
				}
				if at := table.Mark().At; !at.Equal(stream.At(1)) {
					t.Errorf("it stands at %s, want just before the event", at)
				}
			}
		})
	}
}

// Breaks when: what is before a poison event is stored in one update, however large.
func TestAPoisonEventBehindMoreThanOneUpdateStopsAKeyedViewJustBeforeIt(t *testing.T) {
	large := operators.KeyedView[moved, string]{
		Name: "large", Version: 1,
		Keys: func(e *stream.Event[moved]) []string { return []string{fmt.Sprint(e.Position)} },
		Reduce: func(_ string, _ string, e *stream.Event[moved]) string {
			if e.Data.Amount == 13 {
				panic(errTripped)
			}
			return strings.Repeat("x", e.Data.Amount)
		},
	}
	log := memlog.New()
	for range 30 {
		move(t, log, "ann", "bob", 900_000)
	}
	move(t, log, "ann", "bob", 13)
	table := on(t, large, memtables.New(), operators.KeyedOptions{})
	if err := caughtUp(table, replay.ColdHot(log, transfers)); !errors.Is(err, errTripped) {
		t.Errorf("got %v", err)
	}
	s, err := table.Snapshot(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if !s.At().Equal(stream.At(30)) {
		t.Errorf("it stands at %s, want just before event 31", s.At())
	}
}

// Breaks when: a retry parks only if the run does.
func TestARetryKeepsWhatItCouldReduceThoughTheRunParksNothing(t *testing.T) {
	log, tables := poisoned(t), memtables.New()
	src := replay.ColdHot(log, transfers)
	if err := caughtUp(on(t, bobs(always), tables, operators.KeyedOptions{Park: true}), src); err != nil {
		t.Fatal(err)
	}
	view := bobs(always)
	reduce := view.Reduce
	view.Reduce = func(key string, b balance, e *stream.Event[moved]) balance {
		if e.Data.Amount == 16 {
			panic(errTripped)
		}
		if e.Data.Amount == 13 {
			return balance{b.Sum + 13, b.Events + 1}
		}
		return reduce(key, b, e)
	}
	table := on(t, view, tables, operators.KeyedOptions{})
	r := start(table, src)
	if err := table.Retry(t.Context(), "bob"); !errors.Is(err, errTripped) {
		t.Errorf("got %v, want that the last one still trips", err)
	}
	wantParked(t, table, "bob 11 MOVED stream")
	wantBalance(t, table, "bob", balance{28, 5})
	if err := r.stop(); err != nil {
		t.Error(err)
	}
}

// Breaks when: a worker that ends early has failed at nothing.
func TestAReducerThatEndsItsGoroutineLosesNoEvent(t *testing.T) {
	log := memlog.New()
	for i := range 128 { // two workers' worth
		move(t, log, "bank", fmt.Sprint(i), 1)
	}
	vanished, once := make(chan struct{}), sync.Once{}
	view := bobs(always)
	view.Reduce = func(_ string, b balance, e *stream.Event[moved]) balance {
		if !bytes.Contains(debug.Stack(), []byte("serve")) { // not the goroutine that runs the view
			once.Do(func() { close(vanished) })
			runtime.Goexit()
		}
		<-vanished
		return b
	}
	table := on(t, view, memtables.New(), operators.KeyedOptions{Workers: 2})
	if err := caughtUp(table, replay.ColdHot(log, transfers)); err == nil || !strings.Contains(err.Error(), "Goexit") {
		t.Errorf("got %v, want that a goroutine was ended", err)
	}
	if at := table.Mark().At; !at.IsZero() {
		t.Errorf("it counts events as stored up to %s", at)
	}
}

// Breaks when: Promote does not look whether the table is where the run left it: it
// goes round for ever.
func TestAVersionThatWasRetiredIsNotPromoted(t *testing.T) {
	log, tables := history(t, 10), memtables.New()
	src := replay.ColdHot(log, transfers)
	for _, promoted := range []bool{false, true} {
		if promoted {
			first := on(t, balances, tables, operators.KeyedOptions{})
			if err := caughtUp(first, src); err != nil {
				t.Fatal(err)
			}
			if err := first.Promote(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		next := on(t, second, tables, operators.KeyedOptions{})
		if err := caughtUp(next, src); err != nil {
			t.Fatal(err)
		}
		if err := next.Retire(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := next.Promote(t.Context()); err == nil {
			t.Error("a version without a table answers now")
		}
	}
}

// Breaks when: Retire does not keep promotions out.
func TestAVersionThatIsPromotedIsNotRetiredMeanwhile(t *testing.T) {
	tables := memtables.New()
	release, err := tables.Claim(t.Context(), second.Name) // as Promote does
	if err != nil {
		t.Fatal(err)
	}
	defer release()
	var busy *stream.BusyError
	if err := on(t, second, tables, operators.KeyedOptions{}).Retire(t.Context()); !errors.As(err, &busy) {
		t.Errorf("got %v, want a *BusyError", err)
	}
}

// A version whose removal ended half way begins anew.
// Breaks when: load takes the rows of a table without a place.
func TestWhatIsLeftOfARetiredVersionIsNotCounted(t *testing.T) {
	log, tables := history(t, 60), memtables.New()
	want := wanted(t, log)
	src := replay.ColdHot(log, transfers)
	if err := caughtUp(on(t, balances, tables, operators.KeyedOptions{}), src); err != nil {
		t.Fatal(err)
	}
	if err := tables.Update(t.Context(), "balances@1", stream.Change{Key: "m"}); err != nil { // the first half of Retire
		t.Fatal(err)
	}
	if err := caughtUp(on(t, balances, tables, operators.KeyedOptions{}), src); err != nil {
		t.Fatal(err)
	}
	wantSame(t, dump(t, tables, "balances@1"), want)
}

// Otherwise a state would not be the same after it was read again.
// Breaks when: On does not look at the state's type.
func TestAKeyedViewRefusesAStateThatJSONDoesNotBringBack(t *testing.T) {
	type hidden struct{ sum int }
	view := operators.KeyedView[moved, hidden]{Name: "hidden", Version: 1, Reduce: func(_ string, h hidden, e *stream.Event[moved]) hidden {
		h.sum += e.Data.Amount
		return h
	}}
	var invalid *stream.InvalidError
	if _, err := view.On(memtables.New(), operators.KeyedOptions{}); !errors.As(err, &invalid) {
		t.Errorf("got %v, want an *InvalidError", err)
	}
}

// Breaks when: what no mark covers is forgotten.
func TestASourceThatEndsWithoutAMarkIsNotTakenForWhole(t *testing.T) {
	src := stream.New[stream.Cold](nil, func(stream.Subscription) stream.Run[*stream.Event[moved]] {
		return func(_ context.Context, emit func(*stream.Event[moved]) error) error {
			return emit(&stream.Event[moved]{Header: stream.Header{Stream: stream.ID{Topic: "transfers", Key: "ann"}, Position: 1}})
		}
	})
	if err := on(t, balances, memtables.New(), operators.KeyedOptions{}).Fold(t.Context(), src); err == nil || !strings.Contains(err.Error(), "mark") {
		t.Errorf("got %v, want that an event was not stored", err)
	}
}

// Breaks when: done is called only if Reduce returns.
func TestTheHookOfAnEventThatCanNotBeReducedIsToldOfItsEnd(t *testing.T) {
	var began, ended, failed atomic.Int64
	o := operators.KeyedOptions{Hooks: stream.Hooks{Handle: func(ctx context.Context, _ string, _ *stream.Header) (context.Context, func(error)) {
		began.Add(1)
		return ctx, func(err error) {
			ended.Add(1)
			if err != nil {
				failed.Add(1)
			}
		}
	}}}
	if err := caughtUp(on(t, bobs(always), memtables.New(), o), replay.ColdHot(poisoned(t), transfers)); !errors.Is(err, errTripped) {
		t.Fatal(err)
	}
	if began.Load() != ended.Load() || failed.Load() == 0 {
		t.Errorf("%d were begun, %d ended, %d failed", began.Load(), ended.Load(), failed.Load())
	}
}

// counted are tables that know how many snapshots are open.
type counted struct {
	stored
	open atomic.Int64
}

func (c *counted) Snapshot(ctx context.Context) (stream.TableSnapshot, error) {
	s, err := c.stored.Snapshot(ctx)
	if err == nil {
		c.open.Add(1)
	}
	return &countedSnapshot{s, c, sync.Once{}}, err
}

type countedSnapshot struct {
	stream.TableSnapshot
	of   *counted
	once sync.Once
}

func (s *countedSnapshot) Close() {
	s.once.Do(func() { s.of.open.Add(-1) })
	s.TableSnapshot.Close()
}

// Breaks when: the states of all changed keys are read from one snapshot.
func TestAWatcherThatStandsStillKeepsNoSnapshotAndIsToldTheNewest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		log, tables := memlog.New(), &counted{stored: memtables.New()}
		table := on(t, bobs(always), tables, operators.KeyedOptions{})
		r := start(table, replay.ColdHot(log, transfers))
		store := func(amount int, names ...string) {
			var records []stream.Record
			for _, to := range names {
				rec, err := transfers.Encode(moved{to, amount})
				if err != nil {
					t.Fatal(err)
				}
				records = append(records, rec)
			}
			at, err := log.Append(ctx, stream.ID{Topic: "transfers", Key: "bank"}, stream.AnyVersion, records...)
			if err == nil {
				err = table.WaitFor(ctx, at[len(at)-1].Cursor())
			}
			if err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
		}
		gate := make(chan struct{})
		w := watch(ctx, table, operators.KeyedWatch{}, gate)
		synctest.Wait()
		store(1, "ann", "bob", "cyd") // it stands still at ann
		if n := tables.open.Load(); n != 0 {
			t.Errorf("%d snapshots are kept", n)
		}
		store(10, "bob")
		close(gate)
		synctest.Wait()
		cancel()
		<-w.done
		if want := []string{"ann=1@3", "cyd=1@4", "bob=11@4"}; !slices.Equal(w.got, want) {
			t.Errorf("got %q, want %q", w.got, want)
		}
		if err := r.stop(); err != nil {
			t.Error(err)
		}
	})
}

// Breaks when: upTo hands over what can not be decoded and is behind the place, or
// partings asks for no such event.
func TestVerifyIsNotLedAstrayByWhatCanNotBeDecoded(t *testing.T) {
	log, tables := memlog.New(), memtables.New()
	src := replay.ColdHot(log, pickyTopic(false))
	table := on(t, given, tables, operators.KeyedOptions{Park: true})
	move(t, log, "ann", "x", 1)
	if err := caughtUp(table, src); err != nil {
		t.Fatal(err)
	}
	move(t, log, "bob", "ink blot", 1)
	unparked := on(t, given, tables, operators.KeyedOptions{})
	if err := unparked.Verify(t.Context(), src, memtables.New()); err != nil {
		t.Errorf("an event behind the place of the table: %v", err)
	}
	move(t, log, "ann", "x", 1)
	if err := caughtUp(on(t, given, tables, operators.KeyedOptions{Park: true}), src); err != nil {
		t.Fatal(err)
	}
	if err := table.Verify(t.Context(), src, memtables.New()); err != nil {
		t.Errorf("an event that is parked: %v", err)
	}
	if err := tables.Update(t.Context(), table.Name(), stream.Change{Key: "sann"}); err != nil {
		t.Fatal(err)
	}
	var found *operators.DifferenceError
	if err := table.Verify(t.Context(), src, memtables.New()); !errors.As(err, &found) || found.Keys[0].Key != "ann" {
		t.Errorf("a difference beside it: got %v, want a *DifferenceError", err)
	}
}
