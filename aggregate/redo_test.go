package aggregate_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/thaw-go/thaw/aggregate"
	"github.com/thaw-go/thaw/operators"
	"github.com/thaw-go/thaw/replay"
	"github.com/thaw-go/thaw/stream"
	"github.com/thaw-go/thaw/stream/memlog"
)

// ends runs a runner whose process dies, and returns once it has.
func ends(t *testing.T, r waiter, while func()) {
	t.Helper()
	ended := make(chan error, 1)
	go func() { ended <- r.Run(context.Background()) }()
	online(t, r)
	while()
	if err := <-ended; !errors.Is(err, errForgot) {
		t.Fatalf("the process ended with %v, want it to forget", err)
	}
}

// TestACommandAndTheAnswerToItsRefusalDoNotBothTakeEffect: the process dies after
// it has answered a refusal; by the time it is back, the aggregate would accept.
// Breaks when: perform does not look among the refusals before it sends.
func TestACommandAndTheAnswerToItsRefusalDoNotBothTakeEffect(t *testing.T) {
	w := newWorld(t)
	saga := aggregate.Saga[AccountEvent, clerk]{
		Name: "withdrawer",
		Correlate: func(e *stream.Event[AccountEvent]) string {
			if e.Stream.Key == "savings" {
				return ""
			}
			return e.Stream.Key
		},
		React: func(s clerk, _ *stream.Event[AccountEvent]) (clerk, []aggregate.Effect) {
			return s, []aggregate.Effect{account.Send("savings", Withdraw{10})}
		},
		Refused: func(s clerk, r aggregate.Refusal) (clerk, []aggregate.Effect) {
			return s, []aggregate.Effect{mailbox.Send("ann", SendLetter{r.Err.Error()})}
		},
	}
	runner := func(log stream.Log) *aggregate.SagaRunner {
		return saga.Runner(replay.Hot(log, accounts), w.accounts, w.letters)
	}
	// Its first checkpoint remembers the refusal, the second would remember the turn.
	ends(t, runner(&forgetful{w.log, 1}), func() { w.do(t, "ann", Deposit{1}) })
	w.do(t, "savings", Deposit{10})
	again := runner(w.log)
	running(t, again)
	online(t, again)
	settle(t, w.log, again)
	if got := w.do(t, "savings", Deposit{0}); got.State != 10 {
		t.Errorf("savings are %d, want the 10 that were not withdrawn", got.State)
	}
	want := []string{"aggregate: accounts/savings refused aggregate_test.Withdraw: not enough money"}
	if diff := cmp.Diff(want, texts(t, w.log, "ann")); diff != "" {
		t.Errorf("answers (-want +got)\n%s", diff)
	}
}

// TestATimerThatHasBegunToFireComesBeforeWhatHappenedAfterIt, although the process
// dies in between and the event that would cancel it is delivered first.
// Breaks when: fire does not store that its timers have begun, or begin does not
// finish them.
func TestATimerThatHasBegunToFireComesBeforeWhatHappenedAfterIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		saga := aggregate.Saga[AccountEvent, clerk]{
			Name:      "term",
			Correlate: func(e *stream.Event[AccountEvent]) string { return e.Stream.Key },
			React: func(s clerk, _ *stream.Event[AccountEvent]) (clerk, []aggregate.Effect) {
				if s.Deposits++; s.Deposits == 1 {
					return s, []aggregate.Effect{aggregate.After(minute, "term")}
				}
				return s, []aggregate.Effect{aggregate.Cancel("term"), mailbox.Send("ann", SendLetter{fmt.Sprintf("paid, %d terms over", len(s.Expired))})}
			},
			Expire: func(s clerk, timer string) (clerk, []aggregate.Effect) {
				s.Expired = append(s.Expired, timer)
				return s, []aggregate.Effect{mailbox.Send("ann", SendLetter{"term over"})}
			},
		}
		runner := func(log stream.Log) *aggregate.SagaRunner { return saga.Runner(replay.Hot(log, accounts), w.letters) }
		// Its checkpoints: the timer is set, it has begun to fire, it has fired.
		ends(t, runner(&forgetful{w.log, 2}), func() { w.do(t, "ann", Deposit{1}) })
		w.do(t, "ann", Deposit{1})
		again := runner(w.log)
		stop := running(t, again)
		online(t, again)
		settle(t, w.log, again)
		if diff := cmp.Diff([]string{"term over", "paid, 1 terms over"}, texts(t, w.log, "ann")); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
}

func TestTwoSagasNeverDeriveTheSameCommand(t *testing.T) {
	w := newWorld(t)
	for name, instance := range map[string]string{"orders": "eu/1", "orders/eu": "1"} {
		r := aggregate.Saga[AccountEvent, clerk]{
			Name:      name,
			Correlate: func(*stream.Event[AccountEvent]) string { return instance },
			React: func(s clerk, _ *stream.Event[AccountEvent]) (clerk, []aggregate.Effect) {
				return s, []aggregate.Effect{mailbox.Send("ann", SendLetter{name})}
			},
		}.Runner(replay.Hot(w.log, accounts), w.letters)
		running(t, r)
		online(t, r)
	}
	w.do(t, "ann", Deposit{1})
	for e, err := range replay.ColdHot(w.log, letters).All(t.Context()) { // ends with the second letter
		if err != nil || e.Version == 2 {
			break
		}
	}
	if got := texts(t, w.log, "ann"); len(got) != 2 {
		t.Errorf("letters from %v, want one from each", got)
	}
}

// TestWhatJSONDoesNotKeepIsGoneAfterTheTurn, not only after the next mark: how
// many events come in a block must not show.
func TestWhatJSONDoesNotKeepIsGoneAfterTheTurn(t *testing.T) {
	type state struct{ Kept, lost int }
	w := newWorld(t)
	saga := aggregate.Saga[AccountEvent, state]{
		Name:      "forgetter",
		Correlate: func(*stream.Event[AccountEvent]) string { return "one" },
		React: func(s state, _ *stream.Event[AccountEvent]) (state, []aggregate.Effect) {
			s.Kept++
			s.lost++
			return s, []aggregate.Effect{mailbox.Send("ann", SendLetter{fmt.Sprint(s.Kept, s.lost)})}
		},
	}
	birth := saga.Runner(replay.Hot(w.log, accounts), w.letters)
	stop := running(t, birth)
	online(t, birth)
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		w.do(t, "ann", Deposit{1})
	}
	r := saga.Runner(replay.Hot(w.log, accounts), w.letters) // in one block
	running(t, r)
	online(t, r)
	settle(t, w.log, r)
	if diff := cmp.Diff([]string{"1 1", "2 1", "3 1"}, texts(t, w.log, "ann")); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestASagaThatSetsItselfOffForEverCanBeStopped(t *testing.T) {
	for name, happened := range map[string]func(*stream.Event[AccountEvent]) time.Time{"by the clock": nil, "in event time": minuteOf} {
		t.Run(name, func(t *testing.T) {
			w, turns := newWorld(t), make(chan struct{})
			again := []aggregate.Effect{aggregate.After(0, "again")}
			r := aggregate.Saga[AccountEvent, clerk]{
				Name:      "restless",
				Time:      happened,
				Correlate: func(*stream.Event[AccountEvent]) string { return "one" },
				React:     func(s clerk, _ *stream.Event[AccountEvent]) (clerk, []aggregate.Effect) { return s, again },
				Expire: func(s clerk, _ string) (clerk, []aggregate.Effect) {
					select {
					case turns <- struct{}{}:
					default:
					}
					return s, again
				},
			}.Runner(replay.Hot(w.log, accounts))
			stop := running(t, r)
			online(t, r)
			w.do(t, "ann", Deposit{1})
			<-turns // it is at it
			if err := stop(); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestTheVersionCountsEventsThatTheTopicSkips(t *testing.T) {
	w := newWorld(t)
	skipping := account
	skipping.Topic = stream.NewTopicWith("accounts", stream.Catalogue[AccountEvent]{"DEPOSITED": Deposited{}},
		stream.TopicOptions[AccountEvent]{Unknown: stream.SkipUnknown})
	unknown := stream.Record{Header: stream.Header{Type: "RENAMED", Schema: 1}, Data: []byte("{}")}
	if _, err := w.log.Append(t.Context(), stream.ID{Topic: "accounts", Key: "ann"}, 0, unknown); err != nil {
		t.Fatal(err)
	}
	got, err := aggregate.NewRepository(w.log, skipping).Execute(t.Context(), "ann", Deposit{5})
	if err != nil || got.Version != 2 || got.State != 5 {
		t.Errorf("got %+v: %v; want version 2 and state 5", got, err)
	}
}

func TestAnAdapterRefusesEventsWithoutAPosition(t *testing.T) {
	w := newWorld(t)
	bare := operators.Map(replay.Hot(w.log, accounts), func(e *stream.Event[AccountEvent]) *stream.Event[AccountEvent] {
		return accounts.Event(e.Stream.Key, e.Data)
	})
	r := aggregate.NewAdapter("post", (&post{}).send).Runner(bare)
	ended := make(chan error, 1)
	go func() { ended <- r.Run(context.Background()) }()
	online(t, r)
	w.do(t, "ann", Deposit{1})
	if err := <-ended; err == nil {
		t.Error("got no error")
	}
}

func TestAPanicInAnOperatorOfTheUsersIsAnError(t *testing.T) {
	w := newWorld(t)
	type event = *stream.Event[AccountEvent]
	bad := stream.Through(replay.Hot(w.log, accounts), func(run stream.Run[event]) stream.Run[event] {
		return func(ctx context.Context, _ func(event) error) error {
			return run(ctx, func(event) error { panic("boom") })
		}
	})
	r := thanks.Runner(bad, w.letters)
	ended := make(chan error, 1)
	go func() { ended <- r.Run(context.Background()) }()
	online(t, r)
	w.do(t, "ann", Deposit{1})
	var panicked *stream.PanicError
	if err := <-ended; !errors.As(err, &panicked) {
		t.Errorf("got %v, want a PanicError", err)
	}
}

// rival is a log on which somebody else gets in before the first append.
type rival struct {
	*memlog.Log
	first func()
}

func (r *rival) Append(ctx context.Context, id stream.ID, expected stream.Version, records ...stream.Record) ([]stream.Record, error) {
	if first := r.first; first != nil {
		r.first = nil
		first()
	}
	return r.Log.Append(ctx, id, expected, records...)
}

// TestARivalGetsInBetweenLoadAndAppend needs no luck.
// Breaks when: Handle tries once, or attempt takes what Append returns for the
// events that it decided itself.
func TestARivalGetsInBetweenLoadAndAppend(t *testing.T) {
	handle := func(log stream.Store, id stream.EventID, c AccountCommand) (aggregate.Result[AccountEvent, int], error) {
		return aggregate.NewRepository(log, account).Handle(context.Background(), aggregate.Command[AccountCommand]{ID: id, Key: "ann", Data: c})
	}
	t.Run("with another command: it is decided again", func(t *testing.T) {
		w := newWorld(t)
		w.do(t, "ann", Deposit{10})
		log := &rival{w.log, func() { w.do(t, "ann", Withdraw{10}) }}
		if _, err := handle(log, stream.NewID(), Withdraw{10}); !errors.Is(err, errBroke) {
			t.Errorf("got %v, want errBroke", err)
		}
	})
	t.Run("with another command and the same one: its result is the first one's", func(t *testing.T) {
		w, id := newWorld(t), stream.NewID()
		log := &rival{w.log, func() {
			w.do(t, "ann", Deposit{1})
			if _, err := handle(w.log, id, Deposit{5}); err != nil {
				t.Error(err)
			}
			w.do(t, "ann", Deposit{1})
		}}
		got, err := handle(log, id, Deposit{5})
		if err != nil || got.State != 6 || got.Version != 2 || len(got.Events) != 1 {
			t.Errorf("got %+v: %v; want the second event, and the state right after it, 6", got, err)
		}
	})
}
