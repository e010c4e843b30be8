package main

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"time"
)

// The data sets that are scanned and loaded from.
const (
	thawBatches   = "data/thaw, batches"
	thawSingles   = "data/thaw, singles"
	thawInstances = "data/thaw, instances"
	flatData      = "data/flat file"
	badgerData    = "data/badger"
	pebbleData    = "data/pebble"
)

// lengths are how long the instances of the log are; a third of the events
// belongs to each, and the events of one are spread over the whole log.
var lengths = []int{10, 100, 1000}

// instanceKey is the stream of event i of a log of n: as long as the others'.
func instanceKey(i, n int) string {
	length := lengths[i%len(lengths)]
	return nthInstance(i/len(lengths)%instanceCount(length, n), length)
}

func nthInstance(nth, length int) string { return fmt.Sprintf("%04d-%07d", length, nth) }

func instanceCount(length, n int) int { return n / len(lengths) / length }

// spreadKeys is a pool whose event i belongs to the stream that instanceKey says.
func spreadKeys(n int) *pool {
	p := newPool(200, 1)
	p.keys = make([]string, n)
	for i := range p.keys {
		p.keys[i] = instanceKey(i, n)
	}
	return p
}

// readCases scan logs, and load instances from one that was written one event
// at a time. All were closed, and are opened again.
func readCases() []benchmark {
	batches := load{callers: 1, batch: 1000, durable: true}
	singles := load{callers: 64, batch: 1, durable: true}
	entries := load{callers: 1, batch: 1000}
	cases := []benchmark{
		dataCase(thawBatches, thawLog, batches, everyThousand),
		dataCase(thawSingles, thawLog, singles, everyThousand),
		dataCase(thawInstances, thawLog, singles, spreadKeys),
		dataCase(badgerData, appender{"", openBadgerBatch, load{index: copies}}, load{callers: 1, batch: 1}, spreadKeys),
		dataCase(pebbleData, pebbleAlone, entries, everyThousand),
		{name: flatData, data: true, run: func(w work) (metrics, error) {
			return metrics{}, writeFlat(w.dir, everyThousand(w.sizes.log), w.sizes.log)
		}},
		scanCase("thaw, batches", thawBatches, openThawReader),
		scanCase("thaw, singles", thawSingles, openThawReader),
		scanCase("thaw, many streams", thawInstances, openThawReader),
		scanCase("flat file", flatData, func(dir string) (reader, error) {
			return flatReader{filepath.Join(dir, "flat")}, nil
		}),
		scanCase("badger", badgerData, openBadgerReader),
		scanCase("pebble", pebbleData, openPebbleReader),
	}
	for _, length := range lengths {
		cases = append(cases,
			loadCase("thaw", length, thawInstances, openThawReader),
			loadCase("badger", length, badgerData, openBadgerReader))
	}
	return cases
}

func scanCase(name, data string, open func(dir string) (reader, error)) benchmark {
	return benchmark{name: "scan/" + name, needs: []string{data}, run: func(w work) (metrics, error) {
		r, err := open(w.data(data))
		if err != nil {
			return nil, err
		}
		return measureScan(w, r)
	}}
}

func loadCase(name string, length int, data string, open func(dir string) (reader, error)) benchmark {
	return benchmark{
		name:  fmt.Sprintf("load %d/%s", length, name),
		needs: []string{data},
		run: func(w work) (metrics, error) {
			r, err := open(w.data(data))
			if err != nil {
				return nil, err
			}
			m, err := measureLoad(r.(instances), length, w.sizes.log)
			return m, errors.Join(err, r.close())
		},
	}
}

// measureLoad loads instances of one length, at random; the first tenth of the
// loads warms up.
func measureLoad(r instances, length, events int) (metrics, error) {
	random := rand.New(rand.NewPCG(7, uint64(length)))
	count := instanceCount(length, events)
	loads := min(4000, max(400, 400_000/length))
	var latencies []time.Duration
	for i := range loads + loads/10 {
		key := nthInstance(random.IntN(count), length)
		start := time.Now()
		n, err := r.load(key)
		took := time.Since(start)
		if err != nil {
			return nil, err
		}
		if n != length {
			return nil, fmt.Errorf("bench: load %s: expected %d events, found %d", key, length, n)
		}
		if i >= loads/10 {
			latencies = append(latencies, took)
		}
	}
	slices.Sort(latencies)
	return metrics{"p50 µs": percentile(latencies, 50), "p99 µs": percentile(latencies, 99)}, nil
}

// everyThousand is a pool whose events are spread over a thousand streams.
func everyThousand(int) *pool { return newPool(200, 1000) }

// dataCase makes a log of as many events as are read.
func dataCase(name string, a appender, l load, events func(n int) *pool) benchmark {
	return benchmark{name: name, data: true, run: func(w work) (metrics, error) {
		full := a.with(l)
		full.events = w.sizes.log
		s, err := a.open(w.dir, full, events(w.sizes.log))
		if err != nil {
			return nil, err
		}
		r, err := drive(s, full, 0)
		if err = errors.Join(err, s.close()); err != nil {
			return nil, err
		}
		return r.metrics(full), nil
	}}
}
