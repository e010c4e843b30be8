package journal

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"syscall"
	"testing"
	"time"
)

// crashDir, in the environment, makes the test binary the process to be killed.
const crashDir = "THAW_TEST_JOURNAL_DIR"

func TestMain(m *testing.M) {
	if dir := os.Getenv(crashDir); dir != "" {
		fmt.Fprintln(os.Stderr, appendUntilKilled(dir))
		os.Exit(1)
	}
	os.Exit(m.Run())
}

var crashed = Options{SegmentBytes: 256 << 10}

// crashSealed, in the environment, encrypts that process's journal.
const crashSealed = "THAW_TEST_JOURNAL_SEALED"

// appendUntilKilled replays what there is, says up to where, and appends records
// that tell their numbers, saying each one that was acknowledged.
func appendUntilKilled(dir string) error {
	o := crashed
	if os.Getenv(crashSealed) != "" {
		o.Key = testKey
	}
	j, err := Open(dir, o)
	if err != nil {
		return err
	}
	last, err := strconv.ParseUint(os.Getenv("THAW_TEST_APPLIED"), 10, 64)
	if err != nil {
		return err
	}
	if last, err = j.Replay(last, checkRecord); err != nil {
		return err
	}
	fmt.Println(last)
	if err := j.Begin(last + 1); err != nil {
		return err
	}
	for seq := last + 1; ; seq++ {
		if _, err := j.Append(numbered(seq)); err != nil {
			return err
		}
		j.Applied(seq - min(seq, 3))
		fmt.Println(seq)
	}
}

func numbered(seq uint64) []byte {
	return bytes.Repeat(fmt.Appendf(nil, "record %d ", seq), 1+int(seq*7919%2000))
}

func checkRecord(seq uint64, data []byte) error {
	if !bytes.Equal(data, numbered(seq)) {
		return fmt.Errorf("record %d holds %d bytes that are not its own", seq, len(data))
	}
	return nil
}

// TestAKilledJournalHasEverythingAcknowledged kills a writing process, and the
// one that recovers from it, again and again.
// Breaks when: Begin takes the segment that was written last.
func TestAKilledJournalHasEverythingAcknowledged(t *testing.T) {
	eitherWay(t, aKilledJournalHasEverythingAcknowledged)
}

func aKilledJournalHasEverythingAcknowledged(t *testing.T, o Options) {
	if o.Key != nil {
		t.Setenv(crashSealed, "1")
	}
	kills := 40
	if testing.Short() {
		kills = 5
	}
	dir := t.TempDir()
	acknowledged, begun := uint64(0), uint64(0)
	for range kills {
		// What the owner has applied lags behind, as its flushes do, but what it
		// has replayed is applied before it begins again.
		said := killed(t, dir, max(begun, acknowledged-min(acknowledged, 3)), time.Duration(rand.IntN(30_000))*time.Microsecond)
		begun = 0
		for line := range bytes.Lines(said) {
			if seq, err := strconv.ParseUint(string(bytes.TrimSpace(line)), 10, 64); err == nil && bytes.HasSuffix(line, []byte("\n")) {
				if seq < acknowledged {
					t.Fatalf("record %d was acknowledged, but it goes on after %d", acknowledged, seq)
				}
				if acknowledged = seq; begun == 0 {
					begun = seq // it says first what it has replayed
				}
			}
		}
	}
	if acknowledged < uint64(kills) {
		t.Errorf("only %d records in %d runs: the test proves too little", acknowledged, kills)
	}
	t.Logf("%d kills, %d records acknowledged, none lost", kills, acknowledged)
}

func killed(t *testing.T, dir string, applied uint64, after time.Duration) []byte {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^$")
	cmd.Env = append(os.Environ(), crashDir+"="+dir, fmt.Sprintf("THAW_TEST_APPLIED=%d", applied))
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	pipe, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	in := bufio.NewReader(pipe)
	first, err := in.ReadBytes('\n')
	if err != nil {
		t.Fatalf("the writing process said %q: %v\n%s", first, err, stderr.String())
	}
	timer := time.AfterFunc(after, func() { _ = cmd.Process.Signal(syscall.SIGKILL) })
	defer timer.Stop()
	rest, err := io.ReadAll(in)
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err == nil || stderr.Len() > 0 {
		t.Fatalf("the writing process ended by itself: %v\n%s", err, stderr.String())
	}
	return append(first, rest...)
}
