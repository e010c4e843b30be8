package main

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"sync"
	"unsafe"
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

const (
	flatBytes   = 64 << 20 // the file, written once with zeros; a full one is begun anew
	flatAlign   = 4096     // what direct writes must be multiples of
	recordBytes = 8        // length and checksum before each frame
)

// flatFile is the limit: a file whose space is allocated and written beforehand,
// to which frames with a checksum are written one behind the other. It can be
// neither searched nor recovered after a crash; no log can be faster on the same
// disk by much.
type flatFile struct {
	mu     sync.Mutex
	file   *os.File
	buffer []byte // aligned; grows never
	at     int64
	load   load
	events *pool
	direct bool // past the page cache, each write on the disk before it returns
}

func openFlat(dir string, l load, events *pool) (store, error) {
	return newFlat(dir, l, events, false)
}

func openFlatDirect(dir string, l load, events *pool) (store, error) {
	if directSync == 0 {
		return nil, errors.New("open flat file: direct writes are known on Linux only")
	}
	return newFlat(dir, l, events, true)
}

func newFlat(dir string, l load, events *pool, direct bool) (store, error) {
	path := filepath.Join(dir, "flat")
	if err := fillZeros(path, flatBytes); err != nil {
		return nil, fmt.Errorf("open flat file: %w", err)
	}
	flags := os.O_WRONLY
	if direct {
		flags |= directSync
	}
	file, err := os.OpenFile(path, flags, 0)
	if err != nil {
		return nil, fmt.Errorf("open flat file: %w", err)
	}
	room := l.batch*(recordBytes+events.size) + flatAlign
	return &flatFile{file: file, buffer: aligned(room + flatAlign), load: l, events: events, direct: direct}, nil
}

// aligned returns n bytes that begin at a multiple of flatAlign.
func aligned(n int) []byte {
	b := make([]byte, n+flatAlign)
	skip := flatAlign - int(uintptr(unsafe.Pointer(&b[0]))%flatAlign)
	return b[skip : skip+n]
}

func fillZeros(path string, n int) error {
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	zeros := make([]byte, flatAlign) // in small pieces: the page cache keeps them so, and each sync writes few
	for ; n > 0 && err == nil; n -= len(zeros) {
		_, err = file.Write(zeros)
	}
	return errors.Join(err, file.Sync(), file.Close())
}

func (f *flatFile) put(first, n int) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	b := f.buffer[:0]
	for i := first; i < first+n; i++ {
		b = appendRecord(b, f.events.frame(i))
	}
	if f.direct {
		b = b[:(len(b)+flatAlign-1)/flatAlign*flatAlign]
	}
	if f.at+int64(len(b)) > flatBytes {
		f.at = 0
	}
	if _, err := f.file.WriteAt(b, f.at); err != nil {
		return err
	}
	f.at += int64(len(b))
	if f.load.durable && !f.direct {
		return dataSync(f.file)
	}
	return nil
}

func appendRecord(b, frame []byte) []byte {
	b = binary.LittleEndian.AppendUint32(b, uint32(len(frame)))
	b = binary.LittleEndian.AppendUint32(b, crc32.Checksum(frame, castagnoli))
	return append(b, frame...)
}

func (f *flatFile) close() error { return f.file.Close() }

// flatReader reads a file of frames, each with its length and checksum, through
// a buffer.
type flatReader struct{ path string }

func (r flatReader) close() error { return nil }

func (r flatReader) scan() (int, error) {
	file, err := os.Open(r.path)
	if err != nil {
		return 0, err
	}
	defer file.Close()
	var t tally
	buffer, have := make([]byte, 1<<20), 0
	for {
		n, err := file.Read(buffer[have:])
		have += n
		rest, bad := eachRecord(buffer[:have], t.frame)
		if bad != nil {
			return t.events, bad
		}
		have = copy(buffer, rest)
		if err == io.EOF && have == 0 {
			return t.events, nil
		}
		if err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		if err != nil {
			return t.events, err
		}
	}
}

// eachRecord visits the frames of whole records and returns the bytes behind.
func eachRecord(b []byte, visit func([]byte) error) ([]byte, error) {
	for len(b) >= recordBytes {
		size := int(binary.LittleEndian.Uint32(b))
		if len(b) < recordBytes+size {
			break
		}
		frame := b[recordBytes : recordBytes+size]
		if crc32.Checksum(frame, castagnoli) != binary.LittleEndian.Uint32(b[4:]) {
			return nil, errFrame
		}
		if err := visit(frame); err != nil {
			return nil, err
		}
		b = b[recordBytes+size:]
	}
	return b, nil
}

// writeFlat makes the file that flatReader reads.
func writeFlat(dir string, events *pool, n int) error {
	file, err := os.Create(filepath.Join(dir, "flat"))
	if err != nil {
		return err
	}
	out := bufio.NewWriterSize(file, 1<<20)
	var record []byte
	for i := 0; i < n && err == nil; i++ {
		record = appendRecord(record[:0], events.frame(i))
		_, err = out.Write(record)
	}
	return errors.Join(err, out.Flush(), file.Close())
}
