package badgerlog

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
)

// checkLogs checks the logs that opening truncates where it can not read on:
// each memory table's, and the newest of the value log.
func (in *inspection) checkLogs() error {
	if _, err := os.Stat(filepath.Join(in.dir, collectName)); err == nil {
		return nil // values of old transactions were being written when it ended
	}
	var names []string
	for _, n := range in.mems {
		names = append(names, memName(n))
	}
	if len(in.logs) > 0 {
		names = append(names, logName(in.logs[len(in.logs)-1]))
	}
	for _, name := range names {
		data, err := os.ReadFile(filepath.Join(in.dir, name))
		if err != nil {
			return fmt.Errorf("badgerlog: open %s: %w", in.dir, err)
		}
		if err := checkLog(data); err != nil {
			return in.damaged(name, err)
		}
	}
	return nil
}

// A log of the database's is a header of 20 bytes and entries: meta u8, user
// meta u8, key length, value length, expiry (varints), key, value, crc32c u32
// (big-endian). A key ends with its transaction's inverted timestamp.
const logHeaderSize = 20

// checkLog walks a log's entries. Behind the first that can not be read there may
// be what is left of the last transaction, which was being written; anything of an
// earlier one was once on the disk whole, and so was what stands before it.
func checkLog(data []byte) error {
	end, newest := logHeaderSize, uint64(0)
	for end < len(data) {
		e, ok := decodeLogEntry(data[end:])
		if !ok {
			break
		}
		end, newest = end+e.size, max(newest, e.ts)
	}
	rest := data[min(end, len(data)):]
	oldest, at := uint64(1<<64-1), 0
	for i := 0; i < len(rest); i++ {
		if rest[i] == 0 && rest[min(i+1, len(rest)-1)] == 0 && i+4 < len(rest) && rest[i+2] == 0 {
			continue // no entry begins with three zeros, and unused space is nothing else
		}
		e, ok := decodeLogEntry(rest[i:])
		if !ok {
			continue
		}
		if newest = max(newest, e.ts); e.ts < oldest {
			oldest, at = e.ts, end+i
		}
		i += e.size - 1
	}
	if oldest < newest {
		return fmt.Errorf("expected an entry at byte %d, found none that is whole, but an earlier transaction's at byte %d", end, at)
	}
	return nil
}

type logEntry struct {
	size  int
	ts    uint64
	meta  byte
	value []byte
}

// decodeLogEntry reads the entry at the beginning of b, without its values.
func decodeLogEntry(b []byte) (logEntry, bool) {
	const mostKey = 1 << 16
	if len(b) < 2 {
		return logEntry{}, false
	}
	at := 2
	var lengths [3]uint64 // of the key, of the value; the expiry
	for i := range lengths {
		n, size := binary.Uvarint(b[at:])
		if size <= 0 {
			return logEntry{}, false
		}
		lengths[i], at = n, at+size
	}
	key, value := lengths[0], lengths[1]
	if key < 8 || key > mostKey || value > uint64(len(b)) || uint64(at)+key+value+4 > uint64(len(b)) {
		return logEntry{}, false
	}
	end := at + int(key+value)
	if crc32.Checksum(b[:end], castagnoli) != binary.BigEndian.Uint32(b[end:]) {
		return logEntry{}, false
	}
	valueAt := at + int(key)
	return logEntry{
		size: end + 4, ts: 1<<64 - 1 - binary.BigEndian.Uint64(b[valueAt-8:]),
		meta: b[0], value: b[valueAt:end],
	}, true
}
