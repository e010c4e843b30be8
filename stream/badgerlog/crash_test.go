package badgerlog_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/thaw-go/thaw/stream"
	"github.com/thaw-go/thaw/stream/badgerlog"
)

// crashDir, in the environment, makes the test binary the process to be killed.
const crashDir = "THAW_TEST_CRASH_DIR"

// writeUntilKilled appends from many goroutines, batches of one to three events,
// and says on stdout what was acknowledged: "e position stream version command"
// for an event, "c position" for a consumer's cursor.
func writeUntilKilled(dir string) error {
	log, err := badgerlog.Open(dir, badgerlog.Options{})
	if err != nil {
		return err
	}
	ctx := context.Background()
	var out sync.Mutex
	say := func(lines []byte) {
		out.Lock()
		defer out.Unlock()
		_, _ = os.Stdout.Write(lines) // a failed write means that the reader has gone
	}
	say([]byte("open\n"))
	failed := make(chan error)
	for w := range 16 {
		go func() {
			for {
				if err := appendBatch(ctx, log, w, say); err != nil {
					failed <- err
					return
				}
			}
		}()
	}
	go func() {
		for {
			head, err := log.Head(ctx)
			if err == nil {
				err = log.Checkpoint(ctx, "auditor", head, stream.Change{Key: "at", Value: []byte(head.String())})
			}
			if err != nil {
				failed <- err
				return
			}
			say(fmt.Appendf(nil, "c %s\n", head))
		}
	}()
	return <-failed
}

func appendBatch(ctx context.Context, log *badgerlog.Log, writer int, say func([]byte)) error {
	n := 1 + rand.IntN(3)
	command := stream.NewID()
	records := make([]stream.Record, n)
	for i := range records {
		records[i] = stream.Record{
			Header: stream.Header{Type: "WRITTEN", Schema: 1, ID: stream.DeriveID(command, "event", i), Command: command},
			Data:   fmt.Appendf(nil, "%d of %d %s", i, n, bytes.Repeat([]byte{'x'}, rand.IntN(2000))),
		}
	}
	id := stream.ID{Topic: "crash", Key: fmt.Sprintf("writer-%d-%d", writer, rand.IntN(8))}
	stored, err := log.Append(ctx, id, stream.AnyVersion, records...)
	if err != nil {
		return err
	}
	var lines []byte
	for _, r := range stored {
		lines = fmt.Appendf(lines, "e %d %s %d %s\n", r.Position, r.Stream, r.Version, r.Command)
	}
	say(lines)
	return nil
}

// Guarantee 2: acknowledged means on disk; and of 1 and 3, what a crash could
// break: positions stay dense, an append is whole or absent.
// Breaks when: the committer answers before it commits (close(r.done) before
// c.commit), or a group's first event is committed in a transaction of its own.
func TestLogKilledAtRandomMomentsLosesNothingAcknowledged(t *testing.T) {
	kills := 50
	if testing.Short() {
		kills = 5
	}
	dir := t.TempDir()
	acknowledged := map[stream.Position]string{}
	var cursor stream.Position
	for kill := range kills {
		out := killedRun(t, dir, time.Duration(rand.IntN(60_000))*time.Microsecond)
		for line := range bytes.Lines(out) {
			if !bytes.HasSuffix(line, []byte("\n")) {
				break // killed in the middle of saying it
			}
			var at stream.Position
			var id, command string
			var version stream.Version
			if n, _ := fmt.Sscanf(string(line), "e %d %s %d %s\n", &at, &id, &version, &command); n == 4 {
				acknowledged[at] = fmt.Sprintf("%s %d %s", id, version, command)
			}
			if n, _ := fmt.Sscanf(string(line), "c %d\n", &at); n == 1 {
				cursor = max(cursor, at)
			}
		}
		checkAfterCrash(t, dir, acknowledged, cursor)
		if t.Failed() {
			t.Fatalf("after kill %d", kill+1)
		}
	}
	t.Logf("%d kills, %d events acknowledged, none lost", kills, len(acknowledged))
	if len(acknowledged) < kills {
		t.Errorf("only %d events were acknowledged in %d runs: the test proves too little", len(acknowledged), kills)
	}
}

// killedRun runs the writing process, kills it so long after its log is open,
// and returns what it said.
func killedRun(t *testing.T, dir string, after time.Duration) []byte {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^$")
	cmd.Env = append(os.Environ(), crashDir+"="+dir)
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
	first, err := in.ReadString('\n')
	if err != nil || first != "open\n" {
		t.Fatalf("the writing process said %q: %v\n%s", first, err, stderr.String())
	}
	timer := time.AfterFunc(after, func() { _ = cmd.Process.Signal(syscall.SIGKILL) })
	defer timer.Stop()
	said, err := io.ReadAll(in)
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err == nil || stderr.Len() > 0 {
		t.Fatalf("the writing process ended by itself: %v\n%s", err, stderr.String())
	}
	return said
}

func checkAfterCrash(t *testing.T, dir string, acknowledged map[stream.Position]string, cursor stream.Position) {
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
	head := checkWhole(t, log, acknowledged)
	at, _, err := log.Cursor(t.Context(), "auditor")
	if err != nil {
		t.Fatal(err)
	}
	if !at.Reached(stream.At(cursor)) || !stream.At(head).Reached(at) {
		t.Errorf("cursor is at %s, expected between %d, which was acknowledged, and the head, %d", at, cursor, head)
	}
	state, _, err := log.State(t.Context(), "auditor", "at")
	if err != nil || string(state) != at.String() && !at.IsZero() {
		t.Errorf("state says %q beside cursor %s: %v", state, at, err)
	}
}

// checkWhole reads the whole log and each stream and returns the head.
func checkWhole(t *testing.T, log *badgerlog.Log, acknowledged map[stream.Position]string) stream.Position {
	t.Helper()
	var head stream.Position
	var missing int
	parts := map[stream.EventID]int{}
	whole := map[stream.EventID]int{}
	versions := map[stream.ID]stream.Version{}
	err := log.Read(t.Context(), stream.Query{}, func(records []stream.Record, _ stream.Mark) error {
		for _, r := range records {
			if r.Position != head+1 {
				t.Errorf("position %d follows %d", r.Position, head)
			}
			head = r.Position
			if versions[r.Stream]++; r.Version != versions[r.Stream] {
				t.Errorf("%s has version %d where %d was expected", r.Stream, r.Version, versions[r.Stream])
			}
			var i, n int
			if _, err := fmt.Sscanf(string(r.Data[:min(len(r.Data), 16)]), "%d of %d", &i, &n); err != nil {
				t.Errorf("payload at %d: %v", r.Position, err)
			}
			parts[r.Command]++
			whole[r.Command] = n
			if want, ok := acknowledged[r.Position]; ok {
				missing--
				if got := fmt.Sprintf("%s %d %s", r.Stream, r.Version, r.Command); got != want {
					t.Errorf("position %d holds %s, acknowledged was %s", r.Position, got, want)
				}
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if missing += len(acknowledged); missing > 0 {
		t.Errorf("%d acknowledged events are gone", missing)
	}
	for command, n := range whole {
		if parts[command] != n {
			t.Errorf("command %s has %d of its %d events", command, parts[command], n)
		}
	}
	checkStreams(t, log, versions)
	return head
}

// checkStreams compares each stream's own entries with what the log said of it.
func checkStreams(t *testing.T, log *badgerlog.Log, versions map[stream.ID]stream.Version) {
	t.Helper()
	for id, want := range versions {
		var got stream.Version
		q := stream.Query{Match: []stream.Match{{Topic: id.Topic, Key: id.Key}}}
		err := log.Read(t.Context(), q, func(records []stream.Record, _ stream.Mark) error {
			for _, r := range records {
				if r.Version != got+1 {
					t.Errorf("index of %s: version %d follows %d", id, r.Version, got)
				}
				got = r.Version
			}
			return nil
		})
		if err != nil || got != want {
			t.Errorf("index of %s ends at version %d, the log at %d: %v", id, got, want, err)
		}
	}
}
