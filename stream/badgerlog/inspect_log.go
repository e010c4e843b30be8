package badgerlog

import (
	"bytes"
	"encoding/binary"
	"errors"
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
	for _, n := range in.mems {
		newest, err := in.checkLog(memName(n), 0)
		if err != nil {
			return err
		}
		in.newest = max(in.newest, newest)
	}
	if len(in.logs) == 0 {
		return nil
	}
	// Values are synced before a table or a memory table is told where they are.
	last := in.logs[len(in.logs)-1]
	_, err := in.checkLog(logName(last), in.newest)
	if damaged := (*DamagedError)(nil); errors.As(err, &damaged) {
		return in.shield(last)
	}
	return err
}

// shield makes a file of the value log with nothing in it behind the newest, which
// is damaged: the database looks for the end of the newest one only, and would
// write zeros over everything behind the damage. So the values that are damaged are
// lost, and none else; who reads them is told.
func (in *inspection) shield(last uint64) error {
	if in.readOnly {
		return nil // the database writes no zeros then
	}
	path := filepath.Join(in.dir, logName(last+1))
	if err := os.WriteFile(path, make([]byte, logHeaderSize), 0o600); err != nil {
		return fmt.Errorf("badgerlog: open %s: %w", in.dir, err)
	}
	return nil
}

func (in *inspection) checkLog(name string, synced uint64) (newest uint64, err error) {
	data, err := os.ReadFile(filepath.Join(in.dir, name))
	if err != nil {
		return 0, fmt.Errorf("badgerlog: open %s: %w", in.dir, err)
	}
	if newest, err = checkLog(data, synced); err != nil {
		return 0, in.damaged(name, err)
	}
	return newest, nil
}

// A log of the database's is a header of 20 bytes and entries: meta u8, user
// meta u8, key length, value length, expiry (varints), key, value, crc32c u32
// (big-endian). A key ends with its transaction's inverted timestamp.
const logHeaderSize = 20

// checkLog walks a log's entries. Behind the first that can not be read there may
// be what is left of the last transaction, which was being written; anything of an
// earlier one, or of one up to synced, was once on the disk whole, and so was what
// stands before it. It returns the youngest transaction before the first that can
// not be read.
func checkLog(data []byte, synced uint64) (whole uint64, err error) {
	end, newest := logHeaderSize, uint64(0)
	for end < len(data) {
		e, ok := decodeLogEntry(data[end:])
		if !ok {
			break
		}
		end, newest = end+e.size, max(newest, e.ts)
	}
	whole = newest
	rest := data[min(end, len(data)):]
	oldest, at := uint64(1<<64-1), 0
	for i := 0; i < len(rest); i++ {
		for bytes.HasPrefix(rest[i:], zeros[:]) { // most of a log that is new
			i += len(zeros) - 2 // an entry may begin with two
		}
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
	if oldest < newest || oldest <= synced {
		return 0, fmt.Errorf("expected an entry at byte %d, found none that is whole, but an earlier transaction's at byte %d", end, at)
	}
	return whole, nil
}

var zeros [4096]byte

type logEntry struct {
	size  int
	ts    uint64
	meta  byte
	value []byte
}

// decodeLogEntry reads the entry at the beginning of b, without its values. This
// package sets neither user meta nor expiry, and looking at them first keeps
// checkLog from summing up what lies behind every byte of a damaged file.
func decodeLogEntry(b []byte) (logEntry, bool) {
	const mostKey = 1 << 16
	if len(b) < 2 || b[1] != 0 {
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
	if lengths[2] != 0 || key < 8 || key > mostKey || value > uint64(len(b)) || uint64(at)+key+value+4 > uint64(len(b)) {
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
