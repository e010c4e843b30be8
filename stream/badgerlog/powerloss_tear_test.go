package badgerlog

import (
	"bytes"
	"math/rand/v2"
	"path/filepath"

	"github.com/dgraph-io/badger/v4"

	"github.com/thaw-go/thaw/internal/journal"
)

// What a loss of power leaves is made of two images: the disk before something
// was written, and after it. What is written is in steps, and each is synced
// before the next one begins: so the steps before the torn one are whole, and
// nothing of those behind it is there.

// step is files that are written together, and synced before anything else is.
type step struct {
	what  string
	files []string
	pages [2]int // of one file, only these pages; {0, 0}: all
}

// databaseSteps are those of a transaction and of what the database does by
// itself: values, then the memory table, then tables, then the manifest that
// lists them, then what is no longer needed is removed.
func databaseSteps(before, after image) []step {
	steps := []step{{what: "the value log"}, {what: "the memory table"}, {what: "tables"}, {what: "the manifest"}}
	for name := range after {
		switch filepath.Ext(name) {
		case ".vlog":
			steps[0].files = append(steps[0].files, name)
		case ".mem":
			steps[1].files = append(steps[1].files, name)
		case ".sst":
			steps[2].files = append(steps[2].files, name)
		}
	}
	steps[3].files = []string{badger.ManifestFilename}
	return changedSteps(steps, before, after)
}

// journalSteps are those of a record, or of a segment's two headers.
func journalSteps(before, after image) []step {
	var steps []step
	for _, name := range journal.Names {
		old, now := before[name], after[name]
		if len(now) >= 8192 && (len(old) < 8192 || !bytes.Equal(old[:8192], now[:8192])) {
			steps = append(steps, step{name + ", first header", []string{name}, [2]int{0, 1}}, step{name + ", second header", []string{name}, [2]int{1, 2}})
		}
	}
	for _, name := range journal.Names {
		steps = append(steps, step{name + ", record", []string{name}, [2]int{2, 1 << 30}})
	}
	return changedSteps(steps, before, after)
}

func changedSteps(steps []step, before, after image) (changed []step) {
	for _, s := range steps {
		var files []string
		for _, name := range s.files {
			if old, ok := before[name]; !ok || !bytes.Equal(old, after[name]) {
				files = append(files, name)
			}
		}
		if s.files = files; len(files) > 0 {
			changed = append(changed, s)
		}
	}
	return changed
}

// tornAt is the disk when the power went at a step; behind the last one,
// everything is there.
func tornAt(before, after image, steps []step, at int) image {
	im := before.with("", nil)
	for i, s := range steps {
		for _, name := range s.files {
			switch {
			case i < at:
				im[name] = s.pasted(im[name], after[name])
			case i == at:
				if data, ok := tear(im[name], s.pasted(im[name], after[name])); ok {
					im[name] = data
				}
			}
		}
	}
	if bytes.Equal(im[badger.ManifestFilename], after[badger.ManifestFilename]) {
		for name := range before {
			if _, ok := after[name]; !ok && filepath.Ext(name) != "" && rand.IntN(2) == 0 {
				delete(im, name) // by the database, which needs it no more
			}
		}
	}
	return im
}

// pasted is old with the step's pages of now.
func (s *step) pasted(old, now []byte) []byte {
	if s.pages == [2]int{} {
		return now
	}
	const page = 4096
	data := make([]byte, max(len(now), len(old)))
	copy(data, old)
	from, to := min(s.pages[0]*page, len(now)), min(s.pages[1]*page, len(now))
	copy(data[from:to], now[from:to])
	return data
}

// tear is a file of which some sectors are old and some new; what was never
// written reads as zeros. A file that was just made may not be there at all.
func tear(old, now []byte) (data []byte, ok bool) {
	if old == nil {
		switch rand.IntN(4) {
		case 0:
			return nil, false
		case 1:
			return []byte{}, true
		}
	}
	length := len(now)
	if len(now) != len(old) && rand.IntN(3) == 0 {
		length = min(len(old), len(now)) + rand.IntN(max(len(old), len(now))-min(len(old), len(now)))
	}
	data = make([]byte, length)
	copy(data, old)
	sector := []int{512, 4096}[rand.IntN(2)]
	likely := []float64{0, 0.1, 0.5, 0.9, 1}[rand.IntN(5)]
	var changed []int
	for at := 0; at < min(length, len(now)); at += sector {
		if end := min(at+sector, length, len(now)); !bytes.Equal(data[at:end], now[at:end]) {
			changed = append(changed, at)
		}
	}
	only := len(changed)
	if rand.IntN(2) == 0 && only > 0 {
		only, likely = rand.IntN(only), 1 // in order, up to somewhere
	}
	for i, at := range changed {
		if end := min(at+sector, length, len(now)); i < only && rand.Float64() < likely {
			copy(data[at:end], now[at:end])
		}
	}
	return data, true
}

// tornHead is the file HEAD, which is never synced: as it was some time, cut, of
// zeros or not there.
func tornHead(im image, earlier [][]byte) {
	switch n := rand.IntN(6); {
	case n == 0:
		delete(im, witnessName)
	case n == 1:
		im[witnessName] = []byte{}
	case n == 2:
		im[witnessName] = make([]byte, 2*slotSize)
	case n == 3 && len(earlier) > 0:
		im[witnessName] = earlier[rand.IntN(len(earlier))]
	case n == 4 && len(im[witnessName]) > 0:
		im[witnessName] = bytes.Clone(im[witnessName])
		clear(im[witnessName][rand.IntN(len(im[witnessName])):])
	}
}
