package main

import (
	"fmt"
	"io"
	"os/exec"
	"time"
)

// metrics are what a case has measured, by name.
type metrics map[string]float64

// benchmark is one case: it runs in a process of its own.
type benchmark struct {
	name    string
	once    bool     // in the first round only: shown beside, in no target
	data    bool     // it makes a data set: it runs once, before the rounds, and its directory is kept
	needs   []string // the data sets that it reads
	durable *load    // what -prove checks; nil: it does not say that it is durable
	run     func(w work) (metrics, error)
}

// work is where a case works, and how much.
type work struct {
	dir   string                      // empty when the case begins
	data  func(string) string         // the directory of a data set
	child func(name string) *exec.Cmd // a process that runs another case
	sizes sizes
	out   io.Writer // what the process prints
}

// sizes are how much the cases do.
type sizes struct {
	name     string
	rounds   int
	append   time.Duration // each append case
	ops      time.Duration // each measurement of an operator
	items    int           // items in a run of an operator
	replayed int           // events in the log that a view is replayed from
	live     time.Duration // each latency case
	fanout   int           // events to each subscriber
	log      int           // events in the log that is scanned and loaded from; a multiple of 3000
	singles  int           // events appended one at a time where bytes written are counted
	bulk     int           // the same in batches of 1000
	big      int           // events in the log whose memory and opening are measured
}

var allSizes = []sizes{
	{name: "full", rounds: 3, append: 1500 * time.Millisecond, ops: 500 * time.Millisecond, items: 1_000_000, replayed: 200_000, live: 3 * time.Second, fanout: 400_000,
		log: 1_002_000, singles: 500_000, bulk: 2_000_000, big: 10_000_000},
	{name: "quick", rounds: 2, append: 350 * time.Millisecond, ops: 60 * time.Millisecond, items: 200_000, replayed: 50_000, live: 700 * time.Millisecond, fanout: 100_000,
		log: 120_000, singles: 40_000, bulk: 250_000, big: 1_000_000},
	{name: "tiny", rounds: 1, append: 20 * time.Millisecond, ops: time.Millisecond, items: 2000, replayed: 1000, live: 50 * time.Millisecond, fanout: 2000,
		log: 6_000, singles: 500, bulk: 2000, big: 5000},
}

func sizesNamed(name string) (sizes, error) {
	for _, s := range allSizes {
		if s.name == name {
			return s, nil
		}
	}
	return sizes{}, fmt.Errorf("bench: sizes %q are neither full, quick nor tiny", name)
}

// allCases are all cases, in the order in which a round runs them.
func allCases() []benchmark {
	var all []benchmark
	all = append(all, appendCases()...)
	all = append(all, readCases()...)
	all = append(all, liveCases()...)
	return append(all, bigCases()...)
}

func find(cases []benchmark, name string) (benchmark, bool) {
	for _, b := range cases {
		if b.name == name {
			return b, true
		}
	}
	return benchmark{}, false
}
