package keyring

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// name is what a subject's file is named by.
type name [sha256.Size]byte

func nameOf(subject string) name { return sha256.Sum256([]byte(subject)) }

// String is the file's path in the keyring.
func (n name) String() string {
	text := hex.EncodeToString(n[:])
	return filepath.Join(text[:2], text[2:])
}

func (n name) in(dir string) string    { return filepath.Join(dir, n.String()) }
func (n name) shard(dir string) string { return filepath.Dir(n.in(dir)) }

// file is a subject's file as it was read.
type file struct {
	data []byte
	info os.FileInfo
}

// maxFile bounds what is read of a file: more than any of ours has.
const maxFile = 1 << 10

// read reads a subject's file; errNone if there is none.
func read(dir string, n name) (file, error) {
	f, err := os.Open(n.in(dir))
	if errors.Is(err, fs.ErrNotExist) {
		return file{}, errNone
	}
	if err != nil {
		return file{}, err
	}
	info, err := f.Stat()
	var data []byte
	if err == nil {
		err = fault("opened")
	}
	if err == nil {
		data, err = io.ReadAll(io.LimitReader(f, maxFile))
	}
	return file{data, info}, errors.Join(err, f.Close())
}

// Two processes may do any of the following to the same subject at the same time. What
// decides is the file system: a link fails where there is a file already, a rename
// replaces what is there, and each happens whole or not at all.

// add makes a subject's file unless there is one; then it returns an error that wraps
// [fs.ErrExist].
func add(dir string, n name, data []byte) error {
	temp, err := writeTemp(dir, data)
	if err != nil {
		return err
	}
	err = fault("link")
	if err == nil {
		err = os.Link(temp, n.in(dir))
	}
	if err == nil {
		err = fault("linked")
	}
	if err == nil {
		err = syncDir(n.shard(dir))
	}
	return errors.Join(err, os.Remove(temp))
}

// writeTemp writes a file that is to be linked or renamed, and syncs it.
func writeTemp(dir string, data []byte) (path string, err error) {
	temp, err := os.CreateTemp(filepath.Join(dir, workName), "new-")
	if err != nil {
		return "", err
	}
	err = fault("write")
	if err == nil {
		_, err = temp.Write(data)
	}
	if err == nil {
		err = temp.Sync()
	}
	if err = errors.Join(err, temp.Close()); err != nil {
		return "", errors.Join(err, os.Remove(temp.Name()))
	}
	return temp.Name(), nil
}

// replaceByTombstone puts a tombstone in the place of a subject's file, and destroys
// that. The old file keeps a second name in the directory of what is at work, so that
// it is found and overwritten after a crash, too.
func replaceByTombstone(dir string, n name) error {
	old := filepath.Join(dir, workName, "old-"+hex.EncodeToString(n[:])+"-"+rand.Text())
	for {
		err := os.Link(n.in(dir), old)
		if err == nil {
			break
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		if err = add(dir, n, tombstone(n)); !errors.Is(err, fs.ErrExist) {
			return err
		}
		// It got a key after the first look and before the second.
	}
	if err := errors.Join(fault("old"), syncDir(filepath.Dir(old))); err != nil {
		return err
	}
	temp, err := writeTemp(dir, tombstone(n))
	if err != nil {
		return errors.Join(err, os.Remove(old))
	}
	err = fault("rename")
	if err == nil {
		err = os.Rename(temp, n.in(dir))
	}
	if err != nil {
		return errors.Join(err, os.Remove(temp), os.Remove(old))
	}
	if err := errors.Join(fault("renamed"), syncDir(n.shard(dir))); err != nil {
		return err
	}
	return destroy(old)
}

// destroy overwrites a file that nobody needs, and removes it. Others may be doing the
// same.
func destroy(path string) error {
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	info, err := f.Stat()
	if err == nil {
		_, err = f.WriteAt(make([]byte, info.Size()), 0)
	}
	if err == nil {
		err = errors.Join(f.Sync(), fault("overwritten"))
	}
	if err == nil {
		err = errors.Join(f.Truncate(0), f.Sync())
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("overwrite %s: %w", filepath.Base(path), err)
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return syncDir(filepath.Dir(path))
}
