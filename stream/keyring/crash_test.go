package keyring

import (
	"bufio"
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/thaw-go/thaw/stream"
)

// The environment makes the test binary the process to be killed: where its keyring is,
// what it does to subject "ann", and the step at which it waits to be killed.
const (
	crashDir  = "THAW_TEST_KEYRING_DIR"
	crashDoes = "THAW_TEST_KEYRING_DOES"
	crashStep = "THAW_TEST_KEYRING_STEP"
)

func init() {
	if dir := os.Getenv(crashDir); dir != "" {
		fmt.Fprintln(os.Stderr, toBeKilled(dir))
		os.Exit(1)
	}
}

func toBeKilled(dir string) error {
	ring, err := Open(dir, Options{})
	if err != nil {
		return err
	}
	fault = func(step string) error {
		if step == os.Getenv(crashStep) {
			fmt.Println("stopped")
			time.Sleep(time.Hour) // until the process is killed
		}
		return nil
	}
	ctx := context.Background()
	if os.Getenv(crashDoes) == "forget" {
		err = ring.Forget(ctx, "ann")
	} else {
		_, err = ring.Key(ctx, "ann")
	}
	return fmt.Errorf("it was not stopped: %w", err)
}

// killAt runs a process that does something, and kills it at a step.
func killAt(t *testing.T, dir, does, step string) {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^$")
	cmd.Env = append(os.Environ(), crashDir+"="+dir, crashDoes+"="+does, crashStep+"="+step)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	killed := cmd.Process.Kill()
	waited := cmd.Wait()
	if line != "stopped\n" || err != nil || killed != nil {
		t.Fatalf("%s, to be killed at %s: said %q, %v, %v, %v\n%s", does, step, line, err, killed, waited, &stderr)
	}
}

// TestKilledWhileAKeyIsMadeItIsWholeOrAbsent: and there is one key for ever after.
// Breaks when: add writes the subject's file in its place; sweep destroys what it
// should only remove.
func TestKilledWhileAKeyIsMadeItIsWholeOrAbsent(t *testing.T) {
	for _, step := range []string{"write", "link", "linked"} {
		dir := t.TempDir()
		killAt(t, dir, "key", step)
		ring := reopened(t, dir)
		if _, err := ring.Find(t.Context(), "ann"); !errors.Is(err, errNone) != (step == "linked") {
			t.Errorf("killed at %s: found %v", step, err)
		}
		first, err := ring.Key(t.Context(), "ann")
		if err != nil {
			t.Fatalf("killed at %s: %v", step, err)
		}
		if again, err := reopened(t, dir).Key(t.Context(), "ann"); err != nil || !bytes.Equal(first, again) {
			t.Errorf("killed at %s: got %x and %v, want %x", step, again, err, first)
		}
	}
}

// TestKilledWhileForgettingTheKeyIsWholeOrForgottenForGood: and in the end overwritten.
// A ring that was open all the time agrees.
// Breaks when: replaceByTombstone renames after it destroys; settle does nothing; sweep
// is settle alone.
func TestKilledWhileForgettingTheKeyIsWholeOrForgottenForGood(t *testing.T) {
	for _, step := range []string{"old", "write", "rename", "renamed", "overwritten"} {
		for _, watched := range []bool{false, true} {
			testKilledForgetting(t, step, watched)
		}
	}
}

func testKilledForgetting(t *testing.T, step string, watched bool) {
	dir := t.TempDir()
	ring := reopened(t, dir)
	key, err := ring.Key(t.Context(), "ann")
	if err != nil {
		t.Fatal(err)
	}
	if !watched {
		if err := ring.Close(); err != nil {
			t.Fatal(err)
		}
	}
	killAt(t, dir, "forget", step)
	gone := step == "renamed" || step == "overwritten"
	rings := []*Ring{reopened(t, dir)}
	if watched {
		rings = append(rings, ring)
	}
	for _, r := range rings {
		found, err := r.Key(t.Context(), "ann")
		if gone && !errors.Is(err, stream.ErrForgotten) || !gone && !bytes.Equal(found, key) {
			t.Errorf("killed at %s: got %x and %v", step, found, err)
		}
	}
	if gone && onDisk(t, dir, key) {
		t.Errorf("killed at %s: the key is on the disk after the next Open", step)
	}
	if left, err := os.ReadDir(filepath.Join(dir, workName)); !watched && (err != nil || len(left) > 0) {
		t.Errorf("killed at %s: left over: %v, %v", step, left, err)
	}
	if err := rings[0].Forget(t.Context(), "ann"); err != nil {
		t.Errorf("killed at %s: %v", step, err)
	}
	if _, err := reopened(t, dir).Key(t.Context(), "ann"); !errors.Is(err, stream.ErrForgotten) {
		t.Errorf("killed at %s: the key came back: %v", step, err)
	}
	if onDisk(t, dir, key) {
		t.Errorf("killed at %s: the key is on the disk after it was forgotten again", step)
	}
}

// TestAReaderWhoseFileIsOverwrittenLooksAgain: another process forgets the subject
// after this one has opened the file.
// Breaks when: find returns what form.open says of such a file.
func TestAReaderWhoseFileIsOverwrittenLooksAgain(t *testing.T) {
	dir := t.TempDir()
	ring, other := reopened(t, dir), reopened(t, dir)
	if _, err := ring.Key(t.Context(), "ann"); err != nil {
		t.Fatal(err)
	}
	before := fault
	defer func() { fault = before }()
	fault = func(step string) error {
		if step != "opened" {
			return nil
		}
		fault = before
		return other.Forget(t.Context(), "ann")
	}
	third := reopened(t, dir)
	if _, err := third.Find(t.Context(), "ann"); !errors.Is(err, stream.ErrForgotten) {
		t.Errorf("got %v, want ErrForgotten", err)
	}
}

func reopened(t *testing.T, dir string) *Ring {
	t.Helper()
	ring, err := Open(dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := ring.Close(); err != nil {
			t.Error(err)
		}
	})
	return ring
}

func onDisk(t *testing.T, dir string, key []byte) bool {
	t.Helper()
	found := false
	for _, pattern := range []string{"*", "*/*"} {
		paths, err := filepath.Glob(filepath.Join(dir, pattern))
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range paths {
			if data, err := os.ReadFile(path); err == nil {
				found = found || bytes.Contains(data, key)
			}
		}
	}
	return found
}

// FuzzKeyFile: what is in a subject's file is refused, or is what was written.
func FuzzKeyFile(f *testing.F) {
	n := nameOf("ann")
	secret := bytes.Repeat([]byte{7}, keySize)
	for _, form := range []form{{}, {Masters{bytes.Repeat([]byte{1}, keySize)}}} {
		data, err := form.key(n, secret)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Add(tombstone(n))
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, form := range []form{{}, {Masters{bytes.Repeat([]byte{1}, keySize)}}} {
			whole := sum(n, bytes.Clone(data)) // so that the checksum keeps nothing out
			for _, in := range [][]byte{data, whole} {
				key, err := form.open(n, in)
				if err == nil && len(key) != keySize {
					t.Fatalf("%s is the key %x", hex.EncodeToString(in), key)
				}
			}
		}
	})
}
