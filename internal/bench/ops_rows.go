package main

import (
	"fmt"
	"slices"
)

// operatorCases are the cases of the operators' table.
func operatorCases() []benchmark {
	return slices.Concat(chainCases(), eachCases())
}

func operatorRows(sizes) []row { return slices.Concat(chainRows(), eachRows()) }

// chainRows name what is slower than Thaw with Thaw as what it is measured
// against: a ratio is how many times as long it takes.
func chainRows() []row {
	peer := func(name string, target float64) row {
		return row{what: "the same chain, " + name, subject: "chain/" + name, peer: "chain/thaw", metric: "ns an item", target: target}
	}
	return []row{
		atMost("a chain of map, filter and scan over ints, an item", "chain", "thaw", "a loop over function values", "ns an item", 2),
		peer("samber/ro", 10),
		peer("rxgo, buffered", 50),
		peer("rxgo", 120),
	}
}

// noAllocations is a bound that setting a pipeline up stays below.
const noAllocations = 0.001

func eachRows() (all []row) {
	for _, e := range eachOperator {
		all = append(all, row{
			what: "one more operator, an item: " + e.name, subject: oneMore + e.name, metric: "ns on top", target: e.target, atMost: true,
		})
	}
	return append(all, row{
		what:    fmt.Sprintf("allocations an item, %s", inARow[len(oneMore):]),
		subject: inARow, metric: "allocations an item", target: noAllocations, atMost: true,
	})
}
