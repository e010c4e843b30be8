package main

import (
	"context"
	"errors"
	"iter"
	"time"

	"github.com/thaw-go/thaw/stream"
	"github.com/thaw-go/thaw/stream/badgerlog"
)

// importCases hand events to Import for as long as an append case appends, one
// record after the other, as from a file. Runs are as many events of one stream
// as the batches have with which it is compared.
func importCases() []benchmark {
	imports := func(name string, run int, once bool) benchmark {
		l := thawLog.with(load{callers: 1, batch: run, durable: true})
		return benchmark{
			name: "import, durable/" + name, once: once, durable: &l,
			run: func(w work) (metrics, error) { return measureImport(w, l) },
		}
	}
	return []benchmark{
		imports("thaw", 1000, false),
		imports("thaw, streams in turn", 1, true),
	}
}

// measureImport imports for a while. Its commits are the times that Import tells
// of progress, each of which follows a commit.
func measureImport(w work, l load) (metrics, error) {
	events := newPool(l.payload, l.streams)
	log, err := openLog(w.dir, l.durable)
	if err != nil {
		return nil, err
	}
	flushDisks()
	before, _ := writtenBytes()
	touchMark(w.dir, markBegin)
	commits, start := 0, time.Now()
	done, err := log.Import(context.Background(), endless(events, l, start.Add(w.sizes.append)),
		badgerlog.ImportOptions{Progress: func(badgerlog.Imported) { commits++ }})
	elapsed := time.Since(start)
	touchMark(w.dir, markEnd)
	if err = errors.Join(err, log.Close()); err != nil {
		return nil, err
	}
	flushDisks()
	m := metrics{
		"events": float64(done.Events), "commits": float64(commits),
		"rate": float64(done.Events) / elapsed.Seconds(),
	}
	if after, ok := writtenBytes(); ok {
		m["written"] = float64(after-before) / (m["events"] * float64(events.size))
	}
	return m, nil
}

// endless yields records until the time is up, whole runs of one stream.
func endless(events *pool, l load, until time.Time) iter.Seq2[stream.Record, error] {
	return func(yield func(stream.Record, error) bool) {
		const look = 1000 // records between looks at the clock
		for i := 0; i%look != 0 || i == 0 || time.Now().Before(until); i++ {
			r := events.record(i)
			r.Stream = stream.ID{Topic: topicName, Key: l.key(events, i)}
			if !yield(r, nil) {
				return
			}
		}
	}
}
