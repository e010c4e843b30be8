package badgerlog

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// image is the files of a log's directory as they were at a moment.
type image map[string][]byte

// takeImage reads a directory once no file in it changes any more: the database
// may still be merging tables.
func takeImage(t testing.TB, dir string) image {
	t.Helper()
	for before, found := image(nil), false; ; {
		now, whole := readImage(t, dir)
		if whole && found && now.equal(before) {
			return now
		}
		before, found = now, whole
	}
}

// readImage reads a directory; false if a file went away meanwhile.
func readImage(t testing.TB, dir string) (image, bool) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	im := image{}
	for _, e := range entries {
		data, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if os.IsNotExist(err) {
			return nil, false
		}
		if err != nil {
			t.Fatal(err)
		}
		im[e.Name()] = data
	}
	return im, true
}

func (im image) equal(other image) bool {
	if len(im) != len(other) {
		return false
	}
	for name, data := range im {
		there, ok := other[name]
		if !ok || !bytes.Equal(data, there) {
			return false
		}
	}
	return true
}

// with is a copy of the image in which one file is another; nil removes it.
func (im image) with(name string, data []byte) image {
	copied := image{}
	for n, d := range im {
		copied[n] = d
	}
	if copied[name] = data; data == nil {
		delete(copied, name)
	}
	return copied
}

// write makes a directory of the image. Pages of zeros are not written, as most
// of a memory table's file is.
func (im image) write(t testing.TB) (dir string) {
	t.Helper()
	const page = 4096
	dir = t.TempDir()
	zeros := make([]byte, page)
	for name, data := range im {
		f, err := os.Create(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if err := f.Truncate(int64(len(data))); err != nil {
			t.Fatal(err)
		}
		for at := 0; at < len(data); at += page {
			part := data[at:min(at+page, len(data))]
			if bytes.Equal(part, zeros[:len(part)]) {
				continue
			}
			if _, err := f.WriteAt(part, int64(at)); err != nil {
				t.Fatal(err)
			}
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// names are the files with an extension, the newest last.
func (im image) names(ext string) (names []string) {
	for name := range im {
		if strings.HasSuffix(name, ext) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// used is how long a file is without the zeros at its end.
func used(data []byte) int { return len(bytes.TrimRight(data, "\x00")) }

// flipped is a copy with one bit turned over.
func flipped(data []byte, bit int) []byte {
	data = bytes.Clone(data)
	data[bit/8] ^= 1 << (bit % 8)
	return data
}

// lost are the files of the image whose contents are no longer in a directory
// under any name, nor at the beginning of what is there now.
func (im image) lost(t testing.TB, dir string) (names []string) {
	t.Helper()
	now, _ := readImage(t, dir)
	for name, data := range im {
		if n := used(data); bytes.Equal(now[name], data) || n > 0 && bytes.HasPrefix(now[name], data[:n]) {
			continue
		}
		moved := false
		for _, other := range now {
			moved = moved || bytes.Equal(other, data)
		}
		if !moved {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}
