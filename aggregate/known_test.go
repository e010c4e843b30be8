package aggregate_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/thaw-go/thaw/aggregate"
	"github.com/thaw-go/thaw/stream"
	"github.com/thaw-go/thaw/stream/memlog"
)

// watched is a log that counts what is read of it, and whose reads and appends may
// fail.
type watched struct {
	*memlog.Log
	reads, events atomic.Int64
	failRead      atomic.Pointer[error]
	failWhole     bool        // only reads from the beginning fail
	loseAnswer    atomic.Bool // the next append is stored, and nobody is told
}

func (l *watched) Read(ctx context.Context, q stream.Query, emit func([]stream.Record, stream.Mark) error) error {
	l.reads.Add(1)
	if err := l.failRead.Load(); err != nil && (!l.failWhole || q.From.IsZero()) {
		return *err
	}
	return l.Log.Read(ctx, q, func(records []stream.Record, m stream.Mark) error {
		l.events.Add(int64(len(records)))
		return emit(records, m)
	})
}

func (l *watched) Append(ctx context.Context, id stream.ID, expected stream.Version, records ...stream.Record) ([]stream.Record, error) {
	stored, err := l.Log.Append(ctx, id, expected, records...)
	if err == nil && l.loseAnswer.CompareAndSwap(true, false) {
		return nil, &stream.AmbiguousError{Stream: id, Err: errors.New("the answer was lost")}
	}
	return stored, err
}

func newWatched(t testing.TB) *watched {
	log := &watched{Log: memlog.New()}
	t.Cleanup(func() { _ = log.Close() })
	return log
}

// give gives an account a command and returns the result; it must not fail.
func give(t testing.TB, r accountRepository, c aggregate.Command[AccountCommand]) aggregate.Result[AccountEvent, int] {
	t.Helper()
	if c.Key == "" {
		c.Key = "ann"
	}
	result, err := r.Handle(context.Background(), c)
	if err != nil {
		t.Fatal(err)
	}
	return result
}

func deposit(amount int) aggregate.Command[AccountCommand] {
	return aggregate.Command[AccountCommand]{Data: Deposit{amount}}
}

func TestAStateInMemory(t *testing.T) {
	// Breaks when: attempt begins with onLog, or remember does not put.
	t.Run("spares the next command its reads", func(t *testing.T) {
		log := newWatched(t)
		r := aggregate.NewRepository(log, account)
		give(t, r, deposit(1))
		before := log.reads.Load()
		if got := give(t, r, deposit(2)); got.State != 3 || got.Version != 2 || log.reads.Load() != before {
			t.Errorf("got %+v after %d reads, want state 3 at version 2 after none", got, log.reads.Load()-before)
		}
	})
	// Breaks when: a conflict forgets the state, or onLog begins with the unborn.
	t.Run("after a conflict only what came since is read", func(t *testing.T) {
		log := newWatched(t)
		r, other := aggregate.NewRepository(log, account), aggregate.NewRepository(log, account)
		for range 50 {
			give(t, r, deposit(1))
		}
		give(t, other, deposit(10))
		before := log.events.Load()
		if got := give(t, r, deposit(1)); got.State != 61 || got.Version != 52 {
			t.Errorf("got %+v, want state 61 at version 52", got)
		}
		if n := log.events.Load() - before; n != 1 {
			t.Errorf("%d events were read, want the one that came since", n)
		}
	})
	// Breaks when: attempt returns what try says on a state from memory.
	t.Run("that is old refuses nothing", func(t *testing.T) {
		log := newWatched(t)
		r, other := aggregate.NewRepository(log, account), aggregate.NewRepository(log, account)
		give(t, r, deposit(1))
		give(t, other, deposit(9))
		if got := give(t, r, aggregate.Command[AccountCommand]{Data: Withdraw{10}}); got.State != 0 || got.Version != 3 {
			t.Errorf("got %+v, want all of it", got)
		}
	})
	t.Run("that is old does not say that there is nothing to do", func(t *testing.T) {
		log := newWatched(t)
		r, other := aggregate.NewRepository(log, account), aggregate.NewRepository(log, account)
		give(t, r, deposit(1))
		give(t, other, deposit(9))
		if got := give(t, r, deposit(0)); got.State != 10 || got.Version != 2 || !got.Cursor.Equal(stream.At(2)) {
			t.Errorf("got %+v, want state 10 at version 2", got)
		}
	})
	// Breaks when: onLog does not look for the command before the state it began with.
	t.Run("does not hide what a command has done before", func(t *testing.T) {
		log, id := newWatched(t), stream.NewID()
		r := aggregate.NewRepository(log, account)
		give(t, r, deposit(5))
		first := give(t, r, aggregate.Command[AccountCommand]{ID: id, Data: Withdraw{5}})
		give(t, r, deposit(1))
		again := give(t, r, aggregate.Command[AccountCommand]{ID: id, Data: Withdraw{5}}) // would be refused
		if diff := cmp.Diff(first, again); diff != "" {
			t.Errorf("(-first +again)\n%s", diff)
		}
	})
	// Breaks when: onLog passes over the error of the search.
	t.Run("refuses nothing while the log can not be asked", func(t *testing.T) {
		log := newWatched(t)
		r := aggregate.NewRepository(log, account)
		give(t, r, deposit(1))
		broken := errors.New("the disk is away")
		log.failRead.Store(&broken)
		if _, err := r.Execute(t.Context(), "ann", Withdraw{5}); !errors.Is(err, broken) {
			t.Errorf("got %v, want the log's error", err)
		}
		log.failWhole = true // what came since is read, and what the command did before is not
		c := aggregate.Command[AccountCommand]{ID: stream.NewID(), Key: "ann", Data: Withdraw{5}}
		if _, err := r.Handle(t.Context(), c); !errors.Is(err, broken) {
			t.Errorf("with an ID: got %v, want the log's error", err)
		}
	})
}

// pile is a state that shares memory: a map and a slice.
type pile struct {
	Sums  map[string]int
	Order []string
}

var piles = aggregate.Decider[Deposit, AccountEvent, pile]{
	Topic:   accounts,
	Initial: func() pile { return pile{Sums: map[string]int{}} },
	Decide: func(_ pile, c Deposit) ([]AccountEvent, error) {
		if c.Amount < 0 {
			return nil, nil
		}
		return []AccountEvent{Deposited(c)}, nil
	},
	Evolve: func(p pile, e AccountEvent) pile {
		name := fmt.Sprint(e.(Deposited).Amount)
		p.Sums[name]++
		p.Order = append(p.Order, name)
		return p
	},
}

// A state with maps and slices is kept only with a Clone, and then what is kept, what
// is evolved and what was returned share nothing. Breaks when: cache.get or cache.put
// does not copy (with -race, and by what the callers write into their states).
func TestAStateThatSharesMemoryIsNotShared(t *testing.T) {
	cloned := piles
	cloned.Clone = func(p pile) pile {
		c := pile{Sums: map[string]int{}, Order: slices.Clone(p.Order)}
		for k, v := range p.Sums {
			c.Sums[k] = v
		}
		return c
	}
	for name, d := range map[string]aggregate.Decider[Deposit, AccountEvent, pile]{"with a Clone": cloned, "without one it is not kept": piles} {
		t.Run(name, func(t *testing.T) {
			log := newWatched(t)
			r := aggregate.NewRepository(log, d)
			var all sync.WaitGroup
			for range 2 {
				all.Go(func() {
					for i := range 50 {
						got, err := r.Execute(context.Background(), "ann", Deposit{i % 3})
						if err != nil {
							t.Error(err)
							return
						}
						sum := 0
						for k, v := range got.State.Sums {
							sum += v
							got.State.Sums[k] = -1 << 20 // it is the caller's own
						}
						if sum != int(got.Version) || len(got.State.Order) != int(got.Version) {
							t.Errorf("version %d has a state of %d events in %d", got.Version, len(got.State.Order), sum)
						}
						got.State.Order[0] = "mine"
					}
				})
			}
			all.Wait()
			for range 2 { // what the caller does with the state of a command that did nothing, too
				got, err := r.Execute(t.Context(), "ann", Deposit{-1})
				if err != nil || got.State.Sums["1"] != 34 {
					t.Errorf("got %v: %v; want 34 of 1", got.State.Sums, err)
				}
				got.State.Sums["1"] = 0
			}
		})
	}
	log := newWatched(t)
	r := aggregate.NewRepository(log, piles)
	for range 2 {
		if _, err := r.Execute(t.Context(), "ann", Deposit{1}); err != nil {
			t.Fatal(err)
		}
	}
	if log.reads.Load() != 2 {
		t.Errorf("%d reads for two commands: a state without Clone was kept", log.reads.Load())
	}
}

func TestACommandThatExpectsAVersion(t *testing.T) {
	at := func(v stream.Version) *stream.Version { return &v }
	for name, size := range map[string]int{"with states in memory": 0, "without": -1} {
		t.Run(name, func(t *testing.T) {
			log, id := newWatched(t), stream.NewID()
			r := aggregate.NewRepositoryWith(log, account, aggregate.Options{Cache: size})
			give(t, r, deposit(10))
			first := give(t, r, aggregate.Command[AccountCommand]{ID: id, Data: Deposit{1}, Expected: at(1)})
			var conflict *stream.ConflictError
			_, err := r.Handle(t.Context(), aggregate.Command[AccountCommand]{Key: "ann", Data: Withdraw{100}, Expected: at(1)})
			if !errors.As(err, &conflict) || conflict.Expected != 1 || conflict.Actual != 2 {
				t.Errorf("got %v, want a conflict of 1 with 2", err)
			}
			// Another repository's events, of which this one's memory knows nothing.
			give(t, aggregate.NewRepository(log, account), deposit(1))
			_, err = r.Handle(t.Context(), aggregate.Command[AccountCommand]{Key: "ann", Data: Deposit{1}, Expected: at(2)})
			if !errors.As(err, &conflict) || conflict.Actual != 3 {
				t.Errorf("got %v, want a conflict of 2 with 3", err)
			}
			if got := give(t, r, aggregate.Command[AccountCommand]{Data: Deposit{1}, Expected: at(3)}); got.Version != 4 {
				t.Errorf("got %+v, want version 4", got)
			}
			again := give(t, r, aggregate.Command[AccountCommand]{ID: id, Data: Deposit{1}, Expected: at(1)})
			if diff := cmp.Diff(first, again); diff != "" {
				t.Errorf("a command that has taken effect meets no conflict (-first +again)\n%s", diff)
			}
		})
	}
}

// Guarantee 7 after an append of which nobody knows whether it was stored.
// Breaks when: try gives its append a fresh ID.
func TestACommandWhoseAnswerWasLostTakesEffectOnce(t *testing.T) {
	log, id := newWatched(t), stream.NewID()
	r := aggregate.NewRepository(log, account)
	give(t, r, deposit(1))
	log.loseAnswer.Store(true)
	c := aggregate.Command[AccountCommand]{ID: id, Key: "ann", Data: Deposit{2}}
	var ambiguous *stream.AmbiguousError
	if _, err := r.Handle(t.Context(), c); !errors.As(err, &ambiguous) {
		t.Fatalf("got %v, want an AmbiguousError", err)
	}
	give(t, r, deposit(3))
	for range 2 {
		if got := give(t, r, c); got.State != 3 || got.Version != 2 || len(got.Events) != 1 {
			t.Errorf("got %+v, want what it did the first time: 3 at version 2", got)
		}
	}
	if got := give(t, r, deposit(0)); got.State != 6 || got.Version != 3 {
		t.Errorf("got %+v, want 6 at version 3", got)
	}
}

// A topic says for how long. Breaks when: sought.found does not look at the time.
func TestACommandIDIsRememberedAsLongAsItsTopicSays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		brief := account
		brief.Topic = stream.NewTopicWith("accounts", stream.Catalogue[AccountEvent]{"DEPOSITED": Deposited{}, "WITHDRAWN": Withdrawn{}},
			stream.TopicOptions[AccountEvent]{Remember: time.Minute})
		for _, size := range []int{0, -1} {
			log := newWatched(t)
			r := aggregate.NewRepositoryWith(log, brief, aggregate.Options{Cache: size})
			c := aggregate.Command[AccountCommand]{ID: stream.NewID(), Data: Withdraw{5}}
			give(t, r, deposit(10))
			give(t, r, c)
			time.Sleep(59 * time.Second) // virtual time, in a bubble: the topic still remembers
			if got := give(t, r, c); got.Version != 2 || got.State != 5 {
				t.Errorf("after 59 s got %+v, want what it did then", got)
			}
			time.Sleep(2 * time.Second) // virtual time, in a bubble: it has forgotten
			if got := give(t, r, c); got.Version != 3 || got.State != 0 {
				t.Errorf("after 61 s got %+v, want it to take effect anew", got)
			}
			if got := give(t, r, c); got.Version != 3 || got.State != 0 || len(got.Events) != 1 {
				t.Errorf("right after that got %+v, want what it did the second time", got)
			}
		}
	})
}

func TestTheEventsOfACommandCarryItsMetadata(t *testing.T) {
	log := newWatched(t)
	r := aggregate.NewRepository(log, account)
	mine := stream.Metadata{"screen": "cash desk"}
	ctx := stream.WithActor(stream.WithMetadata(t.Context(), "screen", "any"), "ann")
	for name, c := range map[string]struct {
		ctx  context.Context
		want stream.Metadata
	}{
		"over the context's": {ctx, stream.Metadata{"screen": "cash desk", stream.MetaActor: "ann"}},
		"alone":              {t.Context(), stream.Metadata{"screen": "cash desk"}},
	} {
		t.Run(name, func(t *testing.T) {
			given := stream.Metadata{"screen": mine["screen"]}
			got, err := r.Handle(c.ctx, aggregate.Command[AccountCommand]{Key: "ann", Data: Deposit{1}, Meta: given})
			if err != nil {
				t.Fatal(err)
			}
			given["screen"] = "changed later" // breaks when: neither newOrder nor the log copies the map
			if diff := cmp.Diff(c.want, got.Events[0].Meta); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

// Breaks when: the store's Append is given a context without the deadline, or try
// appends after it. (A state in memory needs no read that would notice.)
func TestAContextPastItsDeadlineStoresNothing(t *testing.T) {
	log := newWatched(t)
	r := aggregate.NewRepository(log, account)
	give(t, r, deposit(1))
	ctx, cancel := context.WithDeadline(t.Context(), time.Now().Add(-time.Second))
	defer cancel()
	if _, err := r.Execute(ctx, "ann", Deposit{1}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v, want DeadlineExceeded", err)
	}
	if got := give(t, r, deposit(0)); got.State != 1 {
		t.Errorf("got %+v, want nothing stored", got)
	}
}

// Breaks when: begin calls what the hook returned without looking.
func TestAHookMayHaveNothingToSayAfterwards(t *testing.T) {
	type key struct{}
	log := newWatched(t)
	told := 0
	hooks := stream.Hooks{Command: func(ctx context.Context, to stream.ID, _ any) (context.Context, func([]stream.Header, error)) {
		told++
		return context.WithValue(ctx, key{}, to), nil
	}}
	r := aggregate.NewRepositoryWith(log, account, aggregate.Options{Hooks: hooks})
	give(t, r, deposit(7))
	if _, err := r.Execute(t.Context(), "ann", Withdraw{8}); !errors.Is(err, errBroke) {
		t.Errorf("got %v, want errBroke", err)
	}
	if told != 2 {
		t.Errorf("the hook was called %d times, want 2", told)
	}
}
