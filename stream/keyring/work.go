package keyring

import (
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// eachOld hands over the second names of files that are, or were, to be destroyed.
func eachOld(dir string, do func(path string, n name) error) error {
	entries, err := os.ReadDir(filepath.Join(dir, workName))
	for _, e := range entries {
		text, ok := strings.CutPrefix(e.Name(), "old-")
		if !ok {
			continue
		}
		text, _, _ = strings.Cut(text, "-")
		var n name
		if raw, bad := hex.DecodeString(text); bad == nil && copy(n[:], raw) == len(n) {
			err = errors.Join(err, do(filepath.Join(dir, workName, e.Name()), n))
		}
	}
	return err
}

// sameAs reports whether a name at work is still that of a subject's file. One that is
// gone meanwhile counts as such: there is nothing to destroy.
func sameAs(path, of string) (bool, error) {
	a, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return true, nil
	}
	if err != nil {
		return false, err
	}
	b, err := os.Stat(of)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil // a loss of power took a key that nobody had got yet
	}
	if err != nil {
		return false, err
	}
	return os.SameFile(a, b), nil
}

// fault is where the tests let a process stop.
var fault = func(string) error { return nil }
