package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/thaw-go/thaw/operators"
	"github.com/thaw-go/thaw/replay"
	"github.com/thaw-go/thaw/stream"
	"github.com/thaw-go/thaw/stream/badgertables"
)

// holdings is the durable view: what is in each account.
var holdings = operators.KeyedView[Deposited, balance]{
	Name:    "holdings",
	Version: 1,
	Reduce: func(_ string, b balance, e *stream.Event[Deposited]) balance {
		return account.Evolve(b, e.Data)
	},
}

// keyedCases build a durable view with its states on disk, from a log of events of
// JSON: each account's events are spread over the whole log.
func keyedCases() []benchmark {
	return []benchmark{
		{name: "a durable keyed view, JSON/1,000 keys", run: func(w work) (metrics, error) { return measureKeyed(w, 1000) }},
		{name: "a durable keyed view, JSON/100,000 keys", run: func(w work) (metrics, error) { return measureKeyed(w, 100_000) }},
	}
}

func measureKeyed(w work, keys int) (metrics, error) {
	log, err := openLog(filepath.Join(w.dir, "log"), true)
	if err != nil {
		return nil, err
	}
	rate, err := keyedRate(w, log, keys)
	return metrics{"rate": rate, "events": float64(w.sizes.replayed)}, errors.Join(err, log.Close())
}

func keyedRate(w work, log stream.Store, keys int) (rate float64, err error) {
	n := w.sizes.replayed
	if err := spreadAccounts(log, n, keys); err != nil {
		return 0, err
	}
	tables, err := badgertables.Open(filepath.Join(w.dir, "tables"), badgertables.Options{})
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, tables.Close()) }()
	view, err := holdings.On(tables, operators.KeyedOptions{})
	if err != nil {
		return 0, err
	}
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	ended := make(chan error, 1)
	began := time.Now()
	go func() { ended <- view.Run(ctx, replay.ColdHot(log, accounts)) }() // stopped and waited for below
	err = view.CaughtUp(ctx)
	took := time.Since(began)
	stop()
	if end := <-ended; !errors.Is(end, context.Canceled) {
		err = errors.Join(err, end)
	}
	if err != nil {
		return 0, err
	}
	now, _, err := view.Get(context.Background(), accountKey(0))
	if want := (n + keys - 1) / keys; err == nil && now.Deposits != want {
		err = fmt.Errorf("bench: keyed view: expected %d deposits of the first account, counted %d", want, now.Deposits)
	}
	return float64(n) / took.Seconds(), err
}

// spreadAccounts appends n deposits to so many accounts in turn.
func spreadAccounts(log stream.Store, n, keys int) error {
	multi, ok := log.(stream.MultiStore)
	if !ok {
		return errors.New("bench: the log does not append to several streams at once")
	}
	const batch = 500
	for from := 0; from < n; from += batch {
		var b stream.Batch
		for i := from; i < min(from+batch, n); i++ {
			rec, err := accounts.Encode(Deposited(deposit(i)))
			if err != nil {
				return err
			}
			id := stream.ID{Topic: accounts.Name(), Key: accountKey(i % keys)}
			b.Writes = append(b.Writes, stream.Write{Stream: id, Expected: stream.AnyVersion, Records: []stream.Record{rec}})
		}
		if _, err := multi.AppendAll(context.Background(), b); err != nil {
			return err
		}
	}
	return nil
}
