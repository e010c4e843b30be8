package main

import "slices"

// aggregateCases are the cases of the aggregates' table.
func aggregateCases() []benchmark {
	return slices.Concat(commandCases(), sagaCases(), viewCases(), keyedCases(), loadJSONCases())
}

// aggregateRows are its lines.
func aggregateRows(sizes) []row {
	const few, one, loose = "commands, 64 callers, durable", "commands, 1 caller, durable", "commands, 1 caller, not durable"
	return []row{
		atLeast("commands/s on 1000 instances of 10 events, 64 callers, durable, against the log's own conditional appends", few, "thaw", "the log's appends", 0.8),
		{what: "a command to a cached instance, 1 caller, not durable, p50", subject: loose + "/thaw", metric: "p50 µs", target: 15, atMost: true},
		atMost("the same, against the log's own conditional append", loose, "thaw", "the log's appends", "p50 µs", 0),
		atLeast("steps of a saga, durable on both sides, against plain commands of 1 caller", one, "saga steps", "thaw", 0.5),
		atLeast("the same, 64 workers, against 64 callers", few, "saga steps", "plain", 0),
		atLeast("replay of a view with its JSON, against the decoding alone on all cores", "replay of a view, JSON", "thaw", "decoding alone", 0.9),
		{what: "a durable keyed view with its states on disk, its events as JSON, 1,000 keys, events/s", subject: "a durable keyed view, JSON/1,000 keys", metric: "rate", target: 200_000},
		{what: "the same, 100,000 keys, in turn", subject: "a durable keyed view, JSON/100,000 keys", metric: "rate", target: 200_000},
		atMost("load 1000 events of JSON from disk, p50, against a map in memory", "load 1000, JSON", "thaw, from disk", "in memory", "p50 µs", 1),
	}
}
