package badgerlog

import (
	"fmt"
	"os"

	"golang.org/x/sys/windows"
)

// freeBytes is how much room the disk under a directory has for this process.
func freeBytes(dir string) (int64, error) {
	path, err := windows.UTF16PtrFromString(dir)
	if err != nil {
		return 0, fmt.Errorf("badgerlog: free space of %s: %w", dir, err)
	}
	var free uint64
	if err := windows.GetDiskFreeSpaceEx(path, &free, nil, nil); err != nil {
		return 0, fmt.Errorf("badgerlog: free space of %s: %w", dir, err)
	}
	return int64(free), nil
}

// occupied is how many bytes of the disk a file takes, as far as it says.
func occupied(info os.FileInfo) int64 { return info.Size() }

// syncDir does nothing: names are made durable by the file system.
func syncDir(string) error { return nil }
