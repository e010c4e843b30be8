package badgerlog

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"

	"github.com/dgraph-io/badger/v4"
	"github.com/gofrs/flock"

	"github.com/thaw-go/thaw/stream"
)

// directoryToRead checks a directory and keeps writers out of it, changing
// nothing. What the database could not open without changing something is shown
// to it from elsewhere.
func directoryToRead(path string, keys Keys) (*directory, error) {
	if err := checkReadable(path); err != nil {
		return nil, err
	}
	d := &directory{path: path, lock: readersLock(path)}
	held, err := d.lock.TryRLock()
	if err != nil {
		return nil, fmt.Errorf("badgerlog: open %s: lock: %w", path, err)
	}
	if !held {
		return nil, errors.Join(&LockedError{Dir: path, PID: holder(path)}, d.lock.Close())
	}
	err = checkRestored(path)
	if err == nil {
		d.secrets, err = findSecrets(path, keys)
	}
	var in *inspection
	if err == nil {
		in, err = inspect(path, d.secrets, true)
	}
	if err == nil {
		d.blank = !in.listed
		err = d.makeView(in)
	}
	if err != nil {
		return nil, errors.Join(err, d.close(nil))
	}
	return d, nil
}

// checkReadable refuses what is no log.
func checkReadable(path string) error {
	if path == "" {
		return errors.New("badgerlog: open: the directory has no name")
	}
	if _, err := os.Stat(path); err != nil {
		return fmt.Errorf("badgerlog: open %s: %w", path, err)
	}
	stamped, err := checkStamp(path)
	if err == nil && !stamped {
		err = &FormatError{Dir: path, Found: "a directory without " + formatName, Known: "a Thaw log to read"}
	}
	return err
}

// readersLock is what many processes may hold at once while none writes. It does
// not need to write the file.
func readersLock(path string) *flock.Flock {
	return flock.New(filepath.Join(path, formatName), flock.SetFlag(os.O_RDONLY))
}

// writerOf is the process that has a directory open for writing, while it can
// not be locked for that; 0 if others read it.
func writerOf(path string) int {
	lock := readersLock(path)
	if held, err := lock.TryRLock(); held || err != nil {
		_ = lock.Close() // it was only tried
		return 0
	}
	return holder(path)
}

// The database opens read-only only what was closed in peace: then it has no
// memory tables left. After a crash it would have to cut those, remove files of no
// length, and delete tables of which its manifest does not know; it tries some of
// that even when it is told to write nothing. It is therefore shown a view: a
// directory elsewhere, with links to the files that nobody would change, and
// copies of the memory tables up to the end of their last whole transaction, and of
// the registry of keys up to its last whole key.

// makeView makes the view if the database needs one.
func (d *directory) makeView(in *inspection) error {
	if d.blank || len(in.mems) == 0 && !in.skipped {
		return nil
	}
	view, err := os.MkdirTemp("", "thaw-view-")
	if err == nil {
		d.database = view
		err = in.fillView(view)
	}
	if err != nil {
		return fmt.Errorf("badgerlog: open %s: a view of it for reading: %w", in.dir, err)
	}
	return nil
}

func (d *directory) removeView() error {
	if d.database == "" {
		return nil
	}
	if err := os.RemoveAll(d.database); err != nil {
		return fmt.Errorf("badgerlog: close %s: its view: %w", d.path, err)
	}
	return nil
}

func (in *inspection) fillView(view string) error {
	if err := in.copyKeys(view); err != nil {
		return err
	}
	names := []string{badger.ManifestFilename}
	for _, n := range in.tables {
		names = append(names, tableName(n))
	}
	for _, n := range in.logs {
		names = append(names, logName(n))
	}
	for _, name := range names {
		if err := linkOrCopy(filepath.Join(in.dir, name), filepath.Join(view, name)); err != nil {
			return err
		}
	}
	for _, n := range in.mems {
		l, err := in.openLog(memName(n))
		if err != nil {
			return err
		}
		data := l.wholeTransactions()
		if len(data) <= logHeaderSize {
			continue // the database would delete it
		}
		if err := os.WriteFile(filepath.Join(view, memName(n)), data, 0o600); err != nil {
			return err
		}
	}
	return nil
}

// linkOrCopy copies where the system does not let everyone make links.
func linkOrCopy(from, to string) error {
	from, err := filepath.Abs(from)
	if err != nil {
		return err
	}
	if os.Symlink(from, to) == nil {
		return nil
	}
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer func() { _ = in.Close() }() // only read
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = out.ReadFrom(in)
	return errors.Join(err, out.Close())
}

// wholeTransactions is a log of the database's up to the end of the last
// transaction that is whole in it: as far as the database reads it.
func (l *databaseLog) wholeTransactions() []byte {
	data := l.data
	end, current := min(logHeaderSize, len(data)), uint64(0)
	for at := end; at < len(data); {
		e, ok := l.entry(at)
		if !ok {
			break
		}
		at += e.size
		switch {
		case e.meta&inTransaction != 0:
			if current != 0 && current != e.ts {
				return data[:end]
			}
			current = e.ts
		case e.meta&endsTransaction != 0:
			if ts, err := strconv.ParseUint(string(e.value), 10, 64); err != nil || ts != current {
				return data[:end]
			}
			current, end = 0, at
		case current != 0:
			return data[:end]
		default:
			end = at
		}
	}
	return data[:end]
}

// readingOptions are the database's when it is only read: from the view, if
// there is one. The directory's lock is enough.
func (d *directory) readingOptions(opt badger.Options) badger.Options {
	if d.blank {
		return opt.WithDir("").WithValueDir("").WithInMemory(true) // nothing was stored yet
	}
	if d.database != "" {
		opt = opt.WithDir(d.database).WithValueDir(d.database)
	}
	opt.BypassLockGuard = true
	return opt.WithReadOnly(true)
}

// walkUnstored verifies what only memory has in a log that is read only: its
// events go on where the database ends, and no consumer is past the head.
func (v *verification) walkUnstored() error {
	if !v.log.options.ReadOnly {
		return nil // the database has everything
	}
	m := v.log.memory
	versions := map[stream.ID]stream.Version{}
	for _, part := range m.active.runs { // nobody adds to it
		for i := range part.records {
			r := &part.records[i]
			version, ok := versions[r.Stream]
			if !ok {
				var err error
				if version, err = v.section.version(r.Stream); err != nil {
					return err
				}
			}
			if versions[r.Stream] = r.Version; r.Version != version+1 {
				v.found(r.Position, r.Position, "journal: expected version %d of %s, found %d", version+1, r.Stream, r.Version)
			}
		}
	}
	for key, value := range m.active.changes {
		if value != nil && key[0] == consumerPrefix {
			v.checkConsumer([]byte(key), value, m.head)
		}
	}
	return nil
}
