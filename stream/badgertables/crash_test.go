package badgertables_test

import (
	"bufio"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/thaw-go/thaw/stream"
	"github.com/thaw-go/thaw/stream/badgertables"
)

// asWriter, in the environment, makes the test binary the writer that is killed.
const asWriter = "THAW_TEST_TABLES"

// writer counts up: each update stores the number under a place of its own, under
// twenty keys, and says so once Update has returned.
func writer() {
	tables, err := badgertables.Open(os.Getenv(asWriter), badgertables.Options{})
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	if tables.Emptied() {
		fmt.Println("emptied")
		os.Exit(1)
	}
	for n := last(context.Background(), tables) + 1; ; n++ {
		value := []byte(strconv.Itoa(n))
		changes := []stream.Change{{Key: "place", Value: value}}
		for i := range 20 {
			changes = append(changes, stream.Change{Key: fmt.Sprintf("state %d", i), Value: value})
		}
		if err := tables.Update(context.Background(), "view@1", changes...); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		fmt.Println(n)
	}
}

// last is the number that is stored, or -1 if the table disagrees with itself.
func last(ctx context.Context, tables *badgertables.Tables) int {
	s, err := tables.Snapshot(ctx)
	if err != nil {
		return -1
	}
	defer s.Close()
	seen := map[string]int{}
	_ = s.Range(stream.TableRange{Table: "view@1"}, func(_ string, value []byte) error { seen[string(value)]++; return nil })
	if len(seen) == 0 {
		return 0
	}
	for value, keys := range seen {
		if n, err := strconv.Atoi(value); err == nil && len(seen) == 1 && keys == 21 {
			return n
		}
	}
	return -1
}

// TestTablesKilledAtRandomMomentsHaveEveryUpdateWhole: kill -9 in the middle of
// updates that store a state and a place.
// Breaks when: Update commits after each change; or Open does not trust what was
// left open in the same start of the machine.
func TestTablesKilledAtRandomMomentsHaveEveryUpdateWhole(t *testing.T) {
	if machineStartIsUnknown() {
		t.Skip("nothing that was left open is trusted here")
	}
	kills := 30
	if testing.Short() {
		kills = 5
	}
	dir := t.TempDir()
	acknowledged := 0
	for range kills {
		acknowledged = max(acknowledged, killedWriter(t, dir))
		tables := open(t, dir)
		switch n := last(t.Context(), tables); {
		case n < 0:
			t.Fatal("the state and the place do not agree")
		case n < acknowledged:
			t.Fatalf("%d was acknowledged, and %d is there", acknowledged, n)
		}
		if err := tables.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if acknowledged < kills {
		t.Errorf("%d updates in %d lives prove nothing", acknowledged, kills)
	}
}

// killedWriter runs a writer, kills it, and returns the last number that it said.
func killedWriter(t *testing.T, dir string) (acknowledged int) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), asWriter+"="+dir)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	said := bufio.NewScanner(out)
	if said.Scan() { // it is at work
		timer := time.AfterFunc(rand.N(60*time.Millisecond), func() { _ = cmd.Process.Kill() })
		defer timer.Stop()
	}
	for more := true; more; more = said.Scan() {
		n, err := strconv.Atoi(strings.TrimSpace(said.Text()))
		if err != nil {
			t.Errorf("it said %q", said.Text())
		}
		acknowledged = n
	}
	_ = cmd.Wait() // killed
	return acknowledged
}

func machineStartIsUnknown() bool {
	_, err := os.Stat("/proc/sys/kernel/random/boot_id")
	return err != nil
}
