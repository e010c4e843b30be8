package main

// suite is one of the command's tables: what it runs and shows.
type suite struct {
	cases   func() []benchmark // all cases, in the order in which a round runs them
	rows    func(sizes) []row  // the lines with their targets
	columns []string           // of the table of all cases; a case has what applies to it
	legend  string             // what the columns count
}

var (
	logSuite = suite{
		cases: allCases, rows: rows, legend: "Written and at rest: bytes per byte of event.",
		columns: []string{"rate", "p50 µs", "p99 µs", "written", "at rest", "seconds", "MB at most", "MB anonymous", "events"},
	}
	aggregateSuite = suite{
		cases: aggregateCases, rows: aggregateRows, legend: "Rate: commands, steps or events a second.",
		columns: []string{"rate", "p50 µs", "p99 µs", "events"},
	}
	operatorSuite = suite{
		cases: operatorCases, rows: operatorRows, legend: "Rate: items a second.",
		columns: []string{"rate", "ns an item", "ns on top", "allocations an item"},
	}
)
