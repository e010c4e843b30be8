package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/thaw-go/thaw/replay"
	"github.com/thaw-go/thaw/stream"
	"github.com/thaw-go/thaw/stream/badgerlog"
	"github.com/thaw-go/thaw/stream/memlog"
)

// asCommand, in the environment, makes the test binary the auction itself.
const asCommand = "THAW_TEST_AUCTION"

func TestMain(m *testing.M) {
	if os.Getenv(asCommand) != "" {
		main()
		os.Exit(0)
	}
	goleak.VerifyTestMain(m)
}

const wishes = 2_000

// command is the auction over wishes in a directory, as a process.
func command(dir string) (*exec.Cmd, *bytes.Buffer) {
	cmd := exec.Command(os.Args[0], "-events", fmt.Sprint(wishes), "-rate", "0", "-dir", dir)
	cmd.Env = append(os.Environ(), asCommand+"=1")
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	return cmd, &out
}

// end is the summary at the end of what the auction said.
func end(out string) string {
	_, summary, _ := strings.Cut(out, "the auction of seed")
	return summary
}

func undisturbed(t *testing.T) string {
	t.Helper()
	log := memlog.New()
	defer func() { _ = log.Close() }()
	var out bytes.Buffer
	s := settings{events: wishes, seed: 1}
	if err := hold(t.Context(), log, s, &screen{out: &out}); err != nil {
		t.Fatal(err)
	}
	if end(out.String()) == "" {
		t.Fatalf("no summary in\n%s", out.String())
	}
	return end(out.String())
}

func TestASeedComesToOneEnd(t *testing.T) {
	want := undisturbed(t)
	t.Run("in memory again", func(t *testing.T) {
		if diff := cmp.Diff(want, undisturbed(t)); diff != "" {
			t.Errorf("(-first +second)\n%s", diff)
		}
	})
	t.Run("on disk", func(t *testing.T) {
		var out bytes.Buffer
		s := settings{events: wishes, seed: 1, dir: filepath.Join(t.TempDir(), "log")}
		if err := auction(t.Context(), s, &out, false); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, end(out.String())); diff != "" {
			t.Errorf("(-in memory +on disk)\n%s", diff)
		}
	})
}

// TestTheAuctionKilledAndStartedAgain: killed with SIGKILL at random moments, it
// shows the same counters as a full replay and as an undisturbed run, and issues
// no invoice twice.
// Breaks when: the saga saves its place without its states (in sagaRun.store).
// Each of the aggregates also refuses to do a thing twice; that a command's ID
// takes effect once, and that a saga's commands keep theirs at every point of a
// crash, is proven in package aggregate.
func TestTheAuctionKilledAndStartedAgain(t *testing.T) {
	began := time.Now()
	whole, out := command(filepath.Join(t.TempDir(), "whole"))
	if err := whole.Run(); err != nil {
		t.Fatalf("%v\n%s", err, out.String())
	}
	long := time.Since(began) // it is killed before that, and comes on each time
	dir := filepath.Join(t.TempDir(), "log")
	var said string
	kills := 0
	for said == "" {
		cmd, out := command(dir)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		after := long/5 + rand.N(long/2)
		if kills >= 6 {
			after = time.Minute
		}
		timer := time.AfterFunc(after, func() { _ = cmd.Process.Signal(syscall.SIGKILL) })
		err := cmd.Wait()
		timer.Stop()
		var exit *exec.ExitError
		switch {
		case err == nil:
			said = out.String()
		case errors.As(err, &exit) && exit.Sys().(syscall.WaitStatus).Signaled():
			kills++
		default:
			t.Fatalf("%v\n%s", err, out.String())
		}
	}
	t.Logf("%d kills", kills)
	if kills == 0 {
		t.Error("it was never killed: the test proves nothing")
	}
	if diff := cmp.Diff(undisturbed(t), end(said)); diff != "" {
		t.Errorf("(-undisturbed +killed)\n%s", diff)
	}
	checkHistory(t, dir, end(said))
}

// checkHistory compares the summary with a full replay, and counts invoices.
func checkHistory(t *testing.T, dir, said string) {
	t.Helper()
	log, err := badgerlog.Open(dir, badgerlog.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := log.Close(); err != nil {
			t.Error(err)
		}
	}()
	replayed, err := NewPage().Fold(t.Context(), replay.Cold(log, Hall))
	if err != nil {
		t.Fatal(err)
	}
	s := settings{events: wishes, seed: 1}
	if diff := cmp.Diff(end(summary(s, replayed.count())), said); diff != "" {
		t.Errorf("(-replayed +shown)\n%s", diff)
	}
	issued := map[stream.ID]int{}
	perBuyer := map[string]int{}
	for e, err := range replay.Cold(log, stream.Only[InvoiceIssued](Invoices)).All(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		issued[e.Stream]++
		perBuyer[e.Data.Lot+" to "+e.Data.Buyer]++
		if e.CausedBy.IsZero() || e.Correlation == e.Command {
			t.Errorf("invoice %s does not say what caused it", e.Stream)
		}
	}
	for id, n := range issued {
		if n > 1 {
			t.Errorf("invoice %s was issued %d times", id, n)
		}
	}
	for sale, n := range perBuyer {
		if n > 1 {
			t.Errorf("%s was invoiced %d times", sale, n)
		}
	}
	if len(issued) < 20 {
		t.Errorf("%d invoices: too few to prove anything", len(issued))
	}
}

func TestAStopThatIsAskedForIsCleanAndTheNextStartGoesOn(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "log")
	slow := exec.Command(os.Args[0], "-events", fmt.Sprint(wishes), "-rate", "100", "-dir", dir)
	slow.Env = append(os.Environ(), asCommand+"=1")
	pipe, err := slow.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := slow.Start(); err != nil {
		t.Fatal(err)
	}
	said := bufio.NewReader(pipe)
	if line, err := said.ReadString('\n'); err != nil { // it is in the middle of its work
		t.Fatalf("it said %q: %v", line, err)
	}
	if err := slow.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	rest, err := io.ReadAll(said)
	if err = errors.Join(err, slow.Wait()); err != nil || !strings.Contains(string(rest), "goes on from here") {
		t.Fatalf("it ended with %v and said\n%s", err, rest)
	}
	again, out := command(dir)
	if err := again.Run(); err != nil {
		t.Fatalf("%v\n%s", err, out.String())
	}
	if diff := cmp.Diff(undisturbed(t), end(out.String())); diff != "" {
		t.Errorf("(-undisturbed +stopped)\n%s", diff)
	}
}

func TestAHouseRefusesAnotherSeedAndMoreWishesOnceItHasClosed(t *testing.T) {
	log := memlog.New()
	defer func() { _ = log.Close() }()
	auctioned := func(s settings) (string, error) {
		var out bytes.Buffer
		err := hold(context.Background(), log, s, &screen{out: &out})
		return out.String(), err
	}
	first, err := auctioned(settings{events: 200, seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	if again, err := auctioned(settings{events: 200, seed: 1}); err != nil || again != first {
		t.Errorf("the same again said\n%s%v\nwant\n%s", again, err, first)
	}
	if _, err := auctioned(settings{events: 200, seed: 2}); err == nil || !strings.Contains(err.Error(), "seed") {
		t.Errorf("another seed: got %v, want an error that names the seed", err)
	}
	if _, err := auctioned(settings{events: 300, seed: 1}); err == nil || !strings.Contains(err.Error(), "closed") {
		t.Errorf("more wishes: got %v, want an error that says that the house has closed", err)
	}
}

func TestTheWorldDependsOnItsSeedAlone(t *testing.T) {
	a, b, other := newWorld(1), newWorld(1), newWorld(2)
	same := 0
	for range 5_000 {
		x, y := a.next(), b.next()
		if diff := cmp.Diff(x, y); diff != "" {
			t.Fatalf("(-one +another)\n%s", diff)
		}
		if cmp.Equal(x, other.next()) {
			same++
		}
	}
	if same > 0 {
		t.Errorf("%d wishes of another seed were the same", same)
	}
}

func TestTheScreenReplacesItsPictureAndLeavesNothingBehind(t *testing.T) {
	var out bytes.Buffer
	s := &screen{out: &out, terminal: true}
	s.picture([]string{"one", "two"})
	s.picture([]string{"three"})
	s.erase()
	want := "\x1b[2Kone\n\x1b[2Ktwo\n\x1b[J" + "\x1b[2A\x1b[2Kthree\n\x1b[J" + "\x1b[1A\x1b[J"
	if got := out.String(); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
