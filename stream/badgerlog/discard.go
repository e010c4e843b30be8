package badgerlog

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// discardName is where the database counts, for each file of its value log, the
// bytes that nobody needs: slots of file number u64 and bytes u64, big-endian, up
// to one of number 0.
const (
	discardName = "DISCARD"
	discardSize = 1 << 20 // at least
	discardSlot = 16
)

// readDiscard returns what a file of counts says; false if it can not be one.
func readDiscard(data []byte) (counts map[uint64]uint64, ok bool) {
	counts = map[uint64]uint64{}
	for at := 0; at+discardSlot <= len(data); at += discardSlot {
		file, count := binary.BigEndian.Uint64(data[at:]), binary.BigEndian.Uint64(data[at+8:])
		if file == 0 {
			return counts, len(data) >= discardSize && len(data)%discardSlot == 0
		}
		if file >= 1<<32 || count >= 1<<40 {
			return nil, false
		}
		counts[file] = count
	}
	return counts, len(data) == 0
}

// checkDiscard removes counts that are damaged: the database does not check them,
// and may look for a file that can not be for ever, or end the process. They only
// say which file to collect first, and are counted anew.
func (in *inspection) checkDiscard() error {
	path := filepath.Join(in.dir, discardName)
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil {
		if _, ok := readDiscard(data); ok {
			return nil
		}
		err = in.change(func() error { return os.Remove(path) })
	}
	if err != nil {
		return fmt.Errorf("badgerlog: open %s: %w", in.dir, err)
	}
	return nil
}

// checkCollectable checks the files of the value log that the database may rewrite
// next. It would take an entry that it can not read for the end of the file, and
// remove the file with everything behind that. A file is checked once: nothing is
// written to it any more.
func (c *collector) checkCollectable() error {
	dir := c.log.dir.path
	data, err := os.ReadFile(filepath.Join(dir, discardName))
	if err != nil {
		return err
	}
	counts, ok := readDiscard(data)
	if !ok {
		return fmt.Errorf("%s does not hold what the database counts", discardName)
	}
	in := &inspection{dir: dir}
	if err := in.list(); err != nil {
		return err
	}
	for i, n := range in.logs {
		if c.whole[n] || i == len(in.logs)-1 {
			continue
		}
		path := filepath.Join(dir, logName(n))
		info, err := os.Stat(path)
		// Half of what the database asks for: the counts may rise meanwhile.
		if err != nil || float64(counts[n]) < collectRatio/2*float64(info.Size()) {
			continue
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if err := checkWholeLog(data); err != nil {
			return in.damaged(logName(n), err)
		}
		c.whole[n] = true
	}
	return nil
}

// checkWholeLog checks that a log consists of entries and nothing else, but for
// zeros at its end.
func checkWholeLog(data []byte) error {
	at := min(logHeaderSize, len(data))
	for at < len(data) {
		e, ok := decodeLogEntry(data[at:])
		if !ok {
			break
		}
		at += e.size
	}
	if rest := bytes.TrimRight(data[at:], "\x00"); len(rest) > 0 {
		return fmt.Errorf("expected an entry at byte %d, found none that is whole", at)
	}
	return nil
}
