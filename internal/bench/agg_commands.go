package main

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/thaw-go/thaw/aggregate"
	"github.com/thaw-go/thaw/stream"
	"github.com/thaw-go/thaw/stream/badgerlog"
)

const commandCallers = 64

// act is what a caller does to an account. No two callers do it to one account at
// the same time.
type act func(n, account int) error

// commandCases are commands beside the log's own conditional appends of the same
// events.
func commandCases() []benchmark {
	plain := func(log *badgerlog.Log) act {
		r := aggregate.NewRepository(log, account)
		return func(n, account int) error {
			_, err := r.Execute(context.Background(), accountKey(account), deposit(n))
			return err
		}
	}
	return []benchmark{
		{name: "commands, 64 callers, durable/thaw", run: func(w work) (metrics, error) { return measureCommands(w, true, commandCallers, plain) }},
		{name: "commands, 64 callers, durable/the log's appends", run: func(w work) (metrics, error) {
			return measureCommands(w, true, commandCallers, conditionalAppends)
		}},
		{name: "commands, 1 caller, not durable/thaw", run: func(w work) (metrics, error) { return measureCommands(w, false, 1, plain) }},
		{name: "commands, 1 caller, not durable/the log's appends", run: func(w work) (metrics, error) {
			return measureCommands(w, false, 1, conditionalAppends)
		}},
	}
}

// conditionalAppends append what the commands do, at the version that is known.
func conditionalAppends(log *badgerlog.Log) act {
	versions := make([]stream.Version, accountCount)
	for i := range versions {
		versions[i] = accountDeposits
	}
	return func(n, account int) error {
		rec, err := accounts.Encode(Deposited(deposit(n)))
		if err != nil {
			return err
		}
		rec.Command = uniqueID(n, 3)
		rec.ID = stream.DeriveID(rec.Command, "event", 0)
		rec.Correlation = rec.Command
		id := stream.ID{Topic: accounts.Name(), Key: accountKey(account)}
		_, err = log.Append(context.Background(), id, versions[account], rec)
		versions[account]++
		return err
	}
}

// accountDeposits is how many events an account has when the cases begin.
const accountDeposits = 10

// measureCommands lets callers act on a thousand accounts of ten events.
func measureCommands(w work, durable bool, callers int, open func(*badgerlog.Log) act) (metrics, error) {
	log, err := openLog(w.dir, durable)
	if err != nil {
		return nil, err
	}
	if err := fillAccounts(log, accountCount, accountDeposits); err != nil {
		return nil, errors.Join(err, log.Close())
	}
	act := open(log)
	m, err := driveActs(act, callers, w.sizes.append)
	return m, errors.Join(err, log.Close())
}

func driveActs(act act, callers int, atMost time.Duration) (metrics, error) {
	var next atomic.Int64
	var all sync.WaitGroup
	errs := make([]error, callers)
	latencies := make([][]time.Duration, callers)
	one := func(c int, random *rand.Rand) error {
		return act(int(next.Add(1)), c+callers*random.IntN(accountCount/callers))
	}
	start := time.Now()
	for c := range callers {
		all.Go(func() {
			random := rand.New(rand.NewPCG(3, uint64(c)))
			for time.Since(start) < atMost {
				began := time.Now()
				if errs[c] = one(c, random); errs[c] != nil {
					return
				}
				latencies[c] = append(latencies[c], time.Since(began))
			}
		})
	}
	all.Wait()
	took := slices.Concat(latencies...)
	rate := float64(len(took)) / time.Since(start).Seconds()
	slices.Sort(took)
	m := metrics{"rate": rate, "p50 µs": percentile(took, 50), "p99 µs": percentile(took, 99)}
	return m, errors.Join(errs...)
}
