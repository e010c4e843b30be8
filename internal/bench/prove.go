package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
)

// syncs are the calls with which a process put bytes on the disk.
type syncs struct{ fsync, fdatasync, msync, direct int }

func (s syncs) all() int { return s.fsync + s.fdatasync + s.msync + s.direct }

// prove runs every case that says it is durable under strace, and counts the
// syncs between the first append and the last. Each sync can vouch for at most
// one commit of each caller; with fewer of them the case is not durable.
func (r *runner) prove(match *regexp.Regexp, out io.Writer) error {
	strace, err := exec.LookPath("strace")
	if err != nil {
		return fmt.Errorf("bench: -prove needs strace, which is not installed: %w", err)
	}
	fmt.Fprintln(out, "| case | commits | fsync | fdatasync | msync | O_DSYNC writes | syncs per commit | durable |")
	fmt.Fprintln(out, "| --- | --- | --- | --- | --- | --- | --- | --- |")
	unproven := 0
	for _, b := range allCases() {
		if b.durable == nil || !match.MatchString(b.name) {
			continue
		}
		counted, commits, err := r.trace(strace, b)
		if err != nil {
			return err
		}
		verdict := "yes"
		if counted.all()*b.durable.callers < commits {
			verdict = "NO"
			unproven++
		}
		fmt.Fprintf(out, "| %s | %d | %d | %d | %d | %d | %.2f | %s |\n", b.name, commits,
			counted.fsync, counted.fdatasync, counted.msync, counted.direct, float64(counted.all())/float64(commits), verdict)
	}
	if unproven > 0 {
		return fmt.Errorf("bench: %d cases that say they are durable are not", unproven)
	}
	return nil
}

// trace runs one case and counts.
func (r *runner) trace(strace string, b benchmark) (syncs, int, error) {
	path := filepath.Join(r.root, "trace")
	m, err := r.run(b, strace, "-f", "-y", "-s", "0", "--seccomp-bpf", "-qq", "-o", path,
		"-e", "trace=openat,fsync,fdatasync,msync,write,writev,pwrite64,pwritev,pwritev2")
	if err != nil {
		return syncs{}, 0, err
	}
	file, err := os.Open(path)
	if err != nil {
		return syncs{}, 0, fmt.Errorf("bench: read the trace: %w", err)
	}
	defer file.Close()
	counted, err := countSyncs(file)
	if err != nil {
		err = fmt.Errorf("bench: trace of %q: %w", b.name, err)
	}
	return counted, int(m["commits"]), err
}

// The lines of a trace: who called, what was called, and with what.
var (
	traceOpen  = regexp.MustCompile(`^\d+ +openat\([^"]*"([^"]*)", ([A-Z_|]+)`)
	traceWrite = regexp.MustCompile(`^\d+ +p?writev?(?:64|2)?\(\d+<([^>]*)>`)
	traceSync  = regexp.MustCompile(`^\d+ +(fsync|fdatasync|msync)\(`)
)

// countSyncs reads a trace and counts what lies between the marks.
func countSyncs(trace io.Reader) (syncs, error) {
	var s syncs
	began, ended := false, false
	synced := map[string]bool{} // files opened so that each write is a sync
	lines := bufio.NewScanner(trace)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		line := lines.Text()
		if m := traceOpen.FindStringSubmatch(line); m != nil {
			began = began || strings.HasSuffix(m[1], markBegin)
			ended = ended || strings.HasSuffix(m[1], markEnd)
			synced[m[1]] = strings.Contains(m[2], "O_DSYNC") || strings.Contains(m[2], "O_SYNC")
			continue
		}
		if !began || ended {
			continue
		}
		if m := traceWrite.FindStringSubmatch(line); m != nil && synced[m[1]] {
			s.direct++
		}
		if m := traceSync.FindStringSubmatch(line); m != nil {
			s.count(m[1])
		}
	}
	if err := lines.Err(); err != nil {
		return s, err
	}
	if !began || !ended {
		return s, fmt.Errorf("expected marks where appending begins and ends: begins %t, ends %t", began, ended)
	}
	return s, nil
}

func (s *syncs) count(call string) {
	switch call {
	case "fsync":
		s.fsync++
	case "fdatasync":
		s.fdatasync++
	case "msync":
		s.msync++
	}
}
