package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"time"
)

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

// command is what the command line asks for.
type command struct {
	suite  suite
	quick  bool
	prove  bool
	match  *regexp.Regexp
	rounds int
	json   string
	dir    string
	cpu    string // a directory for CPU profiles

	child string // run this case in this process
	sizes string
	root  string
}

func parse(args []string, stderr io.Writer) (command, error) {
	var c command
	var match string
	var operators, aggregates bool
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.BoolVar(&c.quick, "quick", false, "smaller sizes: about a minute")
	flags.BoolVar(&operators, "operators", false, "the operators' table: see ops_rows.go")
	flags.BoolVar(&aggregates, "aggregates", false, "the table of aggregates, views and sagas: see agg_rows.go")
	flags.BoolVar(&c.prove, "prove", false, "count the syncs of every case that says it is durable, under strace")
	flags.StringVar(&match, "run", ".", "a regular `expression`: only the cases whose names it matches")
	flags.IntVar(&c.rounds, "rounds", 0, "how many rounds; default 3, with -quick 2")
	flags.StringVar(&c.json, "json", "", "write everything as JSON to this `file`, too")
	flags.StringVar(&c.dir, "dir", "", "where the cases put their data, up to 15 GB; default the system's temporary directory")
	flags.StringVar(&c.cpu, "profile", "", "write a CPU profile of every case to this `directory`; it slows them a little")
	flags.StringVar(&c.child, "case", "", "for its own use: run this case in this process")
	flags.StringVar(&c.sizes, "sizes", "", "for its own use: how much the cases do")
	flags.StringVar(&c.root, "root", "", "for its own use: where the data sets are")
	if err := flags.Parse(args); err != nil {
		return c, err
	}
	c.suite = logSuite
	if operators {
		c.suite = operatorSuite
	}
	if aggregates {
		c.suite = aggregateSuite
	}
	if c.sizes == "" {
		c.sizes = "full"
		if c.quick {
			c.sizes = "quick"
		}
	}
	var err error
	if c.match, err = regexp.Compile(match); err != nil {
		return c, fmt.Errorf("bench: -run: %w", err)
	}
	return c, nil
}

func run(args []string, stdout, stderr io.Writer) int {
	c, err := parse(args, stderr)
	if errors.Is(err, flag.ErrHelp) {
		return 0
	}
	if err == nil {
		err = c.run(stdout, stderr)
	}
	if err != nil {
		fmt.Fprintln(stderr, err)
		return 1
	}
	return 0
}

func (c command) run(stdout, stderr io.Writer) error {
	size, err := sizesNamed(c.sizes)
	if err != nil {
		return err
	}
	if c.child != "" {
		return runChild(c, size, stdout)
	}
	if c.rounds > 0 {
		size.rounds = c.rounds
	}
	r, remove, err := newRunner(c.dir, size, stderr)
	if err != nil {
		return err
	}
	defer remove()
	if r.profiles, err = profileDir(c.cpu); err != nil {
		return err
	}
	if c.prove {
		return r.prove(c.match, stdout)
	}
	report := r.measure(c.suite, c.match)
	report.write(stdout)
	if c.json != "" {
		text, err := json.MarshalIndent(report, "", "\t")
		if err == nil {
			err = os.WriteFile(c.json, append(text, '\n'), 0o644)
		}
		if err != nil {
			return fmt.Errorf("bench: write the report: %w", err)
		}
	}
	if len(report.Failed) > 0 {
		return fmt.Errorf("bench: %d runs of cases failed", len(report.Failed))
	}
	return nil
}

// newRunner makes the directory that everything goes into, and removes it.
func newRunner(dir string, size sizes, stderr io.Writer) (*runner, func(), error) {
	program, err := os.Executable()
	if err != nil {
		return nil, nil, fmt.Errorf("bench: find this program: %w", err)
	}
	root, err := os.MkdirTemp(dir, "thaw-bench")
	if err == nil {
		root, err = filepath.Abs(root) // a trace of calls names files by it
	}
	if err != nil {
		return nil, nil, fmt.Errorf("bench: make a directory: %w", err)
	}
	remove := func() {
		if err := os.RemoveAll(root); err != nil {
			fmt.Fprintf(stderr, "bench: remove %s: %v\n", root, err)
		}
	}
	return &runner{program: program, root: root, sizes: size, stderr: stderr}, remove, nil
}

// measure runs the data sets that are needed, then round after round of the
// selected cases.
func (r *runner) measure(s suite, match *regexp.Regexp) *report {
	began := time.Now()
	plan := newPlan(s.cases(), match)
	out := newReport(r, s, plan)
	for _, b := range plan.data {
		out.add(b, 0, r)
	}
	for round := range r.sizes.rounds {
		for _, b := range plan.cases {
			if !b.once || round == 0 {
				out.add(b, round, r)
			}
		}
		slices.Reverse(plan.cases) // so that a case suffers from each of its neighbours
	}
	out.finish(time.Since(began))
	return out
}
