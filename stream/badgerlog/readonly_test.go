package badgerlog_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/thaw-go/thaw/stream"
	"github.com/thaw-go/thaw/stream/badgerlog"
)

// lived is a log with history in its database and, if it was killed, in its
// journal: compressed and plain blocks, consumers with states, a cut.
func lived(t *testing.T, killed bool, keys ...[]byte) (dir string, events []stream.Record) {
	t.Helper()
	place := t.TempDir()
	o := badgerlog.Options{Compress: true, Keys: keys}.SmallGenerations(500).SmallFiles()
	log := open(t, place, o)
	records := foreign(2600)
	if _, err := log.Import(t.Context(), each(records), badgerlog.ImportOptions{KeepPositions: true, KeepTimes: true}); err != nil {
		t.Fatal(err)
	}
	if _, err := log.Truncate(t.Context(), stream.At(1200)); err != nil {
		t.Fatal(err)
	}
	saveStates(t, log, "mailer", stream.At(2000), 5)
	for i := range 30 {
		appendOne(t, log, noteID(int64(i%7)))
	}
	saveStates(t, log, "auditor", stream.At(2620), 3)
	s, err := log.Stats(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	events, err = read(t, log, stream.Query{From: stream.At(s.Cut)})
	if err != nil {
		t.Fatal(err)
	}
	if !killed {
		if err := log.Close(); err != nil {
			t.Fatal(err)
		}
		return place, events
	}
	// What a killed process leaves is what it had written.
	log.StopCollecting()
	dir = filepath.Join(t.TempDir(), "killed")
	if err := os.CopyFS(dir, os.DirFS(place)); err != nil {
		t.Fatal(err)
	}
	return dir, events
}

func saveStates(t testing.TB, log *badgerlog.Log, name string, at stream.Cursor, n int) {
	t.Helper()
	changes := make([]stream.Change, n)
	for i := range changes {
		changes[i] = stream.Change{Key: fmt.Sprintf("key %d\x00", i), Value: fmt.Appendf(nil, "%s remembers %d", name, i)}
	}
	if err := log.Checkpoint(context.Background(), name, at, changes...); err != nil {
		t.Fatal(err)
	}
}

// files is what stands in a directory: names, contents and times of change.
func files(t testing.TB, dir string) map[string]string {
	t.Helper()
	found := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil || d.IsDir() {
			found[path] = "a directory"
			return err
		}
		data, err := os.ReadFile(path)
		found[path] = fmt.Sprintf("%d bytes %x at %s", len(data), sha256.Sum256(data), info.ModTime().Format(time.RFC3339Nano))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// killedMidway spoils a log's directory as crashes do: files of no length, a table that
// no manifest lists.
func killedMidway(t *testing.T, dir string) {
	t.Helper()
	for _, name := range []string{"009999.vlog", "09999.mem"} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "009999.sst"), []byte("cut short"), 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestAReadOnlyLogHasEverythingAndChangesNothing: whatever ended the process
// that wrote it, two at a time read it, and no file is another one afterwards.
// Breaks when: the database opens the directory itself after a crash, inspect
// removes what it finds, or recovery stores what the journal has.
func TestAReadOnlyLogHasEverythingAndChangesNothing(t *testing.T) {
	for claim, c := range map[string]struct {
		killed, spoiled bool
		keys            [][]byte
	}{
		"closed in peace":                  {false, false, nil},
		"killed":                           {true, false, nil},
		"killed while files were made":     {true, true, nil},
		"closed, then killed at its birth": {false, true, nil},

		"encrypted, closed in peace":              {false, false, keys(1)},
		"encrypted, killed":                       {true, false, keys(1)},
		"encrypted, killed while files were made": {true, true, keys(1)},
	} {
		t.Run(claim, func(t *testing.T) {
			dir, want := lived(t, c.killed, c.keys...)
			if c.spoiled {
				killedMidway(t, dir)
			}
			before := files(t, dir)
			o := badgerlog.Options{ReadOnly: true, Keys: c.keys}.SmallFiles()
			first, second := open(t, dir, o), open(t, dir, o)
			for _, log := range []*badgerlog.Log{first, second} {
				checkReadOnly(t, log, want)
			}
			for _, log := range []*badgerlog.Log{first, second} {
				if err := log.Close(); err != nil {
					t.Error(err)
				}
			}
			if diff := cmp.Diff(before, files(t, dir)); diff != "" {
				t.Errorf("the directory has changed (-before +after)\n%s", diff)
			}
			log := open(t, dir, badgerlog.Options{Keys: c.keys}.SmallFiles())
			if got, err := read(t, log, stream.Query{From: stream.At(want[0].Position - 1)}); err != nil || len(got) != len(want) {
				t.Errorf("opened to write: got %d events and %v, want %d", len(got), err, len(want))
			}
		})
	}
}

func checkReadOnly(t *testing.T, log *badgerlog.Log, want []stream.Record) {
	t.Helper()
	ctx := t.Context()
	cut := stream.At(want[0].Position - 1)
	got, err := read(t, log, stream.Query{From: cut})
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Fatalf("read: %v (-want +got)\n%s", err, diff)
	}
	last := want[len(want)-1]
	own, err := read(t, log, stream.Query{From: cut, Match: []stream.Match{{Topic: last.Stream.Topic, Key: last.Stream.Key}}})
	if err != nil || len(own) == 0 || own[len(own)-1].Position != last.Position {
		t.Errorf("%s: got %d events and %v, want them up to position %d", last.Stream, len(own), err, last.Position)
	}
	var gone *stream.TruncatedError
	if _, err := read(t, log, stream.Query{}); !errors.As(err, &gone) || !gone.Cut.Equal(cut) {
		t.Errorf("from the beginning: got %v, want a TruncatedError at %s", err, cut)
	}
	for name, place := range map[string]stream.Position{"mailer": 2000, "auditor": 2620} {
		if at, ok, err := log.Cursor(ctx, name); !ok || err != nil || at.Position(0) != place {
			t.Errorf("cursor of %s: got %s, %v and %v, want %d", name, at, ok, err, place)
		}
		state, ok, err := log.State(ctx, name, "key 1\x00")
		if want := name + " remembers 1"; !ok || err != nil || string(state) != want {
			t.Errorf("state of %s: got %q, %v and %v, want %q", name, state, ok, err, want)
		}
	}
	if err := log.Verify(ctx, nil); err != nil {
		t.Error(err)
	}
	s, err := log.Stats(ctx)
	if err != nil || s.Head != last.Position || s.Cut != cut.Position(0) || s.Streams == 0 {
		t.Errorf("stats: got %+v and %v, want the head at %d and a cut at %s", s, err, last.Position, cut)
	}
}

// Breaks when: one of them does not ask whether the log is read only, or the
// error does not say what was refused.
func TestAReadOnlyLogRefusesToChange(t *testing.T) {
	dir, want := lived(t, false)
	log := open(t, dir, badgerlog.Options{ReadOnly: true})
	for doing, change := range map[string]func() error{
		"append to notes/": func() error {
			_, err := log.Append(t.Context(), noteID(1), stream.AnyVersion, record())
			return err
		},
		"save the place of consumer mailer": func() error { return log.SaveCursor(t.Context(), "mailer", stream.At(2100)) },
		"import into " + dir: func() error {
			_, err := log.Import(t.Context(), each(want[:1]), badgerlog.ImportOptions{})
			return err
		},
		"truncate " + dir: func() error {
			_, err := log.Truncate(t.Context(), stream.At(2000))
			return err
		},
	} {
		if err := change(); !errors.Is(err, badgerlog.ErrReadOnly) || !strings.Contains(err.Error(), doing) {
			t.Errorf("%s: got %v, want ErrReadOnly that says so", doing, err)
		}
	}
	if release, err := log.Claim(t.Context(), "mailer"); err != nil {
		t.Errorf("a claim, which is kept in memory: %v", err)
	} else {
		release()
	}
}

// Breaks when: Close does not wake who waits.
func TestAFollowingReadOfAReadOnlyLogWaitsUntilItIsClosed(t *testing.T) {
	dir, want := lived(t, true)
	log := open(t, dir, badgerlog.Options{ReadOnly: true}.SmallFiles())
	live, ended := make(chan stream.Position), make(chan error)
	go func() { // ends with the log
		ended <- log.Read(context.Background(), stream.Query{From: stream.At(2500), Follow: true}, func(_ []stream.Record, m stream.Mark) error {
			if m.Live {
				live <- m.At.Position(0)
			}
			return nil
		})
	}()
	if at := <-live; at != want[len(want)-1].Position {
		t.Errorf("live at %d, want the head", at)
	}
	if err := log.Close(); err != nil {
		t.Error(err)
	}
	if err := <-ended; !errors.Is(err, stream.ErrClosed) {
		t.Errorf("got %v, want ErrClosed", err)
	}
}

// Breaks when: readers do not lock the directory, or writerOf takes a reader for
// the process that wrote last.
func TestReadersAndAWriterKeepOneAnotherOut(t *testing.T) {
	dir, _ := lived(t, true)
	reader := open(t, dir, badgerlog.Options{ReadOnly: true}.SmallFiles())
	var locked *badgerlog.LockedError
	if _, err := badgerlog.Open(dir, badgerlog.Options{}); !errors.As(err, &locked) || locked.PID != 0 {
		t.Errorf("a writer beside a reader: got %v, want a LockedError of nobody known", err)
	}
	if err := reader.Close(); err != nil {
		t.Fatal(err)
	}
	open(t, dir, badgerlog.Options{}.SmallFiles())
	if _, err := badgerlog.Open(dir, badgerlog.Options{ReadOnly: true}); !errors.As(err, &locked) || locked.PID != os.Getpid() {
		t.Errorf("a reader beside a writer: got %v, want a LockedError of process %d", err, os.Getpid())
	}
}

// Breaks when: directoryToRead makes or stamps what it does not find, or
// openJournal makes segments.
func TestOnlyALogIsOpenedForReading(t *testing.T) {
	o := badgerlog.Options{ReadOnly: true}
	missing := filepath.Join(t.TempDir(), "missing")
	if _, err := badgerlog.Open(missing, o); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a directory that is not there: got %v, want ErrNotExist", err)
	}
	empty := t.TempDir()
	var format *badgerlog.FormatError
	if _, err := badgerlog.Open(empty, o); !errors.As(err, &format) {
		t.Errorf("an empty directory: got %v, want a FormatError", err)
	}
	if len(files(t, empty)) != 1 {
		t.Error("something was made in the empty directory")
	}
	if err := os.WriteFile(filepath.Join(empty, "THAW"), []byte("thaw log, format 2\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	before := files(t, empty)
	log := open(t, empty, o)
	if events := all(t, log); len(events) > 0 {
		t.Errorf("a log that was killed at its birth: got %d events, want none", len(events))
	}
	if err := log.Verify(t.Context(), nil); err != nil {
		t.Error(err)
	}
	if diff := cmp.Diff(before, files(t, empty)); diff != "" {
		t.Errorf("the directory has changed (-before +after)\n%s", diff)
	}
}

// TestAKilledLogIsReadWhole: after each kill a reader finds everything that was
// acknowledged, its backup is whole, and it has changed nothing that the next
// writer finds.
// Breaks when: wholeTransactions stops too early or too late, or recovery does
// not keep in memory what the journal has.
func TestAKilledLogIsReadWhole(t *testing.T) {
	kills := 12
	if testing.Short() {
		kills = 3
	}
	var total crashTotals
	var c *crashes
	for kill := range kills {
		if kill == 0 || kill == kills/2 { // the second log is encrypted
			c = newCrashes(t, &total)
			c.locked = kill > 0
		}
		c.kill()
		if _, err := os.Stat(filepath.Join(c.dir, "THAW")); errors.Is(err, fs.ErrNotExist) {
			continue // it was killed before it was a log
		}
		before := files(t, c.dir)
		o := badgerlog.Options{ReadOnly: true, Keys: asOptions(c.options).Keys}
		log := open(t, c.dir, o)
		c.compare(log, true)
		b, _ := backUp(t, log, stream.Cursor{})
		if _, err := badgerlog.VerifyBackup(t.Context(), o, readers(b)...); err != nil {
			t.Error(err)
		}
		if err := log.Close(); err != nil {
			t.Error(err)
		}
		if diff := cmp.Diff(before, files(t, c.dir)); diff != "" {
			t.Errorf("the directory has changed (-before +after)\n%s", diff)
		}
		if t.Failed() {
			t.Fatalf("after kill %d, of a process told %q", kill+1, c.options)
		}
	}
	t.Logf("%d kills, %d of them while the log was being opened; %s", kills, total.opening, total.String())
}

// Breaks when: directoryToRead drops makeView's error.
func TestAViewThatCanNotBeMadeIsSaid(t *testing.T) {
	dir, _ := lived(t, true)
	for _, name := range []string{"TMPDIR", "TMP"} {
		t.Setenv(name, filepath.Join(dir, "missing"))
	}
	_, err := badgerlog.Open(dir, badgerlog.Options{ReadOnly: true})
	if !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), dir) {
		t.Errorf("got %v, want it to name %s and what is missing", err, dir)
	}
}

// Breaks when: the stamp is opened for writing to be locked.
func TestALogThatNobodyMayWriteIsRead(t *testing.T) {
	if os.Getuid() == 0 {
		t.Skip("who may do everything may write this, too")
	}
	for _, killed := range []bool{false, true} {
		dir, want := lived(t, killed)
		mode := func(dirs, files fs.FileMode) {
			err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
				if err != nil || !d.IsDir() {
					return errors.Join(err, os.Chmod(path, files))
				}
				return os.Chmod(path, dirs)
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		mode(0o555, 0o444)
		t.Cleanup(func() { mode(0o755, 0o644) })
		log := open(t, dir, badgerlog.Options{ReadOnly: true}.SmallFiles())
		checkReadOnly(t, log, want)
		if err := log.Close(); err != nil {
			t.Error(err)
		}
	}
}
