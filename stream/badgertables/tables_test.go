package badgertables_test

import (
	"errors"
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
