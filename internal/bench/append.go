package main

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// maxSamples bounds the latencies that one caller keeps.
const maxSamples = 1 << 20

// measureAppend opens a store, lets the load's callers append for a while or
// until all events are there, closes it, and counts what went to the disk from
// after the opening until everything is on it.
func measureAppend(w work, open opener, l load) (metrics, error) {
	events := newPool(l.payload, l.streams)
	s, err := open(w.dir, l, events)
	if err != nil {
		return nil, err
	}
	flushDisks()
	before, _ := writtenBytes()
	touchMark(w.dir, markBegin)
	r, err := drive(s, l, w.sizes.append)
	touchMark(w.dir, markEnd)
	if err = errors.Join(err, s.close()); err != nil {
		return nil, err
	}
	flushDisks()
	m := r.metrics(l)
	bytes := m["events"] * float64(events.size)
	if after, ok := writtenBytes(); ok {
		m["written"] = float64(after-before) / bytes
	}
	if l.events == 0 {
		return m, nil // too few events: the files are mostly space that is reserved
	}
	size, err := allocated(w.dir)
	m["at rest"] = float64(size) / bytes
	return m, err
}

// progress is what the callers of a load have done.
type progress struct {
	commits   int64
	elapsed   time.Duration
	latencies []time.Duration
}

func (p *progress) metrics(l load) metrics {
	slices.Sort(p.latencies)
	events := float64(p.commits) * float64(l.batch)
	return metrics{
		"events":  events,
		"commits": float64(p.commits),
		"rate":    events / p.elapsed.Seconds(),
		"p50 µs":  percentile(p.latencies, 50),
		"p99 µs":  percentile(p.latencies, 99),
	}
}

// drive runs the callers, each appending its next commit once the last one has
// returned, and waits for them. With a limit of time each makes at least one.
func drive(s store, l load, atMost time.Duration) (*progress, error) {
	var next, commits atomic.Int64
	var wg sync.WaitGroup
	errs := make([]error, l.callers)
	latencies := make([][]time.Duration, l.callers)
	next.Store(int64(l.first))
	start := time.Now()
	for c := range l.callers {
		wg.Go(func() {
			for made := 0; ; made++ {
				first := int(next.Add(int64(l.batch))) - l.batch
				began := time.Now()
				if l.events > 0 && first >= l.first+l.events || l.events == 0 && made > 0 && began.Sub(start) >= atMost {
					return
				}
				if errs[c] = s.put(first, l.batch); errs[c] != nil {
					return
				}
				commits.Add(1)
				if len(latencies[c]) < maxSamples {
					latencies[c] = append(latencies[c], time.Since(began))
				}
			}
		})
	}
	wg.Wait()
	err := errors.Join(errs...)
	if f, ok := s.(flusher); ok && err == nil {
		err = f.flush()
	}
	p := &progress{commits: commits.Load(), elapsed: time.Since(start), latencies: slices.Concat(latencies...)}
	if err == nil && p.commits == 0 {
		err = errors.New("bench: append: not one commit was made in the time given")
	}
	return p, err
}

// The names of files that are looked for, and are not there, where appending
// begins and ends: a trace of the process's calls shows them.
const (
	markBegin = "appending-begins"
	markEnd   = "appending-ends"
)

func touchMark(dir, name string) {
	if f, err := os.Open(filepath.Join(dir, name)); err == nil {
		_ = f.Close() // not ours; only the attempt matters
	}
}

// percentile is in microseconds; the samples are sorted.
func percentile(sorted []time.Duration, p int) float64 {
	if len(sorted) == 0 {
		return 0
	}
	i := min(len(sorted)*p/100, len(sorted)-1)
	return float64(sorted[i].Nanoseconds()) / 1e3
}
