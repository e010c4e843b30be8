package badgerlog

import "time"

// mapped gives back what the database's value log takes of the process's memory.
// Its files are mapped as long as they are open, and every page that was ever
// written or read would count as resident: all of a bulk load. What is given back
// stays in the system's cache, and is mapped again when it is read.
//
// Nothing may be unmapped meanwhile, as its place could be somebody else's by the
// time it is named. The value log's files are unmapped and cut by the flusher's
// own transactions, by the collector, and by the last to leave the database when
// the collector has removed a file: so this is the flusher's to call between two
// transactions, with the collector at rest and nobody inside.
type mapped struct {
	log     *Log
	written int // since it was last given back
}

// mappedBytes is how much is written before pages are given back.
const mappedBytes = 64 << 20

// wrote notes that so many bytes were written. When it is time and others leave
// no moment for it, it tries again after the next transaction.
func (m *mapped) wrote(bytes int) {
	if m.written += bytes; m.written < mappedBytes || !m.log.collector.working.TryLock() {
		return
	}
	defer m.log.collector.working.Unlock()
	const tries, apart = 20, 100 * time.Microsecond
	for range tries {
		if m.log.reads.alone(func() { unmapPages(m.log.dir.path) }) {
			m.written = 0
			return
		}
		time.Sleep(apart)
	}
}

// alone runs f if nobody is inside the database, and lets nobody in meanwhile.
func (r *reads) alone(f func()) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.active) > 0 {
		return false
	}
	f()
	return true
}
