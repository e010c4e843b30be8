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
	"github.com/reactivex/rxgo/v2"

	"github.com/thaw-go/thaw/aggregate"
	"github.com/thaw-go/thaw/operators"
	"github.com/thaw-go/thaw/replay"
	"github.com/thaw-go/thaw/stream"
)

// clerk is a saga's state: what it has seen.
type clerk struct {
	Key      string `json:",omitempty"`
	Deposits int
	Refusals int
	Expired  []string
}

// thanks writes a letter for each deposit and a reminder some time after a
// withdrawal, which a deposit takes back.
var thanks = aggregate.Saga[AccountEvent, clerk]{
	Name:      "thanks",
	Correlate: func(e *stream.Event[AccountEvent]) string { return e.Stream.Key },
	React: func(s clerk, e *stream.Event[AccountEvent]) (clerk, []aggregate.Effect) {
		switch data := e.Data.(type) {
		case Deposited:
			s.Deposits++
			return s, []aggregate.Effect{
				mailbox.Send(e.Stream.Key, SendLetter{fmt.Sprintf("thanks %d for %d", s.Deposits, data.Amount)}),
				aggregate.Cancel("reminder"),
			}
		case Withdrawn:
			return s, []aggregate.Effect{aggregate.After(10*minute, "reminder")}
		}
		return s, nil
	},
	Expire: func(s clerk, timer string) (clerk, []aggregate.Effect) {
		s.Expired = append(s.Expired, timer)
		return s, []aggregate.Effect{mailbox.Send("reminders", SendLetter{fmt.Sprint(timer, " ", len(s.Expired))})}
	},
	Refused: func(s clerk, r aggregate.Refusal) (clerk, []aggregate.Effect) {
		s.Refusals++
		return s, []aggregate.Effect{mailbox.Send(fmt.Sprintf("refusals-%d", s.Refusals), SendLetter{r.Effect.Command.(SendLetter).Text})}
	},
}

func (w world) thanks() *aggregate.SagaRunner {
	return thanks.Runner(replay.Hot(w.log, accounts), w.letters)
}

func TestSaga(t *testing.T) {
	t.Run("does not see what came before it, and loses nothing while it is down", func(t *testing.T) {
		w := newWorld(t)
		w.do(t, "ann", Deposit{1}) // history
		r := w.thanks()
		stop := running(t, r)
		online(t, r)
		w.do(t, "ann", Deposit{2})
		settle(t, w.log, r)
		if err := stop(); err != nil {
			t.Fatal(err)
		}
		w.do(t, "ann", Deposit{3}) // while it is down
		again := w.thanks()
		running(t, again)
		online(t, again)
		settle(t, w.log, again)
		if diff := cmp.Diff([]string{"thanks 1 for 2", "thanks 2 for 3"}, texts(t, w.log, "ann")); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
	})
	t.Run("what it does says what led to it", func(t *testing.T) {
		w := newWorld(t)
		r := w.thanks()
		running(t, r)
		online(t, r)
		cause := w.do(t, "ann", Deposit{2}).Events[0]
		settle(t, w.log, r)
		for e, err := range replay.History(w.log, letters, "ann").All(t.Context()) {
			if err != nil {
				t.Fatal(err)
			}
			if e.CausedBy != cause.ID || e.Correlation != cause.Correlation || e.Command == cause.Command {
				t.Errorf("got %+v, want it caused by %s", e.Header, cause.ID)
			}
		}
	})
	t.Run("a refusal is a turn of its own", func(t *testing.T) {
		w := newWorld(t)
		r := w.thanks()
		running(t, r)
		online(t, r)
		for i := range 5 {
			w.do(t, "ann", Deposit{i + 1})
		}
		settle(t, w.log, r)
		if got := len(texts(t, w.log, "ann")); got != 3 {
			t.Errorf("the mailbox has %d letters, want the 3 it takes", got)
		}
		got := append(texts(t, w.log, "refusals-1"), texts(t, w.log, "refusals-2")...)
		if diff := cmp.Diff([]string{"thanks 4 for 4", "thanks 5 for 5"}, got); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
	})
}

// failing runs a saga that cannot go on and returns its error.
func failing(t *testing.T, w world, g aggregate.Saga[AccountEvent, clerk], to ...aggregate.Handler) error {
	t.Helper()
	r := g.Runner(replay.Hot(w.log, accounts), to...)
	ended := make(chan error, 1)
	go func() { ended <- r.Run(context.Background()) }()
	online(t, r)
	w.do(t, "ann", Deposit{1})
	err := <-ended
	if waited := r.WaitFor(t.Context(), stream.At(99)); !errors.Is(waited, errors.Unwrap(err)) && waited == nil {
		t.Errorf("who waits is told %v, want what ended the run", waited)
	}
	return err
}

func TestSagaThatCannotGoOnSaysWhy(t *testing.T) {
	with := func(change func(*aggregate.Saga[AccountEvent, clerk])) aggregate.Saga[AccountEvent, clerk] {
		g := thanks
		change(&g)
		return g
	}
	t.Run("a panic names the function", func(t *testing.T) {
		w := newWorld(t)
		g := with(func(g *aggregate.Saga[AccountEvent, clerk]) {
			g.React = func(clerk, *stream.Event[AccountEvent]) (clerk, []aggregate.Effect) { panic("boom") }
		})
		var panicked *stream.PanicError
		if err := failing(t, w, g, w.letters); !errors.As(err, &panicked) || panicked.Stage != "React of saga thanks" {
			t.Errorf("got %v, want a PanicError naming React of saga thanks", err)
		}
	})
	t.Run("an effect for which there is no handler, before anything is done", func(t *testing.T) {
		w := newWorld(t)
		g := with(func(g *aggregate.Saga[AccountEvent, clerk]) {
			g.React = func(s clerk, _ *stream.Event[AccountEvent]) (clerk, []aggregate.Effect) {
				return s, []aggregate.Effect{mailbox.Send("ann", SendLetter{"x"}), account.Send("ann", Deposit{1})}
			}
		})
		if err := failing(t, w, g, w.letters); err == nil {
			t.Error("got no error")
		}
		if got := texts(t, w.log, "ann"); len(got) > 0 {
			t.Errorf("the first effect was done: %v", got)
		}
	})
	t.Run("a refusal that it has no answer to", func(t *testing.T) {
		w := newWorld(t)
		for range 3 {
			if _, err := w.letters.Execute(t.Context(), "ann", SendLetter{"full"}); err != nil {
				t.Fatal(err)
			}
		}
		g := with(func(g *aggregate.Saga[AccountEvent, clerk]) { g.Refused = nil })
		if err := failing(t, w, g, w.letters); !errors.Is(err, errFull) {
			t.Errorf("got %v, want errFull", err)
		}
	})
	t.Run("a command of the wrong type for its topic", func(t *testing.T) {
		w := newWorld(t)
		g := with(func(g *aggregate.Saga[AccountEvent, clerk]) {
			g.React = func(s clerk, _ *stream.Event[AccountEvent]) (clerk, []aggregate.Effect) {
				return s, []aggregate.Effect{
					mailbox.Send("ann", SendLetter{"x"}),
					{Kind: aggregate.SendCommand, Topic: "letters", Key: "ann", Command: 7},
				}
			}
		})
		if err := failing(t, w, g, w.letters); err == nil || !strings.Contains(err.Error(), "expected a aggregate_test.SendLetter, found a int") {
			t.Errorf("got %v, want an error that names both types", err)
		}
		if got := texts(t, w.log, "ann"); len(got) > 0 {
			t.Errorf("the first effect was done: %v", got)
		}
	})
	t.Run("a timer that it has no answer to", func(t *testing.T) {
		w := newWorld(t)
		g := with(func(g *aggregate.Saga[AccountEvent, clerk]) { g.Expire = nil })
		if err := failing(t, w, g, w.letters); err == nil || !strings.Contains(err.Error(), "lacks Expire") {
			t.Errorf("got %v, want an error that names Expire", err)
		}
		if got := texts(t, w.log, "ann"); len(got) > 0 {
			t.Errorf("the effect beside it was done: %v", got)
		}
	})
	t.Run("two handlers for one topic", func(t *testing.T) {
		w := newWorld(t)
		if err := thanks.Run(t.Context(), replay.Hot(w.log, accounts), w.letters, w.letters); err == nil {
			t.Error("got no error")
		}
	})
	t.Run("no name, no functions", func(t *testing.T) {
		w := newWorld(t)
		src := replay.Hot(w.log, accounts)
		if err := (aggregate.Saga[AccountEvent, clerk]{Name: "x"}).Run(t.Context(), src); err == nil {
			t.Error("without functions: got no error")
		}
		if err := with(func(g *aggregate.Saga[AccountEvent, clerk]) { g.Name = "" }).Run(t.Context(), src, w.letters); err == nil {
			t.Error("without a name: got no error")
		}
	})
}

func TestSagaRefusesWhatIsNotReallyHot(t *testing.T) {
	w := newWorld(t)
	typed := stream.FromRx[stream.Hot, *stream.Event[AccountEvent]](func(context.Context) rxgo.Observable { return rxgo.Never() })
	if err := thanks.Run(t.Context(), typed, w.letters); !errors.Is(err, aggregate.ErrNotHot) {
		t.Errorf("hot by name: got %v, want ErrNotHot", err)
	}
	var holding *stream.NotResumableError
	if err := thanks.Run(t.Context(), operators.Skip(replay.Hot(w.log, accounts), 1), w.letters); !errors.As(err, &holding) {
		t.Errorf("behind memory: got %v, want a NotResumableError", err)
	}
	r := w.thanks()
	running(t, r)
	online(t, r)
	var busy *stream.BusyError
	if err := w.thanks().Run(t.Context()); !errors.As(err, &busy) {
		t.Errorf("a second runner: got %v, want a BusyError", err)
	}
	if err := r.Run(t.Context()); !errors.Is(err, aggregate.ErrRunning) {
		t.Errorf("the same runner again: got %v, want ErrRunning", err)
	}
}

func TestSagaTimersByTheClock(t *testing.T) {
	reminders := func(t *testing.T, w world) []string { return texts(t, w.log, "reminders") }
	t.Run("a timer fires once, at its time", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t)
			r := w.thanks()
			stop := running(t, r)
			online(t, r)
			w.do(t, "ann", Deposit{9})
			w.do(t, "ann", Withdraw{5})
			time.Sleep(10*minute - 1)
			synctest.Wait()
			if got := reminders(t, w); len(got) > 0 {
				t.Errorf("a moment before its time there is %v", got)
			}
			time.Sleep(time.Nanosecond)
			synctest.Wait()
			if diff := cmp.Diff([]string{"reminder 1"}, reminders(t, w)); diff != "" {
				t.Errorf("at its time (-want +got)\n%s", diff)
			}
			time.Sleep(24 * time.Hour)
			synctest.Wait()
			if got := reminders(t, w); len(got) != 1 {
				t.Errorf("a day later there is %v, want the one", got)
			}
			if err := stop(); err != nil {
				t.Error(err)
			}
		})
	})
	t.Run("it survives a restart, and one that fell due meanwhile fires then", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t)
			r := w.thanks()
			stop := running(t, r)
			online(t, r)
			w.do(t, "ann", Deposit{9})
			w.do(t, "ann", Withdraw{5})
			w.do(t, "bob", Deposit{9})
			settle(t, w.log, r)
			time.Sleep(5 * minute)
			w.do(t, "bob", Withdraw{5})
			settle(t, w.log, r)
			if err := stop(); err != nil {
				t.Error(err)
			}
			time.Sleep(7 * minute) // ann's is overdue, bob's is not
			again := w.thanks()
			stop = running(t, again)
			online(t, again)
			synctest.Wait()
			if got := reminders(t, w); len(got) != 1 {
				t.Errorf("after the restart there is %v, want ann's", got)
			}
			time.Sleep(3 * minute)
			synctest.Wait()
			if got := reminders(t, w); len(got) != 2 {
				t.Errorf("at bob's time there is %v, want both", got)
			}
			if err := stop(); err != nil {
				t.Error(err)
			}
		})
	})
	t.Run("it can be cancelled, and set anew", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t)
			r := w.thanks()
			stop := running(t, r)
			online(t, r)
			w.do(t, "ann", Deposit{9})
			w.do(t, "ann", Withdraw{5})
			time.Sleep(5 * minute)
			w.do(t, "ann", Withdraw{1}) // anew: ten minutes from here
			time.Sleep(6 * minute)
			synctest.Wait()
			if got := reminders(t, w); len(got) > 0 {
				t.Errorf("at the time it had at first there is %v", got)
			}
			w.do(t, "ann", Deposit{9}) // takes it back
			time.Sleep(time.Hour)
			synctest.Wait()
			if got := reminders(t, w); len(got) > 0 {
				t.Errorf("cancelled, and there is %v", got)
			}
			if err := stop(); err != nil {
				t.Error(err)
			}
		})
	})
}
