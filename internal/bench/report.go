package main

import (
	"fmt"
	"io"
	"regexp"
	"runtime"
	"slices"
	"time"
)

// plan is what is to be run.
type plan struct {
	data  []benchmark // the data sets, first and once
	cases []benchmark
}

// newPlan takes the cases whose names match, and the data sets that they need.
func newPlan(all []benchmark, match *regexp.Regexp) plan {
	var p plan
	var needed []string
	for _, b := range all {
		if match.MatchString(b.name) && !b.data {
			p.cases = append(p.cases, b)
			needed = append(needed, b.needs...)
		}
	}
	for _, b := range all {
		if b.data && (slices.Contains(needed, b.name) || match.MatchString(b.name)) {
			p.data = append(p.data, b)
		}
	}
	return p
}

// report is everything that was measured; it is what -json writes.
type report struct {
	Quick    bool      `json:"quick"` // sizes too small for figures to be quoted
	Sizes    string    `json:"sizes"`
	Rounds   int       `json:"rounds"`
	Began    time.Time `json:"began"`
	Seconds  float64   `json:"seconds"`
	Machine  string    `json:"machine"`
	CPUs     int       `json:"cpus"`
	Go       string    `json:"go"`
	Events   int       `json:"events_in_log"`
	Large    int       `json:"events_in_large_log"`
	Verdicts []verdict `json:"rows"`
	Cases    results   `json:"cases"`
	Failed   []string  `json:"failed"`

	suite suite
	names []string
	sizes sizes
}

func newReport(r *runner, s suite, p plan) *report {
	out := &report{
		Quick: r.sizes.name != "full", Sizes: r.sizes.name, Rounds: r.sizes.rounds, Began: time.Now(),
		Machine: machine(r.root), CPUs: runtime.NumCPU(), Go: runtime.Version(),
		Events: r.sizes.log, Large: r.sizes.big, Cases: results{}, Failed: []string{}, suite: s, sizes: r.sizes,
	}
	for _, b := range slices.Concat(p.data, p.cases) {
		out.names = append(out.names, b.name)
	}
	return out
}

// add runs a case and keeps what it measured, or that it failed.
func (r *report) add(b benchmark, round int, by *runner) {
	began := time.Now()
	m, err := by.run(b)
	if err != nil {
		r.Failed = append(r.Failed, fmt.Sprintf("round %d: %v", round+1, err))
		fmt.Fprintln(by.stderr, err)
		return
	}
	r.Cases.add(b.name, round, m)
	fmt.Fprintf(by.stderr, "round %d of %d: %s (%.1f s)\n", round+1, r.Rounds, b.name, time.Since(began).Seconds())
}

func (r *report) finish(took time.Duration) {
	r.Seconds = took.Seconds()
	for _, line := range r.suite.rows(r.sizes) {
		r.Verdicts = append(r.Verdicts, r.Cases.judge(line))
	}
}

// count is how many of the rows with a target have that result.
func (r *report) count(result string) int {
	n := 0
	for _, v := range r.Verdicts {
		if v.Target > 0 && v.Result == result {
			n++
		}
	}
	return n
}

// write writes the report as Markdown.
func (r *report) write(w io.Writer) {
	if r.Quick {
		fmt.Fprintf(w, "**Sizes are %q: too small for figures to be quoted.**\n\n", r.Sizes)
	}
	fmt.Fprintf(w, "%s; %d CPUs, %s; %s. %d rounds in %.0f s.\n", r.Machine, r.CPUs, r.Go, r.Began.Format(time.DateOnly), r.Rounds, r.Seconds)
	fmt.Fprint(w, "Median of the rounds (least–most); a ratio is of one round.\n\n")
	writeVerdicts(w, r.Verdicts)
	fmt.Fprintf(w, "\n%d targets met, %d missed, %d not measured.\n", r.count("met"), r.count("missed"), r.count("not measured"))
	fmt.Fprintf(w, "\nAll cases. %s\n\n", r.suite.legend)
	r.Cases.writeCases(w, r.suite.columns, r.names)
	for _, line := range r.Failed {
		fmt.Fprintf(w, "\nFailed: %s\n", line)
	}
}
