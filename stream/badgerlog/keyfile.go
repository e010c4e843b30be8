package badgerlog

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/dgraph-io/badger/v4"
)

// keyFileName is the file that an encrypted log has: its own key, which everything
// in it is encrypted under, closed under the master key. It stands there twice, on
// pages of its own, as without it all is lost. Rotation replaces this file and
// nothing else, so a crash leaves it as it was or as it is to be.
const keyFileName = "KEYS"

const (
	keyFileMagic = "THAWKEYS"
	keyFilePage  = 4096
)

// The parts of a log that have keys of their own.
const (
	databasePart = "database"
	journalPart  = "journal"
)

// secrets are what a log's key gives. The zero value is a log that is not
// encrypted.
type secrets struct {
	own    []byte // the log's own key; nil: it is not encrypted
	master []byte // the newest key that it is closed under, or will be
	stale  bool   // the key file has to be written: it is missing, damaged, or under an older key
}

// encrypted reports whether the log is.
func (s *secrets) encrypted() bool { return s.own != nil }

// key is the key for one part of the log; nil if it is not encrypted.
func (s *secrets) key(part string) ([]byte, error) {
	if !s.encrypted() {
		return nil, nil
	}
	return derived(s.own, part)
}

// findSecrets decides whether a locked log opens with the given keys, the newest
// first. It changes nothing. Errors: a [*KeyError], a [*DamagedError], and what
// the file system says.
func findSecrets(dir string, keys Keys) (secrets, error) {
	data, err := os.ReadFile(filepath.Join(dir, keyFileName))
	if errors.Is(err, fs.ErrNotExist) {
		return findNoSecrets(dir, keys)
	}
	if err != nil {
		return secrets{}, fmt.Errorf("badgerlog: open %s: %w", dir, err)
	}
	found := secrets{}
	whole := errDamagedEnvelope
	for at := 0; at <= keyFilePage; at += keyFilePage {
		part := data[min(at, len(data)):]
		if err := checkEnvelope(keyFileMagic, part); err != nil {
			found.stale = true
			continue
		}
		if whole = nil; found.encrypted() {
			continue
		}
		own, which, err := openEnvelope(keyFileMagic, part, keys)
		if err != nil {
			return secrets{}, fmt.Errorf("badgerlog: open %s: %w", dir, err)
		}
		found.own, found.stale = own, found.stale || which > 0
	}
	switch {
	case whole != nil:
		return secrets{}, &DamagedError{File: filepath.Join(dir, keyFileName), Err: whole}
	case !found.encrypted():
		return secrets{}, &KeyError{Dir: dir, Encrypted: true, Given: len(keys)}
	}
	found.master = bytes.Clone(keys[0])
	return found, nil
}

// findNoSecrets decides about a log without a key file: it is not encrypted, or
// there is nothing in it yet, or the file is lost.
func findNoSecrets(dir string, keys Keys) (secrets, error) {
	lost, err := keyFileLost(dir)
	if err != nil {
		return secrets{}, fmt.Errorf("badgerlog: open %s: %w", dir, err)
	}
	if lost {
		return secrets{}, &DamagedError{File: filepath.Join(dir, keyFileName), Err: errors.New("it is missing, and the database is encrypted")}
	}
	if len(keys) == 0 {
		return secrets{}, nil
	}
	begun, err := begun(dir)
	if err != nil {
		return secrets{}, fmt.Errorf("badgerlog: open %s: %w", dir, err)
	}
	if begun {
		return secrets{}, &KeyError{Dir: dir, Given: len(keys)}
	}
	own, err := newKey()
	if err != nil {
		return secrets{}, fmt.Errorf("badgerlog: open %s: a key of its own: %w", dir, err)
	}
	return secrets{own: own, master: bytes.Clone(keys[0]), stale: true}, nil
}

// keyFileLost reports whether the database has keys of its own: it has none if
// the log is not encrypted.
func keyFileLost(dir string) (bool, error) {
	info, err := os.Stat(filepath.Join(dir, badger.KeyRegistryFileName))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil && info.Size() > registryHeadSize, err
}

// begun reports whether there is anything in a directory but the log's stamp, the
// mark of a restore that begins, what is left of an attempt to write the key file,
// and what an empty disk has.
func begun(dir string) (bool, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return false, err
	}
	for _, e := range entries {
		name := e.Name()
		if !strings.HasPrefix(name, formatName) && !strings.HasPrefix(name, keyFileName+".") && name != restoringName && name != "lost+found" {
			return true, nil
		}
	}
	return false, nil
}

// settle writes the key file if it has to be, under the newest key: after that no
// other opens the log. The caller holds the directory's lock. It either succeeds,
// or the file is as it was, or as it is to be.
func (s *secrets) settle(dir string, fault faults) error {
	if err := removeAttempts(dir); err != nil {
		return fmt.Errorf("badgerlog: open %s: %w", dir, err)
	}
	if !s.stale {
		return nil
	}
	data := make([]byte, 2*keyFilePage)
	for at := 0; at < len(data); at += keyFilePage {
		envelope, err := closeEnvelope(keyFileMagic, s.master, s.own)
		if err != nil {
			return fmt.Errorf("badgerlog: open %s: close its key: %w", dir, err)
		}
		copy(data[at:], envelope)
	}
	if err := replaceFile(filepath.Join(dir, keyFileName), data, fault); err != nil {
		return fmt.Errorf("badgerlog: open %s: write its key file: %w", dir, err)
	}
	s.stale = false
	return nil
}

// removeAttempts removes what a crash has left of writing the key file.
func removeAttempts(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	var errs []error
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), keyFileName+".") {
			errs = append(errs, os.Remove(filepath.Join(dir, e.Name())))
		}
	}
	return errors.Join(errs...)
}

// replaceFile puts data in a file's place, whole or not at all, and on the disk.
func replaceFile(path string, data []byte, fault faults) error {
	temp, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".")
	if err != nil {
		return err
	}
	err = fault.at("keys.write")
	if err == nil {
		_, err = temp.Write(data)
	}
	if err == nil {
		err = errors.Join(fault.at("keys.sync"), temp.Sync())
	}
	if err = errors.Join(err, temp.Close()); err == nil {
		err = fault.at("keys.rename")
	}
	if err == nil {
		err = os.Rename(temp.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(temp.Name()))
	}
	return errors.Join(fault.at("keys.syncdir"), syncDir(filepath.Dir(path)))
}
