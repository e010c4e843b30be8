//go:build !linux

package badgerlog

// unmapPages does nothing: only Linux tells what is mapped where.
func unmapPages(string) {}
