package aggregate_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/thaw-go/thaw/aggregate"
	"github.com/thaw-go/thaw/replay"
	"github.com/thaw-go/thaw/stream"
	"github.com/thaw-go/thaw/stream/memlog"
)

// mortal is a log that a process loses at one of its calls, before or after the
// call took effect; from then on every call fails, as in a process that is gone.
// What was stored stays in the log beneath.
type mortal struct {
	*memlog.Log
	mu    sync.Mutex
	left  int  // calls until the end
	after bool // the last call takes effect
	block int  // how many events Read hands over at once
	dead  bool

	honest bool // Read tells that more is to come
	most   int  // changes that one checkpoint takes; 0: any number
}

var errDead = errors.New("the process is gone")

// call counts one call; it reports whether to make it, and whether to answer.
func (m *mortal) call() (do, answer bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.dead {
		return false, false
	}
	if m.left--; m.left >= 0 {
		return true, true
	}
	m.dead = true
	return m.after, false
}

func (m *mortal) Append(ctx context.Context, id stream.ID, expected stream.Version, records ...stream.Record) ([]stream.Record, error) {
	do, answer := m.call()
	var stored []stream.Record
	err := errDead
	if do {
		stored, err = m.Log.Append(ctx, id, expected, records...)
	}
	if !answer {
		return nil, errDead
	}
	return stored, err
}

func (m *mortal) Checkpoint(ctx context.Context, name string, at stream.Cursor, changes ...stream.Change) error {
	if m.most > 0 && len(changes) > m.most {
		return &stream.TooLargeError{What: "checkpoint (changes)", Size: int64(len(changes)), Limit: int64(m.most)}
	}
	do, answer := m.call()
	err := errDead
	if do {
		err = m.Log.Checkpoint(ctx, name, at, changes...)
	}
	if !answer {
		return errDead
	}
	return err
}

func (m *mortal) SaveCursor(ctx context.Context, name string, at stream.Cursor) error {
	return m.Checkpoint(ctx, name, at)
}

func (m *mortal) State(ctx context.Context, name, key string) ([]byte, bool, error) {
	if _, answer := m.call(); !answer {
		return nil, false, errDead
	}
	return m.Log.State(ctx, name, key)
}

// Read hands history over in small blocks, each with its mark, so that the work
// is spread over many checkpoints, or over few.
func (m *mortal) Read(ctx context.Context, q stream.Query, emit func([]stream.Record, stream.Mark) error) error {
	return m.Log.Read(ctx, q, func(records []stream.Record, mark stream.Mark) error {
		for len(records) > m.block {
			at := records[m.block-1].Cursor()
			part := stream.Mark{At: at, Head: at} // as if there were no more: it is to be stored
			if m.honest {
				part.Head = mark.Head
			}
			if err := emit(records[:m.block], part); err != nil {
				return err
			}
			records = records[m.block:]
		}
		return emit(records, mark)
	})
}

// ledger sends each deposit on to another account and a letter, takes note of
// refusals, and sets a timer in event time that sends a letter too.
var ledger = aggregate.Saga[AccountEvent, clerk]{
	Name: "ledger",
	Time: minuteOf,
	Wait: 1, // a process that is gone need not be waited for

	Correlate: func(e *stream.Event[AccountEvent]) string {
		if e.Stream.Key == "savings" || e.Stream.Key == "clock" {
			return ""
		}
		return e.Stream.Key
	},
	React: func(s clerk, e *stream.Event[AccountEvent]) (clerk, []aggregate.Effect) {
		s.Deposits++
		return s, []aggregate.Effect{
			account.Send("savings", Deposit{e.Data.(Deposited).Amount}),
			mailbox.Send("box", SendLetter{fmt.Sprintf("%s %d", e.Stream.Key, s.Deposits)}),
			account.Send("savings", Withdraw{1_000_000}), // refused
			aggregate.After(3*minute, fmt.Sprintf("timer %d", s.Deposits)),
		}
	},
	Expire: func(s clerk, timer string) (clerk, []aggregate.Effect) {
		s.Expired = append(s.Expired, timer)
		return s, []aggregate.Effect{journal.Send("journal", Entry{fmt.Sprintf("%s, the %d.", timer, len(s.Expired))})}
	},
	Refused: func(s clerk, r aggregate.Refusal) (clerk, []aggregate.Effect) {
		s.Refusals++
		what := "letter"
		if _, ok := r.Effect.Command.(Withdraw); ok {
			what = "withdrawal"
		}
		return s, []aggregate.Effect{journal.Send("journal", Entry{fmt.Sprintf("%s refused, the %d.", what, s.Refusals)})}
	},
}

// lives runs the ledger over a fixed history, through as many processes as it
// takes; the n-th one ends at its call of that number. It returns what all that
// came to, and whether the process ended before its work did.
func lives(t *testing.T, calls int, after bool, block int) (outcome []string, died bool) {
	t.Helper()
	w := newWorld(t)
	one := func(log interface {
		stream.Store
		stream.Checkpoints
	}) error {
		r := ledger.Runner(replay.Hot(log, accounts),
			aggregate.NewRepository(log, account), aggregate.NewRepository(log, mailbox), aggregate.NewRepository(log, journal))
		return untilQuiet(w, r)
	}
	if err := one(w.log); err != nil { // it is born
		t.Fatal(err)
	}
	for i, key := range []string{"ann", "bob", "ann", "clock", "bob", "ann", "clock"} {
		w.do(t, key, Deposit{i*2 + 1})
	}
	err := one(&mortal{Log: w.log, left: calls, after: after, block: block})
	if died = err != nil; died && !errors.Is(err, errDead) {
		t.Fatalf("the process ended with %v", err)
	}
	if err := one(w.log); err != nil {
		t.Fatal(err)
	}
	err = w.log.States(context.Background(), "ledger", "r/", func(key string, _ []byte) error {
		return fmt.Errorf("refusal %s is still remembered after it was answered", key)
	})
	if err != nil {
		t.Error(err)
	}
	for e, err := range replay.Cold(w.log, stream.Union[any](accounts, letters, entries)).All(context.Background()) {
		if err != nil {
			t.Fatal(err)
		}
		outcome = append(outcome, fmt.Sprintf("%s %d %s %v", e.Stream, e.Version, e.Type, e.Data))
	}
	return outcome, died
}

// Guarantee 7, through a saga: whatever point its process dies at, its commands
// take effect once, its timers fire once, and its state counts each event once.
// Breaks when: perform gives its commands fresh IDs, expire does, or store saves
// the place without the states.
func TestASagaThatDiesAtAnyPointRepeatsNothing(t *testing.T) {
	want, _ := lives(t, 1<<30, false, 1000)
	if len(want) < 25 {
		t.Fatalf("only %d events undisturbed: the test proves too little", len(want))
	}
	for _, block := range []int{1, 2, 3, 1000} {
		for _, after := range []bool{false, true} {
			t.Run(fmt.Sprintf("blocks of %d, after the call %v", block, after), func(t *testing.T) {
				deaths := 0
				for got, died := lives(t, deaths, after, block); died; got, died = lives(t, deaths, after, block) {
					if diff := cmp.Diff(want, got); diff != "" {
						t.Errorf("dead at call %d (-undisturbed +got)\n%s", deaths, diff)
					}
					deaths++
				}
				if deaths < 20 {
					t.Errorf("it died at %d calls: the test proves too little", deaths)
				}
			})
		}
	}
}
