package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/thaw-go/thaw/aggregate"
	"github.com/thaw-go/thaw/replay"
	"github.com/thaw-go/thaw/stream"
	"github.com/thaw-go/thaw/stream/badgerlog"
)

// Booked is what the saga has written into the ledger: one entry for a deposit.
type Booked struct {
	Account string `json:"account"`
	Cents   int64  `json:"cents"`
}

// Book asks for that.
type Book Booked

var ledgers = stream.NewTopic("ledgers", stream.Catalogue[Booked]{"BOOKED": {}})

var ledger = aggregate.New(ledgers,
	func(_ balance, c Book) ([]Booked, error) { return []Booked{Booked(c)}, nil },
	func(b balance, e Booked) balance { return balance{b.Cents + e.Cents, b.Deposits + 1} })

// booking is a saga that books each deposit.
func booking(workers int) aggregate.Saga[Deposited, balance] {
	return aggregate.Saga[Deposited, balance]{
		Name:      "booking",
		Workers:   workers,
		Correlate: func(e *stream.Event[Deposited]) string { return e.Stream.Key },
		React: func(b balance, e *stream.Event[Deposited]) (balance, []aggregate.Effect) {
			b = account.Evolve(b, e.Data)
			return b, []aggregate.Effect{ledger.Send(e.Stream.Key, Book{e.Stream.Key, e.Data.Cents})}
		},
	}
}

// sagaCases are the steps of a saga, each of an event that was stored and a
// command whose event is, beside plain commands.
func sagaCases() []benchmark {
	return []benchmark{
		{name: "commands, 1 caller, durable/thaw", run: func(w work) (metrics, error) {
			return measureCommands(w, true, 1, books)
		}},
		{name: "commands, 1 caller, durable/saga steps", run: func(w work) (metrics, error) { return measureSaga(w, booking(1), 3) }},
		{name: "commands, 64 callers, durable/saga steps", run: func(w work) (metrics, error) { return measureSaga(w, booking(64), 20) }},
		{name: "commands, 64 callers, durable/plain", run: func(w work) (metrics, error) { return measureCommands(w, true, commandCallers, books) }},
	}
}

// books gives the ledger the saga's commands.
func books(log *badgerlog.Log) act {
	r := aggregate.NewRepository(log, ledger)
	return func(n, account int) error {
		_, err := r.Execute(context.Background(), accountKey(account), Book{accountKey(account), int64(n)})
		return err
	}
}

// measureSaga lets a saga catch up with the deposits that came while it was down.
func measureSaga(w work, saga aggregate.Saga[Deposited, balance], deposits int) (metrics, error) {
	log, err := openLog(w.dir, true)
	if err != nil {
		return nil, err
	}
	rate, err := sagaRate(log, saga, deposits)
	return metrics{"rate": rate}, errors.Join(err, log.Close())
}

func sagaRate(log *badgerlog.Log, saga aggregate.Saga[Deposited, balance], deposits int) (float64, error) {
	run := func(work func(context.Context, *aggregate.SagaRunner) error) error {
		ctx, stop := context.WithCancel(context.Background())
		defer stop()
		runner := saga.Runner(replay.Hot(log, accounts), aggregate.NewRepository(log, ledger))
		ended := make(chan error, 1)
		go func() { ended <- runner.Run(ctx) }() // stopped and waited for below
		err := work(ctx, runner)
		stop()
		if end := <-ended; !errors.Is(end, context.Canceled) {
			err = errors.Join(err, end)
		}
		return err
	}
	if err := run(func(ctx context.Context, r *aggregate.SagaRunner) error { return r.Online(ctx) }); err != nil { // it is born
		return 0, err
	}
	if err := fillAccounts(log, accountCount, deposits); err != nil {
		return 0, err
	}
	head, err := log.Head(context.Background())
	if err != nil {
		return 0, err
	}
	began := time.Now()
	err = run(func(ctx context.Context, r *aggregate.SagaRunner) error { return r.WaitFor(ctx, head) })
	took := time.Since(began)
	if after, headErr := log.Head(context.Background()); headErr != nil || after.Position(0) != 2*head.Position(0) {
		err = errors.Join(err, headErr, fmt.Errorf("bench: saga: expected the log at %d, found it at %s", 2*head.Position(0), after))
	}
	return float64(accountCount*deposits) / took.Seconds(), err
}
