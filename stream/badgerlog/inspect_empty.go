package badgerlog

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// The database cuts a file to no length before it removes it, and makes one with
// no length before it writes to it: a crash leaves such files, and the database
// does not open with them.

// checkEmpty removes the newest file of each kind if it has no length. Of older
// ones, a file of the value log may be so only while the value log is collected;
// memory tables are checked once the tables are.
func (in *inspection) checkEmpty() error {
	collected, err := in.collected()
	if err != nil {
		return err
	}
	logs := in.logs
	in.logs = nil
	for i, n := range logs {
		size, err := in.size(logName(n))
		switch {
		case err != nil:
			return err
		case size > 0:
			in.logs = append(in.logs, n)
			continue
		case i+1 < len(logs) && !collected:
			return in.damaged(logName(n), errors.New("it has no length, and newer ones of its kind follow"))
		}
		if err := in.remove(logName(n)); err != nil {
			return err
		}
	}
	mems := in.mems
	in.mems = nil
	for i, n := range mems {
		size, err := in.size(memName(n))
		switch {
		case err != nil:
			return err
		case size > 0:
			in.mems = append(in.mems, n)
		case i+1 < len(mems):
			in.emptied = append(in.emptied, n)
		default:
			if err := in.remove(memName(n)); err != nil {
				return err
			}
		}
	}
	return nil
}

// removeUnused removes files of the value log that nothing was written to, but
// for the newest: the database would do that when it opens, and were it killed
// then, the file would look as if something in it had been lost.
func (in *inspection) removeUnused() error {
	logs := in.logs
	in.logs = nil
	for i, n := range logs {
		size, err := in.size(logName(n))
		if err == nil && size == logHeaderSize && i+1 < len(logs) {
			err = in.remove(logName(n))
		} else {
			in.logs = append(in.logs, n)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// checkEmptied removes memory tables without length if tables have what was in
// them: transactions are numbered without a gap, so the first one that is in no
// table has to be the first of the memory tables that are left.
func (in *inspection) checkEmptied() error {
	if len(in.emptied) == 0 {
		return nil
	}
	younger := map[uint64]bool{}
	for _, n := range in.mems {
		l, err := in.openLog(memName(n))
		if err != nil {
			return err
		}
		for at := logHeaderSize; at < len(l.data); {
			e, ok := l.entry(at)
			if !ok {
				break
			}
			if at += e.size; e.ts > in.newest {
				younger[e.ts] = true
			}
		}
	}
	next := max(in.newest+1, firstTransaction)
	for range len(younger) {
		if !younger[next] {
			return in.damaged(memName(in.emptied[0]), fmt.Errorf("it has no length, and transaction %d is in no other file", next))
		}
		next++
	}
	for _, n := range in.emptied {
		if err := in.remove(memName(n)); err != nil {
			return err
		}
	}
	return nil
}

// collected reports whether the value log was being collected when the log was
// last used.
func (in *inspection) collected() (bool, error) {
	_, err := os.Stat(filepath.Join(in.dir, collectName))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("badgerlog: open %s: %w", in.dir, err)
	}
	return true, nil
}

func (in *inspection) size(name string) (int64, error) {
	info, err := os.Stat(filepath.Join(in.dir, name))
	if err != nil {
		return 0, fmt.Errorf("badgerlog: open %s: %w", in.dir, err)
	}
	return info.Size(), nil
}

func (in *inspection) remove(name string) error {
	if err := in.change(func() error { return os.Remove(filepath.Join(in.dir, name)) }); err != nil {
		return fmt.Errorf("badgerlog: open %s: %w", in.dir, err)
	}
	return nil
}
