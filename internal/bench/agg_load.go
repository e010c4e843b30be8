package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/thaw-go/thaw/operators"
	"github.com/thaw-go/thaw/replay"
)

// loadedDeposits is how many events the loaded instances have.
const loadedDeposits = 1000

// inMemory keeps events as the in-memory stores of other Go libraries for event
// sourcing do: by stream, in a slice, each with its payload as JSON.
type inMemory map[string][]storedEvent

type storedEvent struct {
	aggregate, kind string
	version         int
	at              time.Time
	data            []byte
}

func newInMemory(instances int) (inMemory, error) {
	all := inMemory{}
	for n := range instances {
		key := accountKey(n)
		for i := range loadedDeposits {
			data, err := json.Marshal(Deposited(deposit(n + i*accountCount)))
			if err != nil {
				return nil, err
			}
			all[key] = append(all[key], storedEvent{key, "DEPOSITED", i + 1, time.Now(), data})
		}
	}
	return all, nil
}

// load folds an instance: it looks up the type, decodes and applies each event.
func (m inMemory) load(key string) (b balance, err error) {
	for _, e := range m[key] {
		var event Deposited
		switch e.kind {
		case "DEPOSITED":
			if err := json.Unmarshal(e.data, &event); err != nil {
				return b, err
			}
		default:
			return b, fmt.Errorf("bench: unknown event %s", e.kind)
		}
		b = balance{b.Cents + event.Cents, b.Deposits + 1}
	}
	return b, nil
}

const loadInstances = 50

// loadJSONCases load instances of a thousand events of JSON: from a log on disk
// that was closed and opened again, and from a map in memory.
func loadJSONCases() []benchmark {
	return []benchmark{
		{name: "load 1000, JSON/thaw, from disk", run: func(w work) (metrics, error) {
			log, err := openLog(w.dir, true)
			if err != nil {
				return nil, err
			}
			if err := errors.Join(fillAccounts(log, loadInstances, loadedDeposits), log.Close()); err != nil {
				return nil, err
			}
			if log, err = openLog(w.dir, true); err != nil {
				return nil, err
			}
			m, err := measureJSONLoads(w, func(key string) (balance, error) {
				return operators.Reduce(context.Background(), operators.Map(replay.History(log, accounts, key), data), balance{}, account.Evolve)
			})
			return m, errors.Join(err, log.Close())
		}},
		{name: "load 1000, JSON/in memory", run: func(w work) (metrics, error) {
			all, err := newInMemory(loadInstances)
			if err != nil {
				return nil, err
			}
			return measureJSONLoads(w, all.load)
		}},
	}
}

func measureJSONLoads(w work, load func(key string) (balance, error)) (metrics, error) {
	var took []time.Duration
	for start, n := time.Now(), 0; time.Since(start) < w.sizes.append || n < 3; n++ {
		began := time.Now()
		b, err := load(accountKey(n % loadInstances))
		if err != nil {
			return nil, err
		}
		took = append(took, time.Since(began))
		if b.Deposits != loadedDeposits {
			return nil, fmt.Errorf("bench: load: expected %d events, found %d", loadedDeposits, b.Deposits)
		}
	}
	slices.Sort(took)
	return metrics{"p50 µs": percentile(took, 50), "p99 µs": percentile(took, 99)}, nil
}
