package aggregate_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/thaw-go/thaw/aggregate"
	"github.com/thaw-go/thaw/replay"
	"github.com/thaw-go/thaw/stream"
	"github.com/thaw-go/thaw/stream/memlog"
)

// journeys is a saga that uses everything: an odd first deposit begins an instance,
// the second writes a letter, the third undoes all steps and completes it. What it
// does to other aggregates is for each instance apart.
var journeys = aggregate.Saga[AccountEvent, clerk]{
	Name: "journeys", Time: minuteOf, Attempts: 2, Wait: 1,
	Correlate: func(e *stream.Event[AccountEvent]) string {
		if e.Stream.Key == "clock" {
			return ""
		}
		return e.Stream.Key
	},
	Starts: func(e *stream.Event[AccountEvent]) bool { return e.Data.(Deposited).Amount%2 == 1 },
	React: func(s clerk, e *stream.Event[AccountEvent]) (clerk, []aggregate.Effect) {
		key := e.Stream.Key
		s.Key = key
		switch s.Deposits++; s.Deposits {
		case 1:
			return s, []aggregate.Effect{
				journal.Send(key, Entry{"begin"}), aggregate.Did("seat"), aggregate.Did("meal"), aggregate.Did("visa"),
				aggregate.After(3*minute, "late"), aggregate.After(50*minute, "never"), aggregate.After(6*minute, "soon"),
			}
		case 2:
			return s, []aggregate.Effect{
				journal.Send(key, Entry{"goes on"}), aggregate.Cancel("never"), aggregate.After(4*minute, "soon"),
				account.Send("savings", Withdraw{1_000_000}), // refused
				mailbox.Send(key, SendLetter{fmt.Sprint("on my way ", len(s.Expired))}),
			}
		}
		return s, []aggregate.Effect{aggregate.Compensate(), journal.Send(key, Entry{"over"}), aggregate.Done()}
	},
	Undo: func(s clerk, step string) (clerk, []aggregate.Effect) {
		effects := []aggregate.Effect{journal.Send(s.Key, Entry{"undo " + step})}
		if step == "meal" {
			effects = append(effects, account.Send("savings", Withdraw{1_000_000}))
		}
		return s, effects
	},
	Expire: func(s clerk, timer string) (clerk, []aggregate.Effect) {
		s.Expired = append(s.Expired, timer)
		return s, []aggregate.Effect{journal.Send(s.Key, Entry{fmt.Sprintf("%s, the %d.", timer, len(s.Expired))})}
	},
	Refused: func(s clerk, _ aggregate.Refusal) (clerk, []aggregate.Effect) {
		s.Refusals++
		return s, []aggregate.Effect{journal.Send(s.Key, Entry{fmt.Sprintf("refused, the %d.", s.Refusals)})}
	},
}

// journeysNow is a later version of it.
func journeysNow(workers int) aggregate.Saga[AccountEvent, clerk] {
	g := journeys
	g.Version, g.Workers = 1, workers
	g.Migrate = func(version int, state []byte) (s clerk, err error) {
		if strings.Contains(string(state), `"carl"`) {
			return s, aggregate.ErrComplete
		}
		_, err = fmt.Sscanf(string(state), `{"Key":%q,"Deposits":%d`, &s.Key, &s.Deposits)
		s.Expired = []string{fmt.Sprint("migrated from ", version)}
		return s, err
	}
	return g
}

// passage is one run of the scenario, through several processes.
type passage struct {
	w      world
	mu     sync.Mutex
	broken bool // bob's mailbox takes no letters
}

func (p *passage) setBroken(broken bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.broken = broken
}

// process runs a saga until everything is handled, and then sees to what is parked.
// Of a log that dies it returns that; calls of handlers are among those it dies at.
func (p *passage) process(g aggregate.Saga[AccountEvent, clerk], log interface {
	stream.Store
	stream.Checkpoints
}) error {
	boxes := aggregate.NewRepository(log, mailbox)
	post := aggregate.HandleFunc("letters", func(ctx context.Context, to stream.ID, c aggregate.Command[any]) error {
		p.mu.Lock()
		broken := p.broken && to.Key == "bob"
		p.mu.Unlock()
		if broken {
			return errPost
		}
		if m, mortal := log.(*mortal); mortal {
			if do, _ := m.call(); !do {
				return errDead
			}
		}
		_, err := boxes.Handle(ctx, aggregate.Command[SendLetter]{ID: c.ID, Key: c.Key, Data: c.Data.(SendLetter), CausedBy: c.CausedBy})
		return err
	})
	r := g.Runner(replay.Hot(log, accounts), aggregate.NewRepository(log, account), aggregate.NewRepository(log, journal), post)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- r.Run(ctx) }()
	background := context.Background()
	settled := func() error {
		for {
			head, _ := p.w.log.Head(background)
			if err := r.WaitFor(background, head); err != nil {
				return err
			}
			if now, _ := p.w.log.Head(background); now.Equal(head) {
				return nil
			}
		}
	}
	err := errors.Join(r.Online(background), settled())
	if err == nil {
		p.setBroken(false)
		var parked []aggregate.Parked
		if parked, err = r.Parked(background); len(parked) > 0 && err == nil {
			err = errors.Join(r.Retry(background, parked[0].Instance), settled())
		}
	}
	cancel()
	if end := <-ended; !errors.Is(end, context.Canceled) {
		return end
	}
	return err
}

// passes plays the scenario; its second process ends at a call. It returns what
// became of each stream, with the IDs of its events, and whether the process died.
func passes(t *testing.T, g aggregate.Saga[AccountEvent, clerk], calls int, after bool, block, most int) (outcome map[string][]string, died bool) {
	t.Helper()
	p := &passage{w: newWorld(t)}
	n := 0
	happen := func(key string, minute int) {
		n++
		command := aggregate.Command[AccountCommand]{ID: stream.DeriveID(stream.EventID{}, "input", n), Key: key, Data: Deposit{minute}}
		if _, err := p.w.accounts.Handle(context.Background(), command); err != nil {
			t.Fatal(err)
		}
	}
	run := func(g aggregate.Saga[AccountEvent, clerk]) {
		if err := p.process(g, p.w.log); err != nil {
			t.Fatal(err)
		}
	}
	born := journeys
	born.Time = g.Time
	run(born)
	for i, key := range []string{"ann", "bob", "carl"} {
		happen(key, 1+2*i)
	}
	run(born)
	for _, h := range []struct {
		key    string
		minute int
	}{
		{"dan", 4}, {"bob", 6}, {"carl", 6}, {"ann", 7}, {"dan", 9}, {"eve", 9}, {"bob", 11}, {"clock", 12}, {"eve", 12},
		{"ann", 13}, {"bob", 15}, {"ann", 16}, {"ann", 17}, {"eve", 18}, {"clock", 30}, {"clock", 80}, {"carl", 81},
	} {
		happen(h.key, h.minute)
	}
	p.setBroken(true)
	err := p.process(g, &mortal{Log: p.w.log, left: calls, after: after, block: block, most: most})
	if died = err != nil; died && !errors.Is(err, errDead) {
		t.Fatalf("the process ended with %v", err)
	}
	p.setBroken(false)
	run(g)
	clean(t, p.w.log, "journeys")
	outcome = map[string][]string{}
	for e, err := range replay.Cold(p.w.log, stream.Union[any](accounts, letters, entries)).All(context.Background()) {
		if err != nil {
			t.Fatal(err)
		}
		outcome[e.Stream.String()] = append(outcome[e.Stream.String()], fmt.Sprintf("%s %v %d %s", e.Type, e.Data, e.Depth, e.ID))
	}
	return outcome, died
}

// clean fails the test if a saga remembers what is over.
func clean(t *testing.T, log *memlog.Log, name string) {
	t.Helper()
	for _, prefix := range []string{"r/", "p/", "w/", "staged"} {
		if err := log.States(context.Background(), name, prefix, func(key string, _ []byte) error {
			return fmt.Errorf("%q is still remembered", key)
		}); err != nil {
			t.Error(err)
		}
	}
}

// Guarantee 7 for all that a saga can do: refusals, timers that are cancelled and
// replaced, compensation, completion, migration, parking and retrying, with one
// worker and with several: whatever call its process dies at, before or after the call
// took effect, every aggregate's history is the undisturbed one, to the event's ID.
// Breaks when: what a turn changed counts although it failed, compensate's turns share
// one ID, a parked turn is released in another write than its state is stored in, begin
// does not look for timers that are due, or join lets two workers have one instance; of
// what is remembered in stages, when begin does not settle it, the place moves before all
// is staged, or what is staged counts without saying so.
func TestASagaThatDiesAnywhereRepeatsNothingWhateverItDoes(t *testing.T) {
	parts := []string{"undo visa", "undo meal", "undo seat", "refused, the 2.", "on my way"}
	for name, c := range map[string]struct {
		time  func(*stream.Event[AccountEvent]) time.Time
		parts []string
	}{
		"in event time": {minuteOf, append(parts, "late, the 1.", "soon, the 3.", "never, the", "on my way 2")},
		"by the clock":  {nil, parts}, // whose timers do not fire here; workers have more to do at once
	} {
		saga := func(workers int) aggregate.Saga[AccountEvent, clerk] {
			g := journeysNow(workers)
			g.Time = c.time
			return g
		}
		want, _ := passes(t, saga(1), 1<<30, false, 1000, 0)
		for _, part := range c.parts {
			if !strings.Contains(fmt.Sprint(want), part) {
				t.Errorf("%s, undisturbed, nothing says %q: the test proves too little\n%v", name, part, cmp.Diff(nil, want))
			}
		}
		for _, workers := range []int{1, 4} {
			for _, block := range []int{1, 3, 1000} {
				for _, after := range []bool{false, true} {
					if block == 1000 {
						t.Run(fmt.Sprintf("%s, %d workers, checkpoints in stages, after the call %v", name, workers, after), func(t *testing.T) {
							diesEverywhere(t, saga(workers), after, block, 4, want)
						})
					}
					t.Run(fmt.Sprintf("%s, %d workers, blocks of %d, after the call %v", name, workers, block, after), func(t *testing.T) {
						diesEverywhere(t, saga(workers), after, block, 0, want)
					})
				}
			}
		}
	}
}

func diesEverywhere(t *testing.T, g aggregate.Saga[AccountEvent, clerk], after bool, block, most int, want map[string][]string) {
	deaths := 0
	for died := true; died; deaths++ {
		var got map[string][]string
		if got, died = passes(t, g, deaths, after, block, most); !cmp.Equal(want, got) {
			t.Fatalf("dead at call %d: %v (-undisturbed +got)\n%s", deaths, died, cmp.Diff(want, got))
		}
	}
	if deaths < 30 {
		t.Errorf("it died at %d calls: the test proves too little", deaths)
	}
}
