package badgerlog

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
)

// disk is storage that a test can make fail: it counts the calls into storage
// and fails one of them, or all of its name from then on.
type disk struct {
	mu      sync.Mutex
	fails   call
	forever bool
	made    map[string]int // calls by name; all of them under ""
	paused  bool           // calls pass, and are not counted
	failed  []string       // the calls that failed
	cause   error
}

// call is the n-th call of a name, from 1, or the n-th of all if name is empty.
// The zero value is none.
type call struct {
	name string
	n    int
}

func (c call) String() string { return fmt.Sprintf("%s %d", c.name, c.n) }

// causes are what a disk says when it fails.
var causes = []error{
	fmt.Errorf("write: %w", syscall.ENOSPC),
	fmt.Errorf("open: %w", syscall.EACCES),
	fmt.Errorf("read: %w", syscall.EIO),
}

// breaking is a disk one of whose calls fails.
func breaking(at call, forever bool) *disk {
	return &disk{fails: at, forever: forever, made: map[string]int{}, cause: causes[at.n%len(causes)]}
}

// breakNext makes the n-th call from now on fail; 0: none.
func (d *disk) breakNext(n int) { d.breakAt(call{"", n}) }

// breakAt makes a call fail, counted from now on; the zero value: none.
func (d *disk) breakAt(at call) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.failed, d.fails = nil, call{}
	if at.n > 0 {
		d.fails, d.cause = call{at.name, d.made[at.name] + at.n}, causes[at.n%len(causes)]
	}
}

// pause lets calls pass uncounted, or ends that.
func (d *disk) pause(on bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.paused = on
}

// failures are the calls that failed, in order.
func (d *disk) failures() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.failed)
}

func (d *disk) fault(name string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.paused {
		return nil
	}
	d.made[name]++
	d.made[""]++
	hit := d.fails == call{name, d.made[name]} || d.fails == call{"", d.made[""]}
	if !hit && !(d.forever && len(d.failed) > 0 && d.failed[0] == name) {
		return nil
	}
	d.failed = append(d.failed, name)
	return d.cause
}

// says reports whether an error tells what the disk said.
func (d *disk) says(err error) bool {
	return err != nil && strings.Contains(err.Error(), d.cause.Error())
}

// options are those of a log on the disk, whose database gets its events a few
// at a time.
func (d *disk) options(durability Durability) Options {
	return Options{Durability: durability, MinFree: -1, seams: seams{
		fault: d.fault, generation: 4, valueLog: 1 << 20,
	}}
}

// faultsWanted is how many faults a test injects at most: THAW_FAULTS, or a few.
func faultsWanted(t *testing.T, few int) int {
	t.Helper()
	text := os.Getenv("THAW_FAULTS")
	if text == "" {
		return few
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatalf("THAW_FAULTS: got %q, want a number", text)
	}
	return n
}

// spread selects at most so many of the calls that a disk has seen, and one of
// each name: the first and, at even distances, others.
func (d *disk) spread(most int) (calls []call) {
	delete(d.made, "")
	total := 0
	for _, n := range d.made {
		total += n
	}
	for share := 1; len(calls) < min(most, total); share++ {
		var more []call
		for name, n := range d.made {
			for i := range min(share, n) {
				more = append(more, call{name, 1 + i*n/min(share, n)})
			}
		}
		if len(more) > most && share > 1 {
			break
		}
		calls = more
	}
	return calls
}

// tally counts what was injected, by call.
type tally struct {
	mu    sync.Mutex
	calls map[string]int
}

func (y *tally) add(failed []string) {
	y.mu.Lock()
	defer y.mu.Unlock()
	if y.calls == nil {
		y.calls = map[string]int{}
	}
	for _, call := range failed {
		y.calls[call]++
	}
}

// log says what was injected, and fails the test unless each of the calls has
// failed at least once.
func (y *tally) log(t *testing.T, calls ...string) {
	t.Helper()
	for _, call := range calls {
		if y.calls[call] == 0 {
			t.Errorf("%s was never made to fail: the test proves too little", call)
		}
	}
	total, names := 0, []string{}
	for call, n := range y.calls {
		total += n
		names = append(names, fmt.Sprintf("%s %d", call, n))
	}
	slices.Sort(names)
	t.Logf("%d faults injected: %s", total, strings.Join(names, ", "))
}

// together runs subtests, several at a time, as they wait for the disk most of
// the time.
func together(t *testing.T, calls []call, run func(t *testing.T, at call)) {
	var all sync.WaitGroup
	next := make(chan call)
	for range 8 {
		all.Go(func() {
			for at := range next {
				t.Run(at.String(), func(t *testing.T) { run(t, at) })
			}
		})
	}
	for _, at := range calls {
		next <- at
	}
	close(next)
	all.Wait()
}
