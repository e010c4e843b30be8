package badgertables_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"testing"

	"go.uber.org/goleak"

	"github.com/thaw-go/thaw/stream"
	"github.com/thaw-go/thaw/stream/badgertables"
	"github.com/thaw-go/thaw/testkit"
)

func TestMain(m *testing.M) {
	if os.Getenv(asWriter) != "" {
		writer()
		return
	}
	goleak.VerifyTestMain(m, goleak.IgnoreTopFunction("github.com/golang/glog.(*fileSink).flushDaemon"))
}

func open(t *testing.T, dir string) *badgertables.Tables {
	t.Helper()
	tables, err := badgertables.Open(dir, badgertables.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := tables.Close(); err != nil {
			t.Error(err)
		}
	})
	return tables
}

// Breaks when: Update commits after each change, or a range goes past its table.
func TestTablesOnDiskKeepTheirPromises(t *testing.T) {
	testkit.TestTables(t, func(t *testing.T) stream.Tables { return open(t, t.TempDir()) })
}

func put(t *testing.T, tables stream.Tables, key, value string) {
	t.Helper()
	if err := tables.Update(t.Context(), "a", stream.Change{Key: key, Value: []byte(value)}); err != nil {
		t.Fatal(err)
	}
}

func has(t *testing.T, tables stream.Tables, key string) bool {
	t.Helper()
	s, err := tables.Snapshot(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	_, ok, err := s.Get("a", key)
	if err != nil {
		t.Fatal(err)
	}
	return ok
}

func TestWhatWasClosedIsThereWhenItIsOpenedAgain(t *testing.T) {
	dir := t.TempDir()
	first := open(t, dir)
	put(t, first, "x", "1")
	if err := errors.Join(first.Close(), first.Close()); err != nil {
		t.Fatal(err)
	}
	if err := first.Update(t.Context(), "a", stream.Change{Key: "y", Value: []byte("2")}); !errors.Is(err, stream.ErrClosed) {
		t.Errorf("an update of what is closed: got %v, want stream.ErrClosed", err)
	}
	again := open(t, dir)
	if !has(t, again, "x") || again.Emptied() {
		t.Errorf("got x %v and emptied %v, want both of the first", has(t, again, "x"), again.Emptied())
	}
}

// Breaks when: trusted says yes to a directory that was left open in an earlier start
// of the machine, or the stamp is written before the database is removed.
func TestWhatALossOfPowerMayHaveTornIsNotTrusted(t *testing.T) {
	for _, left := range []string{"open since start of another time", "open since start ", "", "clos"} {
		t.Run(left, func(t *testing.T) {
			dir := t.TempDir()
			first := open(t, dir)
			put(t, first, "x", "1")
			if err := first.Close(); err != nil {
				t.Fatal(err)
			}
			text := "thaw tables, format 1\n" + left
			if left != "clos" {
				text += "\n"
			}
			if err := os.WriteFile(filepath.Join(dir, "TABLES"), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			again := open(t, dir)
			if has(t, again, "x") || !again.Emptied() {
				t.Errorf("got x %v and emptied %v, want empty tables", has(t, again, "x"), again.Emptied())
			}
		})
	}
}

func TestADatabaseThatDoesNotOpenIsReplaced(t *testing.T) {
	dir := t.TempDir()
	first := open(t, dir)
	put(t, first, "x", "1")
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "database", "MANIFEST"), []byte("no manifest"), 0o600); err != nil {
		t.Fatal(err)
	}
	again := open(t, dir)
	if has(t, again, "x") || !again.Emptied() {
		t.Error("a database without its manifest was opened as if it were whole")
	}
	put(t, again, "y", "2")
}

// atWarning does something when the tables say that they begin empty.
type atWarning struct {
	slog.Handler
	do func()
}

func (h atWarning) Enabled(context.Context, slog.Level) bool { return true }

func (h atWarning) Handle(_ context.Context, r slog.Record) error {
	if r.Level == slog.LevelWarn {
		h.do()
	}
	return nil
}

// A database that does not open is removed file by file. Who is killed meanwhile may
// leave one that does open, with a part of what it had.
// Breaks when: the directory is not stamped as broken before.
func TestHalfOfADatabaseThatWasBeingRemovedIsNotTrusted(t *testing.T) {
	dir, killed := t.TempDir(), filepath.Join(t.TempDir(), "killed")
	first := open(t, dir)
	put(t, first, "x", "1")
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	manifest := filepath.Join("database", "MANIFEST")
	if err := os.WriteFile(filepath.Join(dir, manifest), []byte("no manifest"), 0o600); err != nil {
		t.Fatal(err)
	}
	logger := slog.New(atWarning{slog.DiscardHandler, func() {
		if err := errors.Join(os.CopyFS(killed, os.DirFS(dir)), os.Remove(filepath.Join(killed, manifest)), os.Remove(filepath.Join(killed, "LOCK"))); err != nil {
			t.Error(err)
		}
	}})
	again, err := badgertables.Open(dir, badgertables.Options{Logger: logger})
	if err != nil {
		t.Fatal(err)
	}
	if err := again.Close(); err != nil {
		t.Fatal(err)
	}
	if left := open(t, killed); !left.Emptied() {
		t.Error("what was left of the database is trusted")
	}
}

// Breaks when: dropSome counts keys alone.
func TestATableOfLongKeysIsDropped(t *testing.T) {
	tables := open(t, t.TempDir())
	for from := range 4 {
		changes := make([]stream.Change, 5000)
		for i := range changes {
			changes[i] = stream.Change{Key: fmt.Sprintf("%d-%04d-%01000d", from, i, 0), Value: []byte{}}
		}
		if err := tables.Update(t.Context(), "a", changes...); err != nil {
			t.Fatal(err)
		}
	}
	if err := tables.Drop(t.Context(), "a"); err != nil {
		t.Fatal(err)
	}
	if names, err := tables.Tables(t.Context()); len(names) > 0 || err != nil {
		t.Errorf("got %q, %v, want no tables", names, err)
	}
}

func TestADirectoryThatIsSomethingElseIsNotTouched(t *testing.T) {
	for name, file := range map[string][2]string{"another format": {"TABLES", "thaw tables, format 9\n"}, "other files": {"letters.txt", "dear"}, "a log": {"THAW", "thaw log, format 2\n"}} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			if err := os.WriteFile(filepath.Join(dir, file[0]), []byte(file[1]), 0o600); err != nil {
				t.Fatal(err)
			}
			_, err := badgertables.Open(dir, badgertables.Options{})
			if _, ok := errors.AsType[*badgertables.FormatError](err); !ok {
				t.Errorf("got %v, want a *badgertables.FormatError", err)
			}
			entries, err := os.ReadDir(dir)
			if err != nil || len(entries) != 1 {
				t.Errorf("it now has %v: %v", entries, err)
			}
		})
	}
}

func TestTheDirectoryIsOpenOnce(t *testing.T) {
	dir := t.TempDir()
	open(t, dir)
	_, err := badgertables.Open(dir, badgertables.Options{})
	if _, ok := errors.AsType[*badgertables.LockedError](err); !ok {
		t.Errorf("got %v, want a *badgertables.LockedError", err)
	}
}

func TestAnUpdateOfTheLargestSizeFits(t *testing.T) {
	tables := open(t, t.TempDir())
	var small, large []stream.Change
	for i := range 50_000 {
		small = append(small, stream.Change{Key: string(rune('a'+i%26)) + string(rune(i)), Value: make([]byte, 100)})
	}
	for i := range 7 {
		large = append(large, stream.Change{Key: string(rune('a' + i)), Value: make([]byte, 1<<20-16)})
	}
	for name, changes := range map[string][]stream.Change{"many": small, "large": large} {
		if err := tables.Update(t.Context(), "a", changes...); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}
