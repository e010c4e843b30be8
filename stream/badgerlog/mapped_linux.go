package badgerlog

import (
	"bytes"
	"os"
	"path/filepath"
	"strconv"

	"golang.org/x/sys/unix"
)

// unmapPages takes the pages of a directory's value-log files out of this
// process's memory. What can not be done is left: it costs memory only.
func unmapPages(dir string) {
	maps, err := os.ReadFile("/proc/self/maps")
	if err != nil {
		return
	}
	if dir, err = filepath.EvalSymlinks(dir); err != nil {
		return
	}
	if dir, err = filepath.Abs(dir); err != nil {
		return
	}
	prefix, suffix := []byte(dir+string(filepath.Separator)), []byte(".vlog")
	for line := range bytes.Lines(maps) {
		line = bytes.TrimSuffix(line, []byte("\n"))
		at := bytes.IndexByte(line, filepath.Separator) // the path is the last field, and the first with one
		if at < 0 || !bytes.HasPrefix(line[at:], prefix) || !bytes.HasSuffix(line, suffix) || bytes.IndexByte(line[at+len(prefix):], filepath.Separator) >= 0 {
			continue
		}
		// from-to, in hexadecimal; then how it is mapped: s for shared with the file
		place, rest, _ := bytes.Cut(line, []byte(" "))
		from, to, _ := bytes.Cut(place, []byte("-"))
		first, err1 := strconv.ParseUint(string(from), 16, 64)
		end, err2 := strconv.ParseUint(string(to), 16, 64)
		if err1 != nil || err2 != nil || end <= first || len(rest) < 4 || rest[3] != 's' {
			continue
		}
		// Of a mapping that is shared this drops no byte: dirty pages stay the file's.
		_, _, _ = unix.Syscall(unix.SYS_MADVISE, uintptr(first), uintptr(end-first), unix.MADV_DONTNEED)
	}
}
