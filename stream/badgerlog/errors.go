package badgerlog

import (
	"errors"
	"fmt"
)

// ErrReadOnly says that a log which was opened with Options.ReadOnly was asked
// to change. Nothing was.
var ErrReadOnly = errors.New("the log is open for reading only")

func readOnlyError(doing string) error { return fmt.Errorf("badgerlog: %s: %w", doing, ErrReadOnly) }

// LockedError says that another process, or another log of this one, has the
// directory open: for writing, or for reading while it was to be opened for
// writing. Nothing was touched.
type LockedError struct {
	Dir string // the log's directory
	PID int    // the process that holds it; 0 if it did not say
}

func (e *LockedError) Error() string {
	if e.PID == 0 {
		return fmt.Sprintf("badgerlog: open %s: another process has it open", e.Dir)
	}
	return fmt.Sprintf("badgerlog: open %s: process %d has it open", e.Dir, e.PID)
}

// FormatError says that a directory is not a log that this version can open.
// Nothing in it was changed.
type FormatError struct {
	Dir   string // the directory
	Found string // what the directory says it is
	Known string // what was expected
}

func (e *FormatError) Error() string {
	return fmt.Sprintf("badgerlog: open %s: expected %s, found %s", e.Dir, e.Known, e.Found)
}

// KeyError says that a log or a backup does not open with the keys that were given. Nothing
// was changed.
type KeyError struct {
	Dir       string // the log's directory; empty if it is a backup that does not open
	Backup    int    // which one, counted from 1; 0 if it is a log
	Encrypted bool   // whether it is encrypted
	Given     int    // how many keys were given
}

func (e *KeyError) Error() string {
	what := "badgerlog: open " + e.Dir
	if e.Backup > 0 {
		what = fmt.Sprintf("badgerlog: backup %d", e.Backup)
	}
	switch {
	case !e.Encrypted:
		return what + ": it is not encrypted, and a key was given: open it without, and restore a backup of it into a new, encrypted log"
	case e.Given == 0:
		return what + ": it is encrypted, and no key was given: set Options.Keys to the one it was written with"
	}
	return fmt.Sprintf("%s: it is encrypted, and none of the %d keys given opens it: add the one it was last written with to Options.Keys", what, e.Given)
}

// BackupError says that a backup is not whole, or does not go on where the one
// before it ended.
type BackupError struct {
	Backup int   // which one, counted from 1
	Offset int64 // how many of its bytes could be used
	Err    error // what was expected and found
}

func (e *BackupError) Error() string {
	return fmt.Sprintf("badgerlog: backup %d: at byte %d: %v", e.Backup, e.Offset, e.Err)
}

// Unwrap returns what was found.
func (e *BackupError) Unwrap() error { return e.Err }

// DiskFullError says that the disk has less room than Options.MinFree. Nothing
// was stored; reading goes on.
type DiskFullError struct {
	Dir   string // the log's directory
	Free  int64  // bytes
	Floor int64  // bytes
}

func (e *DiskFullError) Error() string {
	return fmt.Sprintf("badgerlog: append to %s: %d bytes free on the disk, expected at least %d", e.Dir, e.Free, e.Floor)
}

// FailedError says that the log accepts no more writes since its storage failed.
// Opening it again finds out what was stored.
type FailedError struct {
	Dir string // the log's directory
	Err error  // the first failure
}

func (e *FailedError) Error() string {
	return fmt.Sprintf("badgerlog: append to %s: no writes since its storage failed, open it again: %v", e.Dir, e.Err)
}

// Unwrap returns the first failure.
func (e *FailedError) Unwrap() error { return e.Err }
