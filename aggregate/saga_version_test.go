package aggregate_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/thaw-go/thaw/aggregate"
	"github.com/thaw-go/thaw/replay"
	"github.com/thaw-go/thaw/stream"
)

// tally is a later form of the clerk's state.
type tally struct{ Seen string }

// counts is the saga of the earlier form, and tallies that of the later one.
func counts(version int) aggregate.Saga[AccountEvent, clerk] {
	g := scripted(nil)
	g.Name, g.Version = "tally", version
	g.React = func(s clerk, _ *stream.Event[AccountEvent]) (clerk, []aggregate.Effect) {
		s.Deposits++
		return s, []aggregate.Effect{aggregate.Did(fmt.Sprint(s.Deposits))}
	}
	return g
}

func tallies(migrate func(version int, state []byte) (tally, error)) aggregate.Saga[AccountEvent, tally] {
	wrote := func(s tally, text string) (tally, []aggregate.Effect) {
		return s, []aggregate.Effect{journal.Send("journal", Entry{text})}
	}
	return aggregate.Saga[AccountEvent, tally]{
		Name: "tally", Version: 2, Migrate: migrate,
		Correlate: func(e *stream.Event[AccountEvent]) string { return e.Stream.Key },
		React: func(s tally, e *stream.Event[AccountEvent]) (tally, []aggregate.Effect) {
			s.Seen += "+"
			_, effects := wrote(s, e.Stream.Key+" "+s.Seen)
			return s, append(effects, aggregate.Compensate())
		},
		Undo: func(s tally, step string) (tally, []aggregate.Effect) { return wrote(s, "undo "+step) },
	}
}

// handled runs a saga until it has handled everything, and stops it.
func handled[S any](t *testing.T, w world, g aggregate.Saga[AccountEvent, S], while func(*aggregate.SagaRunner)) {
	t.Helper()
	r := g.Runner(replay.Hot(w.log, accounts), aggregate.NewRepository(w.log, journal), w.letters)
	stop := running(t, r)
	online(t, r)
	while(r)
	settle(t, w.log, r)
	if err := stop(); err != nil {
		t.Fatal(err)
	}
}

func deposits(t *testing.T, w world, keys ...string) func(*aggregate.SagaRunner) {
	return func(*aggregate.SagaRunner) {
		for _, key := range keys {
			w.do(t, key, Deposit{1})
		}
	}
}

// Breaks when: load does not compare versions, encode does not store it, or migrate
// loses the steps.
func TestWhatBecomesOfRunningInstancesIsACodesDecision(t *testing.T) {
	w := newWorld(t)
	handled(t, w, counts(1), deposits(t, w, "ann", "ann", "bob", "carl"))
	g := tallies(func(version int, state []byte) (tally, error) {
		var old clerk
		if err := json.Unmarshal(state, &old); err != nil {
			return tally{}, err
		}
		if old.Deposits == 2 {
			return tally{fmt.Sprintf("%d from %d", old.Deposits, version)}, nil
		}
		return tally{}, aggregate.ErrComplete
	})
	handled(t, w, g, deposits(t, w, "ann", "bob", "ann"))
	want := []string{"ann 2 from 1+", "undo 2", "undo 1", "bob +", "ann 2 from 1++"}
	if diff := cmp.Diff(want, written(t, w.log)); diff != "" {
		t.Errorf("changed, and completed and begun anew (-want +got)\n%s", diff)
	}
	g = tallies(func(int, []byte) (tally, error) { return tally{}, fmt.Errorf("carl must wait: %w", aggregate.ErrPark) })
	handled(t, w, g, func(r *aggregate.SagaRunner) {
		deposits(t, w, "carl", "ann")(r)
		settle(t, w.log, r)
		turnsParked(t, r, aggregate.Parked{Instance: "carl", Stream: stream.ID{Topic: "accounts", Key: "carl"}, Position: 13, Type: "DEPOSITED", Attempts: 1})
	})
	handled(t, w, tallies(func(int, []byte) (tally, error) { return tally{"decided"}, nil }), func(r *aggregate.SagaRunner) {
		if err := r.Retry(t.Context(), "carl"); err != nil {
			t.Error(err)
		}
	})
	if got := written(t, w.log); !slices.Contains(got, "carl decided+") {
		t.Errorf("got %q, want carl's turn under the version that has decided", got)
	}
}

func TestAStateOfAnotherVersionEndsTheRunAndIsNamed(t *testing.T) {
	ends := func(t *testing.T, w world, run func(context.Context) error) *aggregate.StateVersionError {
		t.Helper()
		w.do(t, "ann", Deposit{1})
		var version *aggregate.StateVersionError
		if err := run(t.Context()); !errors.As(err, &version) {
			t.Fatalf("got %v, want a StateVersionError", err)
		}
		return version
	}
	t.Run("an earlier one, without Migrate", func(t *testing.T) {
		w := newWorld(t)
		handled(t, w, counts(1), deposits(t, w, "ann"))
		g := tallies(nil)
		got := ends(t, w, func(ctx context.Context) error { return g.Run(ctx, replay.Hot(w.log, accounts)) })
		if diff := cmp.Diff(&aggregate.StateVersionError{Saga: "tally", Instance: "ann", Stored: 1, Expected: 2}, got); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
	})
	t.Run("a later one, whatever Migrate says", func(t *testing.T) {
		w := newWorld(t)
		handled(t, w, counts(3), deposits(t, w, "ann"))
		g := tallies(func(int, []byte) (tally, error) { return tally{}, nil })
		got := ends(t, w, func(ctx context.Context) error { return g.Run(ctx, replay.Hot(w.log, accounts)) })
		if got.Stored != 3 || got.Expected != 2 {
			t.Errorf("got %v, want versions 3 and 2", got)
		}
	})
}

// TestAStateFromBeforeThereWereVersionsIsOfVersion0.
// Breaks when: decodeInstance takes what has no head for something else.
func TestAStateFromBeforeThereWereVersionsIsOfVersion0(t *testing.T) {
	w := newWorld(t)
	handled(t, w, counts(0), func(*aggregate.SagaRunner) {})
	at, _, err := w.log.Cursor(t.Context(), "tally")
	if err == nil {
		err = w.log.Checkpoint(t.Context(), "tally", at, stream.Change{Key: "s/ann", Value: []byte(`{"Deposits":4}`)})
	}
	if err != nil {
		t.Fatal(err)
	}
	g := counts(0)
	g.React = func(s clerk, _ *stream.Event[AccountEvent]) (clerk, []aggregate.Effect) {
		s.Deposits++
		return s, []aggregate.Effect{journal.Send("journal", Entry{fmt.Sprint(s.Deposits)})}
	}
	handled(t, w, g, deposits(t, w, "ann", "ann"))
	if diff := cmp.Diff([]string{"5", "6"}, written(t, w.log)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// Breaks when: handling does not carry actor and trace on, a timer does not keep them,
// or the hook's context is not the handler's.
func TestHandlersAndAdaptersCarryOnWhoAndWhichTrace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		type span struct{}
		hooks := stream.Hooks{Handle: func(ctx context.Context, consumer string, h *stream.Header) (context.Context, func(error)) {
			return context.WithValue(ctx, span{}, consumer+" "+h.Type), nil
		}}
		w := newWorld(t)
		e := stream.Record{Header: stream.Header{Type: "DEPOSITED", Schema: 1, ID: stream.NewID(), Correlation: stream.NewID(), Depth: 3,
			Meta: stream.Metadata{stream.MetaActor: "eve", stream.MetaTraceParent: "00-1-2-01", "secret": "x"}}, Data: []byte(`{"Amount":1}`)}
		var mu sync.Mutex // the two see the second event side by side
		var got []string
		look := func(ctx context.Context) {
			mu.Lock()
			defer mu.Unlock()
			meta := stream.MetadataOf(ctx)
			if c := stream.CauseOf(ctx); c != e.Cause() {
				t.Errorf("caused by %v, want %v", c, e.Cause())
			}
			got = append(got, fmt.Sprint(meta[stream.MetaActor], " ", meta[stream.MetaTraceParent], meta["secret"], " ", ctx.Value(span{})))
		}
		g := scripted(map[int][]aggregate.Effect{1: {mailbox.Send("ann", SendLetter{"x"}), aggregate.After(minute, "later")}})
		g.Expire = func(s clerk, _ string) (clerk, []aggregate.Effect) {
			return s, []aggregate.Effect{mailbox.Send("ann", SendLetter{"y"})}
		}
		saga := g.Runner(replay.Hot(w.log, accounts), aggregate.HandleFunc("", func(ctx context.Context, _ stream.ID, _ aggregate.Command[any]) error {
			look(ctx)
			return nil
		}))
		saga.Hooks = hooks
		adapter := aggregate.NewAdapter("post", func(ctx context.Context, _ *stream.Event[AccountEvent]) error {
			look(ctx)
			return nil
		}).Runner(replay.Hot(w.log, accounts))
		adapter.Hooks = hooks
		for _, r := range []waiter{saga, adapter} {
			stop := running(t, r)
			online(t, r)
			defer func() {
				if err := stop(); err != nil {
					t.Error(err)
				}
			}()
			if _, is := r.(*aggregate.SagaRunner); is {
				if _, err := w.log.Append(t.Context(), stream.ID{Topic: "accounts", Key: "ann"}, 0, e); err != nil {
					t.Fatal(err)
				}
				time.Sleep(2 * minute) // virtual time: in a bubble
			} else if _, err := w.log.Append(t.Context(), stream.ID{Topic: "accounts", Key: "clock"}, 0, e); err != nil {
				t.Fatal(err)
			}
			settle(t, w.log, r)
			synctest.Wait()
		}
		time.Sleep(2 * minute) // virtual time: in a bubble
		synctest.Wait()
		slices.Sort(got)
		want := []string{"eve 00-1-2-01 <nil>", "eve 00-1-2-01 <nil>", "eve 00-1-2-01 post DEPOSITED", "eve 00-1-2-01 scripted DEPOSITED", "eve 00-1-2-01 scripted DEPOSITED"}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
	})
}

// Breaks when: handling or Stats takes another time, or Moved is not told.
func TestStatsSayWhenAndHowFarBehind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, leave := newWorld(t), make(chan struct{})
		a := aggregate.NewAdapter("slow", func(context.Context, *stream.Event[AccountEvent]) error {
			<-leave
			return nil
		})
		r := a.Runner(replay.Hot(w.log, accounts))
		var marks []stream.Mark
		r.Hooks.Moved = func(_ string, m stream.Mark, _ time.Time) { marks = append(marks, m) }
		if got := r.Stats(); got != (aggregate.Stats{}) {
			t.Errorf("before anything there is %+v", got)
		}
		stop := running(t, r)
		online(t, r)
		begun := time.Now()
		w.do(t, "ann", Deposit{1})
		time.Sleep(3 * time.Second) // virtual time: in a bubble
		synctest.Wait()
		if got := r.Stats(); got.Handled != 0 || got.Lag != 3*time.Second || !got.Emitted.Equal(begun) || !got.Received.Equal(begun) || !got.Processed.IsZero() {
			t.Errorf("in the middle of an event: %+v", got)
		}
		w.do(t, "ann", Deposit{1})
		leave <- struct{}{}
		time.Sleep(time.Second) // virtual time: in a bubble
		leave <- struct{}{}
		settle(t, w.log, r)
		if got := r.Stats(); got.Handled != 2 || got.Behind != 0 || got.Lag != 0 || !got.Processed.Equal(begun.Add(4*time.Second)) {
			t.Errorf("in the end: %+v", got)
		}
		if err := stop(); err != nil {
			t.Error(err)
		}
		if n := len(marks); n == 0 || !marks[n-1].At.Equal(stream.At(2)) {
			t.Errorf("Moved was told of %v, want the mark at 2 in the end", marks)
		}
	})
}
