package badgerlog

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/dgraph-io/badger/v4"
	"github.com/dgraph-io/badger/v4/options"
)

// DamagedError says that a file of the database is not what it was. Nothing was
// changed: opening it would have lost more, or ended the process.
type DamagedError struct {
	File string // the file
	Err  error  // what was expected and found
}

func (e *DamagedError) Error() string {
	return fmt.Sprintf("badgerlog: %s is damaged: %v", e.File, e.Err)
}

// Unwrap returns what was found.
func (e *DamagedError) Unwrap() error { return e.Err }

// inspection looks at the database's files before the database does, which
// truncates logs at the first thing it can not read, deletes tables that its
// manifest does not list, and panics where nobody can recover at a table that was
// cut. It reads what opening reads anyway, and all tables.
type inspection struct {
	dir      string
	tables   []uint64 // the files of tables, by number
	logs     []uint64 // of the value log
	mems     []uint64 // of memory tables
	secrets  secrets  // the log's
	registry registry // the database's keys

	emptied  []uint64 // memory tables without length that are not the newest
	newest   uint64   // the youngest transaction that tables, and once they are read memory tables, have entries of
	readOnly bool     // nothing is to be changed
	listed   bool     // there is a manifest...
	skipped  bool     // ...and files that the database must not see
}

func inspect(dir string, s secrets, readOnly bool) (*inspection, error) {
	in := &inspection{dir: dir, secrets: s, readOnly: readOnly}
	if err := in.list(); err != nil {
		return nil, err
	}
	for _, check := range []func() error{in.checkEmpty, in.checkFrames, in.checkKeys, in.checkManifest, in.checkHeads, in.checkEmptied, in.checkLogs, in.checkDiscard, in.removeUnused, in.mendKeys} {
		if err := check(); err != nil {
			return nil, err
		}
	}
	return in, nil
}

func (in *inspection) list() error {
	entries, err := os.ReadDir(in.dir)
	if err != nil {
		return fmt.Errorf("badgerlog: open %s: %w", in.dir, err)
	}
	families := map[string]*[]uint64{".sst": &in.tables, ".vlog": &in.logs, ".mem": &in.mems}
	for _, e := range entries {
		ext := filepath.Ext(e.Name())
		if family, ok := families[ext]; ok {
			n, err := strconv.ParseUint(strings.TrimSuffix(e.Name(), ext), 10, 32)
			if err != nil {
				return in.damaged(e.Name(), errors.New("expected a number as its name"))
			}
			*family = append(*family, n)
		}
	}
	for _, family := range families {
		slices.Sort(*family)
	}
	return nil
}

func (in *inspection) damaged(name string, err error) error {
	return &DamagedError{File: filepath.Join(in.dir, name), Err: err}
}

func tableName(n uint64) string { return fmt.Sprintf("%06d.sst", n) }
func logName(n uint64) string   { return fmt.Sprintf("%06d.vlog", n) }
func memName(n uint64) string   { return fmt.Sprintf("%05d.mem", n) }

// change changes the directory, or remembers that it would have to be.
func (in *inspection) change(change func() error) error {
	if in.readOnly {
		in.skipped = true
		return nil
	}
	return change()
}

// checkManifest checks that the manifest is there if anything is, and that each
// table it lists is there and whole.
func (in *inspection) checkManifest() (err error) {
	defer func() {
		if p := recover(); p != nil { // the manifest is read by the database's own code
			err = in.damaged(badger.ManifestFilename, fmt.Errorf("reading it panics: %v", p))
		}
	}()
	f, err := os.Open(filepath.Join(in.dir, badger.ManifestFilename))
	if errors.Is(err, fs.ErrNotExist) {
		if len(in.tables)+len(in.logs)+len(in.mems) > 0 {
			return in.damaged(badger.ManifestFilename, errors.New("it is missing, and the database's other files are there"))
		}
		return nil
	}
	if err != nil {
		return fmt.Errorf("badgerlog: open %s: %w", in.dir, err)
	}
	defer func() { _ = f.Close() }() // only read
	manifest, _, err := badger.ReplayManifestFile(f, 0, badger.DefaultOptions(in.dir))
	if err != nil {
		return in.damaged(badger.ManifestFilename, errors.New(err.Error()))
	}
	in.listed = true
	newest := uint64(0) // the youngest transaction that a listed table has entries of
	for n, table := range manifest.Tables {
		key, err := in.key(tableName(n), table.KeyID)
		if err != nil {
			return err
		}
		version, err := checkTable(filepath.Join(in.dir, tableName(n)), table.Compression, key)
		if err != nil {
			return in.damaged(tableName(n), err)
		}
		newest = max(newest, version)
	}
	in.newest = newest
	return in.setAside(manifest, newest)
}

// aside is what the names of tables end with that the manifest does not list.
const aside = ".unlisted"

// setAside renames the tables that the manifest does not list, which the
// database would delete. A crash leaves such tables: of what stands in a memory
// table, or in other tables, up to the newest transaction that those have. One
// with younger entries was listed once, by a manifest that is damaged. Those of
// use to nobody are removed once the log has opened whole.
func (in *inspection) setAside(manifest badger.Manifest, newest uint64) error {
	var paths []string
	tables := in.tables
	in.tables = nil
	for _, n := range tables {
		if _, ok := manifest.Tables[n]; ok {
			in.tables = append(in.tables, n)
			continue
		}
		path := filepath.Join(in.dir, tableName(n))
		paths = append(paths, path)
		version, err := in.checkUnlisted(path)
		if err != nil || version <= newest {
			continue // a crash has cut it, or it is older than what is listed
		}
		held, err := in.held(version)
		if err != nil {
			return err
		}
		if !held {
			return in.damaged(badger.ManifestFilename, fmt.Errorf("it does not list %s, which has what is nowhere else", tableName(n)))
		}
	}
	for _, path := range paths {
		if err := in.change(func() error { return os.Rename(path, path+aside) }); err != nil {
			return fmt.Errorf("badgerlog: open %s: %w", in.dir, err)
		}
	}
	return nil
}

// checkUnlisted checks a table that the manifest does not list: so nobody says
// which key it is encrypted with, but no other fits.
func (in *inspection) checkUnlisted(path string) (newest uint64, err error) {
	if !in.secrets.encrypted() {
		return checkTable(path, options.None, nil)
	}
	err = errors.New("no key fits")
	for _, number := range slices.Backward(in.registry.order) {
		if newest, err = checkTable(path, options.None, in.registry.keys[number]); err == nil {
			return newest, nil
		}
	}
	return 0, err
}

// held reports whether a memory table has entries of a transaction.
func (in *inspection) held(version uint64) (bool, error) {
	for _, n := range in.mems {
		l, err := in.openLog(memName(n))
		if err != nil {
			return false, err
		}
		for at := logHeaderSize; at < len(l.data); {
			e, ok := l.entry(at)
			if !ok {
				break
			}
			if e.ts == version {
				return true, nil
			}
			at += e.size
		}
	}
	return false, nil
}

// removeAside removes what setAside has renamed.
func removeAside(dir string) error {
	names, err := filepath.Glob(filepath.Join(dir, "*"+aside))
	if err != nil {
		return err
	}
	var errs []error
	for _, name := range names {
		errs = append(errs, os.Remove(name))
	}
	return errors.Join(errs...)
}
