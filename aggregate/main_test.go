package aggregate_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/thaw-go/thaw/aggregate"
	"github.com/thaw-go/thaw/replay"
	"github.com/thaw-go/thaw/stream"
	"github.com/thaw-go/thaw/stream/memlog"
)

// Guarantee 10: no goroutine outlives its run.
// Breaks when: consume does not cancel and drain its source.
func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m)
}

// An account takes deposits and withdrawals; a mailbox takes letters, three at
// most.
type (
	Deposited struct{ Amount int }
	Withdrawn struct{ Amount int }
	Wrong     struct{} // in no catalogue

	AccountEvent   interface{ account() }
	AccountCommand interface{ command() }
	Deposit        struct{ Amount int }
	Withdraw       struct{ Amount int }
	Break          struct{ How string }

	LetterSent struct{ Text string }
	SendLetter struct{ Text string }
)

func (Deposited) account() {}
func (Withdrawn) account() {}
func (Wrong) account()     {}
func (Deposit) command()   {}
func (Withdraw) command()  {}
func (Break) command()     {}

var (
	errBroke = errors.New("not enough money")
	errFull  = errors.New("the mailbox is full")

	accounts = stream.NewTopic("accounts", stream.Catalogue[AccountEvent]{"DEPOSITED": Deposited{}, "WITHDRAWN": Withdrawn{}})
	letters  = stream.NewTopic("letters", stream.Catalogue[LetterSent]{"LETTER_SENT": {}})

	account = aggregate.New(accounts, func(balance int, c AccountCommand) ([]AccountEvent, error) {
		switch c := c.(type) {
		case Deposit:
			if c.Amount == 0 {
				return nil, nil
			}
			return []AccountEvent{Deposited(c)}, nil
		case Withdraw:
			if c.Amount > balance {
				return nil, errBroke
			}
			return []AccountEvent{Withdrawn(c)}, nil
		case Break:
			if c.How == "catalogue" {
				return []AccountEvent{Wrong{}}, nil
			}
			panic(c.How)
		}
		return nil, errors.New("unknown command")
	}, func(balance int, e AccountEvent) int {
		switch e := e.(type) {
		case Deposited:
			return balance + e.Amount
		case Withdrawn:
			return balance - e.Amount
		}
		return balance
	})

	mailbox = aggregate.New(letters, func(n int, c SendLetter) ([]LetterSent, error) {
		if n >= 3 {
			return nil, errFull
		}
		return []LetterSent{{c.Text}}, nil
	}, func(n int, _ LetterSent) int { return n + 1 })
)

type (
	accountRepository = *aggregate.Repository[AccountCommand, AccountEvent, int]
	mailboxRepository = *aggregate.Repository[SendLetter, LetterSent, int]
)

// world is a log with its repositories.
type world struct {
	log      *memlog.Log
	accounts accountRepository
	letters  mailboxRepository
}

func newWorld(t testing.TB) world {
	t.Helper()
	log := memlog.New()
	t.Cleanup(func() { _ = log.Close() })
	return world{log, aggregate.NewRepository(log, account), aggregate.NewRepository(log, mailbox)}
}

func (w world) do(t testing.TB, key string, c AccountCommand) aggregate.Result[AccountEvent, int] {
	t.Helper()
	result, err := w.accounts.Execute(context.Background(), key, c)
	if err != nil {
		t.Fatal(err)
	}
	return result
}

// texts are the letters in a mailbox.
func texts(t testing.TB, log stream.Log, key string) (list []string) {
	t.Helper()
	for e, err := range replay.History(log, letters, key).All(context.Background()) {
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, e.Data.Text)
	}
	return list
}

// running runs a runner until the returned function stops it, which returns what
// the run did.
func running(t testing.TB, r interface{ Run(context.Context) error }) (stop func() error) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- r.Run(ctx) }()
	stopped := false
	stop = func() error {
		if stopped {
			return nil
		}
		stopped = true
		cancel()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			return err
		}
		return nil
	}
	t.Cleanup(func() {
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
	return stop
}

// waiter is what runners can be asked.
type waiter interface {
	Run(context.Context) error
	Online(context.Context) error
	WaitFor(context.Context, stream.Cursor) error
}

func online(t testing.TB, r waiter) {
	t.Helper()
	if err := r.Online(context.Background()); err != nil {
		t.Fatal(err)
	}
}

// settle waits until a runner has handled everything, also what it caused.
func settle(t testing.TB, log stream.Log, r waiter) {
	t.Helper()
	for {
		head, err := log.Head(context.Background())
		if err == nil {
			err = r.WaitFor(context.Background(), head)
		}
		if err != nil {
			t.Fatal(err)
		}
		if now, err := log.Head(context.Background()); err != nil || now.Equal(head) {
			return
		}
	}
}

const minute = time.Minute
