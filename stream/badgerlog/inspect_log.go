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

func (in *inspection) checkLog(name string, synced uint64) (newest uint64, err error) {
	l, err := in.openLog(name)
	if err != nil {
		return 0, err
	}
	if newest, err = l.check(synced); err != nil {
		return 0, in.damaged(name, err)
	}
	return newest, nil
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
// earlier one, or of one up to synced, was once on the disk whole, and so was what
// stands before it. It returns the youngest transaction before the first that can
// not be read.
func (l *databaseLog) check(synced uint64) (whole uint64, err error) {
	if l.encrypted && l.key == nil {
		return 0, nil
	}
	end, newest := logHeaderSize, uint64(0)
	for end < len(l.data) {
		e, ok := l.entry(end)
		if !ok {
			break
		}
		if e.strange {
			return 0, fmt.Errorf("the entry at byte %d is whole, but it is not encrypted as the log's header says", end)
		}
		end, newest = end+e.size, max(newest, e.ts)
	}
	whole = newest
	oldest, at := uint64(1<<64-1), 0
	rest := l.data[min(end, len(l.data)):]
	for i := 0; i < len(rest); i++ {
		for bytes.HasPrefix(rest[i:], zeros[:]) { // most of a log that is new
			i += len(zeros) - 2 // an entry may begin with two
		}
		if rest[i] == 0 && rest[min(i+1, len(rest)-1)] == 0 && i+4 < len(rest) && rest[i+2] == 0 {
			continue // no entry begins with three zeros, and unused space is nothing else
		}
		e, ok := l.entry(end + i)
		if !ok || e.strange {
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

// What an entry's meta says of its transaction.
const (
	inTransaction   = 1 << 6
	endsTransaction = 1 << 7
)

type logEntry struct {
	size    int
	meta    byte
	body    []byte // the key and the value, as they stand in the log
	key     int    // how long the key is
	value   []byte // if it is not encrypted, or ends a transaction
	ts      uint64
	strange bool // it decrypts to nothing that was ever written
}

// entry reads the entry at a byte.
func (l *databaseLog) entry(start int) (logEntry, bool) {
	e, ok := decodeLogEntry(l.data[start:])
	if ok && l.key != nil {
		l.decrypt(&e, start)
	}
	return e, ok
}

// decodeLogEntry reads the entry at the beginning of b; key, value and timestamp
// are as they stand there. This package sets no user meta, and an expiry that needs
// five bytes; looking at them first keeps check from summing up what lies behind
// every byte of a damaged file.
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
	if lengths[2] != 0 && (lengths[2] < firstExpiry || lengths[2] > lastExpiry) {
		return logEntry{}, false
	}
	if key < 8 || key > mostKey || value > uint64(len(b)) || uint64(at)+key+value+4 > uint64(len(b)) {
		return logEntry{}, false
	}
	end := at + int(key+value)
	if crc32.Checksum(b[:end], castagnoli) != binary.BigEndian.Uint32(b[end:]) {
		return logEntry{}, false
	}
	e := logEntry{size: end + 4, meta: b[0], body: b[at:end], key: int(key), value: b[at+int(key) : end]}
	e.ts = timestamp(e.body[:key])
	return e, true
}

// timestamp is the one that a key ends with.
func timestamp(key []byte) uint64 { return 1<<64 - 1 - binary.BigEndian.Uint64(key[len(key)-8:]) }

// decrypt reads an entry that stands at a byte of the log. Its IV is the beginning
// that the header names, and where it stands.
func (l *databaseLog) decrypt(e *logEntry, at int) {
	var iv [aes.BlockSize]byte
	copy(iv[:], l.data[8:logHeaderSize])
	binary.BigEndian.PutUint32(iv[12:], uint32(at))
	n := e.key
	if e.meta&endsTransaction != 0 {
		n = len(e.body) // its value is the transaction's number
	}
	plain := unmask(l.key, iv[:], e.body[:n])
	e.ts, e.value = timestamp(plain[:e.key]), plain[e.key:]
	e.strange = e.ts > mostTimestamp || !knownKey(plain[:e.key-8])
}

// mostTimestamp is more transactions than a log will ever have.
const mostTimestamp = 1 << 48

// knownKey reports whether a key may be the log's or the database's own.
func knownKey(key []byte) bool {
	if len(key) == 0 {
		return false
	}
	switch key[0] {
	case blockPrefix, streamPrefix, commandPrefix, tagPrefix, consumerPrefix, metaPrefix:
		return true
	}
	return bytes.HasPrefix(key, []byte("!badger!"))
}
