package badgerlog

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/thaw-go/thaw/stream"
)

// A real disk fails in a process of its own, which the test binary becomes if
// these are in its environment.
const (
	faultKind = "THAW_TEST_FAULT"
	faultDir  = "THAW_TEST_FAULT_DIR"
)

func init() {
	if kind := os.Getenv(faultKind); kind != "" {
		if err := writeUntilRefused(kind, os.Getenv(faultDir)); err != nil {
			fmt.Println("error", err)
			os.Exit(1)
		}
		os.Exit(0)
	}
}

// realFault is a way to break and mend what a process writes to.
type realFault struct {
	prepare, breaks, heals func(dir string) error
	valueLog               int64
}

// nobody is who a test that runs as root becomes, as permissions do not bind root.
const nobody = 65534

var realFaults = map[string]realFault{
	"no file may grow past 3 MiB, which the journal does first": {
		prepare:  ignoreLimit,
		breaks:   func(string) error { return limitFiles(3 << 20) },
		heals:    func(string) error { return limitFiles(1 << 40) },
		valueLog: 1 << 20,
	},
	"no file may grow past 33 MiB, which the value log does first": {
		prepare:  ignoreLimit,
		breaks:   func(string) error { return limitFiles(33 << 20) },
		heals:    func(string) error { return limitFiles(1 << 40) },
		valueLog: valueLogFileSize,
	},
	"the directory becomes read-only": {
		prepare: func(dir string) error {
			if os.Getuid() != 0 {
				return nil
			}
			if err := os.Chown(dir, nobody, nobody); err != nil {
				return err
			}
			return syscall.Setuid(nobody)
		},
		breaks:   func(dir string) error { return os.Chmod(dir, 0o500) },
		heals:    func(dir string) error { return os.Chmod(dir, 0o700) },
		valueLog: 1 << 20,
	},
}

// ignoreLimit makes a write past the limit an error, not a signal.
func ignoreLimit(string) error {
	signal.Ignore(syscall.SIGXFSZ)
	return nil
}

func limitFiles(size uint64) error {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
		return err
	}
	limit.Cur = min(size, limit.Max)
	return syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit)
}

// writeUntilRefused appends until storage fails, and says on stdout what was
// acknowledged ("e position command"), how the first append failed ("first") and
// the next one ("next"), how many events can still be read ("read"), and how
// closing went once the disk works again ("close").
func writeUntilRefused(kind, dir string) error {
	f := realFaults[kind]
	if err := f.prepare(dir); err != nil {
		return err
	}
	log, err := Open(dir, Options{MinFree: -1, seams: seams{generation: 64, valueLog: f.valueLog}})
	if err != nil {
		return err
	}
	if err := f.breaks(dir); err != nil {
		return err
	}
	for n := 0; err == nil; n++ {
		sent := written(3, 10_000)
		var got []stream.Record
		id := stream.ID{Topic: "t", Key: fmt.Sprint(n % 50)}
		got, err = log.Append(context.Background(), id, stream.AnyVersion, sent...)
		for _, r := range got {
			fmt.Println("e", r.Position, r.Command)
		}
		if n == 20_000 {
			return errors.New("600 MB were written and nothing failed")
		}
	}
	fmt.Printf("first %T %v\n", err, err)
	_, err = log.Append(context.Background(), faultyA, stream.AnyVersion, written(1, 0)...)
	fmt.Printf("next %T %v\n", err, err)
	read := 0
	err = log.Read(context.Background(), stream.Query{}, func(records []stream.Record, _ stream.Mark) error {
		read += len(records)
		return nil
	})
	fmt.Println("read", read, err)
	if err := f.heals(dir); err != nil {
		return err
	}
	fmt.Println("close", log.Close())
	return nil
}

// Storage that fails for real, under a process that writes: the append that met
// it is ambiguous or refused and says why, reads go on, and once the disk works
// again the log opens with everything acknowledged.
// Breaks when: write in the journal ignores what WriteAt returns; commit drops the
// database's error.
func TestRealFailuresOfStorageLoseNothing(t *testing.T) {
	for kind := range realFaults {
		t.Run(kind, func(t *testing.T) {
			dir := t.TempDir()
			if err := os.Chmod(filepath.Dir(dir), 0o755); err != nil { // for whoever the process becomes
				t.Fatal(err)
			}
			cmd := exec.Command(os.Args[0], "-test.run=^$")
			cmd.Env = append(os.Environ(), faultKind+"="+kind, faultDir+"="+dir)
			var stderr bytes.Buffer
			cmd.Stderr = &stderr
			said, err := cmd.Output()
			if err != nil {
				t.Fatalf("%v\n%.2000s\n%.4000s", err, said[max(0, len(said)-2000):], stderr.String())
			}
			survives(t, dir, string(said))
		})
	}
}

// survives holds a directory whose disk works again against what the process said.
func survives(t *testing.T, dir, said string) {
	t.Helper()
	var acknowledged []string // commands, by position
	answers := map[string]string{}
	for line := range strings.Lines(said) {
		first, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		if answers[first] = rest; first != "e" {
			continue
		}
		at, command, _ := strings.Cut(rest, " ")
		if acknowledged = append(acknowledged, command); at != fmt.Sprint(len(acknowledged)) {
			t.Errorf("position %s was acknowledged after %d", at, len(acknowledged)-1)
		}
	}
	if first := answers["first"]; !strings.HasPrefix(first, "*stream.AmbiguousError ") && !strings.HasPrefix(first, "*badgerlog.FailedError ") {
		t.Errorf("the first append that failed got %q", first)
	}
	if next := answers["next"]; !strings.HasPrefix(next, "*badgerlog.FailedError ") {
		t.Errorf("the append after it got %q, want a FailedError", next)
	}
	if want := fmt.Sprint(len(acknowledged), " <nil>"); answers["read"] != want {
		t.Errorf("once writing had failed a read got %q, want %q", answers["read"], want)
	}
	log, err := Open(dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := log.Close(); err != nil {
			t.Error(err)
		}
	}()
	all := everything(t, log)
	if len(all) < len(acknowledged) || len(all)%3 != 0 || len(all) > len(acknowledged)+3 {
		t.Errorf("%d events are there, %d were acknowledged and 3 may be", len(all), len(acknowledged))
	}
	for i, command := range acknowledged {
		if i < len(all) && all[i].Command.String() != command {
			t.Errorf("position %d has command %s, acknowledged was %s", i+1, all[i].Command, command)
		}
	}
	if err := log.Verify(t.Context(), nil); err != nil {
		t.Error(err)
	}
	t.Logf("%d events acknowledged; the first append that failed: %s", len(acknowledged), answers["first"])
}
