package main

import (
	"encoding/json"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestMain lets the test's program be the child that runs a case.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "-case" {
		os.Exit(run(os.Args[1:], os.Stdout, os.Stderr))
	}
	os.Exit(m.Run())
}

// measureTiny runs the cases whose names match, end to end, and reads the report.
func measureTiny(t *testing.T, match string, flags ...string) (report, string) {
	t.Helper()
	dir := t.TempDir()
	file := filepath.Join(dir, "report.json")
	var out, log strings.Builder
	args := append(flags, "-sizes", "tiny", "-dir", dir, "-json", file, "-profile", filepath.Join(dir, "cpu"), "-run", match)
	if code := run(args, &out, &log); code != 0 {
		t.Fatalf("exit code %d\n%s", code, log.String())
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var r report
	if err := json.Unmarshal(text, &r); err != nil {
		t.Fatal(err)
	}
	if profiles, err := filepath.Glob(filepath.Join(dir, "cpu", "*.pprof")); err != nil || len(profiles) < len(r.Cases) {
		t.Errorf("%d cases left %d profiles: %v", len(r.Cases), len(profiles), err)
	}
	left, err := filepath.Glob(filepath.Join(dir, "thaw-bench*"))
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %v %v", left, err)
	}
	return r, out.String()
}

func TestOneCaseOfEachKindRunsToItsEnd(t *testing.T) {
	r, text := measureTiny(t, `^(64 callers, durable/(thaw|bbolt|sqlite|tidwall/wal|nats)|1 caller, durable/(flat file|badger|pebble)|`+
		`64 callers, durable/pebble\+positions|import|batches of 1000, not durable/|scan/|load 10/|fan-out|latency|large log|bytes written.*/thaw)`)
	var missing []string
	for name, rounds := range r.Cases {
		if len(rounds) != 1 || len(rounds[0]) == 0 {
			missing = append(missing, name)
		}
	}
	if len(missing) > 0 || len(r.Cases) < 35 {
		t.Errorf("%d cases were measured; without figures: %q", len(r.Cases), missing)
	}
	if !strings.Contains(text, "too small for figures to be quoted") {
		t.Errorf("the report does not say that sizes were tiny:\n%s", text)
	}
}

// TestEveryOperatorCaseHasTheResultThatItShould: a case fails if what it counts is
// not what it is named for, so that none is fast by doing less.
//
// Breaks when: the chain's filter lets every item pass.
func TestEveryOperatorCaseHasTheResultThatItShould(t *testing.T) {
	r, text := measureTiny(t, ".", "-operators")
	for _, v := range r.Verdicts {
		if v.Result == "not measured" {
			t.Errorf("not measured: %s", v.What)
		}
	}
	if len(r.Cases) != len(operatorCases()) || !strings.Contains(text, "| case | rate | ns an item |") {
		t.Errorf("%d cases of %d were measured:\n%s", len(r.Cases), len(operatorCases()), text)
	}
}

// Breaks when: a view replays from behind the first event.
func TestEveryAggregateCaseHasTheResultThatItShould(t *testing.T) {
	r, text := measureTiny(t, ".", "-aggregates")
	for _, v := range r.Verdicts {
		if v.Result == "not measured" {
			t.Errorf("not measured: %s", v.What)
		}
	}
	if len(r.Cases) != len(aggregateCases()) {
		t.Errorf("%d cases of %d were measured:\n%s", len(r.Cases), len(aggregateCases()), text)
	}
}

func TestRows(t *testing.T) {
	t.Run("log", func(t *testing.T) { testRows(t, logSuite) })
	t.Run("operators", func(t *testing.T) { testRows(t, operatorSuite) })
	t.Run("aggregates", func(t *testing.T) { testRows(t, aggregateSuite) })
}

func testRows(t *testing.T, s suite) {
	cases := s.cases()
	t.Run("name cases that exist", func(t *testing.T) {
		for _, line := range s.rows(allSizes[0]) {
			for _, name := range []string{line.subject, line.peer} {
				if _, ok := find(cases, name); !ok && name != "" {
					t.Errorf("%s: there is no case %q", line.what, name)
				}
			}
		}
	})
	t.Run("with a target compare cases of every round", func(t *testing.T) {
		for _, line := range s.rows(allSizes[0]) {
			subject, _ := find(cases, line.subject)
			peer, _ := find(cases, line.peer)
			if line.target > 0 && (subject.once || peer.once) {
				t.Errorf("%s: %q and %q do not both run in every round", line.what, line.subject, line.peer)
			}
		}
	})
	t.Run("are of cases with names of their own", func(t *testing.T) {
		seen := map[string]bool{}
		for _, b := range append(cases, hiddenCases()...) {
			if seen[b.name] {
				t.Errorf("two cases are named %q", b.name)
			}
			seen[b.name] = true
		}
	})
	t.Run("need data sets that come before them", func(t *testing.T) {
		for i, b := range cases {
			for _, name := range b.needs {
				if made, ok := find(cases[:i], name); !ok || !made.data {
					t.Errorf("%q needs %q, which no earlier case makes", b.name, name)
				}
			}
		}
	})
}

func TestCommandLine(t *testing.T) {
	for claim, args := range map[string][]string{
		"an expression that is none is refused": {"-run", "("},
		"sizes that do not exist are refused":   {"-sizes", "huge"},
		"a case that does not exist is refused": {"-case", "nothing"},
		"a flag that does not exist is refused": {"-slow"},
	} {
		t.Run(claim, func(t *testing.T) {
			if code := run(args, io.Discard, io.Discard); code == 0 {
				t.Errorf("exit code 0 for %q", args)
			}
		})
	}
}

func TestFrames(t *testing.T) {
	payload := appendOrder(nil, 7, 200, rand.New(rand.NewPCG(1, 2)))
	frame := appendFrame(nil, "order-000007", 7, payload)
	t.Run("are read as they were written", func(t *testing.T) {
		var v view
		if err := decodeFrame(frame, &v); err != nil {
			t.Fatal(err)
		}
		got := []string{string(v.topic), string(v.key), string(v.typ), string(v.payload)}
		if diff := cmp.Diff(got, []string{topicName, "order-000007", typeName, string(payload)}); diff != "" {
			t.Errorf("frame (-got +want):\n%s", diff)
		}
		if v.position != 7 || v.version != 7 {
			t.Errorf("got position %d, version %d, want 7", v.position, v.version)
		}
	})
	t.Run("have the size that the documentation names", func(t *testing.T) {
		if len(payload) != 200 || len(frame) != 287 {
			t.Errorf("got %d bytes with a payload of %d, want 287 with 200", len(frame), len(payload))
		}
	})
	t.Run("that are cut short are refused", func(t *testing.T) {
		for n := range frame {
			if err := decodeFrame(frame[:n], &view{}); err == nil {
				t.Errorf("%d of %d bytes were accepted", n, len(frame))
			}
		}
	})
}

func TestInstancesHaveTheirLengths(t *testing.T) {
	for _, s := range allSizes {
		counts := map[string]int{}
		for i := range s.log {
			counts[instanceKey(i, s.log)]++
		}
		for _, length := range lengths {
			for nth := range instanceCount(length, s.log) {
				if key := nthInstance(nth, length); counts[key] != length {
					t.Fatalf("%s: %s has %d events, want %d", s.name, key, counts[key], length)
				}
			}
		}
	}
}

const traced = `10 openat(AT_FDCWD</tmp>, "/d/seg", O_RDWR|O_DSYNC|O_DIRECT|O_CLOEXEC) = 5</d/seg>
10 openat(AT_FDCWD</tmp>, "/d/other", O_RDWR|O_CLOEXEC) = 6</d/other>
10 fsync(6</d/other>) = 0
10 openat(AT_FDCWD</tmp>, "/d/appending-begins", O_RDONLY|O_CLOEXEC) = -1 ENOENT (No such file)
10 pwrite64(5</d/seg>, ""..., 4096, 0) = 4096
11 write(5</d/seg>, ""..., 4096 <unfinished ...>
10 pwrite64(6</d/other>, ""..., 4096, 0) = 4096
12 fdatasync(6</d/other> <unfinished ...>
11 <... write resumed>) = 4096
12 <... fdatasync resumed>) = 0
10 msync(0x7f00, 4096, MS_SYNC) = 0
10 fsync(6</d/other>) = 0
10 openat(AT_FDCWD</tmp>, "/d/appending-ends", O_RDONLY|O_CLOEXEC) = -1 ENOENT (No such file)
10 fsync(6</d/other>) = 0
`

func TestSyncs(t *testing.T) {
	t.Run("between the marks are counted, once each", func(t *testing.T) {
		got, err := countSyncs(strings.NewReader(traced))
		if err != nil {
			t.Fatal(err)
		}
		want := syncs{fsync: 1, fdatasync: 1, msync: 1, direct: 2}
		if got != want {
			t.Errorf("got %+v, want %+v", got, want)
		}
	})
	t.Run("without marks are not guessed", func(t *testing.T) {
		lines := slices.Collect(strings.Lines(traced))
		if _, err := countSyncs(strings.NewReader(strings.Join(lines[:4], ""))); err == nil {
			t.Error("a trace that does not end was accepted")
		}
	})
}
