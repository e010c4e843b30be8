package aggregate_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/thaw-go/thaw/aggregate"
	"github.com/thaw-go/thaw/replay"
	"github.com/thaw-go/thaw/stream"
	"github.com/thaw-go/thaw/stream/memlog"
)

// clerks is a saga that writes an entry and a letter for each deposit, both to the
// instance's own.
func clerks() aggregate.Saga[AccountEvent, clerk] {
	g := scripted(nil)
	g.React = func(s clerk, e *stream.Event[AccountEvent]) (clerk, []aggregate.Effect) {
		s.Deposits++
		return s, []aggregate.Effect{
			journal.Send("journal", Entry{fmt.Sprintf("%s %d", e.Stream.Key, s.Deposits)}),
			mailbox.Send(e.Stream.Key, SendLetter{fmt.Sprint(s.Deposits)}),
		}
	}
	return g
}

// through is a post office before the mailboxes: it takes what is not broken.
func through(w world, p *post) aggregate.Handler {
	return aggregate.HandleFunc("letters", func(ctx context.Context, to stream.ID, c aggregate.Command[any]) error {
		p.mu.Lock()
		p.tries++
		broken := p.broken[to.Key]
		p.mu.Unlock()
		if broken {
			return errPost
		}
		_, err := w.letters.Handle(ctx, aggregate.Command[SendLetter]{ID: c.ID, Key: c.Key, Data: c.Data.(SendLetter)})
		return err
	})
}

func turnsParked(t *testing.T, r *aggregate.SagaRunner, want ...aggregate.Parked) {
	t.Helper()
	got, err := r.Parked(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(aggregate.Parked{}, "Since", "Err"), cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("parked (-want +got)\n%s", diff)
	}
	if n := r.Stats().Parked; n != len(want) {
		t.Errorf("Stats says that %d are parked, want %d", n, len(want))
	}
}

// Breaks when: take does not look whether the instance waits, attempt commits what has
// failed, retry stops the queue too late, or the lot is not stored.
func TestAnInstanceWhoseHandlerFailsIsParkedAndWaitsInOrder(t *testing.T) {
	w, p := newWorld(t), &post{}
	p.repair("ann", true)
	runner := func() *aggregate.SagaRunner {
		return clerks().Runner(replay.Hot(w.log, accounts), aggregate.NewRepository(w.log, journal), through(w, p))
	}
	r := runner()
	var trouble atomic.Int64
	r.Hooks.Trouble = func(_ context.Context, who string, err error) {
		if who == "scripted" && errors.Is(err, errPost) {
			trouble.Add(1)
		}
	}
	stop := running(t, r)
	online(t, r)
	for _, key := range []string{"ann", "bob", "ann", "bob"} {
		w.do(t, key, Deposit{1})
	}
	settle(t, w.log, r)
	ann := stream.ID{Topic: "accounts", Key: "ann"}
	first := aggregate.Parked{Instance: "ann", Stream: ann, Position: 1, Type: "DEPOSITED", Attempts: 2}
	second := aggregate.Parked{Instance: "ann", Stream: ann, Position: 3, Type: "DEPOSITED"}
	if list, _ := r.Parked(t.Context()); len(list) == 2 {
		second.Position = list[1].Position // its place among what the saga wrote itself
	}
	turnsParked(t, r, first, second)
	if diff := cmp.Diff([]string{"1", "2"}, texts(t, w.log, "bob")); diff != "" {
		t.Errorf("bob goes on (-want +got)\n%s", diff)
	}
	if stats := r.Stats(); stats.Failed != 2 || trouble.Load() != 3 {
		t.Errorf("%d attempts failed, and Trouble was told %d times; want 2, and 3 with the parking", stats.Failed, trouble.Load())
	}
	if err := stop(); err != nil {
		t.Fatal(err)
	}

	r = runner() // after a restart they are still there
	running(t, r)
	online(t, r)
	turnsParked(t, r, first, second)
	if err := r.Retry(t.Context(), "ann"); !errors.Is(err, errPost) {
		t.Errorf("a retry in vain: got %v, want what the post says", err)
	}
	first.Attempts = 4
	turnsParked(t, r, first, second)
	p.repair("ann", false)
	if err := r.Retry(t.Context(), "ann"); err != nil {
		t.Errorf("retry: %v", err)
	}
	turnsParked(t, r)
	w.do(t, "ann", Deposit{1})
	settle(t, w.log, r)
	if diff := cmp.Diff([]string{"1", "2", "3"}, texts(t, w.log, "ann")); diff != "" {
		t.Errorf("in order, and on (-want +got)\n%s", diff)
	}
	// The entry of ann's first turn was written before its letter failed, four times.
	want := []string{"ann 1", "bob 1", "bob 2", "ann 2", "ann 3"}
	if diff := cmp.Diff(want, written(t, w.log)); diff != "" {
		t.Errorf("nothing is done twice (-want +got)\n%s", diff)
	}
}

func TestDiscardedTurnsLeaveTheInstanceAsTheyFoundIt(t *testing.T) {
	w, p := newWorld(t), &post{}
	r := clerks().Runner(replay.Hot(w.log, accounts), aggregate.NewRepository(w.log, journal), through(w, p))
	running(t, r)
	online(t, r)
	w.do(t, "ann", Deposit{1})
	settle(t, w.log, r)
	p.repair("ann", true)
	w.do(t, "ann", Deposit{1})
	w.do(t, "ann", Deposit{1})
	settle(t, w.log, r)
	if err := r.Discard(t.Context(), "ann"); err != nil {
		t.Fatal(err)
	}
	turnsParked(t, r)
	p.repair("ann", false)
	w.do(t, "ann", Deposit{1})
	settle(t, w.log, r)
	if diff := cmp.Diff([]string{"1", "2"}, texts(t, w.log, "ann")); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// Breaks when: first returns the timers of a held instance (it hangs), or release does
// not let them go.
func TestTheTimersOfAParkedInstanceWaitAndOneThatFailsIsParked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, p := newWorld(t), &post{}
		g := scripted(map[int][]aggregate.Effect{
			1: {aggregate.After(10*minute, "first"), aggregate.After(20*minute, "second")},
			2: {aggregate.Cancel("second"), aggregate.After(0, "third")},
		})
		g.Expire = func(s clerk, timer string) (clerk, []aggregate.Effect) {
			return s, []aggregate.Effect{mailbox.Send("ann", SendLetter{timer})}
		}
		p.repair("ann", true)
		r := g.Runner(replay.Hot(w.log, accounts), through(w, p))
		stop := running(t, r)
		online(t, r)
		w.do(t, "ann", Deposit{1})
		time.Sleep(30 * minute) // virtual time: in a bubble
		w.do(t, "ann", Deposit{2})
		settle(t, w.log, r)
		turnsParked(t, r, aggregate.Parked{Instance: "ann", Timer: "first", Attempts: 2},
			aggregate.Parked{Instance: "ann", Stream: stream.ID{Topic: "accounts", Key: "ann"}, Position: 2, Type: "DEPOSITED"})
		p.repair("ann", false)
		if err := r.Retry(t.Context(), "ann"); err != nil {
			t.Error(err)
		}
		synctest.Wait()
		if diff := cmp.Diff([]string{"first", "third"}, texts(t, w.log, "ann")); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
}

// Breaks when: poison does not ask Park.
func TestAPanicParksTheInstanceIfTheSagaSaysSo(t *testing.T) {
	w := newWorld(t)
	g := scripted(nil)
	g.Park = true
	g.React = func(s clerk, e *stream.Event[AccountEvent]) (clerk, []aggregate.Effect) {
		if e.Data.(Deposited).Amount == 13 {
			panic("unlucky")
		}
		return s, []aggregate.Effect{journal.Send("journal", Entry{e.Stream.Key})}
	}
	r := acting(t, w, g, 13, 1)
	w.do(t, "bob", Deposit{1})
	settle(t, w.log, r)
	parked, err := r.Parked(t.Context())
	if err != nil || len(parked) != 2 || !strings.Contains(parked[0].Err, "React of saga scripted") || !strings.Contains(parked[0].Err, "unlucky") {
		t.Errorf("parked %+v: %v; want both of ann's, the first for its panic", parked, err)
	}
	if diff := cmp.Diff([]string{"bob"}, written(t, w.log)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// TestInstancesTakeTheirTurnsSideBySide has a handler that answers only when two
// commands have come: one worker would wait for ever.
// Breaks when: put takes each trigger itself, or join lets two workers have one
// instance.
func TestInstancesTakeTheirTurnsSideBySide(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		var mu sync.Mutex
		var took []string
		both := make(chan struct{})
		waiting := 0
		pair := aggregate.HandleFunc("letters", func(ctx context.Context, to stream.ID, c aggregate.Command[any]) error {
			mu.Lock()
			took = append(took, to.Key+" "+c.Data.(SendLetter).Text)
			waiting++
			meet := both
			if waiting == 2 {
				waiting, both = 0, make(chan struct{})
				close(meet)
			}
			mu.Unlock()
			select {
			case <-meet:
				return nil
			case <-time.After(time.Hour): // virtual time: in a bubble
				return errors.New("nobody came")
			}
		})
		g := clerks()
		g.Workers = 2
		g.Attempts = 1
		birth := g.Runner(replay.Hot(w.log, accounts), aggregate.NewRepository(w.log, journal), pair)
		stop := running(t, birth)
		online(t, birth)
		if err := stop(); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			w.do(t, "ann", Deposit{1})
			w.do(t, "bob", Deposit{1})
		}
		r := g.Runner(replay.Hot(w.log, accounts), aggregate.NewRepository(w.log, journal), pair) // in one block
		stop = running(t, r)
		online(t, r)
		settle(t, w.log, r)
		turnsParked(t, r)
		order := map[string]string{}
		for _, text := range took {
			key, n, _ := strings.Cut(text, " ")
			order[key] += n
		}
		if diff := cmp.Diff(map[string]string{"ann": "12", "bob": "12"}, order); diff != "" {
			t.Errorf("each in order (-want +got)\n%s", diff)
		}
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
}

// Breaks when: join returns what failed first by the clock, or goes on past it.
func TestOfSeveralFailuresSideBySideTheEarliestEventsIsReturned(t *testing.T) {
	for range 20 {
		w := newWorld(t)
		g := scripted(nil)
		g.Workers = 4
		g.React = func(s clerk, e *stream.Event[AccountEvent]) (clerk, []aggregate.Effect) {
			if e.Data.(Deposited).Amount > 1 {
				panic(fmt.Sprint("at ", e.Position))
			}
			return s, nil
		}
		birth := g.Runner(replay.Hot(w.log, accounts))
		stop := running(t, birth)
		online(t, birth)
		if err := stop(); err != nil {
			t.Fatal(err)
		}
		for i := range 8 {
			w.do(t, fmt.Sprint(i), Deposit{1})
		}
		for i := range 8 {
			w.do(t, fmt.Sprint(7-i), Deposit{2})
		}
		err := g.Run(t.Context(), replay.Hot(w.log, accounts))
		var panicked *stream.PanicError
		if !errors.As(err, &panicked) || panicked.Value != "at 9" {
			t.Fatalf("got %v, want the panic at event 9", err)
		}
	}
}

// unsure is a log whose checkpoints fail once they are told to.
type unsure struct {
	*memlog.Log
	fail func() error
}

func (l *unsure) Checkpoint(ctx context.Context, name string, at stream.Cursor, changes ...stream.Change) error {
	if err := l.fail(); err != nil {
		return err
	}
	return l.Log.Checkpoint(ctx, name, at, changes...)
}

// A retry that is given up before a refusal is stored has not answered it, and the
// next one asks again. Breaks when: rememberRefusal remembers before it has stored.
func TestARefusalThatWasNotStoredIsNotAnswered(t *testing.T) {
	w := newWorld(t)
	broken := true
	var failing error
	log := &unsure{w.log, func() error { return failing }}
	g := scripted(map[int][]aggregate.Effect{
		1: {mailbox.Send("away", SendLetter{"x"}), account.Send("savings", Withdraw{10})},
	})
	g.Correlate = func(e *stream.Event[AccountEvent]) string {
		if e.Stream.Key == "savings" {
			return ""
		}
		return e.Stream.Key
	}
	away := aggregate.HandleFunc("letters", func(context.Context, stream.ID, aggregate.Command[any]) error {
		if broken {
			return errPost
		}
		return nil
	})
	r := g.Runner(replay.Hot(log, accounts), w.accounts, away, aggregate.NewRepository(w.log, journal))
	running(t, r)
	online(t, r)
	w.do(t, "ann", Deposit{1})
	settle(t, w.log, r)
	broken, failing = false, errDead
	if err := r.Retry(t.Context(), "ann"); !errors.Is(err, errDead) {
		t.Fatalf("got %v, want errDead", err)
	}
	w.do(t, "savings", Deposit{10})
	failing = nil
	if err := r.Retry(t.Context(), "ann"); err != nil {
		t.Fatal(err)
	}
	if got := w.do(t, "savings", Deposit{0}); got.State != 0 || len(written(t, w.log)) > 0 {
		t.Errorf("savings are %d, and the answers %v; want 0 and none", got.State, fmt.Sprint(written(t, w.log)))
	}
}

// TestWhatIsDueWhenParkedTurnsAreDiscardedFallsDueAtOnce, not before some later event
// moves time on: what comes next would find it undone, and after a restart done.
// Breaks when: discard does not let the instance's timers fall due.
func TestWhatIsDueWhenParkedTurnsAreDiscardedFallsDueAtOnce(t *testing.T) {
	w := newWorld(t)
	g := timed
	g.Park = true
	react := g.React
	g.React = func(s struct{}, e *stream.Event[AccountEvent]) (struct{}, []aggregate.Effect) {
		if e.Data.(Deposited).Amount == 2 {
			panic("unlucky")
		}
		return react(s, e)
	}
	r := g.Runner(replay.Hot(w.log, accounts), aggregate.NewRepository(w.log, journal))
	running(t, r)
	online(t, r)
	w.do(t, "ann", Deposit{1})
	w.do(t, "ann", Deposit{2})
	w.do(t, "clock", Deposit{6})
	settle(t, w.log, r)
	if err := r.Discard(t.Context(), "ann"); err != nil {
		t.Fatal(err)
	}
	w.do(t, "ann", Deposit{6})
	settle(t, w.log, r)
	if diff := cmp.Diff([]string{"ann at 1", "five after 1", "ann at 6"}, written(t, w.log)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}
