package badgerlog

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/dgraph-io/badger/v4"
	"github.com/dgraph-io/badger/v4/options"
	"github.com/gofrs/flock"
)

// formatName is the file that makes a directory a log, and what holds its lock.
const formatName = "THAW"

// formatVersion is the storage format, in the file and in the database.
const formatVersion = 2

func formatText(version string) string { return "thaw log, format " + version }

// directory is a log's directory, locked for this process.
type directory struct {
	path     string
	lock     *flock.Flock // nil: somebody else has it
	secrets  secrets
	database string // where the database's files are read, if not here
	blank    bool   // it is only read, and has no database
}

// openDirectory makes or checks a directory and locks it.
func openDirectory(path string, o Options) (*directory, error) {
	if o.ReadOnly {
		return directoryToRead(path, o.Keys)
	}
	d, err := claimDirectory(path)
	if err != nil {
		return nil, err
	}
	if err := checkRestored(path); err != nil {
		return nil, errors.Join(err, d.close(nil))
	}
	if err := d.unlock(o); err != nil {
		return nil, errors.Join(err, d.close(nil))
	}
	return d, nil
}

// claimDirectory makes or checks a directory and locks it.
func claimDirectory(path string) (*directory, error) {
	if path == "" {
		return nil, errors.New("badgerlog: open: the directory has no name")
	}
	if err := os.MkdirAll(path, 0o755); err != nil {
		return nil, fmt.Errorf("badgerlog: open %s: %w", path, err)
	}
	if err := checkIdentity(path); err != nil {
		return nil, err
	}
	d := &directory{path: path, lock: flock.New(filepath.Join(path, formatName), flock.SetFlag(os.O_RDWR))}
	held, err := d.lock.TryLock()
	if err != nil {
		return nil, fmt.Errorf("badgerlog: open %s: lock: %w", path, err)
	}
	if !held {
		return nil, errors.Join(&LockedError{Dir: path, PID: writerOf(path)}, d.lock.Close())
	}
	return d, nil
}

// unlock opens the log's key, looks at its files, and only then writes the key
// file, if that is to be.
func (d *directory) unlock(o Options) (err error) {
	if d.secrets, err = findSecrets(d.path, o.Keys); err != nil {
		return err
	}
	if _, err := inspect(d.path, d.secrets, false); err != nil {
		return err
	}
	return d.secrets.settle(d.path, o.seams.fault)
}

// checkStamp refuses a directory whose stamp says that it is something else;
// false if it has none.
func checkStamp(path string) (stamped bool, err error) {
	text, err := os.ReadFile(filepath.Join(path, formatName))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("badgerlog: open %s: %w", path, err)
	}
	found := strings.TrimSpace(string(text))
	if want := formatText(strconv.Itoa(formatVersion)); found != want {
		return true, &FormatError{Dir: path, Found: strconv.Quote(clip(found)), Known: strconv.Quote(want)}
	}
	return true, nil
}

// checkIdentity refuses a directory that holds something else, before anything
// in it is touched, and stamps an empty one.
func checkIdentity(path string) error {
	if stamped, err := checkStamp(path); stamped || err != nil {
		return err
	}
	entries, err := os.ReadDir(path)
	if err != nil {
		return fmt.Errorf("badgerlog: open %s: %w", path, err)
	}
	for _, e := range entries {
		// A stamp that was not finished, and what an empty disk has at its root.
		if !strings.HasPrefix(e.Name(), formatName+".") && e.Name() != "lost+found" {
			return &FormatError{Dir: path, Found: "a directory with other files, such as " + e.Name(), Known: "an empty directory or a Thaw log"}
		}
	}
	return stamp(path, filepath.Join(path, formatName))
}

// stamp writes the format file, whole or not at all.
func stamp(path, name string) error {
	temp, err := os.CreateTemp(path, formatName+".")
	if err != nil {
		return fmt.Errorf("badgerlog: open %s: %w", path, err)
	}
	_, err = temp.WriteString(formatText(strconv.Itoa(formatVersion)) + "\n")
	err = errors.Join(err, temp.Sync(), temp.Close())
	if err == nil {
		// A link, as a rename would replace a stamp that another process made
		// meanwhile, and has locked.
		err = os.Link(temp.Name(), name)
	}
	if errors.Is(err, fs.ErrExist) {
		err = nil
	}
	if err = errors.Join(err, os.Remove(temp.Name())); err != nil {
		return fmt.Errorf("badgerlog: open %s: %w", path, err)
	}
	return nil
}

// makeMark makes a file whose being there says something; it is on the disk then.
func makeMark(dir, name string) error {
	f, err := os.Create(filepath.Join(dir, name))
	if err != nil {
		return err
	}
	return errors.Join(f.Close(), syncDir(dir))
}

func clip(s string) string { return s[:min(len(s), 80)] }

// holder reads which process has the database open.
func holder(path string) int {
	text, err := os.ReadFile(filepath.Join(path, "LOCK"))
	if err != nil {
		return 0
	}
	pid, _ := strconv.Atoi(strings.TrimSpace(string(text)))
	return pid
}

func (d *directory) close(fault faults) error {
	if d.lock == nil {
		return nil
	}
	if err := d.removeView(); err != nil {
		return errors.Join(err, d.lock.Close())
	}
	if err := errors.Join(fault.at("lock.close"), d.lock.Close()); err != nil {
		return fmt.Errorf("badgerlog: close %s: unlock: %w", d.path, err)
	}
	return nil
}

// Badger's settings, as measured: docs/adr/0003-block-layout.md.
const (
	memTableSize = 16 << 20
	// A transaction must be shorter than a file of the value log. The database maps
	// twice as much; should that not do, it maps the file anew, elsewhere, without
	// waiting for who is reading it.
	valueLogFileSize = 64 << 20
	valueThreshold   = 128
	// Of an encrypted log only: what it reads of tables is decrypted once.
	blockCacheSize = 32 << 20
	indexCacheSize = 64 << 20
)

func openBadger(d *directory, o Options, lost *lostSync) (*badger.DB, error) {
	opt := badger.DefaultOptions(d.path).
		WithLogger(badgerLogger{o.Logger, lost}).
		WithSyncWrites(true). // the journal is written over once the database has it
		WithMemTableSize(memTableSize).
		WithValueLogFileSize(o.seams.valueLog).
		WithValueThreshold(valueThreshold).
		WithCompression(options.None).
		WithBlockCacheSize(0).
		WithDetectConflicts(false).
		WithMetricsEnabled(false).
		WithChecksumVerificationMode(options.OnBlockRead).
		WithVerifyValueChecksum(true). // it believes the lengths before a value, and panics or keeps the file locked
		WithNumCompactors(2)
	if d.secrets.encrypted() {
		key, err := d.secrets.key(databasePart)
		if err != nil {
			return nil, fmt.Errorf("badgerlog: open %s: its database's key: %w", d.path, err)
		}
		opt = opt.WithEncryptionKey(key).WithBlockCacheSize(blockCacheSize).WithIndexCacheSize(indexCacheSize)
	}
	if o.ReadOnly {
		opt = d.readingOptions(opt)
	}
	db, err := badger.OpenManaged(opt)
	if err != nil {
		return nil, fmt.Errorf("badgerlog: open %s: %s", d.path, err) // no error of Badger's leaves this package
	}
	return db, nil
}

// firstTransaction is the database's first: it stamps the format.
const firstTransaction = 2

// checkFormat reads the format's version in the database, and stamps a new one.
func (l *Log) checkFormat(ts *uint64) error {
	known := strconv.Itoa(formatVersion)
	var found []byte
	txn := l.db.NewTransactionAt(*ts, false)
	defer txn.Discard()
	value, err := l.get(txn, formatKey)
	if err != nil {
		return l.notOpened(err)
	}
	if value != nil {
		if found, err = unseal(value); err != nil {
			return &FormatError{Dir: l.dir.path, Found: "a damaged format stamp: " + err.Error(), Known: "format " + known}
		}
	}
	if err := l.fault("db.iterate"); err != nil {
		return l.notOpened(err)
	}
	it := txn.NewIterator(badger.IteratorOptions{})
	it.Rewind()
	empty := !it.Valid()
	it.Close()
	switch {
	case string(found) == known:
		return nil
	case found != nil:
		return &FormatError{Dir: l.dir.path, Found: "format " + strconv.Quote(clip(string(found))), Known: "format " + known}
	case !empty:
		return &FormatError{Dir: l.dir.path, Found: "a database without a format stamp", Known: "format " + known}
	}
	if l.options.ReadOnly {
		return nil // it ended before it was stamped, and has nothing in it
	}
	*ts++
	write := l.db.NewTransactionAt(*ts, true)
	defer write.Discard()
	err = l.fault("db.set")
	if err == nil {
		err = write.Set(formatKey, seal([]byte(known)))
	}
	if err != nil {
		return storageError("stamp "+l.dir.path, err)
	}
	return storageError("stamp "+l.dir.path, l.commit(write, *ts))
}

// badgerLogger hands on what Badger says.
type badgerLogger struct {
	to   *slog.Logger
	lost *lostSync
}

func (b badgerLogger) say(level slog.Level, format string, args []any) {
	if b.to != nil {
		b.to.Log(context.Background(), level, strings.TrimSpace(fmt.Sprintf(format, args...)), "from", "badger")
	}
}

func (b badgerLogger) Errorf(f string, a ...any) {
	b.lost.hear(f, a)
	b.say(slog.LevelError, f, a)
}

func (b badgerLogger) Warningf(f string, a ...any) { b.say(slog.LevelWarn, f, a) }
func (b badgerLogger) Infof(f string, a ...any)    { b.say(slog.LevelInfo, f, a) }
func (b badgerLogger) Debugf(f string, a ...any)   { b.say(slog.LevelDebug, f, a) }
