package keyring

import (
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/gofrs/flock"
)

// What is in a keyring's directory beside 256 directories with subjects' files.
const (
	stampName = "KEYRING" // says what it is, and proves that a master key fits
	lockName  = "LOCK"    // shared by all who have it open
	workName  = "work"    // what is being written or destroyed
)

const stampText = "thaw keyring, format 1"

// claim refuses a directory that holds something else, before anything in it is
// touched, and makes a keyring of an empty one.
func claim(dir string, masters Masters) error {
	if dir == "" {
		return errors.New("the directory has no name")
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	stamp, err := os.ReadFile(filepath.Join(dir, stampName))
	if errors.Is(err, fs.ErrNotExist) {
		if err := found(dir, masters); err != nil {
			return err
		}
		stamp, err = os.ReadFile(filepath.Join(dir, stampName)) // another process may have been first
	}
	if err != nil {
		return err
	}
	return checkStamp(string(stamp), masters)
}

// checkStamp reads what makeStamp made.
func checkStamp(stamp string, masters Masters) error {
	first, proof, _ := strings.Cut(strings.TrimSpace(stamp), "\n")
	if first != stampText {
		return fmt.Errorf("%w: its %s says %.80q, expected %q", ErrForeign, stampName, first, stampText)
	}
	if proof == "" {
		if len(masters) > 0 {
			return fmt.Errorf("%w: the keyring is closed under none", ErrMaster)
		}
		return nil
	}
	data, err := base64.StdEncoding.DecodeString(proof)
	if err != nil {
		return fmt.Errorf("%w: %s: %w", ErrDamaged, stampName, err)
	}
	_, _, err = masters.open(data, []byte(stampText))
	return err
}

// makeStamp says what the directory is; with a master key, it is opened with that only.
func makeStamp(masters Masters) ([]byte, error) {
	if len(masters) == 0 {
		return []byte(stampText + "\n"), nil
	}
	proof, err := masters.close(nil, []byte(stampText))
	if err != nil {
		return nil, err
	}
	return []byte(stampText + "\n" + base64.StdEncoding.EncodeToString(proof) + "\n"), nil
}

// found makes an empty directory a keyring; the stamp comes last, so what has one is
// whole. Others may be doing the same.
func found(dir string, masters Masters) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if !ours(dir, e) {
			return fmt.Errorf("%w: it holds %.80q and no %s", ErrForeign, e.Name(), stampName)
		}
	}
	shards := []string{workName}
	for i := range 256 {
		shards = append(shards, fmt.Sprintf("%02x", i))
	}
	for _, s := range shards {
		if err := os.Mkdir(filepath.Join(dir, s), 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
			return err
		}
	}
	stamp, err := makeStamp(masters)
	if err != nil {
		return err
	}
	temp, err := writeTemp(dir, stamp)
	if err != nil {
		return err
	}
	err = os.Link(temp, filepath.Join(dir, stampName))
	if errors.Is(err, fs.ErrExist) {
		err = nil
	}
	return errors.Join(err, syncDir(dir), os.Remove(temp))
}

// ours reports whether an entry may be what an attempt to found a keyring left, or
// what an empty disk has.
func ours(dir string, e fs.DirEntry) bool {
	name := e.Name()
	if !e.IsDir() || name == workName || name == "lost+found" {
		return e.IsDir()
	}
	within, err := os.ReadDir(filepath.Join(dir, name))
	return len(name) == 2 && strings.Trim(name, "0123456789abcdef") == "" && len(within) == 0 && err == nil
}

// lockShared takes the lock that all who have the keyring open share. Who gets it alone
// first removes what a crash has left.
func lockShared(dir string) (*flock.Flock, error) {
	lock := flock.New(filepath.Join(dir, lockName))
	alone, err := lock.TryLock()
	if err == nil && alone {
		err = errors.Join(sweep(dir), lock.Unlock())
	}
	if err == nil {
		err = lock.RLock()
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("lock: %w", err), lock.Close())
	}
	return lock, nil
}

// settle destroys the keys of subjects that were forgotten by someone who did not get
// to that. It needs no lock: such a file has no other name any more.
func settle(dir string) error {
	return eachOld(dir, func(path string, n name) error {
		still, err := sameAs(path, n.in(dir))
		if still || err != nil {
			return err
		}
		return destroy(path)
	})
}

// sweep removes what was begun and had no effect yet. Nobody else has the keyring open.
func sweep(dir string) error {
	if err := settle(dir); err != nil {
		return err
	}
	entries, err := os.ReadDir(filepath.Join(dir, workName))
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), "new-") {
			// Only the name: the file may be a subject's by now, under its other one.
			err = errors.Join(err, os.Remove(filepath.Join(dir, workName, e.Name())))
		}
	}
	return errors.Join(err, eachOld(dir, func(path string, _ name) error { return os.Remove(path) }))
}
