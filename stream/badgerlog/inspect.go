package badgerlog

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/dgraph-io/badger/v4"
	"github.com/dgraph-io/badger/v4/pb"
	"github.com/dgraph-io/badger/v4/y"
	"google.golang.org/protobuf/proto"
)

// DamagedError says that a file of the database is not what it was. Nothing was
// changed: opening it would have lost more, or ended the process.
type DamagedError struct {
	File string // the file
	Err  error  // what was expected and found
}

func (e *DamagedError) Error() string {
	return fmt.Sprintf("badgerlog: %s is damaged: %v", e.File, e.Err)
}

// Unwrap returns what was found.
func (e *DamagedError) Unwrap() error { return e.Err }

// inspection looks at the database's files before the database does, which
// truncates logs at the first thing it can not read, deletes tables that its
// manifest does not list, and panics where nobody can recover at a table that was
// cut. It reads what opening reads anyway, and the ends of tables.
type inspection struct {
	dir    string
	tables []uint64 // the files of tables, by number
	logs   []uint64 // of the value log
	mems   []uint64 // of memory tables
}

func inspect(dir string) error {
	in := &inspection{dir: dir}
	if err := in.list(); err != nil {
		return err
	}
	for _, check := range []func() error{in.checkEmpty, in.checkManifest, in.checkLogs} {
		if err := check(); err != nil {
			return err
		}
	}
	return nil
}

func (in *inspection) list() error {
	entries, err := os.ReadDir(in.dir)
	if err != nil {
		return fmt.Errorf("badgerlog: open %s: %w", in.dir, err)
	}
	families := map[string]*[]uint64{".sst": &in.tables, ".vlog": &in.logs, ".mem": &in.mems}
	for _, e := range entries {
		ext := filepath.Ext(e.Name())
		if family, ok := families[ext]; ok {
			n, err := strconv.ParseUint(strings.TrimSuffix(e.Name(), ext), 10, 32)
			if err != nil {
				return in.damaged(e.Name(), errors.New("expected a number as its name"))
			}
			*family = append(*family, n)
		}
	}
	for _, family := range families {
		slices.Sort(*family)
	}
	return nil
}

func (in *inspection) damaged(name string, err error) error {
	return &DamagedError{File: filepath.Join(in.dir, name), Err: err}
}

func tableName(n uint64) string { return fmt.Sprintf("%06d.sst", n) }
func logName(n uint64) string   { return fmt.Sprintf("%06d.vlog", n) }
func memName(n uint64) string   { return fmt.Sprintf("%05d.mem", n) }

// checkEmpty removes the newest file of each kind if it has no length: a crash
// left it between being made and being written, and the database does not open
// with one. An older one had something in it.
func (in *inspection) checkEmpty() error {
	for _, family := range []struct {
		files *[]uint64
		name  func(uint64) string
	}{{&in.logs, logName}, {&in.mems, memName}} {
		for i, n := range *family.files {
			path := filepath.Join(in.dir, family.name(n))
			info, err := os.Stat(path)
			if err != nil {
				return fmt.Errorf("badgerlog: open %s: %w", in.dir, err)
			}
			if info.Size() > 0 {
				continue
			}
			if i+1 < len(*family.files) {
				return in.damaged(family.name(n), errors.New("it has no length, and newer ones of its kind follow"))
			}
			if err := os.Remove(path); err != nil {
				return fmt.Errorf("badgerlog: open %s: %w", in.dir, err)
			}
			*family.files = (*family.files)[:i]
		}
	}
	return nil
}

// checkManifest checks that the manifest is there if anything is, and that each
// table it lists is there and whole at its end.
func (in *inspection) checkManifest() (err error) {
	defer func() {
		if p := recover(); p != nil { // the manifest is read by the database's own code
			err = in.damaged(badger.ManifestFilename, fmt.Errorf("reading it panics: %v", p))
		}
	}()
	f, err := os.Open(filepath.Join(in.dir, badger.ManifestFilename))
	if errors.Is(err, fs.ErrNotExist) {
		if len(in.tables)+len(in.logs)+len(in.mems) > 0 {
			return in.damaged(badger.ManifestFilename, errors.New("it is missing, and the database's other files are there"))
		}
		return nil
	}
	if err != nil {
		return fmt.Errorf("badgerlog: open %s: %w", in.dir, err)
	}
	defer func() { _ = f.Close() }() // only read
	manifest, _, err := badger.ReplayManifestFile(f, 0, badger.DefaultOptions(in.dir))
	if err != nil {
		return in.damaged(badger.ManifestFilename, errors.New(err.Error()))
	}
	for n := range manifest.Tables {
		if err := checkTable(filepath.Join(in.dir, tableName(n))); err != nil {
			return in.damaged(tableName(n), err)
		}
	}
	return in.setAside(manifest)
}

// checkTable checks a table's footer and its index: checksum length, checksum,
// index length, index, from the end of the file.
func checkTable(path string) error {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return errors.New("it is missing, and the manifest lists it")
	}
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }() // only read
	info, err := f.Stat()
	if err != nil {
		return err
	}
	end := info.Size()
	back := func(n int64) ([]byte, error) {
		if n < 0 || n > end {
			return nil, fmt.Errorf("expected %d bytes before byte %d", n, end)
		}
		end -= n
		b := make([]byte, n)
		_, err := f.ReadAt(b, end)
		return b, err
	}
	sized := func() ([]byte, error) {
		length, err := back(4)
		if err != nil {
			return nil, err
		}
		return back(int64(binary.BigEndian.Uint32(length)))
	}
	sum, err := sized()
	if err != nil {
		return fmt.Errorf("the checksum of its index: %w", err)
	}
	index, err := sized()
	if err != nil {
		return fmt.Errorf("its index: %w", err)
	}
	var expected pb.Checksum
	if err := proto.Unmarshal(sum, &expected); err != nil {
		return fmt.Errorf("the checksum of its index: %w", err)
	}
	if len(index) == 0 || expected.Sum == 0 {
		return errors.New("it has no index")
	}
	if err := y.VerifyChecksum(index, &expected); err != nil {
		return fmt.Errorf("its index: %s", err)
	}
	return nil
}

// aside is what the names of tables end with that the manifest does not list.
const aside = ".unlisted"

// setAside renames the tables that the manifest does not list, which the
// database would delete: after a crash they are of no use, but after damage to
// the manifest they are the data. They are removed once the log has opened whole.
func (in *inspection) setAside(manifest badger.Manifest) error {
	for _, n := range in.tables {
		if _, ok := manifest.Tables[n]; ok {
			continue
		}
		path := filepath.Join(in.dir, tableName(n))
		if err := os.Rename(path, path+aside); err != nil {
			return fmt.Errorf("badgerlog: open %s: %w", in.dir, err)
		}
	}
	return nil
}

// removeAside removes what setAside has renamed.
func removeAside(dir string) error {
	names, err := filepath.Glob(filepath.Join(dir, "*"+aside))
	if err != nil {
		return err
	}
	var errs []error
	for _, name := range names {
		errs = append(errs, os.Remove(name))
	}
	return errors.Join(errs...)
}

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
	size int
	ts   uint64
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
	return logEntry{size: end + 4, ts: 1<<64 - 1 - binary.BigEndian.Uint64(b[at+int(key)-8:])}, true
}
