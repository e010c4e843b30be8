package aggregate_test

import (
	"context"
	"errors"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/thaw-go/thaw/aggregate"
	"github.com/thaw-go/thaw/stream"
	"github.com/thaw-go/thaw/stream/badgerlog"
)

func TestExecute(t *testing.T) {
	t.Run("returns the events, the state after them, version and cursor", func(t *testing.T) {
		w := newWorld(t)
		w.do(t, "ann", Deposit{5})
		got := w.do(t, "ann", Deposit{7})
		if len(got.Events) != 1 || got.Events[0].Data != (Deposited{7}) || got.State != 12 || got.Version != 2 || !got.Cursor.Equal(stream.At(2)) {
			t.Errorf("got %+v, want one deposit of 7, state 12, version 2, cursor 2", got)
		}
	})
	t.Run("stores nothing when there is nothing to do", func(t *testing.T) {
		w := newWorld(t)
		w.do(t, "ann", Deposit{5})
		got := w.do(t, "ann", Deposit{0})
		if len(got.Events) != 0 || got.State != 5 || got.Version != 1 || !got.Cursor.Equal(stream.At(1)) {
			t.Errorf("got %+v, want no event, state 5, version 1, cursor 1", got)
		}
	})
	t.Run("a refusal names the instance and wraps what Decide said", func(t *testing.T) {
		w := newWorld(t)
		_, err := w.accounts.Execute(t.Context(), "ann", Withdraw{1})
		var refused *aggregate.RejectedError
		if !errors.As(err, &refused) || !errors.Is(err, errBroke) || refused.Stream != (stream.ID{Topic: "accounts", Key: "ann"}) {
			t.Errorf("got %v, want a RejectedError over errBroke", err)
		}
		if head, _ := w.log.Head(t.Context()); !head.IsZero() {
			t.Errorf("the log is at %s after a refusal", head)
		}
	})
	t.Run("an instance whose history was cut is not decided on what is left", func(t *testing.T) {
		w := newWorld(t)
		w.do(t, "ann", Deposit{5})
		w.do(t, "ann", Deposit{5})
		if _, err := w.log.Truncate(t.Context(), stream.At(1)); err != nil {
			t.Fatal(err)
		}
		var cut *stream.TruncatedError
		fresh := aggregate.NewRepository(w.log, account) // which remembers nothing
		if _, err := fresh.Execute(t.Context(), "ann", Withdraw{7}); !errors.As(err, &cut) || cut.Stream.Key != "ann" {
			t.Errorf("got %v, want a TruncatedError naming accounts/ann", err)
		}
		w.do(t, "bob", Deposit{1}) // others go on
	})
	t.Run("bad keys, unknown events and panics are errors", func(t *testing.T) {
		w := newWorld(t)
		var invalid *stream.InvalidError
		if _, err := w.accounts.Execute(t.Context(), "", Deposit{1}); !errors.As(err, &invalid) {
			t.Errorf("empty key: got %v, want an InvalidError", err)
		}
		if _, err := w.accounts.Execute(t.Context(), "ann", Break{"catalogue"}); !errors.Is(err, stream.ErrUnknownType) {
			t.Errorf("unknown event: got %v, want ErrUnknownType", err)
		}
		var panicked *stream.PanicError
		if _, err := w.accounts.Execute(t.Context(), "ann", Break{"boom"}); !errors.As(err, &panicked) || panicked.Stage != "Decide of accounts/ann" {
			t.Errorf("panic: got %v, want a PanicError naming Decide of accounts/ann", err)
		}
		bad := aggregate.New(accounts, account.Decide, func(int, AccountEvent) int { panic("evolve") })
		if _, err := aggregate.NewRepository(w.log, bad).Execute(t.Context(), "ann", Deposit{1}); !errors.As(err, &panicked) || panicked.Stage != "Evolve of accounts/ann" {
			t.Errorf("panic: got %v, want a PanicError naming Evolve of accounts/ann", err)
		}
	})
	t.Run("a panic while the initial state is made is an error, too", func(t *testing.T) {
		w := newWorld(t)
		bad := account
		bad.Initial = func() int { panic("initial") }
		var panicked *stream.PanicError
		if _, err := aggregate.NewRepository(w.log, bad).Execute(t.Context(), "ann", Deposit{1}); !errors.As(err, &panicked) {
			t.Errorf("got %v, want a PanicError", err)
		}
	})
	t.Run("a history that can not be read is an error that names the event", func(t *testing.T) {
		w := newWorld(t)
		bad := stream.Record{Header: stream.Header{Type: "DEPOSITED", Schema: 1}, Data: []byte("nonsense")}
		if _, err := w.log.Append(t.Context(), stream.ID{Topic: "accounts", Key: "ann"}, 0, bad); err != nil {
			t.Fatal(err)
		}
		_, err := w.accounts.Execute(t.Context(), "ann", Deposit{1})
		var decode *stream.DecodeError
		if !errors.As(err, &decode) || decode.Position != 1 || decode.Type != "DEPOSITED" {
			t.Errorf("got %v, want a DecodeError at 1", err)
		}
	})
	t.Run("a context that is done stores nothing", func(t *testing.T) {
		w := newWorld(t)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := w.accounts.Execute(ctx, "ann", Deposit{1}); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v, want context.Canceled", err)
		}
	})
}

func TestWritersOfOneInstanceAllGetThroughAndLoseNothing(t *testing.T) {
	w := newWorld(t)
	var all sync.WaitGroup
	for range 64 {
		all.Go(func() {
			if _, err := w.accounts.Execute(context.Background(), "ann", Deposit{1}); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if got := w.do(t, "ann", Deposit{0}); got.State != 64 || got.Version != 64 {
		t.Errorf("balance %d at version %d, want 64 at 64", got.State, got.Version)
	}
}

// TestADecisionIsMadeAnewAfterAConflict: money for one withdrawal, and many that
// want it.
func TestADecisionIsMadeAnewAfterAConflict(t *testing.T) {
	w := newWorld(t)
	w.do(t, "ann", Deposit{10})
	var all sync.WaitGroup
	var mu sync.Mutex
	granted := 0
	for range 32 {
		all.Go(func() {
			_, err := w.accounts.Execute(context.Background(), "ann", Withdraw{10})
			mu.Lock()
			defer mu.Unlock()
			switch {
			case err == nil:
				granted++
			case !errors.Is(err, errBroke):
				t.Error(err)
			}
		})
	}
	all.Wait()
	if granted != 1 {
		t.Errorf("%d withdrawals were granted, want 1", granted)
	}
}

// Guarantee 7: a command ID takes effect once.
// Breaks when: load does not look for the command's own events (own is always
// false) and Append is given no Command.
func TestACommandIDTakesEffectOnce(t *testing.T) {
	handle := func(w world, id stream.EventID, key string, c AccountCommand) (aggregate.Result[AccountEvent, int], error) {
		return w.accounts.Handle(context.Background(), aggregate.Command[AccountCommand]{ID: id, Key: key, Data: c})
	}
	t.Run("given again, also when it would be refused by now, it returns the first result", func(t *testing.T) {
		w, id := newWorld(t), stream.NewID()
		w.do(t, "ann", Deposit{10})
		first, err := handle(w, id, "ann", Withdraw{10})
		if err != nil {
			t.Fatal(err)
		}
		w.do(t, "ann", Deposit{3})
		again, err := handle(w, id, "ann", Withdraw{10})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(first, again); diff != "" {
			t.Errorf("(-first +again)\n%s", diff)
		}
		if got := w.do(t, "ann", Deposit{0}); got.State != 3 {
			t.Errorf("balance %d, want 3", got.State)
		}
	})
	t.Run("given by many at once", func(t *testing.T) {
		w, id := newWorld(t), stream.NewID()
		var all sync.WaitGroup
		for range 32 {
			all.Go(func() {
				got, err := handle(w, id, "ann", Deposit{1})
				if err != nil || got.State != 1 || got.Version != 1 || len(got.Events) != 1 {
					t.Errorf("got %+v: %v; want the one deposit", got, err)
				}
			})
		}
		all.Wait()
		if got := w.do(t, "ann", Deposit{0}); got.State != 1 {
			t.Errorf("balance %d, want 1", got.State)
		}
	})
	t.Run("refused, it may be tried again", func(t *testing.T) {
		w, id := newWorld(t), stream.NewID()
		if _, err := handle(w, id, "ann", Withdraw{1}); !errors.Is(err, errBroke) {
			t.Fatalf("got %v, want errBroke", err)
		}
		w.do(t, "ann", Deposit{1})
		if got, err := handle(w, id, "ann", Withdraw{1}); err != nil || got.State != 0 {
			t.Errorf("got %+v: %v; want it granted", got, err)
		}
	})
	t.Run("on another instance it is an error", func(t *testing.T) {
		w, id := newWorld(t), stream.NewID()
		if _, err := handle(w, id, "ann", Deposit{1}); err != nil {
			t.Fatal(err)
		}
		var reused *stream.CommandReusedError
		if _, err := handle(w, id, "bob", Deposit{1}); !errors.As(err, &reused) || reused.First.Key != "ann" || reused.Again.Key != "bob" {
			t.Errorf("got %v, want a CommandReusedError from ann to bob", err)
		}
	})
	t.Run("across a restart", func(t *testing.T) {
		dir, id := t.TempDir(), stream.NewID()
		for range 2 {
			log, err := badgerlog.Open(dir, badgerlog.Options{})
			if err != nil {
				t.Fatal(err)
			}
			got, err := aggregate.NewRepository(log, account).Handle(t.Context(), aggregate.Command[AccountCommand]{ID: id, Key: "ann", Data: Deposit{4}})
			if err != nil || got.State != 4 || got.Version != 1 {
				t.Errorf("got %+v: %v; want one deposit of 4", got, err)
			}
			if err := log.Close(); err != nil {
				t.Fatal(err)
			}
		}
	})
}

func TestEveryEventSaysWhatLedToIt(t *testing.T) {
	w, id := newWorld(t), stream.NewID()
	first, err := w.accounts.Handle(t.Context(), aggregate.Command[AccountCommand]{ID: id, Key: "ann", Data: Deposit{1}})
	if err != nil {
		t.Fatal(err)
	}
	begin := first.Events[0].Header
	if begin.Command != id || begin.Correlation != id || !begin.CausedBy.IsZero() || begin.ID != stream.DeriveID(id, "event", 0) {
		t.Errorf("a command from outside begins a story: got %+v", begin)
	}
	for name, run := range map[string]func() (aggregate.Result[LetterSent, int], error){
		"said by the command": func() (aggregate.Result[LetterSent, int], error) {
			return w.letters.Handle(t.Context(), aggregate.Command[SendLetter]{Key: "a", Data: SendLetter{"x"}, CausedBy: begin.Cause()})
		},
		"carried by the context": func() (aggregate.Result[LetterSent, int], error) {
			return w.letters.Execute(stream.WithCause(t.Context(), begin.Cause()), "b", SendLetter{"x"})
		},
	} {
		t.Run("a cause "+name+" is kept with its story", func(t *testing.T) {
			got, err := run()
			if err != nil {
				t.Fatal(err)
			}
			if e := got.Events[0]; e.CausedBy != begin.ID || e.Correlation != id || e.Command == id {
				t.Errorf("got %+v, want it caused by %s in story %s", e.Header, begin.ID, id)
			}
		})
	}
}
