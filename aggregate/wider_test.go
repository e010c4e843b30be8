package aggregate_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/thaw-go/thaw/aggregate"
	"github.com/thaw-go/thaw/stream"
	"github.com/thaw-go/thaw/stream/badgerlog"
	"github.com/thaw-go/thaw/stream/memlog"
)

// joining is a log whose batches may meet another writer, or lose their answer.
type joining struct {
	*memlog.Log
	rival      atomic.Pointer[func()] // runs once, right before the next batch
	loseAnswer atomic.Bool
}

func (l *joining) AppendAll(ctx context.Context, b stream.Batch) ([]stream.Record, error) {
	if rival := l.rival.Swap(nil); rival != nil {
		(*rival)()
	}
	stored, err := l.Log.AppendAll(ctx, b)
	if err == nil && l.loseAnswer.CompareAndSwap(true, false) {
		return nil, &stream.AmbiguousError{Stream: b.Writes[0].Stream, Err: errors.New("the answer was lost")}
	}
	return stored, err
}

func newJoining(t testing.TB) *joining {
	log := &joining{Log: memlog.New()}
	t.Cleanup(func() { _ = log.Close() })
	return log
}

// transfer is money from one account to another; it returns the two balances.
func transfer(log stream.MultiStore, r accountRepository, id stream.EventID, from, to string, amount int) (int, int, error) {
	out, in := r.Part(from, AccountCommand(Withdraw{amount})), r.Part(to, AccountCommand(Deposit{amount}))
	_, err := aggregate.Together(context.Background(), log, aggregate.Joint{ID: id}, out, in)
	return out.Result.State, in.Result.State, err
}

func TestTogether(t *testing.T) {
	// Breaks when: together appends each part by itself.
	t.Run("if one refuses, none does anything", func(t *testing.T) {
		log := newJoining(t)
		r := aggregate.NewRepository(log, account)
		give(t, r, deposit(5))
		before, _ := log.Head(t.Context())
		_, _, err := transfer(log, r, stream.EventID{}, "ann", "bob", 6)
		var refused *aggregate.RejectedError
		if !errors.As(err, &refused) || refused.Stream.Key != "ann" || !errors.Is(err, errBroke) {
			t.Errorf("got %v, want ann's refusal", err)
		}
		if head, _ := log.Head(t.Context()); !head.Equal(before) {
			t.Errorf("the log went from %s to %s", before, head)
		}
	})
	// Breaks when: Together returns the conflict, or decides the parts on what they had loaded before.
	t.Run("after a conflict all parts are decided anew", func(t *testing.T) {
		log := newJoining(t)
		r := aggregate.NewRepository(log, account)
		give(t, r, deposit(5))
		rival := func() { give(t, r, aggregate.Command[AccountCommand]{Key: "bob", Data: Deposit{100}}) }
		log.rival.Store(&rival)
		if ann, bob, err := transfer(log, r, stream.EventID{}, "ann", "bob", 5); err != nil || ann != 0 || bob != 105 {
			t.Errorf("got %d and %d: %v; want 0 and 105", ann, bob, err)
		}
	})
	t.Run("a part that has nothing to do must not have changed, either", func(t *testing.T) {
		log := newJoining(t)
		r := aggregate.NewRepository(log, account)
		give(t, r, deposit(5))
		rival := func() { give(t, r, deposit(2)) }
		log.rival.Store(&rival)
		idle, in := r.Part("ann", AccountCommand(Deposit{0})), r.Part("bob", AccountCommand(Deposit{1}))
		at, err := aggregate.Together(t.Context(), log, aggregate.Joint{}, idle, in)
		if err != nil || idle.Result.State != 7 || idle.Result.Version != 2 || len(idle.Result.Events) != 0 || !at.Equal(stream.At(3)) {
			t.Errorf("got %+v at %s: %v; want 7 at version 2, and place 3", idle.Result, at, err)
		}
	})
	// Guarantee 7. Breaks when: load does not report what it found, or the IDs are fresh.
	t.Run("its ID takes effect once, also after a lost answer", func(t *testing.T) {
		log, id := newJoining(t), stream.NewID()
		r := aggregate.NewRepository(log, account)
		give(t, r, deposit(5))
		log.loseAnswer.Store(true)
		var ambiguous *stream.AmbiguousError
		if _, _, err := transfer(log, r, id, "ann", "bob", 5); !errors.As(err, &ambiguous) {
			t.Fatalf("got %v, want an AmbiguousError", err)
		}
		give(t, r, deposit(1))
		for range 2 { // would be refused by now
			if ann, bob, err := transfer(log, r, id, "ann", "bob", 5); err != nil || ann != 0 || bob != 5 {
				t.Errorf("got %d and %d: %v; want 0 and 5, as the first time", ann, bob, err)
			}
		}
		if got := give(t, r, deposit(0)); got.State != 1 {
			t.Errorf("ann has %d, want 1", got.State)
		}
	})
	t.Run("instances of different aggregates, with what led to them", func(t *testing.T) {
		log, id := newJoining(t), stream.NewID()
		money, post := aggregate.NewRepository(log, account), aggregate.NewRepository(log, mailbox)
		in, letter := money.Part("ann", AccountCommand(Deposit{1})), post.Part("ann", SendLetter{"1 more"})
		ctx := stream.WithActor(t.Context(), "clerk")
		if _, err := aggregate.Together(ctx, log, aggregate.Joint{ID: id}, in, letter); err != nil {
			t.Fatal(err)
		}
		first, second := in.Result.Events[0].Header, letter.Result.Events[0].Header
		if first.Command != id || second.Command != id || first.ID == second.ID || second.Position != first.Position+1 ||
			first.Meta[stream.MetaActor] != "clerk" || second.Correlation != id {
			t.Errorf("got %+v and %+v", first, second)
		}
	})
	t.Run("what can not be one command is refused before anything is read", func(t *testing.T) {
		log := newJoining(t)
		r := aggregate.NewRepository(log, account)
		var invalid *stream.InvalidError
		if _, _, err := transfer(log, r, stream.EventID{}, "ann", "ann", 0); !errors.As(err, &invalid) {
			t.Errorf("two parts of one instance: got %v, want an InvalidError", err)
		}
		if _, _, err := transfer(newJoining(t), r, stream.EventID{}, "ann", "bob", 0); !errors.As(err, &invalid) {
			t.Errorf("another store: got %v, want an InvalidError", err)
		}
	})
	t.Run("a part may expect a version", func(t *testing.T) {
		log := newJoining(t)
		r := aggregate.NewRepository(log, account)
		give(t, r, deposit(5))
		old := stream.Version(0)
		in := r.Part("ann", AccountCommand(Deposit{1}))
		in.Expected = &old
		var conflict *stream.ConflictError
		if _, err := aggregate.Together(t.Context(), log, aggregate.Joint{}, in); !errors.As(err, &conflict) || conflict.Actual != 1 {
			t.Errorf("got %v, want a conflict with 1", err)
		}
	})
	t.Run("hooks are told of each part", func(t *testing.T) {
		log := newJoining(t)
		var told []string
		r := aggregate.NewRepositoryWith(log, account, aggregate.Options{Hooks: stream.Hooks{
			Command: func(ctx context.Context, to stream.ID, _ any) (context.Context, func([]stream.Header, error)) {
				return ctx, func(h []stream.Header, err error) { told = append(told, fmt.Sprint(to, len(h), err != nil)) }
			},
		}})
		give(t, r, deposit(5))
		for _, amount := range []int{5, 5} {
			_, _, _ = transfer(log, r, stream.EventID{}, "ann", "bob", amount)
		}
		want := []string{"accounts/ann 1 false", "accounts/bob 1 false", "accounts/ann 1 false", "accounts/bob 0 true", "accounts/ann 0 true"}
		if diff := cmp.Diff(want, told); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
	})
}

// Money is neither made nor lost by many who move it, among them commands that are
// given twice, over two repositories with states in memory. Breaks when: together's
// batch leaves out a write, or a version.
func TestMoneyThatManyMoveStaysTheSame(t *testing.T) {
	onDisk, err := badgerlog.Open(t.TempDir(), badgerlog.Options{Durability: badgerlog.Unsynced})
	if err != nil {
		t.Fatal(err)
	}
	defer onDisk.Close()
	for name, log := range map[string]stream.MultiStore{"in memory": newJoining(t), "on disk": onDisk} {
		t.Run(name, func(t *testing.T) {
			repositories := []accountRepository{aggregate.NewRepository(log, account), aggregate.NewRepository(log, account)}
			const accounts = 4
			for i := range accounts {
				give(t, repositories[0], aggregate.Command[AccountCommand]{Key: fmt.Sprint(i), Data: Deposit{20}})
			}
			var all sync.WaitGroup
			for w := range 8 {
				all.Go(func() {
					for i := range 25 {
						id := stream.DeriveID(stream.EventID{3}, "transfer", (w/2)*100+i) // two writers have the same ones
						from, to := (w/2+i)%accounts, (w/2+i+1+i%3)%accounts
						if from == to {
							continue
						}
						_, _, err := transfer(log, repositories[w%2], id, fmt.Sprint(from), fmt.Sprint(to), 1+i%9)
						if err != nil && !errors.Is(err, errBroke) {
							t.Error(err)
							return
						}
						if _, err := repositories[w%2].Execute(context.Background(), fmt.Sprint(to), Withdraw{1000}); !errors.Is(err, errBroke) {
							t.Errorf("got %v, want errBroke", err)
						}
					}
				})
			}
			all.Wait()
			sum := 0
			for i := range accounts {
				got := give(t, repositories[i%2], aggregate.Command[AccountCommand]{Key: fmt.Sprint(i), Data: Deposit{}})
				if sum += got.State; got.State < 0 {
					t.Errorf("account %d has %d", i, got.State)
				}
			}
			if sum != accounts*20 {
				t.Errorf("there are %d in all accounts, want %d", sum, accounts*20)
			}
			commands := map[stream.EventID]int{}
			err := log.Read(context.Background(), stream.Query{}, func(records []stream.Record, _ stream.Mark) error {
				for i := range records {
					commands[records[i].Command]++
				}
				return nil
			})
			for id, n := range commands {
				if n > 2 {
					t.Errorf("command %s has %d events", id, n)
				}
			}
			if err != nil {
				t.Error(err)
			}
		})
	}
}

// capped refuses deposits once all accounts together have had so many.
func capped(n int) aggregate.Rule[AccountCommand, AccountEvent] {
	return aggregate.NewRule("deposits are few",
		func(_ string, c AccountCommand) []string {
			if _, ok := c.(Deposit); ok {
				return []string{"deposit"}
			}
			return nil
		},
		func(count int, _ *stream.Event[AccountEvent]) int { return count + 1 },
		func(count int, key string, _ AccountCommand) error {
			if key == "panic" {
				panic("judge")
			}
			if count >= n {
				return errCapped
			}
			return nil
		})
}

var errCapped = errors.New("there were enough deposits")

// tagged is an account whose deposits are found by a tag.
func tagged() aggregate.Decider[AccountCommand, AccountEvent, int] {
	d := account
	d.Topic = stream.NewTopicWith("accounts", stream.Catalogue[AccountEvent]{"DEPOSITED": Deposited{}, "WITHDRAWN": Withdrawn{}},
		stream.TopicOptions[AccountEvent]{Tags: func(e AccountEvent) []string {
			if _, ok := e.(Deposited); ok {
				return []string{"deposit"}
			}
			return nil
		}})
	return d
}

func TestARule(t *testing.T) {
	guarded := func(log stream.MultiStore, n int) accountRepository {
		return aggregate.NewGuardedRepository(log, tagged(), aggregate.Options{}, capped(n))
	}
	other := func(key string, amount int) aggregate.Command[AccountCommand] {
		return aggregate.Command[AccountCommand]{Key: key, Data: Deposit{amount}}
	}
	t.Run("refuses what the events of other instances forbid", func(t *testing.T) {
		log := newJoining(t)
		r := guarded(log, 2)
		give(t, r, other("ann", 1))
		give(t, r, other("bob", 1))
		_, err := r.Execute(t.Context(), "eve", Deposit{1})
		var refused *aggregate.RejectedError
		if !errors.As(err, &refused) || !errors.Is(err, errCapped) || refused.Stream.Key != "eve" {
			t.Errorf("got %v, want eve's refusal", err)
		}
		give(t, r, aggregate.Command[AccountCommand]{Key: "ann", Data: Withdraw{1}}) // the rule has nothing to say
	})
	// Breaks when: the append has no condition.
	t.Run("is asked again if something came between", func(t *testing.T) {
		log := newJoining(t)
		r := guarded(log, 1)
		rival := func() { give(t, aggregate.NewRepository(log, tagged()), other("bob", 1)) }
		log.rival.Store(&rival)
		if _, err := r.Execute(t.Context(), "ann", Deposit{1}); !errors.Is(err, errCapped) {
			t.Errorf("got %v, want errCapped", err)
		}
	})
	// Breaks when: Handle gives up on a ConditionError because a version is expected.
	t.Run("is asked again also of a command that expects a version, which has not changed", func(t *testing.T) {
		log, none := newJoining(t), stream.Version(0)
		r := guarded(log, 9)
		rival := func() { give(t, aggregate.NewRepository(log, tagged()), other("bob", 1)) }
		log.rival.Store(&rival)
		c := other("ann", 1)
		c.Expected = &none
		if got := give(t, r, c); got.Version != 1 {
			t.Errorf("got %+v, want version 1", got)
		}
	})
	t.Run("does not refuse what has taken effect already", func(t *testing.T) {
		log := newJoining(t)
		r, c := guarded(log, 1), other("ann", 1)
		c.ID = stream.NewID()
		first := give(t, r, c)
		for name, again := range map[string]accountRepository{"the same repository": r, "another one": guarded(log, 1)} {
			if diff := cmp.Diff(first, give(t, again, c)); diff != "" {
				t.Errorf("%s (-first +again)\n%s", name, diff)
			}
		}
	})
	t.Run("holds for the parts of a command over several instances", func(t *testing.T) {
		log := newJoining(t)
		r := guarded(log, 1)
		rival := func() { give(t, aggregate.NewRepository(log, tagged()), other("bob", 1)) }
		log.rival.Store(&rival)
		in := r.Part("ann", AccountCommand(Deposit{1}))
		if _, err := aggregate.Together(t.Context(), log, aggregate.Joint{}, in); !errors.Is(err, errCapped) {
			t.Errorf("got %v, want errCapped", err)
		}
	})
	// Breaks when: the condition's matches are of the aggregate's topic.
	t.Run("may be over another topic, and is asked again when that moves on", func(t *testing.T) {
		log := newJoining(t)
		summons := stream.NewTopicWith("letters", stream.Catalogue[LetterSent]{"LETTER_SENT": {}},
			stream.TopicOptions[LetterSent]{Tags: func(e LetterSent) []string { return []string{"to " + e.Text} }})
		post := aggregate.NewRepository(log, aggregate.New(summons, mailbox.Decide, mailbox.Evolve))
		r := aggregate.NewGuardedRepository(log, account, aggregate.Options{}, aggregate.NewRuleOver[AccountEvent](summons, "no deposit after a letter",
			func(key string, _ AccountCommand) []string { return []string{"to " + key} },
			func(letters int, _ *stream.Event[LetterSent]) int { return letters + 1 },
			func(letters int, _ string, _ AccountCommand) error {
				if letters > 0 {
					return errCapped
				}
				return nil
			}))
		give(t, r, other("bob", 1))
		rival := func() {
			if _, err := post.Execute(t.Context(), "box", SendLetter{"ann"}); err != nil {
				t.Error(err)
			}
		}
		log.rival.Store(&rival)
		if _, err := r.Execute(t.Context(), "ann", Deposit{1}); !errors.Is(err, errCapped) {
			t.Errorf("got %v, want errCapped", err)
		}
		give(t, r, other("bob", 1))
	})
	t.Run("that panics is an error", func(t *testing.T) {
		var panicked *stream.PanicError
		if _, err := guarded(newJoining(t), 1).Execute(t.Context(), "panic", Deposit{1}); !errors.As(err, &panicked) {
			t.Errorf("got %v, want a PanicError", err)
		}
	})
}

// Two give the same command, and what one of them has seen is no longer so: both get
// what it did. Breaks when: together returns that the ID was used for other instances.
func TestTogetherGivenTwiceAtOnceIsWhatItDidOnce(t *testing.T) {
	log, id := newJoining(t), stream.NewID()
	upTo := aggregate.New(accounts, func(balance int, n int) ([]AccountEvent, error) {
		if balance >= n {
			return nil, nil
		}
		return []AccountEvent{Deposited{n - balance}}, nil
	}, account.Evolve)
	r := aggregate.NewRepository(log, upTo)
	both := func() (int, int, error) {
		ann, bob := r.Part("ann", 5), r.Part("bob", 5)
		_, err := aggregate.Together(context.Background(), log, aggregate.Joint{ID: id}, ann, bob)
		return ann.Result.State, bob.Result.State, err
	}
	rival := func() {
		give(t, aggregate.NewRepository(log, account), aggregate.Command[AccountCommand]{Key: "bob", Data: Deposit{6}})
		if _, _, err := both(); err != nil {
			t.Error(err)
		}
	}
	log.rival.Store(&rival)
	if ann, bob, err := both(); err != nil || ann != 5 || bob != 6 {
		t.Errorf("got %d and %d: %v; want 5 and 6", ann, bob, err)
	}
	_, err := aggregate.Together(context.Background(), log, aggregate.Joint{ID: id}, r.Part("eve", 5))
	if reused := new(stream.CommandReusedError); !errors.As(err, &reused) {
		t.Errorf("of another instance: got %v, want a CommandReusedError", err)
	}
}
