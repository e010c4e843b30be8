package badgertables

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"sync"

	"github.com/dgraph-io/badger/v4"
	"github.com/dgraph-io/badger/v4/options"

	"github.com/thaw-go/thaw/internal/engine"
	"github.com/thaw-go/thaw/stream"
)

var _ stream.Tables = (*Tables)(nil)

// Options are how tables are opened. The zero value is ready for use.
type Options struct {
	// CacheBytes is how much of what is read is kept in memory; default 32 MiB.
	CacheBytes int64
	// Logger is told what the storage engine has to say; nil: nobody.
	Logger *slog.Logger
}

// Tables are tables in a directory. [Open] makes them; all methods may be called
// concurrently.
type Tables struct {
	db      *badger.DB
	dir     *directory
	claims  engine.Claims
	emptied bool

	mu     sync.Mutex
	idle   *sync.Cond
	inside int // calls that use the database
	closed bool

	closing sync.Once
	err     error // of closing
}

// A memory table takes an update of the largest size: 15 % of it is what one
// transaction of Badger's may have.
const memTableBytes = 96 << 20

// Open opens the tables in a directory, making it if it is not there or empty. It
// starts the database's goroutines, which Close stops. Errors: [*LockedError],
// [*FormatError], and what the file system says. A database that Badger can not
// open is replaced with an empty one.
func Open(dir string, o Options) (*Tables, error) {
	place, err := openDirectory(dir)
	if err != nil {
		return nil, err
	}
	t := &Tables{dir: place}
	t.idle = sync.NewCond(&t.mu)
	if err := t.open(o); err != nil {
		return nil, errors.Join(err, place.close(false))
	}
	return t, nil
}

// open opens the database. What can not be trusted is removed before the directory
// is said to be open: somebody who is killed in between leaves it as it was found.
func (t *Tables) open(o Options) error {
	trusted, err := t.dir.trusted()
	if err == nil && !trusted {
		err = t.empty(o, "what is there can not be trusted", nil)
	}
	if err == nil {
		err = t.dir.stamp(leftOpen + machineStart())
	}
	if err != nil {
		return err
	}
	path := filepath.Join(t.dir.path, databaseName)
	if t.db, err = badger.Open(databaseOptions(path, o)); err == nil {
		return nil
	}
	// Half of it may open: somebody who is killed while it is removed leaves a
	// directory that is not trusted.
	if err := t.dir.stamp(leftBroken); err != nil {
		return err
	}
	if err := t.empty(o, "the database does not open", err); err != nil {
		return err
	}
	if err := t.dir.stamp(leftOpen + machineStart()); err != nil {
		return err
	}
	t.db, err = badger.Open(databaseOptions(path, o))
	return storageError("open "+t.dir.path, err)
}

// empty removes the database, if there is one.
func (t *Tables) empty(o Options, why string, cause error) error {
	path := filepath.Join(t.dir.path, databaseName)
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	t.emptied = true
	if o.Logger != nil {
		o.Logger.Warn("badgertables: begun with empty tables: "+why, "dir", t.dir.path, "error", cause)
	}
	if err := os.RemoveAll(path); err != nil {
		return fmt.Errorf("badgertables: open %s: remove what can not be used: %w", t.dir.path, err)
	}
	return nil
}

func databaseOptions(path string, o Options) badger.Options {
	if o.CacheBytes <= 0 {
		o.CacheBytes = 32 << 20
	}
	// All values stand beside their keys: no value log to be collected.
	return badger.DefaultOptions(path).
		WithSyncWrites(false).
		WithDetectConflicts(false).
		WithMemTableSize(memTableBytes).
		WithNumMemtables(2).
		WithValueThreshold(1 << 20).
		WithValueLogFileSize(16 << 20).
		WithBlockCacheSize(o.CacheBytes).
		WithCompression(options.Snappy).
		WithMetricsEnabled(false).
		WithLogger(logger{o.Logger})
}

// Emptied reports whether Open found tables that could not be trusted and began
// with empty ones.
func (t *Tables) Emptied() bool { return t.emptied }

// enter counts a call in, or returns why the tables can not be used.
func (t *Tables) enter() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed {
		return stream.ErrClosed
	}
	t.inside++
	return nil
}

func (t *Tables) leave() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.inside--; t.inside == 0 {
		t.idle.Broadcast()
	}
}

// Close waits for the calls that use the database, closes it and gives the
// directory back. Snapshots that are open then answer with [stream.ErrClosed]. It
// may be called more than once and returns the same error each time.
func (t *Tables) Close() error {
	t.closing.Do(func() {
		t.mu.Lock()
		t.closed = true
		for t.inside > 0 {
			t.idle.Wait()
		}
		t.mu.Unlock()
		err := storageError("close "+t.dir.path, t.db.Close())
		t.err = errors.Join(err, t.dir.close(err == nil))
	})
	return t.err
}

// Claim makes the caller a table's only owner.
func (t *Tables) Claim(ctx context.Context, table string) (release func(), err error) {
	if err := errors.Join(engine.CheckTable(table), ctx.Err()); err != nil {
		return nil, err
	}
	if err := t.enter(); err != nil {
		return nil, err
	}
	defer t.leave()
	return t.claims.Claim(table)
}

// Update stores changes to a table in one transaction.
func (t *Tables) Update(ctx context.Context, table string, changes ...stream.Change) error {
	if err := engine.CheckChanges(table, changes); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := t.enter(); err != nil {
		return err
	}
	defer t.leave()
	txn := t.db.NewTransaction(true)
	defer txn.Discard()
	for _, c := range changes {
		if err := set(txn, table, c); err != nil {
			return storageError("update table "+table, err)
		}
	}
	return storageError("update table "+table, txn.Commit())
}

func set(txn *badger.Txn, table string, c stream.Change) error {
	key := entryKey(table, c.Key)
	if c.Value == nil {
		return txn.Delete(key)
	}
	return txn.Set(key, append([]byte{valueMark}, c.Value...))
}

// What one transaction of Drop removes at most.
const (
	dropAtOnce = 20_000  // keys
	dropBytes  = 4 << 20 // of keys; the last one may be beyond
)

// Drop removes a table and everything in it, in several transactions.
func (t *Tables) Drop(ctx context.Context, table string) error {
	if err := engine.CheckTable(table); err != nil {
		return err
	}
	if err := t.enter(); err != nil {
		return err
	}
	defer t.leave()
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		more, err := t.dropSome(table)
		if err != nil {
			return storageError("drop table "+table, err)
		}
		if !more {
			return nil
		}
	}
}

// dropSome removes as many keys as one transaction takes, and says whether there are
// more.
func (t *Tables) dropSome(table string) (more bool, err error) {
	txn := t.db.NewTransaction(true)
	defer txn.Discard()
	it := txn.NewIterator(badger.IteratorOptions{Prefix: tablePrefix(table)})
	defer it.Close()
	n, size := 0, 0
	for it.Rewind(); it.Valid() && n < dropAtOnce && size < dropBytes; it.Next() {
		key := it.Item().KeyCopy(nil)
		if err := txn.Delete(key); err != nil {
			return false, err
		}
		n, size = n+1, size+len(key)
	}
	more = it.Valid()
	it.Close()
	return more, txn.Commit()
}

// storageError is Badger's error in words: no type or sentinel of Badger's leaves
// this package.
func storageError(doing string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("badgertables: %s: %s", doing, err)
}

// logger hands Badger's words to a logger, which may be nil.
type logger struct{ to *slog.Logger }

func (l logger) say(level slog.Level, format string, args []any) {
	if l.to != nil {
		l.to.Log(context.Background(), level, fmt.Sprintf(format, args...))
	}
}

func (l logger) Errorf(f string, a ...any)   { l.say(slog.LevelError, f, a) }
func (l logger) Warningf(f string, a ...any) { l.say(slog.LevelWarn, f, a) }
func (l logger) Infof(f string, a ...any)    { l.say(slog.LevelInfo, f, a) }
func (l logger) Debugf(f string, a ...any)   { l.say(slog.LevelDebug, f, a) }
