package operators_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"testing"

	"github.com/thaw-go/thaw/operators"
	"github.com/thaw-go/thaw/replay"
	"github.com/thaw-go/thaw/stream"
	"github.com/thaw-go/thaw/stream/badgertables"
	"github.com/thaw-go/thaw/stream/memtables"
)

// small makes many updates of few events, and reads states again and again.
func small(events, workers int) operators.KeyedOptions {
	return operators.KeyedOptions{Events: events, States: 3, Workers: workers}
}

// Whatever call its process dies at, the table is in the end what an undisturbed run
// makes of it: each event was counted once.
// Breaks when: the states and the place are stored in two updates.
func TestAKeyedViewThatDiesAtAnyCallCountsEachEventOnce(t *testing.T) {
	log := history(t, 60)
	want := wanted(t, log)
	for _, block := range []int{1, 7, 1000} {
		for _, after := range []bool{false, true} {
			t.Run(fmt.Sprintf("blocks of %d, after the call %v", block, after), func(t *testing.T) {
				src := replay.ColdHot[moved](blocks{log, block}, transfers)
				for deaths, updates := 0, 0; ; deaths++ {
					tables := memtables.New()
					mortal := &mortalTables{stored: tables, left: deaths, after: after}
					err := caughtUp(on(t, balances, mortal, small(5, 1)), src)
					if err == nil {
						if deaths < 50 || updates < 10 {
							t.Errorf("it died at %d calls, %d of them updates: the test proves too little", deaths, updates)
						}
						return
					}
					if !errors.Is(err, errDead) {
						t.Fatalf("dead at call %d: %v", deaths, err)
					}
					updates = mortal.count("Update")
					if err := caughtUp(on(t, balances, tables, small(5, 1)), src); err != nil {
						t.Fatalf("after a death at call %d: %v", deaths, err)
					}
					got := dump(t, tables, "balances@1")
					if wantSame(t, got, want); t.Failed() {
						t.Fatalf("dead at call %d", deaths)
					}
				}
			})
		}
	}
}

// asKeyedView, in the environment, makes the test binary a view that kills itself at
// an update.
const asKeyedView = "THAW_TEST_KEYED"

// deadly kills its own process at an update, before or after it.
type deadly struct {
	stored
	left  int
	after bool
}

func (d *deadly) Update(ctx context.Context, table string, changes ...stream.Change) error {
	d.left--
	if d.left >= 0 || d.after {
		if err := d.stored.Update(ctx, table, changes...); err != nil {
			return err
		}
	}
	if d.left < 0 {
		self, err := os.FindProcess(os.Getpid())
		if err == nil {
			err = self.Kill()
		}
		if err != nil {
			panic(err)
		}
		select {} // until it takes effect
	}
	return nil
}

// TestKeyedViewProcess is the process that is killed; by itself it tests nothing.
func TestKeyedViewProcess(t *testing.T) {
	dir := os.Getenv(asKeyedView)
	if dir == "" {
		t.Skip("it is run by another test")
	}
	tables, err := badgertables.Open(dir, badgertables.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if tables.Emptied() {
		t.Fatal("the tables were emptied")
	}
	d := &deadly{stored: tables}
	if _, err := fmt.Sscan(os.Getenv(asKeyedView+"_AT"), &d.left, &d.after); err != nil {
		t.Fatal(err)
	}
	if err := caughtUp(on(t, balances, d, small(20, 2)), replay.ColdHot(history(t, 200), transfers)); err != nil {
		t.Fatal(err)
	}
	if err := tables.Close(); err != nil {
		t.Fatal(err)
	}
}

// A process that is killed at each update, one life after the other, just before and
// just after it, leaves on disk what an undisturbed one does.
func TestAKeyedViewKilledAtEachUpdateCountsEachEventOnce(t *testing.T) {
	if _, err := os.Stat("/proc/sys/kernel/random/boot_id"); err != nil {
		t.Skip("tables that were left open are not trusted here")
	}
	dir, want := t.TempDir(), wanted(t, history(t, 200))
	for life, killed := 0, 0; ; life++ {
		// Before the update: it is made again by the next life, which dies after it.
		after := life%2 == 1
		cmd := exec.Command(os.Args[0], "-test.run=^TestKeyedViewProcess$", "-test.v")
		cmd.Env = append(os.Environ(), asKeyedView+"="+dir, fmt.Sprintf("%s_AT=0 %v", asKeyedView, after))
		out, err := cmd.CombinedOutput()
		if err == nil {
			if killed < 18 {
				t.Errorf("it was killed %d times: the test proves too little\n%s", killed, out)
			}
			break
		}
		if cmd.ProcessState.Exited() || life > 100 {
			t.Fatalf("it ended by itself in life %d: %v\n%s", life, err, out)
		}
		killed++
	}
	tables, err := badgertables.Open(dir, badgertables.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer tables.Close()
	wantSame(t, dump(t, tables, "balances@1"), want)
}
