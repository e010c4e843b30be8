package main

import (
	"context"
	"encoding/binary"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/thaw-go/thaw/stream"
)

const (
	subscribers  = 100
	liveBatch    = 1000 // events in an append of the throughput cases
	pace         = 500 * time.Microsecond
	eventsAtPace = 5      // 10,000 events a second
	tailEvents   = 60_000 // fewer than the log keeps in memory
	tailPasses   = 10
)

// source is what subscribers are fed from, events in order from the first.
type source interface {
	// subscribe hands over n events, one call for each, and returns.
	subscribe(n int, each func(*stream.Record)) error

	// publish appends events; subscribers get them.
	publish(records []stream.Record) error

	close() error
}

func liveCases() []benchmark {
	fanOut := func(name string, run func(work) (metrics, error)) benchmark {
		return benchmark{name: "fan-out to 100/" + name, run: run}
	}
	latency := func(name string, open func(string) (source, error)) benchmark {
		return benchmark{name: "latency to 100/" + name, run: func(w work) (metrics, error) {
			s, err := open(w.dir)
			if err != nil {
				return nil, err
			}
			m, err := measureLatency(s, w.sizes.live)
			return m, errors.Join(err, s.close())
		}}
	}
	loose := func(dir string) (source, error) { return openLiveThaw(dir, false) }
	durable := func(dir string) (source, error) { return openLiveThaw(dir, true) }
	return []benchmark{
		fanOut("thaw", func(w work) (metrics, error) { return measureFanOut(w.dir, loose, w.sizes.fanout) }),
		fanOut("thaw, tail", measureTail),
		fanOut("channels", func(w work) (metrics, error) { return measureFanOut(w.dir, openChannels, w.sizes.fanout/4) }),
		fanOut("channels, by value", func(w work) (metrics, error) { return measureFanOut(w.dir, openValues, w.sizes.fanout/4) }),
		latency("thaw", loose),
		latency("thaw, durable", durable),
		latency("channels", openChannels),
	}
}

// liveThaw follows the log.
type liveThaw struct{ thaw }

func openLiveThaw(dir string, durable bool) (source, error) {
	log, err := openLog(dir, durable)
	if err != nil {
		return nil, err
	}
	return &liveThaw{thaw{log: log}}, nil
}

var errEnough = errors.New("bench: as many events as were asked for")

func (t *liveThaw) subscribe(n int, each func(*stream.Record)) error {
	return t.follow(stream.Cursor{}, n, each)
}

func (t *liveThaw) follow(from stream.Cursor, n int, each func(*stream.Record)) error {
	err := t.log.Read(context.Background(), stream.Query{From: from, Follow: true}, func(records []stream.Record, _ stream.Mark) error {
		for i := range records {
			each(&records[i])
		}
		if n -= len(records); n <= 0 {
			return errEnough
		}
		return nil
	})
	if errors.Is(err, errEnough) {
		return nil
	}
	return err
}

func (t *liveThaw) publish(records []stream.Record) error {
	_, err := t.log.Append(context.Background(), stream.ID{Topic: topicName, Key: "order-000000"}, stream.AnyVersion, records...)
	return err
}

// crowd runs f for every subscriber and waits for all.
func crowd(f func(i int) error) func() error {
	errs := make([]error, subscribers)
	var wg sync.WaitGroup
	for i := range subscribers {
		wg.Go(func() { errs[i] = f(i) })
	}
	return func() error {
		wg.Wait()
		return errors.Join(errs...)
	}
}

// counter is one subscriber's, on a cache line of its own.
type counter struct {
	bytes int
	_     [56]byte
}

// measureFanOut appends events in large batches while all subscribers take them.
func measureFanOut(dir string, open func(string) (source, error), events int) (metrics, error) {
	s, err := open(dir)
	if err != nil {
		return nil, err
	}
	batches := madeBatches(events)
	seen := make([]counter, subscribers)
	start := time.Now()
	wait := crowd(func(i int) error {
		return s.subscribe(events, func(r *stream.Record) { seen[i].bytes += len(r.Data) })
	})
	for _, batch := range batches {
		if err := s.publish(batch); err != nil {
			return nil, err // the process ends, and the subscribers with it
		}
	}
	err = wait()
	elapsed := time.Since(start)
	return metrics{"rate": float64(events) * subscribers / elapsed.Seconds(), "events": float64(events)}, errors.Join(err, s.close())
}

func madeBatches(events int) [][]stream.Record {
	made := newPool(200, 1)
	var batches [][]stream.Record
	for first := 0; first < events; first += liveBatch {
		batch := make([]stream.Record, min(liveBatch, events-first))
		for i := range batch {
			batch[i] = made.record(first + i)
		}
		batches = append(batches, batch)
	}
	return batches
}

// measureTail lets all subscribers read what the log has in memory, several
// times: the fan-out without what appending takes.
func measureTail(w work) (metrics, error) {
	log, err := openLog(w.dir, false)
	if err != nil {
		return nil, err
	}
	s := &liveThaw{thaw{log: log}}
	events := min(tailEvents, w.sizes.fanout)
	for _, batch := range madeBatches(events) {
		if err := s.publish(batch); err != nil {
			return nil, errors.Join(err, s.close())
		}
	}
	seen := make([]counter, subscribers)
	start := time.Now()
	err = crowd(func(i int) error {
		for range tailPasses {
			err := s.subscribe(events, func(r *stream.Record) { seen[i].bytes += len(r.Data) })
			if err != nil {
				return err
			}
		}
		return nil
	})()
	elapsed := time.Since(start)
	deliveries := float64(events) * tailPasses * subscribers
	return metrics{"rate": deliveries / elapsed.Seconds(), "events": float64(events)}, errors.Join(err, s.close())
}

// measureLatency appends a few events at a steady pace, and measures for every
// delivery how long ago its append was begun.
func measureLatency(s source, d time.Duration) (metrics, error) {
	appends := int(d / pace)
	events := appends * eventsAtPace
	latencies := make([][]time.Duration, subscribers)
	for i := range latencies {
		latencies[i] = make([]time.Duration, 0, events)
	}
	start := time.Now()
	wait := crowd(func(i int) error {
		return s.subscribe(events, func(r *stream.Record) {
			sent := time.Duration(binary.BigEndian.Uint64(r.Data))
			latencies[i] = append(latencies[i], time.Since(start)-sent)
		})
	})
	made := newPool(200, 1)
	for n := range appends {
		for time.Since(start) < time.Duration(n)*pace {
			time.Sleep(pace / 5)
		}
		if err := s.publish(stamped(made, n, time.Since(start))); err != nil {
			return nil, err // the process ends, and the subscribers with it
		}
	}
	behind := time.Since(start) - time.Duration(appends)*pace
	err := wait()
	all := slices.Concat(latencies...)
	slices.Sort(all)
	return metrics{
		"p50 µs": percentile(all, 50), "p99 µs": percentile(all, 99),
		"events": float64(events), "ms behind": float64(max(behind, 0).Milliseconds()),
	}, err
}

// stamped makes the events of one append, with the time of it in their payloads.
func stamped(made *pool, n int, at time.Duration) []stream.Record {
	records := make([]stream.Record, eventsAtPace)
	for i := range records {
		records[i] = made.record(n*eventsAtPace + i)
		data := slices.Clone(records[i].Data)
		binary.BigEndian.PutUint64(data, uint64(at))
		records[i].Data = data
	}
	return records
}
