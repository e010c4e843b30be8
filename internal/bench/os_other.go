//go:build !linux

package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
)

// Elsewhere than on Linux nothing is counted: what is not known is left out of
// the table.

const directSync = 0

func dataSync(f *os.File) error        { return f.Sync() }
func flushDisks()                      {}
func writtenBytes() (int64, bool)      { return 0, false }
func peakMemory() (float64, bool)      { return 0, false }
func memoryNow() (float64, bool)       { return 0, false }
func anonymousMemory() (float64, bool) { return 0, false }
func forget(string) error              { return nil }
func machine(string) string            { return runtime.GOOS + " on " + runtime.GOARCH }

func allocated(dir string) (int64, error) {
	var total int64
	err := filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err == nil {
			total += info.Size()
		}
		return err
	})
	return total, err
}
