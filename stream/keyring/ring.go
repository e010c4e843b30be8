package keyring

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync"

	"github.com/gofrs/flock"

	"github.com/thaw-go/thaw/stream"
)

// States that a caller may ask for with errors.Is.
var (
	// ErrForeign says that a directory is no keyring, or one of a later format.
	ErrForeign = errors.New("it is not a keyring of this format")
	// ErrMaster says that a keyring is closed under another master key than those
	// given, under one though none was given, or under none though one was.
	ErrMaster = errors.New("the master key does not fit")
	// ErrDamaged says that a file is not as it was written.
	ErrDamaged = errors.New("the file is damaged")
)

// Options are what a keyring may be given. The zero value stores the keys as they are.
type Options struct {
	// Master are keys of 32 bytes that the subjects' keys are closed under, the newest
	// first: new ones are closed under the first, and all of them open. A keyring has
	// a master key from its first day on, or never.
	Master Masters
}

// Ring is a keyring in a directory.
type Ring struct {
	dir  string
	lock *flock.Flock // shared, for as long as the ring is open
	form form

	files  sync.RWMutex // Windows replaces no file that is being read
	mu     sync.Mutex
	closed bool
	kept   cache
}

var _ stream.Keys = (*Ring)(nil)

// Open opens the keyring in a directory, and makes it if the directory is empty or not
// there. Several processes may have it open. Errors: [ErrForeign], [ErrMaster], and
// what the file system says. Whoever opens it closes it.
func Open(dir string, o Options) (*Ring, error) {
	fail := func(err error) (*Ring, error) { return nil, fmt.Errorf("keyring: open %s: %w", dir, err) }
	if err := o.Master.check(); err != nil {
		return fail(err)
	}
	if err := claim(dir, o.Master); err != nil {
		return fail(err)
	}
	lock, err := lockShared(dir)
	if err != nil {
		return fail(err)
	}
	if err := settle(dir); err != nil {
		return fail(errors.Join(err, lock.Close()))
	}
	return &Ring{dir: dir, lock: lock, form: form{o.Master.clone()}, kept: cache{}}, nil
}

// Close lets go of the keys in memory and of the directory. It may be called more than
// once; what is called later returns an error that wraps [fs.ErrClosed].
func (r *Ring) Close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return nil
	}
	r.closed = true
	r.kept.clear()
	if err := r.lock.Close(); err != nil {
		return fmt.Errorf("keyring: close %s: %w", r.dir, err)
	}
	return nil
}

// errNone says that a subject has no key and was not forgotten.
var errNone = fmt.Errorf("it has no key: %w", stream.ErrForgotten)

// Find returns the subject's key, a copy that is the caller's own. It returns an error
// that wraps [stream.ErrForgotten] for a subject that was forgotten or never had a key,
// one that wraps [ErrDamaged] or [ErrMaster] for a key that can not be read, and what
// the file system says.
func (r *Ring) Find(ctx context.Context, subject string) ([]byte, error) {
	key, err := r.find(ctx, nameOf(subject), false)
	if err != nil {
		return nil, fmt.Errorf("keyring: find the key of %.80q: %w", subject, err)
	}
	return key, nil
}

// Key returns the subject's key, and gives it one if it has none; either is on the disk
// when Key returns. Its errors are those of [Ring.Find].
func (r *Ring) Key(ctx context.Context, subject string) ([]byte, error) {
	key, err := r.key(ctx, nameOf(subject))
	if err != nil {
		return nil, fmt.Errorf("keyring: key of %.80q: %w", subject, err)
	}
	return key, nil
}

func (r *Ring) key(ctx context.Context, name name) ([]byte, error) {
	key, err := r.find(ctx, name, true)
	if !errors.Is(err, errNone) {
		return key, err
	}
	secret := make([]byte, keySize)
	_, _ = rand.Read(secret) // never fails: crypto/rand aborts the process instead
	data, err := r.form.key(name, secret)
	if err != nil {
		return nil, err
	}
	// A link, as it fails where there is a file: then another one was first.
	if err := add(r.dir, name, data); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, err
	}
	return r.find(ctx, name, true)
}

// find reads a subject's key, from memory if its file is still the same. If durable, it
// is on the disk: another process may have made it, and not be done.
func (r *Ring) find(ctx context.Context, name name, durable bool) ([]byte, error) {
	r.files.RLock()
	defer r.files.RUnlock()
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	for {
		key, turn, err := r.cached(name, durable)
		if key != nil || err != nil {
			return key, err
		}
		found, err := read(r.dir, name)
		if err != nil {
			return nil, err
		}
		secret, err := r.form.open(name, found.data)
		if err != nil {
			if now, again := os.Stat(name.in(r.dir)); again == nil && !os.SameFile(now, found.info) {
				continue // it was forgotten meanwhile, and overwritten
			}
			return nil, err
		}
		if durable {
			if err := syncDir(name.shard(r.dir)); err != nil {
				return nil, err
			}
		}
		r.mu.Lock()
		if !r.closed && r.kept.turn == turn {
			r.kept.keep(name, &known{bytes.Clone(secret), found.info, durable})
		}
		r.mu.Unlock()
		return secret, nil
	}
}

// cached returns a key that is in memory, if its file is there and the same. turn is
// to be unchanged when what is read instead is kept.
func (r *Ring) cached(name name, durable bool) (key []byte, turn int, err error) {
	r.mu.Lock()
	k, turn, closed := r.kept.keys[name], r.kept.turn, r.closed
	r.mu.Unlock()
	if closed {
		return nil, 0, fs.ErrClosed
	}
	if k == nil || durable && !k.durable {
		return nil, turn, nil
	}
	now, err := os.Stat(name.in(r.dir))
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case r.kept.keys[name] != k: // dropped, and overwritten
	case err != nil || !k.of(now):
		r.kept.drop(name)
	default:
		return bytes.Clone(k.secret), turn, nil
	}
	return nil, turn, nil
}

// Forget destroys the subject's key, if it has one, and sees to it that it never gets
// another. It returns once that is on the disk; it may be called again, and has to be
// if it returned an error, as then the subject may be forgotten or not.
func (r *Ring) Forget(ctx context.Context, subject string) error {
	if err := r.forget(ctx, nameOf(subject)); err != nil {
		return fmt.Errorf("keyring: forget %.80q: %w", subject, err)
	}
	return nil
}

func (r *Ring) forget(ctx context.Context, name name) error {
	r.mu.Lock()
	closed := r.closed
	r.mu.Unlock()
	if closed {
		return fs.ErrClosed
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	r.files.Lock()
	defer r.files.Unlock()
	if found, err := read(r.dir, name); err == nil && bytes.Equal(found.data, tombstone(name)) {
		return errors.Join(syncDir(name.shard(r.dir)), settle(r.dir)) // who put it there may not be done
	}
	defer func() { // also after an error: it may have happened
		r.mu.Lock()
		r.kept.drop(name)
		r.kept.turn++ // who has read the key and not kept it yet does not
		r.mu.Unlock()
	}()
	return replaceByTombstone(r.dir, name)
}
