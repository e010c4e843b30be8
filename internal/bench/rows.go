package main

import (
	"slices"
	"strings"
)

// rows are the lines of the table with their targets, each naming the sizes that
// it was measured with: the targets are for the full ones.
func rows(s sizes) []row {
	size := strings.NewReplacer(
		"{log}", number(float64(s.log)), "{singles}", number(float64(s.singles)),
		"{bulk}", number(float64(s.bulk)), "{big}", number(float64(s.big)))
	all := slices.Concat(appendRows(), writtenRows(), readRows(), liveRows(), bigRows())
	for i := range all {
		all[i].what = size.Replace(all[i].what)
	}
	return all
}

// atLeast compares rates.
func atLeast(what, group, subject, peer string, target float64) row {
	return row{what: what, subject: group + "/" + subject, peer: group + "/" + peer, metric: "rate", target: target}
}

// atMost compares any metric for which less is better.
func atMost(what, group, subject, peer, metric string, target float64) row {
	return row{what: what, subject: group + "/" + subject, peer: group + "/" + peer, metric: metric, target: target, atMost: true}
}

func appendRows() []row {
	const (
		one    = "1 caller, durable"
		few    = "64 callers, durable"
		many   = "1000 callers, durable"
		batch  = "batches of 1000, durable"
		loose  = "batches of 1000, not durable"
		larger = "64 callers, durable, 1 KiB"
		bulk   = "batches of 1000, durable, 1 KiB"
	)
	return []row{
		atLeast("single events, 64 callers, durable, events/s", few, "thaw", "pebble", 1.5),
		atLeast("the same, against an index entry each", few, "thaw", "pebble+index", 2),
		atLeast("the same, against an index entry each of 9 bytes", few, "thaw", "pebble+positions", 0),
		atLeast("the same, against a transaction per event", few, "thaw", "badger", 25),
		atLeast("the same, 100,000 streams", few, "thaw, 100k streams", "pebble", 0),
		atLeast("the same, with a command ID each (deduplicated)", few, "thaw, a command ID each", "pebble", 0),
		atLeast("the same, bbolt (Batch)", few, "thaw", "bbolt", 0),
		atLeast("the same, SQLite", few, "thaw", "sqlite", 0),
		atLeast("the same, tidwall/wal", few, "thaw", "tidwall/wal", 0),
		atLeast("the same, NATS JetStream", few, "thaw", "nats", 0),
		atLeast("single events of 1 KiB, 64 callers, durable", larger, "thaw", "pebble", 1.5),
		atLeast("the same, against an index entry each", larger, "thaw", "pebble+index", 2),
		atLeast("the same, against a transaction per event", larger, "thaw", "badger", 25),
		atLeast("single events, 1000 callers, durable", many, "thaw", "pebble", 1.2),
		atLeast("the same, against an index entry each", many, "thaw", "pebble+index", 0),
		atLeast("the same, against a transaction per event", many, "thaw", "badger", 0),
		atMost("one caller, durable: p50, against one write and fdatasync", one, "thaw", "flat file", "p50 µs", 1.3),
		atMost("the same, against one direct synced write", one, "thaw", "flat file, direct", "p50 µs", 1.3),
		atMost("the same, against Pebble", one, "thaw", "pebble", "p50 µs", 0),
		atMost("the same, against Badger", one, "thaw", "badger", "p50 µs", 0),
		atLeast("batches of 1000, durable", batch, "thaw", "pebble+index", 1.5),
		atLeast("the same, Pebble with an index of 9 bytes an entry", batch, "thaw", "pebble+positions", 0),
		atLeast("the same, Pebble without an index", batch, "thaw", "pebble", 0),
		atLeast("the same, Badger", batch, "thaw", "badger", 0),
		atLeast("the same, bbolt", batch, "thaw", "bbolt", 0),
		atLeast("the same, SQLite", batch, "thaw", "sqlite", 0),
		atLeast("the same, tidwall/wal", batch, "thaw", "tidwall/wal", 0),
		atLeast("the same, flat file", batch, "thaw", "flat file", 0),
		atLeast("batches of 1000 events of 1 KiB, durable", bulk, "thaw", "pebble+index", 1.5),
		atLeast("batches of 1000, not durable", loose, "thaw", "badger", 3),
		atLeast("the same, WriteBatch", loose, "thaw", "badger WriteBatch", 0),
		atLeast("the same, Pebble with an index", loose, "thaw", "pebble+index", 0),
		atLeast("the same, NATS JetStream", loose, "thaw", "nats", 0),
		imports("bulk import, durable, against batches of 1000", "thaw", 1),
		imports("the same, streams in turn", "thaw, streams in turn", 0),
	}
}

// imports compares an import with the best rate that batches have.
func imports(what, subject string, target float64) row {
	return row{what: what, subject: "import, durable/" + subject, peer: "batches of 1000, durable/thaw", metric: "rate", target: target}
}

func writtenRows() []row {
	const few, bulk = "bytes written, 64 callers, durable/", "bytes written, batches of 1000, durable/"
	return []row{
		{what: "bytes written per byte of event, 64 callers, {singles} events", subject: few + "thaw", metric: "written", target: 4, atMost: true},
		{what: "the same, Pebble with an index", subject: few + "pebble+index", metric: "written"},
		{what: "bytes written per byte of event, bulk, {bulk} events", subject: bulk + "thaw", metric: "written", target: 2.5, atMost: true},
		{what: "the same, Pebble with an index", subject: bulk + "pebble+index", metric: "written"},
		{what: "disk at rest per byte of event, 64 callers, {singles} events", subject: few + "thaw", metric: "at rest", target: 2.2, atMost: true},
		{what: "disk at rest per byte of event, bulk, {bulk} events", subject: bulk + "thaw", metric: "at rest", target: 2.2, atMost: true},
		{what: "the same, compressed (an option)", subject: bulk + "thaw, compressed", metric: "at rest"},
	}
}

func readRows() []row {
	return []row{
		atLeast("scan {log} events, written in batches", "scan", "thaw, batches", "flat file", 1),
		atLeast("the same, against Badger's iterator", "scan", "thaw, batches", "badger", 4),
		atLeast("scan {log} events, written one at a time", "scan", "thaw, singles", "flat file", 1),
		atLeast("the same, against Badger's iterator", "scan", "thaw, singles", "badger", 4),
		atLeast("the same, against Pebble's iterator", "scan", "thaw, singles", "pebble", 0),
		atLeast("the same, many short streams", "scan", "thaw, many streams", "flat file", 0),
		atMost("load an instance of 10 events out of {log}, p50", "load 10", "thaw", "badger", "p50 µs", 1.1),
		atMost("load an instance of 100 events out of {log}, p50", "load 100", "thaw", "badger", "p50 µs", 0.9),
		atMost("load an instance of 1000 events out of {log}, p50", "load 1000", "thaw", "badger", "p50 µs", 0.45),
	}
}

// liveRows compare like with like first: what subscribers are handed from memory
// with events sent through channels, nothing being stored meanwhile by either.
// Thaw's appends store what they publish; the channels' do not.
func liveRows() []row {
	return []row{
		atLeast("live, deliveries to 100 subscribers from memory, against a channel of events each", "fan-out to 100", "thaw, tail", "channels, by value", 30),
		atLeast("the same, against a channel of pointers each", "fan-out to 100", "thaw, tail", "channels", 0),
		atLeast("the same, as they are appended and stored, against a channel of events each", "fan-out to 100", "thaw", "channels, by value", 0),
		atLeast("the same, against a channel of pointers each", "fan-out to 100", "thaw", "channels", 0),
		atMost("live, 10,000 events/s to 100 subscribers, p99", "latency to 100", "thaw", "channels", "p99 µs", 0.5),
		atMost("the same, durable", "latency to 100", "thaw, durable", "channels", "p99 µs", 0),
	}
}

func bigRows() []row {
	limit := func(what, subject, metric string, target float64) row {
		return row{what: what, subject: subject, metric: metric, target: target, atMost: true}
	}
	return []row{
		limit("memory, log of {big} events: open and idle", "large log, idle/thaw", "MB at most", 150),
		limit("the same, without mapped files", "large log, idle/thaw", "MB anonymous", 0),
		limit("memory, log of {big} events: 64 callers writing", "large log, 64 callers/thaw", "MB at most", 350),
		limit("the same, without mapped files", "large log, 64 callers/thaw", "MB anonymous", 0),
		limit("memory, log of {big} events: bulk load", bigLog, "MB at most", 500),
		limit("the same, without mapped files", bigLog, "MB anonymous", 0),
		limit("the bulk load, with a tenth of its events", bigLog, "MB at a tenth", 0),
		limit("open a log of {big} events, closed cleanly", "large log, open/closed", "seconds", 1),
		limit("open a log of {big} events, killed while writing", "large log, open/killed", "seconds", 1),
	}
}
