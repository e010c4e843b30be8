package badgerlog

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
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/thaw-go/thaw/stream"
)

// The environment makes the test binary the process to be killed: where its log
// is, and the number of its key. The key before it was the log's until then.
const (
	rotateDirEnv = "THAW_TEST_ROTATE_DIR"
	rotateKeyEnv = "THAW_TEST_ROTATE_KEY"
)

func init() {
	if dir := os.Getenv(rotateDirEnv); dir != "" {
		fmt.Fprintln(os.Stderr, rotateAndWrite(dir))
		os.Exit(1)
	}
}

// rotateAndWrite moves the log to the next key and appends from many goroutines,
// and says which event it was told is at which position. Every other time it stops
// at a call that writes the key file, and waits there to be killed.
func rotateAndWrite(dir string) error {
	n, err := strconv.Atoi(os.Getenv(rotateKeyEnv))
	if err != nil {
		return err
	}
	o := Options{Keys: keysOf(byte(n), byte(n-1)), Compress: n/2%2 == 0}.SmallGenerations(200).SmallFiles()
	if stop := rand.IntN(len(keyFileCalls)); n%2 == 0 {
		o.seams.fault = func(call string) error {
			if call == keyFileCalls[stop] {
				fmt.Println("stopped")
				time.Sleep(time.Hour)
			}
			return nil
		}
	}
	log, err := Open(dir, o)
	if err != nil {
		return err
	}
	fmt.Println("open")
	failed := make(chan error)
	var out sync.Mutex
	for w := range 8 {
		go func() { // until the process is killed
			for {
				records, command := make([]stream.Record, 1+rand.IntN(3)), stream.NewID()
				for i := range records {
					records[i] = stream.Record{
						Header: stream.Header{Type: "T", Schema: 1, Command: command},
						Data:   bytes.Repeat([]byte{byte(w)}, 1+rand.IntN(3000)),
					}
				}
				got, err := log.Append(context.Background(), stream.ID{Topic: "t", Key: fmt.Sprint(w)}, stream.AnyVersion, records...)
				if err != nil {
					failed <- err
					return
				}
				out.Lock()
				for i := range got {
					fmt.Printf("%d %s\n", got[i].Position, sumOf(&got[i]))
				}
				out.Unlock()
			}
		}()
	}
	return <-failed
}

// TestAnEncryptedLogKilledWhileItIsRotatedAndWrittenLosesNothing kills a process
// that moves the log to another key each time and appends, while it does the one or
// the other.
// Breaks when: the committer answers before it commits; settle writes the key file
// in its place.
func TestAnEncryptedLogKilledWhileItIsRotatedAndWrittenLosesNothing(t *testing.T) {
	kills := envCount(t, "THAW_CRASHES", 12)
	if testing.Short() {
		kills = min(kills, 4)
	}
	dir := t.TempDir()
	writeEvents(t, dir, Options{Keys: keysOf(1)}, 1)
	told := map[int]string{}
	for n := 2; n < kills+2; n++ {
		hear(t, killedRotating(t, dir, n), told)
		log, err := Open(dir, Options{Keys: keysOf(byte(n), byte(n-1))})
		if err != nil {
			t.Fatalf("after %d kills: %v", n-1, err)
		}
		if err := log.Verify(t.Context(), nil); err != nil {
			t.Error(err)
		}
		has := everything(t, log)
		for at, sum := range told {
			if at > len(has) || sumOf(&has[at-1]) != sum {
				t.Fatalf("after %d kills: position %d of %d, which was acknowledged, is gone or another event", n-1, at, len(has))
			}
		}
		if err := log.Close(); err != nil {
			t.Fatal(err)
		}
		var refused *KeyError
		if _, err := Open(dir, Options{Keys: keysOf(byte(n - 1))}); !errors.As(err, &refused) {
			t.Fatalf("after a rotation the old key opens it: %v", err)
		}
	}
	t.Logf("%d kills, %d events acknowledged, none lost", kills, len(told))
	if len(told) < kills {
		t.Errorf("only %d events were acknowledged: the test proves too little", len(told))
	}
}

// killedRotating runs the process, kills it, and returns what it said.
func killedRotating(t *testing.T, dir string, n int) []byte {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^$")
	cmd.Env = append(os.Environ(), rotateDirEnv+"="+dir, fmt.Sprint(rotateKeyEnv, "=", n))
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	in := bufio.NewReader(out)
	first, err := in.ReadString('\n')
	var said []byte
	for line := 10 + rand.IntN(500); line > 0 && err == nil && first == "open\n"; line-- {
		var more []byte
		more, err = in.ReadBytes('\n')
		said = append(said, more...)
	}
	if err != nil {
		t.Fatalf("the process said %q: %v\n%s", first, err, stderr.String())
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	rest, err := io.ReadAll(in)
	if err != nil {
		t.Fatal(err)
	}
	said = append(said, rest...)
	if err := cmd.Wait(); err == nil || stderr.Len() > 0 {
		t.Fatalf("the process ended by itself: %v\n%s", err, stderr.String())
	}
	return said
}

// hear notes what the process said, but for a line that it was killed in.
func hear(t *testing.T, said []byte, told map[int]string) {
	t.Helper()
	for line := range bytes.Lines(said) {
		if !bytes.HasSuffix(line, []byte("\n")) {
			return
		}
		var at int
		var sum string
		if _, err := fmt.Sscanf(string(line), "%d %s\n", &at, &sum); err != nil {
			t.Fatalf("the process said %q: %v", line, err)
		}
		told[at] = sum
	}
}
