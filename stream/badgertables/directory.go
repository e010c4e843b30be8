package badgertables

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/gofrs/flock"
)

// stampName is the file that makes a directory tables; another one has its lock.
const (
	stampName = "TABLES"
	lockName  = "LOCK"
)

// A stamp is two lines: what the directory is, and how it was left.
const (
	stampText  = "thaw tables, format 1"
	leftClosed = "closed"
	leftOpen   = "open since start " // of the machine
	leftBroken = "broken"            // and is being removed
)

// databaseName is the directory that has Badger's files.
const databaseName = "database"

// LockedError says that another process, or other tables of this one, have the
// directory open. Nothing was touched.
type LockedError struct {
	Dir string // the tables' directory
}

func (e *LockedError) Error() string {
	return fmt.Sprintf("badgertables: open %s: it is open elsewhere", e.Dir)
}

// FormatError says that a directory is not one of tables that this version can
// open. Nothing in it was changed.
type FormatError struct {
	Dir   string // the directory
	Found string // what it says it is, or has in it
}

func (e *FormatError) Error() string {
	return fmt.Sprintf("badgertables: open %s: expected %q or an empty directory, found %s", e.Dir, stampText, e.Found)
}

// directory is the tables' directory, locked for this process.
type directory struct {
	path string
	lock *flock.Flock
}

// openDirectory makes or checks a directory and locks it.
func openDirectory(path string) (*directory, error) {
	if path == "" {
		return nil, errors.New("badgertables: open: the directory has no name")
	}
	if err := os.MkdirAll(path, 0o755); err != nil {
		return nil, fmt.Errorf("badgertables: open %s: %w", path, err)
	}
	if err := checkStamp(path); err != nil {
		return nil, err
	}
	d := &directory{path: path, lock: flock.New(filepath.Join(path, lockName))}
	held, err := d.lock.TryLock()
	if err != nil {
		return nil, fmt.Errorf("badgertables: open %s: lock: %w", path, err)
	}
	if !held {
		return nil, errors.Join(&LockedError{Dir: path}, d.lock.Close())
	}
	return d, nil
}

// checkStamp refuses a directory that holds something else, before anything in it
// is touched.
func checkStamp(path string) error {
	text, err := os.ReadFile(filepath.Join(path, stampName))
	if err == nil {
		if first, _, _ := strings.Cut(string(text), "\n"); first != stampText && first != "" {
			return &FormatError{Dir: path, Found: fmt.Sprintf("%.80q", first)}
		}
		return nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("badgertables: open %s: %w", path, err)
	}
	entries, err := os.ReadDir(path)
	if err != nil {
		return fmt.Errorf("badgertables: open %s: %w", path, err)
	}
	for _, e := range entries {
		// What an empty disk has at its root, and where an opening ended early.
		if e.Name() != "lost+found" && e.Name() != lockName {
			return &FormatError{Dir: path, Found: "other files, such as " + e.Name()}
		}
	}
	return nil
}

// trusted reports whether what the database has is what was stored last: it was
// closed, or the machine has not been started since.
func (d *directory) trusted() (bool, error) {
	text, err := os.ReadFile(filepath.Join(d.path, stampName))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("badgertables: open %s: %w", d.path, err)
	}
	_, second, _ := strings.Cut(string(text), "\n")
	left, _, whole := strings.Cut(second, "\n")
	start := machineStart()
	return whole && (left == leftClosed || start != "" && left == leftOpen+start), nil
}

// stamp writes how the directory is left from now on, and syncs it. Half a stamp is
// one that says nothing.
func (d *directory) stamp(left string) error {
	f, err := os.Create(filepath.Join(d.path, stampName))
	if err != nil {
		return fmt.Errorf("badgertables: stamp %s: %w", d.path, err)
	}
	_, err = f.WriteString(stampText + "\n" + left + "\n")
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("badgertables: stamp %s: %w", d.path, err)
	}
	return nil
}

// close gives the directory back. It is marked as closed only if the database was
// closed whole.
func (d *directory) close(whole bool) error {
	var err error
	if whole {
		err = d.stamp(leftClosed)
	}
	return errors.Join(err, d.lock.Close())
}
