package badgerlog_test

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/thaw-go/thaw/stream"
	"github.com/thaw-go/thaw/stream/badgerlog"
)

const holdDir = "THAW_TEST_HOLD_DIR"

func holdUntilKilled(dir string) {
	if _, err := badgerlog.Open(dir, badgerlog.Options{}); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Println("open")
	select {}
}

func TestASecondProcessIsRefusedAndToldWhoHasTheDirectory(t *testing.T) {
	dir := t.TempDir()
	cmd := exec.Command(os.Args[0], "-test.run=^$")
	cmd.Env = append(os.Environ(), holdDir+"="+dir)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = cmd.Wait() }()
	said := make([]byte, 5)
	if _, err := out.Read(said); err != nil {
		t.Fatal(err)
	}
	_, err = badgerlog.Open(dir, badgerlog.Options{})
	var locked *badgerlog.LockedError
	if !errors.As(err, &locked) || locked.PID != cmd.Process.Pid {
		t.Errorf("got %v, want a LockedError naming process %d", err, cmd.Process.Pid)
	}
	if err := cmd.Process.Signal(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	open(t, dir, badgerlog.Options{})
}

func TestTheSameDirectoryIsNotOpenedTwiceInOneProcess(t *testing.T) {
	dir := t.TempDir()
	log := open(t, dir, badgerlog.Options{})
	var locked *badgerlog.LockedError
	if _, err := badgerlog.Open(dir, badgerlog.Options{}); !errors.As(err, &locked) {
		t.Errorf("got %v, want a LockedError", err)
	}
	appendOne(t, log, noteID(1)) // and the first one is unharmed
}

func TestADirectoryThatIsNoThawLogIsRefusedUntouched(t *testing.T) {
	cases := map[string]map[string]string{
		"other files":      {"holiday.jpg": "beach"},
		"another database": {"MANIFEST": "x", "KEYREGISTRY": "y"},
		"a newer format":   {"THAW": "thaw log, format 9\n"},
		"an empty stamp":   {"THAW": ""},
	}
	for name, files := range cases {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			for file, text := range files {
				if err := os.WriteFile(filepath.Join(dir, file), []byte(text), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			_, err := badgerlog.Open(dir, badgerlog.Options{})
			var format *badgerlog.FormatError
			if !errors.As(err, &format) {
				t.Fatalf("got %v, want a FormatError", err)
			}
			left, err := os.ReadDir(dir)
			if err != nil || len(left) != len(files) {
				t.Errorf("the directory now has %d files, had %d: %v", len(left), len(files), err)
			}
		})
	}
}

func TestADirectoryThatCanNotBeMadeIsAClearError(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{"", filepath.Join(file, "log"), file} {
		if _, err := badgerlog.Open(dir, badgerlog.Options{}); err == nil || !strings.HasPrefix(err.Error(), "badgerlog: open") {
			t.Errorf("open %q: got %v, want an error that begins with what was done", dir, err)
		}
	}
}

func TestAReadOnlyDirectoryIsAClearError(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "log")
	if err := os.Mkdir(dir, 0o555); err != nil {
		t.Fatal(err)
	}
	if probe, err := os.Create(filepath.Join(dir, "probe")); err == nil {
		_ = probe.Close()
		dir = "/proc/self/net" // root may write anywhere but into the kernel
		if _, err := os.Stat(dir); err != nil {
			t.Skip("this user may write everywhere")
		}
	}
	_, err := badgerlog.Open(dir, badgerlog.Options{})
	if err == nil || !strings.Contains(err.Error(), dir) {
		t.Errorf("got %v, want an error naming %s", err, dir)
	}
}

func TestFilesOfNoLengthLeftByACrashDoNotKeepTheLogShut(t *testing.T) {
	dir := t.TempDir()
	log := open(t, dir, badgerlog.Options{})
	appendOne(t, log, noteID(1))
	if err := log.Close(); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"00099.mem", "000099.vlog"} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	head, err := open(t, dir, badgerlog.Options{}).Head(t.Context())
	if err != nil || !head.Equal(stream.At(1)) {
		t.Errorf("head is %s, want 1: %v", head, err)
	}
}

// TestADamagedBlockIsNamedByPositionAndNeverReturned flips one byte of a stored
// payload on disk.
// Breaks when: openBlock does not compare the checksum.
func TestADamagedBlockIsNamedByPositionAndNeverReturned(t *testing.T) {
	dir := t.TempDir()
	log := open(t, dir, badgerlog.Options{}.SmallGenerations(5).SmallFiles()) // a block for each five events
	const bad, first, last, total = 7, 6, 10, 2000
	marker := bytes.Repeat([]byte("needle"), 500) // large enough for the value log
	for i := range total {                        // until the value log has gone on in another file
		r := record()
		r.Data = bytes.Repeat([]byte{'x'}, 1000)
		if i+1 == bad {
			r.Data = marker
		}
		if _, err := log.Append(t.Context(), noteID(int64(i)), 0, r); err != nil {
			t.Fatal(err)
		}
	}
	if err := log.Close(); err != nil {
		t.Fatal(err)
	}
	if n := flip(t, dir, marker); n != 2 {
		t.Fatalf("found the payload %d times on disk, expected it in the log and in the stream's index", n)
	}
	log = open(t, dir, badgerlog.Options{})
	var read []stream.Position
	err := log.Read(t.Context(), stream.Query{}, func(records []stream.Record, _ stream.Mark) error {
		for _, r := range records {
			read = append(read, r.Position)
		}
		return nil
	})
	var corrupt *stream.CorruptError
	if !errors.As(err, &corrupt) || corrupt.Position != first || corrupt.Last != last || len(read) != first-1 {
		t.Errorf("scan read %v and ended with %v, want positions 1 to 5 and a CorruptError from 6 to 10", read, err)
	}
	id := noteID(bad - 1)
	err = log.Read(t.Context(), stream.Query{Match: []stream.Match{{Topic: id.Topic, Key: id.Key}}}, func(records []stream.Record, _ stream.Mark) error {
		if len(records) > 0 {
			t.Errorf("loading %s returned damaged data", id)
		}
		return nil
	})
	if !errors.As(err, &corrupt) || corrupt.Position != bad {
		t.Errorf("loading %s ended with %v, want a CorruptError at 7", id, err)
	}
	after := 0
	err = log.Read(t.Context(), stream.Query{From: stream.At(last)}, func(records []stream.Record, _ stream.Mark) error {
		after += len(records)
		return nil
	})
	if err != nil || after != total-last {
		t.Errorf("behind the damage %d events are readable, want %d: %v", after, total-last, err)
	}
}

// flip changes one byte in each place where the database holds the payload.
func flip(t *testing.T, dir string, payload []byte) (places int) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		for from := 0; ; {
			i := bytes.Index(data[from:], payload)
			if i < 0 {
				break
			}
			data[from+i+len(payload)/2] ^= 1
			from += i + len(payload)
			places++
		}
		return os.WriteFile(path, data, 0o644)
	})
	if err != nil {
		t.Fatal(err)
	}
	return places
}
