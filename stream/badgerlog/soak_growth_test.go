package badgerlog_test

import (
	"errors"
	"io/fs"
	"os"
	"runtime"
	"slices"
	"testing"
)

// openFiles is how many files this process has open; 0 where nobody says.
func openFiles(t testing.TB) int {
	t.Helper()
	list, err := os.ReadDir("/proc/self/fd")
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	return len(list)
}

// By how much the heap may differ, in MiB, though nothing grows. Without
// subscribers: a tail of 2000 events, two generations of 500, and what the
// database keeps, which are memory tables of 16 MiB and indexes of tables. With
// 200 of them: a buffer of each, which holds what was read at once.
const (
	soakQuietSwing = 48
	soakHeapSwing  = soakQuietSwing + soakSubscribers*(512<<10+256<<10)>>20
)

// heap is how much memory is in use, in MiB, once pools are empty.
func heap() uint64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc >> 20
}

// measure notes what the process holds. Each subscriber and writer has one
// goroutine, and each file of the log is open once.
func (s *soak) measure() {
	s.t.Helper()
	s.heaps = append(s.heaps, heap())
	now := soakFigures{goroutines: runtime.NumGoroutine(), files: openFiles(s.t)}
	s.most.goroutines, s.most.files = max(s.most.goroutines, now.goroutines), max(s.most.files, now.files)
	const others = 20 // what comes and goes in the database and here
	if most := s.base.goroutines + soakSubscribers + soakWriters + others; now.goroutines > most {
		s.t.Errorf("%d goroutines are running, expected at most %d", now.goroutines, most)
	}
	names, err := os.ReadDir(s.log.Dir())
	if err != nil {
		s.t.Error(err)
	}
	if most := s.base.files + len(names) + others; now.files > most {
		s.t.Errorf("%d files are open, expected at most %d: the log has %d", now.files, most, len(names))
	}
}

// checkHeap fails if the heap was larger in the last third of the time than in
// the one before, or is larger without subscribers than before there were any.
func (s *soak) checkHeap(quiet uint64) {
	s.t.Helper()
	if quiet > s.base.heap+soakQuietSwing {
		s.t.Errorf("without subscribers the heap grew from %d to %d MiB", s.base.heap, quiet)
	}
	n := len(s.heaps)
	if n < 6 {
		return
	}
	before, after := slices.Max(s.heaps[n/3:2*n/3]), slices.Max(s.heaps[2*n/3:])
	if after > before+soakHeapSwing {
		s.t.Errorf("the heap grew from %d to %d MiB in the last third of the time", before, after)
	}
}
