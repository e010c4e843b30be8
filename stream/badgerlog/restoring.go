package badgerlog

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/thaw-go/thaw/internal/journal"
)

// restoringName is a file that is there while a log is being restored, and stays
// if that fails: such a directory is not opened.
const restoringName = "RESTORING"

// checkRestored refuses a directory that a restore has left unfinished.
func checkRestored(path string) error {
	_, err := os.Lstat(filepath.Join(path, restoringName))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return fmt.Errorf("badgerlog: open %s: %w", path, err)
	}
	return &FormatError{Dir: path, Found: "a restore that did not finish", Known: "a whole log"}
}

// claimForRestore makes or checks a directory, locks it and marks it as
// unfinished. It must be empty, or what another restore has left.
func claimForRestore(path string, fault faults) (*directory, error) {
	d, err := claimDirectory(path)
	if err != nil {
		return nil, err
	}
	if err := d.markUnfinished(fault); err != nil {
		return nil, errors.Join(err, d.close(nil))
	}
	return d, nil
}

func (d *directory) markUnfinished(fault faults) error {
	if checkRestored(d.path) != nil {
		if err := d.clear(); err != nil {
			return fmt.Errorf("badgerlog: restore %s: remove what another restore has left: %w", d.path, err)
		}
	}
	entries, err := os.ReadDir(d.path)
	if err != nil {
		return fmt.Errorf("badgerlog: restore %s: %w", d.path, err)
	}
	for _, e := range entries {
		if name := e.Name(); name != formatName && name != restoringName && name != "lost+found" {
			return &FormatError{Dir: d.path, Found: "a directory with other files, such as " + name, Known: "an empty directory to restore into"}
		}
	}
	err = fault.at("restore.claim")
	if err == nil {
		err = makeMark(d.path, restoringName)
	}
	if err != nil {
		return fmt.Errorf("badgerlog: restore %s: %w", d.path, err)
	}
	return nil
}

// finish says that what was restored is whole.
func (d *directory) finish(fault faults) error {
	err := fault.at("restore.finish")
	if err == nil {
		err = errors.Join(os.Remove(filepath.Join(d.path, restoringName)), syncDir(d.path))
	}
	if err != nil {
		return fmt.Errorf("badgerlog: restore %s: %w", d.path, err)
	}
	return nil
}

// clear removes a log's files but the stamp, which is locked, and the mark.
func (d *directory) clear() error {
	entries, err := os.ReadDir(d.path)
	if err != nil {
		return err
	}
	var errs []error
	for _, e := range entries {
		if ofLog(e.Name()) {
			errs = append(errs, os.Remove(filepath.Join(d.path, e.Name())))
		}
	}
	return errors.Join(errs...)
}

// ofLog reports whether a file's name is one that a log gives, but for the stamp.
func ofLog(name string) bool {
	own := slices.Concat([]string{witnessName, collectName, keyFileName}, journal.Names[:])
	databases := []string{"MANIFEST", "MANIFEST-REWRITE", "KEYREGISTRY", "REWRITE-KEYREGISTRY", "DISCARD", "LOCK"}
	return slices.Contains(own, name) || slices.Contains(databases, name) || strings.HasSuffix(name, aside) ||
		strings.HasPrefix(name, keyFileName+".") ||
		slices.Contains([]string{".sst", ".vlog", ".mem"}, filepath.Ext(name))
}
