package main

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime/pprof"
	"strings"
)

// profileDir makes the directory of the CPU profiles, if there is to be one. The
// cases know it by its whole path, wherever they run.
func profileDir(dir string) (string, error) {
	if dir == "" {
		return "", nil
	}
	dir, err := filepath.Abs(dir)
	if err == nil {
		err = os.MkdirAll(dir, 0o755)
	}
	if err != nil {
		return "", fmt.Errorf("bench: make the directory of the profiles: %w", err)
	}
	return dir, nil
}

// startProfile profiles the case that this process runs until stop is called. A
// later round writes over an earlier one's.
func startProfile(dir, name string) (stop func() error, err error) {
	if dir == "" {
		return func() error { return nil }, nil
	}
	file, err := os.Create(filepath.Join(dir, strings.Map(plain, name)+".pprof"))
	if err == nil {
		err = pprof.StartCPUProfile(file)
	}
	if err != nil {
		return nil, fmt.Errorf("bench: profile case %q: %w", name, err)
	}
	return func() error {
		pprof.StopCPUProfile()
		return file.Close()
	}, nil
}
