package main

import "fmt"

// The appenders by the name that cases give them.
var (
	thawLog      = appender{"thaw", openThaw, load{}}
	thawCommands = appender{"thaw, a command ID each", openThaw, load{command: true}}
	thawSmall    = appender{"thaw, compressed", openThaw, load{compress: true}}
	thawStreams  = appender{"thaw, 100k streams", openThaw, load{streams: 100_000}}
	pebbleAlone  = appender{"pebble", openPebble, load{}}
	pebbleIndex  = appender{"pebble+index", openPebble, load{index: copies}}
	pebbleLean   = appender{"pebble+positions", openPebble, load{index: positions}}
	badgerTxn    = appender{"badger", openBadger, load{}}
	badgerWB     = appender{"badger WriteBatch", openBadgerBatch, load{}}
	boltTxn      = appender{"bbolt", openBolt, load{}}
	sqliteTxn    = appender{"sqlite", openSQLite, load{}}
	tidwallWAL   = appender{"tidwall/wal", openWAL, load{}}
	natsStream   = appender{"nats", openNATS, load{}}
	flat         = appender{"flat file", openFlat, load{}}
	flatDirect   = appender{"flat file, direct", openFlatDirect, load{}}
)

// appender is a store and what is special about how it is used.
type appender struct {
	name string
	open opener
	load load
}

// with fills in what the case says and the appender does not.
func (a appender) with(l load) load {
	l.index, l.command, l.compress = a.load.index, a.load.command, a.load.compress
	if l.payload == 0 {
		l.payload = 200
	}
	if l.streams = a.load.streams; l.streams == 0 {
		l.streams = 1000
	}
	return l
}

// appends makes the cases group/appender. Those in others run in one round.
func appends(group string, l load, main []appender, others ...appender) []benchmark {
	var cases []benchmark
	for i, a := range append(main[:len(main):len(main)], others...) {
		full := a.with(l)
		b := benchmark{name: group + "/" + a.name, once: i >= len(main)}
		if full.durable {
			b.durable = &full
		}
		b.run = func(w work) (metrics, error) { return measureAppend(w, a.open, full) }
		cases = append(cases, b)
	}
	return cases
}

func appendCases() []benchmark {
	one := load{callers: 1, batch: 1, durable: true}
	few, many := one, one
	few.callers, many.callers = 64, 1000
	batch := load{callers: 1, batch: 1000, durable: true}
	loose := load{callers: 1, batch: 1000}
	large, largeBatch := few, batch
	large.payload, largeBatch.payload = 1024, 1024

	var cases []benchmark
	for _, group := range [][]benchmark{
		appends("1 caller, durable", one,
			[]appender{thawLog, flatDirect, flat, pebbleAlone, badgerTxn},
			pebbleIndex, boltTxn, sqliteTxn, tidwallWAL, natsStream),
		appends("64 callers, durable", few,
			[]appender{thawLog, thawStreams, thawCommands, pebbleAlone, pebbleIndex, badgerTxn},
			pebbleLean, boltTxn, sqliteTxn, tidwallWAL, natsStream),
		appends("1000 callers, durable", many, []appender{thawLog, pebbleAlone}, pebbleIndex, badgerTxn),
		appends("batches of 1000, durable", batch,
			[]appender{thawLog, pebbleIndex},
			pebbleAlone, pebbleLean, badgerTxn, flat, boltTxn, sqliteTxn, tidwallWAL),
		appends("batches of 1000, not durable", loose,
			[]appender{thawLog, badgerTxn},
			badgerWB, pebbleAlone, pebbleIndex, flat, boltTxn, sqliteTxn, tidwallWAL, natsStream),
		appends("64 callers, durable, 1 KiB", large, []appender{thawLog, pebbleAlone, pebbleIndex, badgerTxn}),
		appends("batches of 1000, durable, 1 KiB", largeBatch, []appender{thawLog, pebbleIndex}),
		importCases(),
		writtenCases(),
	} {
		cases = append(cases, group...)
	}
	return cases
}

// writtenCases append a fixed number of events, so that what is written for
// each can be compared between runs.
func writtenCases() []benchmark {
	counted := func(group string, l load, count func(sizes) int, appenders ...appender) []benchmark {
		var cases []benchmark
		for i, a := range appenders {
			cases = append(cases, benchmark{
				name: fmt.Sprintf("bytes written, %s/%s", group, a.name),
				once: i > 0,
				run: func(w work) (metrics, error) {
					full := a.with(l)
					full.events = count(w.sizes)
					return measureAppend(w, a.open, full)
				},
			})
		}
		return cases
	}
	few := load{callers: 64, batch: 1, durable: true}
	bulk := load{callers: 1, batch: 1000, durable: true}
	return append(
		counted("64 callers, durable", few, func(s sizes) int { return s.singles }, thawLog, pebbleIndex),
		counted("batches of 1000, durable", bulk, func(s sizes) int { return s.bulk }, thawLog, thawSmall, pebbleIndex)...)
}
