//go:build !linux

package journal

import (
	"errors"
	"os"
)

// openDirect is not offered here.
func openDirect(string) (*os.File, error) { return nil, errors.ErrUnsupported }

// datasync puts a file's contents on the disk.
func datasync(f *os.File) error { return f.Sync() }
