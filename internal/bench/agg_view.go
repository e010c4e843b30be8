package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"time"

	"github.com/thaw-go/thaw/operators"
	"github.com/thaw-go/thaw/replay"
	"github.com/thaw-go/thaw/stream"
)

// data is an event's payload.
func data(e *stream.Event[Deposited]) Deposited { return e.Data }

// balances is the state of the view that is replayed: what is in each account.
type balances map[string]balance

func newBalances() *operators.View[*stream.Event[Deposited], balances] {
	return operators.NewView("balances", func() balances { return balances{} },
		func(b balances, e *stream.Event[Deposited]) balances {
			b[e.Stream.Key] = account.Evolve(b[e.Stream.Key], e.Data)
			return b
		})
}

// replayBatch is how many deposits of an account are appended at once.
const replayBatch = 500

// viewCases replay a view from a log on disk, beside the decoding of the same
// payloads from memory on as many cores as there are.
func viewCases() []benchmark {
	return []benchmark{
		{name: "replay of a view, JSON/thaw", run: measureReplay},
		{name: "replay of a view, JSON/decoding alone", run: measureDecoding},
	}
}

func measureReplay(w work) (metrics, error) {
	log, err := openLog(w.dir, true)
	if err != nil {
		return nil, err
	}
	n := w.sizes.replayed
	if err := fillAccounts(log, n/replayBatch, replayBatch); err != nil {
		return nil, errors.Join(err, log.Close())
	}
	took, err := medianOf(3, func() error {
		ctx, stop := context.WithCancel(context.Background())
		defer stop()
		view := newBalances()
		ended := make(chan error, 1)
		go func() { ended <- view.Run(ctx, replay.ColdHot(log, accounts)) }() // stopped and waited for below
		err := view.CaughtUp(ctx)
		stop()
		if end := <-ended; !errors.Is(end, context.Canceled) {
			err = errors.Join(err, end)
		}
		counted := 0
		view.Read(func(b balances) {
			for _, account := range b {
				counted += account.Deposits
			}
		})
		if err == nil && counted != n {
			err = fmt.Errorf("bench: replay: expected %d events, counted %d", n, counted)
		}
		return err
	})
	return metrics{"rate": float64(n) / took.Seconds(), "events": float64(n)}, errors.Join(err, log.Close())
}

func measureDecoding(w work) (metrics, error) {
	n := w.sizes.replayed
	payloads := make([][]byte, n)
	for i := range payloads {
		var err error
		if payloads[i], err = json.Marshal(Deposited(deposit(i))); err != nil {
			return nil, err
		}
	}
	cores := runtime.GOMAXPROCS(0)
	took, err := medianOf(3, func() error {
		var all sync.WaitGroup
		errs := make([]error, cores)
		for c := range cores {
			all.Go(func() {
				for i := c; i < n; i += cores {
					var e Deposited
					if errs[c] = json.Unmarshal(payloads[i], &e); errs[c] != nil {
						return
					}
				}
			})
		}
		all.Wait()
		return errors.Join(errs...)
	})
	return metrics{"rate": float64(n) / took.Seconds(), "events": float64(n)}, err
}

// medianOf runs f so many times, after once to warm up.
func medianOf(times int, f func() error) (time.Duration, error) {
	if err := f(); err != nil {
		return 1, err
	}
	var each []float64
	for range times {
		began := time.Now()
		if err := f(); err != nil {
			return 1, err
		}
		each = append(each, float64(time.Since(began)))
	}
	return time.Duration(newSpread(each).Median), nil
}
