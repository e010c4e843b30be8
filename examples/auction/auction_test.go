package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/thaw-go/thaw/stream/keyring"
	"github.com/thaw-go/thaw/stream/memlog"
	"github.com/thaw-go/thaw/stream/memtables"
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

// inMemory are premises that leave nothing behind.
func inMemory(log store) premises { return premises{log, memtables.New(), keyring.InMemory()} }

// housed is a house of seed 1.
func housed(t *testing.T, on premises) *house {
	t.Helper()
	h, err := newHouse(on, 1)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func undisturbed(t *testing.T) string {
	t.Helper()
	log := memlog.New()
	defer func() { _ = log.Close() }()
	var out bytes.Buffer
	s := settings{events: wishes, seed: 1}
	if err := hold(t.Context(), inMemory(log), s, &screen{out: &out}); err != nil {
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
		s := settings{events: wishes, seed: 1, dir: filepath.Join(t.TempDir(), "house")}
		if err := auction(t.Context(), s, &out, false); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, end(out.String())); diff != "" {
			t.Errorf("(-in memory +on disk)\n%s", diff)
		}
	})
}

func TestAStopThatIsAskedForIsCleanAndTheNextStartGoesOn(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "house")
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
	on := inMemory(log)
	defer func() { _ = log.Close() }()
	auctioned := func(s settings) (string, error) {
		var out bytes.Buffer
		err := hold(context.Background(), on, s, &screen{out: &out})
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
