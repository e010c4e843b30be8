package badgerlog

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
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
		l, err := in.openLog(name)
		if err != nil {
			return err
		}
		if err := l.check(); err != nil {
			return in.damaged(name, err)
		}
	}
	return nil
}

// checkHeads checks that the key is there which each log's header names. The
// database would refuse a log whose key is not, without saying which.
func (in *inspection) checkHeads() error {
	var names []string
	for _, n := range in.mems {
		names = append(names, memName(n))
	}
	for _, n := range in.logs {
		names = append(names, logName(n))
	}
	for _, name := range names {
		f, err := os.Open(filepath.Join(in.dir, name))
		if err != nil {
			return fmt.Errorf("badgerlog: open %s: %w", in.dir, err)
		}
		head := make([]byte, logHeaderSize)
		n, err := io.ReadFull(f, head)
		if err = errors.Join(ignoreShort(err), f.Close()); err != nil {
			return fmt.Errorf("badgerlog: open %s: %w", in.dir, err)
		}
		if _, err := in.logKey(name, head[:n]); err != nil {
			return err
		}
	}
	return nil
}

func ignoreShort(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return nil
	}
	return err
}

// logKey is the key of a log that begins with data; nil if it is not encrypted.
// A header that was never written is of zeros, or is not there: nothing that was
// synced stands behind it, or nothing that could be read without it.
func (in *inspection) logKey(name string, data []byte) (cipher.Block, error) {
	if len(data) < logHeaderSize || bytes.Equal(data[:logHeaderSize], make([]byte, logHeaderSize)) {
		return nil, nil
	}
	return in.key(name, binary.BigEndian.Uint64(data))
}

// A log of the database's is a header of 20 bytes (the number of its key, and how
// its IVs begin) and entries: meta u8, user meta u8, key length, value length,
// expiry (varints), key, value, crc32c u32 (big-endian). A key ends with its
// transaction's inverted timestamp. Keys and values may be encrypted; the checksum
// is of what stands in the file.
const logHeaderSize = 20

// databaseLog is one log of the database's.
type databaseLog struct {
	data      []byte
	key       cipher.Block // nil: its entries can not be decrypted
	encrypted bool
}

func (in *inspection) openLog(name string) (*databaseLog, error) {
	data, err := os.ReadFile(filepath.Join(in.dir, name))
	if err != nil {
		return nil, fmt.Errorf("badgerlog: open %s: %w", in.dir, err)
	}
	key, err := in.logKey(name, data)
	return &databaseLog{data: data, key: key, encrypted: in.secrets.encrypted()}, err
}

// check walks a log's entries. Behind the first that can not be read there may
// be what is left of the last transaction, which was being written; anything of an
// earlier one was once on the disk whole, and so was what stands before it.
func (l *databaseLog) check() error {
	if l.encrypted && l.key == nil {
		return nil
	}
	end, newest := logHeaderSize, uint64(0)
	for end < len(l.data) {
		e, ok := l.entry(end)
		if !ok {
			break
		}
		if e.strange {
			return fmt.Errorf("the entry at byte %d is whole, but it is not encrypted as the log's header says", end)
		}
		end, newest = end+e.size, max(newest, e.ts)
	}
	oldest, at := uint64(1<<64-1), 0
	for i := end; i < len(l.data); i++ {
		if rest := l.data[i:]; rest[0] == 0 && len(rest) > 4 && rest[1] == 0 && rest[2] == 0 {
			continue // no entry begins with three zeros, and unused space is nothing else
		}
		e, ok := l.entry(i)
		if !ok || e.strange {
			continue
		}
		if newest = max(newest, e.ts); e.ts < oldest {
			oldest, at = e.ts, i
		}
		i += e.size - 1
	}
	if oldest < newest {
		return fmt.Errorf("expected an entry at byte %d, found none that is whole, but an earlier transaction's at byte %d", end, at)
	}
	return nil
}

type logEntry struct {
	size    int
	key     []byte // as it stands in the log
	ts      uint64
	strange bool // it decrypts to nothing that was ever written
}

// entry reads the entry at a byte, without its value.
func (l *databaseLog) entry(start int) (logEntry, bool) {
	e, ok := decodeLogEntry(l.data[start:])
	if ok && l.key != nil {
		e.ts, e.strange = l.readKey(e.key, start)
	}
	return e, ok
}

// decodeLogEntry reads the entry at the beginning of b, without its values. Of an
// encrypted log's it is not the timestamp.
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
	e := logEntry{size: end + 4, key: b[at : at+int(key)]}
	e.ts = 1<<64 - 1 - binary.BigEndian.Uint64(e.key[key-8:])
	return e, true
}

// readKey decrypts an entry's key and returns the timestamp at its end. The IV of
// an entry is the beginning that the header names, and where the entry stands.
func (l *databaseLog) readKey(key []byte, at int) (ts uint64, strange bool) {
	var iv [aes.BlockSize]byte
	copy(iv[:], l.data[8:logHeaderSize])
	binary.BigEndian.PutUint32(iv[12:], uint32(at))
	key = unmask(l.key, iv[:], key)
	user := key[:len(key)-8]
	ts = 1<<64 - 1 - binary.BigEndian.Uint64(key[len(user):])
	return ts, ts > mostTimestamp || !knownKey(user)
}

// mostTimestamp is more transactions than a log will ever have.
const mostTimestamp = 1 << 48

// knownKey reports whether a key may be the log's or the database's own.
func knownKey(key []byte) bool {
	if len(key) == 0 {
		return false
	}
	switch key[0] {
	case blockPrefix, streamPrefix, commandPrefix, consumerPrefix, metaPrefix:
		return true
	}
	return bytes.HasPrefix(key, []byte("!badger!"))
}
