package main

import (
	"errors"
	"math/rand/v2"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/thaw-go/thaw/replay"
	"github.com/thaw-go/thaw/stream"
	"github.com/thaw-go/thaw/stream/badgerlog"
)

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
	dir := filepath.Join(t.TempDir(), "house")
	var said string
	kills, houses := 0, 0
	for said == "" || kills == 0 && houses < 8 {
		if said != "" { // it was faster this time: another one
			said, dir, long = "", filepath.Join(t.TempDir(), "house"), long/2
			houses++
		}
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

// theBest is the customer that a summary names: no counter of the page's.
func theBest(said string) string {
	_, best, _ := strings.Cut(said, "best customer: ")
	return strings.TrimSpace(best)
}

// checkHistory compares the summary with a full replay, and counts invoices.
func checkHistory(t *testing.T, dir, said string) {
	t.Helper()
	log, err := badgerlog.Open(filepath.Join(dir, "log"), badgerlog.Options{})
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
	if diff := cmp.Diff(end(summary(s, replayed.count(), theBest(said))), said); diff != "" {
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
