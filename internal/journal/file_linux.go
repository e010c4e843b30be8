package journal

import (
	"os"

	"golang.org/x/sys/unix"
)

// openDirect opens or makes a file whose writes bypass the page cache and are on
// the disk when they return. It fails where the file system can not do that.
func openDirect(path string) (*os.File, error) {
	return os.OpenFile(path, os.O_RDWR|os.O_CREATE|unix.O_DIRECT|unix.O_DSYNC, 0o644)
}

// datasync puts a file's contents on the disk.
func datasync(f *os.File) error {
	for {
		if err := unix.Fdatasync(int(f.Fd())); err != unix.EINTR {
			return err
		}
	}
}
