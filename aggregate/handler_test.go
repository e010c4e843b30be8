package aggregate_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/thaw-go/thaw/aggregate"
	"github.com/thaw-go/thaw/replay"
	"github.com/thaw-go/thaw/stream"
)

// courier takes commands to where no repository is, and remembers what it took.
type courier struct {
	took  []string
	ids   []stream.EventID
	cause stream.Cause
	err   error
}

func (c *courier) take(ctx context.Context, to stream.ID, command aggregate.Command[any]) error {
	c.took = append(c.took, fmt.Sprintf("%s %v", to, command.Data))
	c.ids = append(c.ids, command.ID)
	if c.cause = stream.CauseOf(ctx); c.cause != command.CausedBy || to.Key != command.Key {
		return fmt.Errorf("got %v for %s under %v: what is said twice is not the same", command, to, c.cause)
	}
	return c.err
}

// Breaks when: handler does not fall back to the handler without a topic, or asks
// it first.
func TestAFunctionTakesTheCommandsThatNoOtherHandlerTakes(t *testing.T) {
	w := newWorld(t)
	letters, others := &courier{}, &courier{}
	saga := aggregate.Saga[AccountEvent, clerk]{
		Name:      "two",
		Correlate: func(e *stream.Event[AccountEvent]) string { return e.Stream.Key },
		React: func(s clerk, e *stream.Event[AccountEvent]) (clerk, []aggregate.Effect) {
			return s, []aggregate.Effect{mailbox.Send("ann", SendLetter{"hello"}), account.Send("bob", Deposit{7})}
		},
	}
	r := saga.Runner(replay.Hot(w.log, accounts), aggregate.HandleFunc("", others.take), aggregate.HandleFunc("letters", letters.take))
	stop := running(t, r)
	online(t, r)
	e := w.do(t, "ann", Deposit{1}).Events[0]
	settle(t, w.log, r)
	if err := stop(); err != nil {
		t.Error(err)
	}
	if diff := cmp.Diff([]string{"letters/ann {hello}"}, letters.took); diff != "" {
		t.Errorf("by the topic's own (-want +got)\n%s", diff)
	}
	if diff := cmp.Diff([]string{"accounts/bob {7}"}, others.took); diff != "" {
		t.Errorf("by the other (-want +got)\n%s", diff)
	}
	if letters.cause != e.Cause() {
		t.Errorf("caused by %v, want the deposit %v", letters.cause, e.Cause())
	}
}

// Breaks when: send gives a function a fresh ID.
func TestAFunctionGetsACommandAgainUnderTheSameIDAfterACrash(t *testing.T) {
	w, c := newWorld(t), &courier{}
	runner := func(log stream.Log) *aggregate.SagaRunner {
		return thanks.Runner(replay.Hot(log, accounts), aggregate.HandleFunc("letters", c.take))
	}
	ends(t, runner(&forgetful{w.log, 0}), func() { w.do(t, "ann", Deposit{1}) })
	again := runner(w.log)
	stop := running(t, again)
	online(t, again)
	settle(t, w.log, again)
	if err := stop(); err != nil {
		t.Error(err)
	}
	if diff := cmp.Diff([]string{"letters/ann {thanks 1 for 1}", "letters/ann {thanks 1 for 1}"}, c.took); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if len(c.ids) == 2 && (c.ids[0] != c.ids[1] || c.ids[0].IsZero()) {
		t.Errorf("under %v, want the same twice", c.ids)
	}
}

func TestAFunctionRefusesOrFails(t *testing.T) {
	broken := errors.New("the courier is ill")
	saga := aggregate.Saga[AccountEvent, clerk]{
		Name:      "sender",
		Correlate: func(e *stream.Event[AccountEvent]) string { return e.Stream.Key },
		React: func(s clerk, _ *stream.Event[AccountEvent]) (clerk, []aggregate.Effect) {
			return s, []aggregate.Effect{account.Send("bob", Deposit{7})}
		},
	}
	t.Run("a refusal, wrapped, is told to the saga", func(t *testing.T) {
		for want, refusal := range map[string]*aggregate.RejectedError{
			"aggregate: accounts/bob refused aggregate_test.Deposit: full":                {Err: errors.New("full")},
			"aggregate: accounts/bob refused aggregate_test.Deposit: no reason was given": {},
		} {
			w, c := newWorld(t), &courier{err: fmt.Errorf("far away: %w", refusal)}
			told := make(chan string, 1)
			g := saga
			g.Refused = func(s clerk, r aggregate.Refusal) (clerk, []aggregate.Effect) {
				told <- r.Err.Error()
				return s, nil
			}
			r := g.Runner(replay.Hot(w.log, accounts), aggregate.HandleFunc("accounts", c.take))
			running(t, r)
			online(t, r)
			w.do(t, "ann", Deposit{1})
			settle(t, w.log, r)
			select {
			case got := <-told:
				if got != want {
					t.Errorf("told %q, want %q", got, want)
				}
			default:
				t.Errorf("told nothing, want %q", want)
			}
		}
	})
	parked := func(t *testing.T, h aggregate.Handler) aggregate.Parked {
		w := newWorld(t)
		g := saga
		g.Attempts, g.Wait = 2, 1
		r := g.Runner(replay.Hot(w.log, accounts), h)
		running(t, r)
		online(t, r)
		w.do(t, "ann", Deposit{1})
		settle(t, w.log, r)
		list, err := r.Parked(t.Context())
		if err != nil || len(list) != 1 || list[0].Instance != "ann" || list[0].Attempts != 2 {
			t.Fatalf("parked %+v: %v; want ann's turn, tried twice", list, err)
		}
		return list[0]
	}
	t.Run("another error parks the instance", func(t *testing.T) {
		c := &courier{err: broken}
		if p := parked(t, aggregate.HandleFunc("accounts", c.take)); !strings.Contains(p.Err, broken.Error()) {
			t.Errorf("for %q, want the courier's error", p.Err)
		}
		if len(c.ids) != 2 || c.ids[0] != c.ids[1] {
			t.Errorf("tried under %v, want the same ID twice", c.ids)
		}
	})
	t.Run("so does a panic, and it names the handler", func(t *testing.T) {
		h := aggregate.HandleFunc("accounts", func(context.Context, stream.ID, aggregate.Command[any]) error { panic("lost") })
		if p := parked(t, h); !strings.Contains(p.Err, "the handler of accounts/bob") {
			t.Errorf("for %q, want the handler's name", p.Err)
		}
	})
	t.Run("no function at all", func(t *testing.T) {
		w := newWorld(t)
		if err := failing(t, w, saga, aggregate.HandleFunc("", nil)); err == nil {
			t.Error("got no error")
		}
	})
}
