package aggregate_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/thaw-go/thaw/aggregate"
	"github.com/thaw-go/thaw/replay"
	"github.com/thaw-go/thaw/stream"
)

// scripted is a saga whose React does what the deposit's amount stands for; Expire,
// Refused and Undo write into the journal.
func scripted(turns map[int][]aggregate.Effect) aggregate.Saga[AccountEvent, clerk] {
	wrote := func(s clerk, text string) (clerk, []aggregate.Effect) {
		return s, []aggregate.Effect{journal.Send("journal", Entry{text})}
	}
	return aggregate.Saga[AccountEvent, clerk]{
		Name: "scripted", Attempts: 2, Wait: 1,
		Correlate: func(e *stream.Event[AccountEvent]) string { return e.Stream.Key },
		React: func(s clerk, e *stream.Event[AccountEvent]) (clerk, []aggregate.Effect) {
			s.Deposits++
			return s, turns[e.Data.(Deposited).Amount]
		},
		Expire: func(s clerk, timer string) (clerk, []aggregate.Effect) { return wrote(s, "expired "+timer) },
		Undo:   func(s clerk, step string) (clerk, []aggregate.Effect) { return wrote(s, "undo "+step) },
		Refused: func(s clerk, r aggregate.Refusal) (clerk, []aggregate.Effect) {
			return wrote(s, "refused "+r.Effect.String())
		},
	}
}

// remembered are the keys under which a consumer has something stored.
func remembered(t *testing.T, w world, name string) (keys []string) {
	t.Helper()
	if err := w.log.States(t.Context(), name, "", func(key string, _ []byte) error {
		keys = append(keys, key)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return keys
}

// acting runs a saga over deposits into ann's account until all are handled.
func acting(t *testing.T, w world, g aggregate.Saga[AccountEvent, clerk], amounts ...int) *aggregate.SagaRunner {
	t.Helper()
	r := g.Runner(replay.Hot(w.log, accounts), aggregate.NewRepository(w.log, journal), w.letters)
	running(t, r)
	online(t, r)
	for _, amount := range amounts {
		w.do(t, "ann", Deposit{amount})
	}
	settle(t, w.log, r)
	return r
}

// Breaks when: commit does not remove the state or the timers of what is done, or
// takeEvent does not ask Starts.
func TestACompletedInstanceLeavesNothingAndStaysCompleted(t *testing.T) {
	w := newWorld(t)
	g := scripted(map[int][]aggregate.Effect{
		1: {aggregate.After(time.Hour, "late"), aggregate.Did("step"), journal.Send("journal", Entry{"begun"})},
		2: {aggregate.After(time.Hour, "later"), aggregate.Done(), journal.Send("journal", Entry{"done"})},
		3: {journal.Send("journal", Entry{"again"})},
	})
	g.Starts = func(e *stream.Event[AccountEvent]) bool { return e.Data.(Deposited).Amount == 1 }
	acting(t, w, g, 3, 1, 2, 3, 2)
	if diff := cmp.Diff([]string{"begun", "done"}, written(t, w.log)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if keys := remembered(t, w, "scripted"); len(keys) > 0 {
		t.Errorf("it still remembers %q", keys)
	}
}

// Breaks when: compensate takes the steps from the front, leaves one on the stack, or
// does not mind that it is under way; or a refusal in it is not answered.
func TestCompensationUndoesTheLastStepFirst(t *testing.T) {
	w := newWorld(t)
	g := scripted(map[int][]aggregate.Effect{
		1: {aggregate.Did("a"), aggregate.Did("b")},
		2: {aggregate.Did("c"), journal.Send("journal", Entry{"sorry"}), aggregate.Compensate(), aggregate.Did("d")},
		3: {aggregate.Compensate()}, // nothing is left
	})
	g.Undo = func(s clerk, step string) (clerk, []aggregate.Effect) {
		effects := []aggregate.Effect{journal.Send("journal", Entry{"undo " + step})}
		if step == "b" {
			effects = append(effects, aggregate.Compensate(), mailbox.Send("full", SendLetter{step}))
		}
		return s, effects
	}
	g.Refused = func(s clerk, r aggregate.Refusal) (clerk, []aggregate.Effect) {
		return s, []aggregate.Effect{journal.Send("journal", Entry{"refused"}), aggregate.Compensate()}
	}
	for range 3 {
		if _, err := w.letters.Execute(t.Context(), "full", SendLetter{"x"}); err != nil {
			t.Fatal(err)
		}
	}
	acting(t, w, g, 1, 2, 3)
	if diff := cmp.Diff([]string{"sorry", "undo d", "undo c", "undo b", "refused", "undo a"}, written(t, w.log)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestSagaEffectsThatCanNotBePerformed(t *testing.T) {
	many := make([]aggregate.Effect, 1001)
	for i := range many {
		many[i] = aggregate.Cancel("x")
	}
	for name, c := range map[string]struct {
		effects []aggregate.Effect
		change  func(*aggregate.Saga[AccountEvent, clerk])
		says    string
	}{
		"more than a turn may have": {many, func(*aggregate.Saga[AccountEvent, clerk]) {}, "has 1001 effects, expected at most 1000"},
		"more than the saga says":   {many[:3], func(g *aggregate.Saga[AccountEvent, clerk]) { g.MaxEffects = 2 }, "has 3 effects, expected at most 2"},
		"a step without Undo":       {[]aggregate.Effect{aggregate.Did("a")}, func(g *aggregate.Saga[AccountEvent, clerk]) { g.Undo = nil }, `did "a", and the saga lacks Undo`},
		"compensation without Undo": {[]aggregate.Effect{aggregate.Compensate()}, func(g *aggregate.Saga[AccountEvent, clerk]) { g.Undo = nil }, "compensate, and the saga lacks Undo"},
		"a step without a name":     {[]aggregate.Effect{aggregate.Did("")}, func(*aggregate.Saga[AccountEvent, clerk]) {}, "a step has no name"},
		"a step while steps are undone": {[]aggregate.Effect{aggregate.Did("a"), aggregate.Compensate()}, func(g *aggregate.Saga[AccountEvent, clerk]) {
			g.Undo = func(s clerk, _ string) (clerk, []aggregate.Effect) { return s, []aggregate.Effect{aggregate.Did("b")} }
		}, `undo "a": did "b", while the steps of "ann" are being undone`},
	} {
		t.Run(name, func(t *testing.T) {
			g := scripted(map[int][]aggregate.Effect{1: c.effects})
			c.change(&g)
			if err := failing(t, newWorld(t), g); err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("got %v, want an error that says %s", err, c.says)
			}
			g.Park = true
			parked, err := acting(t, newWorld(t), g, 1, 7).Parked(t.Context())
			if err != nil || len(parked) != 2 || !strings.Contains(parked[0].Err, c.says) || parked[1].Attempts != 0 {
				t.Errorf("parked %+v: %v; want the turn and the one behind it", parked, err)
			}
		})
	}
}

// TestSagaTimersByTheClockAtEveryCrashPoint: a timer is cancelled, one is replaced, one
// has a fixed time; whatever call the process dies at, before or after it took effect,
// and is started again at once, each fires once, at its time.
// Breaks when: a timer's ID is fresh, remove leaves the stored one, set does not
// replace, or perform counts from Wait although there is a fixed time.
func TestSagaTimersByTheClockAtEveryCrashPoint(t *testing.T) {
	var noon time.Time
	play := func(t *testing.T, calls int, after bool) (deaths int, got []string) {
		w := newWorld(t)
		begun := time.Now()
		noon = begun.Add(12 * time.Hour)
		g := scripted(map[int][]aggregate.Effect{
			1: {aggregate.After(10*minute, "cancelled"), aggregate.After(20*minute, "replaced"), aggregate.After(30*minute, "kept"), aggregate.At(noon, "noon")},
			2: {aggregate.Cancel("cancelled"), aggregate.After(40*minute, "replaced")},
		})
		g.Expire = func(s clerk, timer string) (clerk, []aggregate.Effect) {
			s.Expired = append(s.Expired, timer)
			return s, []aggregate.Effect{journal.Send("journal", Entry{fmt.Sprintf("%d %s", len(s.Expired), timer)})}
		}
		ctx, cancel := context.WithCancel(context.Background())
		ended := make(chan error, 1)
		first := &mortal{Log: w.log, left: calls, after: after, block: 1000}
		go func() {
			run := func(log interface {
				stream.Store
				stream.Checkpoints
			}) error {
				return g.Run(ctx, replay.Hot(log, accounts), aggregate.NewRepository(log, journal))
			}
			err := run(first)
			for ; errors.Is(err, errDead); err = run(w.log) {
				deaths++
			}
			ended <- err
		}()
		synctest.Wait()
		w.do(t, "ann", Deposit{1})
		time.Sleep(5 * minute) // virtual time: in a bubble
		w.do(t, "ann", Deposit{2})
		time.Sleep(24 * time.Hour) // virtual time: in a bubble
		synctest.Wait()
		cancel()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
		for e, err := range replay.History(w.log, entries, "journal").All(context.Background()) {
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, fmt.Sprintf("%s at %s", e.Data.Text, e.Time.Sub(begun).Round(time.Second)))
		}
		return deaths, got
	}
	want := []string{"1 kept at 30m0s", "2 replaced at 45m0s", "3 noon at 12h0m0s"}
	for _, after := range []bool{false, true} {
		calls := 0
		for died := true; died; calls++ {
			synctest.Test(t, func(t *testing.T) {
				deaths, got := play(t, calls, after)
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("dead at call %d, after it %v (-want +got)\n%s", calls, after, diff)
				}
				died = deaths > 0
			})
		}
		if calls < 10 {
			t.Errorf("it died at %d calls: the test proves too little", calls)
		}
	}
}

// loops is a saga that feeds itself: it answers each deposit with a deposit.
func loops(to func(key string) string) aggregate.Saga[AccountEvent, clerk] {
	g := scripted(nil)
	g.Name = "echo"
	g.MaxDepth = 7
	g.React = func(s clerk, e *stream.Event[AccountEvent]) (clerk, []aggregate.Effect) {
		return s, []aggregate.Effect{account.Send(to(e.Stream.Key), Deposit{1})}
	}
	return g
}

// Breaks when: handle does not look at the depth, a repository does not count it, or
// cycle does not end at what is like the last event.
func TestASagaThatFeedsItselfIsStoppedAndTheCycleNamed(t *testing.T) {
	for name, c := range map[string]struct {
		to   func(key string) string
		want string
	}{
		"one instance": {func(key string) string { return key }, "accounts/ann DEPOSITED -> saga echo -> accounts/ann DEPOSITED"},
		"two in turn": {func(key string) string { return map[string]string{"ann": "bob", "bob": "ann"}[key] },
			"accounts/ann DEPOSITED -> saga echo -> accounts/bob DEPOSITED -> saga echo -> accounts/ann DEPOSITED"},
		"a new one each time": {func(key string) string { return key + "'" }, "accounts/ann''''''' DEPOSITED -> saga echo -> accounts/ann'''''''' DEPOSITED"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			err := failing(t, w, loops(c.to), w.accounts)
			var loop *aggregate.LoopError
			if !errors.As(err, &loop) {
				t.Fatalf("got %v, want a LoopError", err)
			}
			if got := strings.Join(loop.Cycle, " -> "); got != c.want || loop.Depth != 8 || loop.Limit != 7 {
				t.Errorf("got depth %d and the cycle\n%s, want 8 and\n%s", loop.Depth, got, c.want)
			}
			if head, _ := w.log.Head(t.Context()); !head.Equal(stream.At(9)) {
				t.Errorf("the log has come to %s, want the 9 events of the chain", head)
			}
		})
	}
}

// TestTheDepthCountsThroughTimersAndRefusals, too.
func TestTheDepthCountsThroughTimersAndRefusals(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		for range 3 {
			if _, err := w.letters.Execute(t.Context(), "full", SendLetter{"x"}); err != nil {
				t.Fatal(err)
			}
		}
		g := scripted(map[int][]aggregate.Effect{1: {aggregate.After(minute, "timer"), mailbox.Send("full", SendLetter{"y"})}})
		r := g.Runner(replay.Hot(w.log, accounts), aggregate.NewRepository(w.log, journal), w.letters)
		stop := running(t, r)
		online(t, r)
		ctx := stream.WithCause(stream.WithActor(t.Context(), "eve"), stream.Cause{Event: stream.NewID(), Depth: 4})
		if _, err := w.accounts.Execute(ctx, "ann", Deposit{1}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(2 * minute) // virtual time: in a bubble
		synctest.Wait()
		n := 0
		for e, err := range replay.History(w.log, entries, "journal").All(t.Context()) {
			if n++; err != nil || e.Depth != 6 {
				t.Errorf("%q has depth %d: %v; want 6", e.Data.Text, e.Depth, err)
			}
		}
		if n != 2 {
			t.Errorf("%d entries, want the refusal's and the timer's", n)
		}
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
}

// TestASagaThatIsStoppedWhileItIsBehindRemembersWhatItHasDone: its source ends, or it
// is stopped, after a mark that is not the head's.
// Breaks when: consume does not call rest for a mark that was left to a later one.
func TestASagaThatIsStoppedWhileItIsBehindRemembersWhatItHasDone(t *testing.T) {
	for name, stopped := range map[string]bool{"its source ends": false, "it is stopped": true} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			var ids []stream.EventID
			g := scripted(map[int][]aggregate.Effect{1: {mailbox.Send("ann", SendLetter{"x"})}})
			outside := aggregate.HandleFunc("letters", func(_ context.Context, _ stream.ID, c aggregate.Command[any]) error {
				ids = append(ids, c.ID)
				return nil
			})
			handled(t, w, g, func(*aggregate.SagaRunner) {})
			for range 5 {
				w.do(t, "ann", Deposit{1})
			}
			ctx, stop := context.WithCancel(t.Context())
			type event = *stream.Event[AccountEvent]
			part := stream.Through(replay.Hot(&mortal{Log: w.log, left: 1 << 30, block: 2, honest: true}, accounts), func(run stream.Run[event]) stream.Run[event] {
				return func(ctx context.Context, emit func(event) error) error {
					n := 0
					err := run(ctx, func(e event) error {
						if n++; n == 5 { // after the mark of the fourth
							if stopped {
								stop()
								<-ctx.Done()
								return ctx.Err()
							}
							return errBroke
						}
						return emit(e)
					})
					if errors.Is(err, errBroke) {
						return nil
					}
					return err
				}
			})
			if err := g.Run(ctx, part, outside); err != nil && !errors.Is(err, context.Canceled) {
				t.Fatal(err)
			}
			stop()
			if len(ids) != 4 {
				t.Fatalf("%d commands before it ended, want 4", len(ids))
			}
			r := g.Runner(replay.Hot(w.log, accounts), outside)
			running(t, r)
			online(t, r)
			settle(t, w.log, r)
			if len(ids) != 5 {
				t.Errorf("%d commands in all, want each of the 5 once", len(ids))
			}
		})
	}
}
