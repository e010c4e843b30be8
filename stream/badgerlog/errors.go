package badgerlog

import "fmt"

// LockedError says that another process, or another log of this one, has the
// directory open. Nothing was touched.
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

// KeyError says that a log does not open with the keys that were given. Nothing
// was changed.
type KeyError struct {
	Dir       string // the log's directory; empty if it is a backup that does not open
	Encrypted bool   // whether it is encrypted
	Given     int    // how many keys were given
}

func (e *KeyError) Error() string {
	what := "badgerlog: open " + e.Dir
	if e.Dir == "" {
		what = "badgerlog: read a backup"
	}
	switch {
	case !e.Encrypted:
		return what + ": it is not encrypted, and a key was given: open it without, and restore a backup of it into a new, encrypted log"
	case e.Given == 0:
		return what + ": it is encrypted, and no key was given: set Options.Keys to the one it was written with"
	}
	return fmt.Sprintf("%s: it is encrypted, and none of the %d keys given opens it: add the one it was last written with to Options.Keys", what, e.Given)
}

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
